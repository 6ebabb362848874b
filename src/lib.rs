//! edbprof: an exact, crash-proof, multi-process profiler for Python.
//!
//! The house has two halves that meet only in [`mod@format`], what lies on disk:
//!
//! * **Recording**, in the profiled process: `record` keeps one call tree per
//!   thread, [`ffi`] is the C ABI in front of it. Needs no feature.
//! * **Reporting**, in the program `edbprof`: [`profile`] is the merged value and
//!   what is computed on it, `report` writes it down (feature `report`).
//!
//! Data flows one way: interpreter event → `ffi` → `record` → `format` →
//! [`profile`] → `report`. The recording half never depends on the reporting one.

pub mod ffi;
pub mod format;
pub mod profile;
mod record;
#[cfg(feature = "report")]
pub mod report;
mod word_hash;
