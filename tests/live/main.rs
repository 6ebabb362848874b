//! The live file: what it holds of a process that was killed at any moment, of one
//! that goes on, and when a file is broken.

#![cfg(target_os = "linux")]

mod failures;
mod hostile;
mod killed;
mod lifetime;
mod model;
mod recorder;
