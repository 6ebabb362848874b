//! `edbprof attach` and `edbprof dump`: look into a process that runs.
//!
//! | module | content |
//! |---|---|
//! | [`process`] | facts of the process, as the system shows them |
//! | [`door`] | the socket by which the process is asked |
//! | [`remote`] | a way in for Python 3.14 and later, which opens a door |
//! | [`session`] | recording: from its beginning to the results |
//! | [`dump`] | stacks |

mod door;
mod dump;
mod process;
mod remote;
mod session;

pub(crate) use dump::dump;
pub(crate) use session::attach;

use self::door::Door;
use self::process::Process;
use crate::cli::exit::Error;

/// Returns a connection to the process, by its door or by the one that is opened now.
///
/// # Errors
///
/// The reason why there is none, and what to do about it.
fn connect(process: &Process) -> Result<Door, Error> {
    match process.door() {
        Some(path) => Door::connect(process, &path),
        None => remote::open_door(process),
    }
}
