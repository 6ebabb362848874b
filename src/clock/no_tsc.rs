//! Stands in for the time stamp counter on processors that have none.

use super::TickRate;

pub(super) fn read() -> u64 {
    super::system::monotonic_ns()
}

pub(super) fn is_reliable() -> bool {
    false
}

pub(super) fn known_rate() -> Option<TickRate> {
    None
}

pub(super) fn ticks_in_us(us: u64) -> u64 {
    us * 1000
}
