//! Atomics for the trees of threads. They are std's, except in models of interleavings (`--cfg
//! edbprof_loom`), which try all orders of loads and stores that hardware may execute.

#[cfg(not(edbprof_loom))]
pub(crate) use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64};

#[cfg(edbprof_loom)]
pub(crate) use loom::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64};
