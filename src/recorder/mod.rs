//! Recording in the profiled process.
//!
//! ```text
//! ffi ── enter/leave ──▶ thread ── cursor in ──▶ node (in an arena)
//!                          │ first time in a context
//!                          ▼
//!                      recording ── function table, threads, arena
//!                          │ save
//!                          ▼
//!                      snapshot ──▶ format::trees::Trees ──▶ save: `.prof`
//! ```
//!
//! From the first event on nodes, functions and threads lie in a [`live`] file that is
//! mapped into memory: whatever ends the process, it stays as it was.
//!
//! A [`recording::Recording`] belongs to one process and is shared by its threads;
//! everything in it that is not hot lies behind one lock. A [`thread::Thread`] is
//! one OS thread's place in it and takes events without lock or allocation; [`attach`]
//! says how threads come and go.
//! [`fork`] turns the copy that a forked child inherits into an empty one.

pub(crate) mod arena;
pub(crate) mod attach;
pub(crate) mod calibration;
pub(crate) mod children;
pub(crate) mod durability;
pub(crate) mod exit;
pub(crate) mod fork;
pub(crate) mod functions;
#[cfg_attr(not(target_os = "linux"), path = "live/absent.rs")]
pub(crate) mod live;
/// Compiled where it stands in for nothing too, so that it goes on fitting.
#[cfg(all(test, target_os = "linux"))]
#[path = "live/absent.rs"]
#[allow(dead_code, clippy::duplicate_mod, reason = "only its test uses it")]
mod live_absent;
pub(crate) mod node;
pub(crate) mod recording;
pub(crate) mod region;
pub(crate) mod save;
pub(crate) mod snapshot;
pub(crate) mod stopwatch;
pub(crate) mod thread;

#[cfg(test)]
mod tests;
