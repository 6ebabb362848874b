//! Stands in for the time stamp counter on processors that have none.

pub(super) fn read() -> u64 {
    super::system::monotonic_ns()
}

pub(super) fn is_reliable() -> bool {
    false
}
