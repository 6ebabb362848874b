//! The program `edbprof` from outside: its inputs, results, messages and exit statuses.

#![cfg(feature = "cli")]

mod calls;
mod clean;
mod compensation;
mod diff;
mod foreign;
mod formats;
mod hints;
mod hostile;
mod inputs;
mod json;
mod live;
#[path = "../it/live_file.rs"]
mod live_file;
mod mcp;
mod mistakes;
mod outputs;
mod overwriting;
mod ownership;
mod progress;
mod run;
mod run_program;
mod run_reasons;
mod run_repeat;
mod run_signals;
mod run_transparent;
#[cfg(target_os = "linux")]
mod run_writing;
mod sandbox;
mod selection;
mod shell;
mod show;
mod talk;
#[path = "../support/timeline.rs"]
mod timeline;
mod timeline_results;
mod timelines;
mod view;
mod windows;
