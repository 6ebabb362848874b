//! edbprof: an exact, crash-proof, multi-process profiler for Python.
//!
//! The **recorder** ([`capi`], `recorder`) runs inside the profiled process. It takes call and
//! return events through a C ABI and moves a cursor in the call tree of each thread. It keeps these
//! trees in a memory-mapped file that survives any end of the process.
//!
//! The **reporter** ([`analysis`], `report`, the program `edbprof`) reads the files that recorders
//! wrote, merges them into one profile and writes reports. It needs the feature `report`.
//! `capi::profiles` gives programs the figures of a profile, with the feature `profiles`.
//!
//! Both build on the same three parts and never on each other:
//!
//! | part | holds | may use |
//! |---|---|---|
//! | [`model`] | the call tree as a value: functions, nodes, trees, rows, walks | nothing |
//! | `clock` | time stamp counter, system clocks, tick rates | nothing |
//! | [`mod@format`] | the bytes on disk, and readers that never panic | `model`, `clock` |
//! | `recorder` | nodes, threads, recordings, live files, fork, exit | `model`, `clock`, `format` |
//! | [`capi`] | the C ABI: the only way into the recorder | `model`, `clock`, `recorder` |
//! | [`analysis`] | merging, selecting, estimating, compensating | `model`, `format` |
//! | `capi::profiles` | profiles as columns, the second part of the C ABI | `model`, `format`, `analysis`, `capi` |
//! | `report` | one small file for each output format | `model`, `format`, `analysis` |
//!
//! `tests/it/layers.rs` enforces the last column.
//!
//! The way of an event through the crate:
//!
//! ```text
//! interpreter event -> capi::event -> recorder::thread -> a node in the live file
//! end of process    -> recorder::save -> format::prof -> one .prof file
//! edbprof           -> format (read) -> analysis::merge -> report -> .svg, .pstats, ...
//! ```

#[cfg(feature = "analysis")]
pub mod analysis;
pub mod capi;
mod clock;
pub mod format;
pub mod model;
mod recorder;
#[cfg(feature = "report")]
pub mod report;
