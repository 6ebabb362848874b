//! edbprof: an exact, crash-proof, multi-process profiler for Python.
//!
//! The house has two halves that meet only in [`mod@format`], what lies on disk:
//!
//! * **Recording**, in the profiled process: `recorder` keeps one call tree per
//!   thread, [`capi`] is the C ABI in front of it. Needs no feature.
//! * **Reporting**, in the program `edbprof`: [`analysis`] is the merged value and
//!   what is computed on it, `report` writes it down (feature `report`).
//!
//! Data flows one way: interpreter event → `capi` → `recorder` → `format` →
//! [`analysis`] → `report`. The recording half never depends on the reporting one.

pub mod analysis;
pub mod capi;
pub mod format;
mod recorder;
#[cfg(feature = "report")]
pub mod report;
mod word_hash;
