//! One module for each command. They share nothing, except that `run` aggregates at the end.

pub(crate) mod aggregate;
pub(crate) mod calls;
pub(crate) mod check;
pub(crate) mod clean;
mod compared;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod mcp;
pub(crate) mod mistakes;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod view;
