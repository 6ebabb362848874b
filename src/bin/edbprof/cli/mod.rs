//! The command line and the streams: everything between the user and the commands.

pub(crate) mod args;
pub(crate) mod exit;
pub(crate) mod names;
pub(crate) mod ui;
pub(crate) mod words;
