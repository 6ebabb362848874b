//! Atomics that a thread's tree is made of: std's, except in models of interleavings
//! (`--cfg edbprof_loom`), which run each order of loads and stores that the hardware may take.

#[cfg(not(edbprof_loom))]
pub(crate) use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64};

#[cfg(edbprof_loom)]
pub(crate) use loom::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64};
