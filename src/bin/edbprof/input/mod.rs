//! Reads the files that the command line names, and merges them into one profile.
//!
//! [`discover`] finds the files, and [`own_result`] those that `top`, `tree` and similar commands
//! show. [`since`] chooses runs. [`trust`] decides whose files are read, [`mod@read`] reads one
//! file, [`mod@merge`] adds all of them up, and [`report`] lists files that are left out.
//! [`timelines`] opens the timelines beside the files. [`runs`] reads several profiles separately.
//! [`mod@script`] distinguishes programs from profiles. [`window`] makes a profile of a part of a
//! run.

mod discover;
mod merge;
mod own_result;
mod progress;
mod read;
mod read_error;
mod report;
mod runs;
pub(crate) mod script;
mod since;
pub(crate) mod sources;
pub(crate) mod timelines;
mod trust;
pub(crate) mod window;

pub(crate) use discover::{
    FileId, Filter, Input, directories, find, finished_beside, is_live, matches,
    temporary_directories,
};
pub(crate) use merge::merge;
pub(crate) use own_result::find_to_show;
pub(crate) use read_error::ReadError;
pub(crate) use report::{ReadReport, SkippedInput};
pub(crate) use runs::read_runs;
pub(crate) use trust::{Owners, read_trusted, sidecar_beside};
pub(crate) use window::merge_window;
