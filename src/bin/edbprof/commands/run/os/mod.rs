//! System calls that no crate has in a safe form: the only unsafe code of the program.
//!
//! | module | content |
//! |---|---|
//! | [`signal_set`] | sets of signals |
//! | [`signals`] | to block, take, send and raise signals, and to die of one |
//! | [`inherited`] | dispositions and descriptors that this process has inherited |
//! | [`spawn`] | to start the program, and the probe beside it |
//! | [`arguments`] | to hide this program's own arguments |
//! | [`usage`] | processor time of other processes |
//!
//! All functions are safe. Those that start processes want that this process has one thread: a
//! child that is forked from several may wait for a lock for ever.

mod arguments;
mod inherited;
mod signal_set;
mod signals;
mod spawn;
mod usage;

pub(super) use arguments::hide_arguments;
pub(super) use inherited::close_all_but;
pub(in crate::commands) use signal_set::SignalSet;
pub(in crate::commands) use signals::{Arrivals, Arrived, Blocked, stop_self, take};
pub(super) use signals::{
    die_of, ignore_file_size_limit, ignore_interrupts, is_ignored, next_of, send, take_within,
};
pub(super) use spawn::{Image, Started, die_with, environment, spawn};
pub(super) use usage::processor_ns;
