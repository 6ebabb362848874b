//! The pstats dictionary, which `cProfile.Profile.dump_stats` marshals and `pstats.Stats` reads:
//!
//! ```text
//! {(file, line, name): (cc, nc, tt, ct, {(file, line, name): (nc, cc, tt, ct)})}
//! ```
//!
//! A function's tuple begins with the primitive calls, a caller's with all calls. `Lib/cProfile.py`
//! writes them in these orders (`snapshot_stats`), and `Lib/pstats.py` prints them so
//! (`print_call_line`).
//!
//! `Lib/profile.py` writes a bare int for a caller, its calls; it is read as that
//! many primitive calls of unknown time and written as it was ([`Row::untimed`](crate::model::Row::untimed)).
//! Names may be bytes (Python 2 wrote no other), counts bools, times ints.

mod entries;
mod reader;
mod writer;

pub use entries::Entries;
pub use reader::decode;
pub(super) use reader::read_entries;
pub(super) use reader::{read, read_label};
pub use writer::encode;
pub(super) use writer::{write, write_label};
