//! Safe functions for system calls: the only unsafe code of the program.
//!
//! | module | content |
//! |---|---|
//! | [`signal_set`] | sets of signals |
//! | [`signals`] | blocks, takes, sends and raises signals, and ends this process by one |
//! | [`inherited`] | dispositions and descriptors that this process has inherited |
//! | [`spawn`] | starts the program, and the probe beside it |
//! | [`arguments`] | hides this program's own arguments |
//! | [`usage`] | processor time of other processes |
//!
//! Functions that start processes must be called while this process has one thread. A child that is
//! forked from a process with several may wait for a lock for ever.

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
