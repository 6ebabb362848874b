//! The commands, one module each. They share little: `run` and `attach` end with `aggregate`, and
//! `live` and `attach` use the system calls of `run` to wait.

pub(crate) mod aggregate;
pub(crate) mod attach;
pub(crate) mod calls;
pub(crate) mod check;
pub(crate) mod clean;
mod compared;
pub(crate) mod diff;
pub(crate) mod export;
#[cfg_attr(not(target_os = "linux"), path = "live_unsupported.rs")]
pub(crate) mod live;
pub(crate) mod mcp;
pub(crate) mod mistakes;
pub(crate) mod run;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod view;
