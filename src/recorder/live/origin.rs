//! What a live file is made from.

use std::ptr::NonNull;

use crate::clock::ClockSample;
use crate::clock::{Clock, TickRate};

/// What the header says of a recording besides its identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) clock: Clock,
    pub(crate) epoch: u64,
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
    /// Bytes in front in which anything is; zeros follow.
    pub(crate) used: usize,
}
