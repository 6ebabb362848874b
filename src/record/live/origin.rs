//! What a live file's header is filled from.

use crate::record::clock::{Clock, TickRate};
use crate::record::moment::Moment;

/// What the header says of a recording besides its identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) clock: Clock,
    pub(crate) epoch: u64,
    pub(crate) begin: u64,
    pub(crate) started: Moment,
    pub(crate) rate: TickRate,
}
