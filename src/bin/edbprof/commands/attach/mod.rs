//! `edbprof attach` and `edbprof dump`: look into a running process.
//!
//! | module | content |
//! |---|---|
//! | [`process`] | facts of the process that the system shows |
//! | [`door`] | the socket by which the process is asked |
//! | [`rights`] | the right that is missing, and what grants it |
//! | [`remote`] | a way in for Python 3.14 and later, which opens a door |
//! | [`session`] | recording: from its beginning to the results |
//! | [`dump`] | stacks |

mod door;
mod dump;
mod process;
mod remote;
mod rights;
mod session;

pub(crate) use dump::dump;
pub(crate) use session::attach;

use std::time::Duration;

use self::door::Door;
use self::process::Process;
use crate::cli::exit::Error;

/// Returns a connection to the process, through a door that it has or one that is opened now. The
/// process has `patience` for each answer.
///
/// # Errors
///
/// The reason why there is none, and what to do about it.
fn connect(process: &Process, patience: Duration) -> Result<Door, Error> {
    match &process.doors()[..] {
        [] => remote::open_door(process, patience),
        paths => Door::connect(process, paths, patience),
    }
}
