//! What lies on disk. Each format has its byte table in its module's docs; the
//! readers are total: no panic, no unbounded allocation or recursion and no code
//! execution, whatever the bytes.

#![deny(unsafe_code)]
#![cfg_attr(
    not(feature = "report"),
    allow(dead_code, reason = "some of it serves reports only")
)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod atomic_file;
pub(crate) mod calibration;
pub mod content_hash;
pub mod extent;
pub mod foreign;
mod input;
pub mod live;
pub mod marshal;
pub mod process;
pub mod prof;
pub mod pstats;
pub mod read_error;
pub mod sidecar;
pub mod trees;
mod wtf8;
