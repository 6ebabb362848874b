//! Formats of files, and their readers and writers.
//!
//! | module | file |
//! |---|---|
//! | [`prof`] | `.prof`, written when a recording is saved and by merges; its call trees are in [`trees`] |
//! | [`live`] | `.prof.live`, mapped into the memory of the profiled process |
//! | [`pstats`] | the dictionary of `cProfile`, the first object of a `.prof` |
//! | [`timeline`] | `.timeline` and `.prof.timeline.live`, the events in their order |
//! | [`sidecar`] | `.singledispatch`, dispatch counts beside a `.prof` |
//! | [`marshal`] | the encoding of `.prof` files |
//!
//! Each module documents its bytes in tables. Readers are total: on any bytes, they neither panic
//! nor run code, and they bound memory and recursion.
//!
//! `.prof` and live files have a version. A change that an earlier reader would misread increases
//! the version. The reader still accepts all earlier versions, and the code for these is in a file
//! of its own. `tests/golden/edbprof-<version>` has files of every version, with the values that
//! reading them must give.

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
pub mod bounded;
pub(crate) mod calibration;
pub mod content_hash;
pub mod extent;
pub mod foreign;
mod input;
pub mod live;
pub mod marshal;
pub mod memory_room;
pub mod process;
pub mod prof;
pub mod pstats;
pub mod read_error;
pub mod regular_file;
pub mod sidecar;
pub mod timeline;
pub mod trees;
mod wtf8;
