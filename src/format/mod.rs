//! What lies on disk. Each format has its byte table in its module's docs; the
//! readers are total: no panic, no unbounded allocation or recursion and no code
//! execution, whatever the bytes.

#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod atomic_file;
pub mod content_hash;
mod input;
pub mod live;
pub mod marshal;
pub mod process;
pub mod prof;
pub mod pstats;
pub mod read_error;
pub mod sidecar;
pub(crate) mod thread_name;
pub mod trees;
mod wtf8;
