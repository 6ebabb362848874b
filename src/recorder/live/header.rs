//! Facts that a live file is made from, besides its records.

use std::ptr::NonNull;

use crate::clock::{Clock, ClockSample, TickRate};
use crate::model::RecordingId;

/// Facts of the header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveHeader {
    pub(crate) id: RecordingId,
    pub(crate) pid: u32,
    pub(crate) start_unix_ns: u64,
    pub(crate) anchor: ClockAnchor,
}

/// Ties the ticks of a recording to the system's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockAnchor {
    pub(crate) clock: Clock,
    /// Reading of the clock at tick 0.
    pub(crate) epoch: u64,
    /// Tick at which recording began.
    pub(crate) begin: u64,
    pub(crate) started: ClockSample,
    pub(crate) rate: TickRate,
}

/// The memory of the nodes that are there already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeMemory {
    pub(crate) base: NonNull<u8>,
    /// Bytes that may be written, in whole pages.
    pub(crate) committed: usize,
    /// Bytes at the front that may hold nodes; zeros follow.
    pub(crate) used: usize,
}
