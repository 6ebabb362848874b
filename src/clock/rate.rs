//! Converts ticks to nanoseconds.

/// Nanoseconds in a tick, as a fixed-point number.
///
/// Integer arithmetic rounds down everywhere, so the parts of a time never add up
/// to more than the whole: `ns(a) + ns(b) <= ns(a + b)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TickRate(u64);

impl TickRate {
    const FRACTION_BITS: u32 = 40;
    /// One tick is one nanosecond.
    pub(crate) const NANOSECOND: TickRate = TickRate(1 << TickRate::FRACTION_BITS);

    /// The rate for ticks of that many nanoseconds. `None` unless it is a positive
    /// number below 16 ms.
    pub(crate) fn from_ns_per_tick(ns: f64) -> Option<TickRate> {
        let scaled = ns * (1_u64 << TickRate::FRACTION_BITS) as f64;
        (scaled >= 1.0 && scaled < u64::MAX as f64).then_some(TickRate(scaled.round() as u64))
    }

    /// `ticks` in whole nanoseconds, rounded down.
    #[inline]
    pub(crate) fn ns(self, ticks: u64) -> u64 {
        let ns = (u128::from(ticks) * u128::from(self.0)) >> TickRate::FRACTION_BITS;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// The fewest ticks that are at least `ns` nanoseconds.
    pub(crate) fn ticks(self, ns: u64) -> u64 {
        let ticks = (u128::from(ns) << TickRate::FRACTION_BITS).div_ceil(u128::from(self.0));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// The rate as live files hold it: nanoseconds in a tick, times 2^40.
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// The rate from [`TickRate::to_bits`]; `None` for 0, which is no rate.
    pub(crate) fn from_bits(bits: u64) -> Option<TickRate> {
        (bits != 0).then_some(TickRate(bits))
    }

    pub(crate) fn ns_per_tick(self) -> f64 {
        self.0 as f64 / (1_u64 << TickRate::FRACTION_BITS) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_add_up_to_more_than_the_whole() {
        let rate = TickRate::from_ns_per_tick(0.333_456_789).unwrap();
        for (a, b) in [(1, 2), (999, 1), (1 << 40, 12_345), (7, 1 << 50)] {
            assert!(rate.ns(a) + rate.ns(b) <= rate.ns(a + b));
            assert!(rate.ns(a + b) - rate.ns(a) - rate.ns(b) <= 1);
        }
    }

    #[test]
    fn the_fewest_ticks_of_a_time_are_found() {
        for per_tick in [0.333_456_789, 0.4, 1.0, 41.7] {
            let rate = TickRate::from_ns_per_tick(per_tick).unwrap();
            for ns in [0, 1, 2, 999, 1_000_000_007, 1 << 50] {
                let ticks = rate.ticks(ns);
                assert!(rate.ns(ticks) >= ns, "{per_tick} {ns}");
                assert!(ticks == 0 || rate.ns(ticks - 1) < ns, "{per_tick} {ns}");
            }
        }
        assert_eq!(TickRate::from_bits(1).unwrap().ticks(u64::MAX), u64::MAX);
    }

    #[test]
    fn rates_that_make_no_sense_are_refused() {
        for ns in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(TickRate::from_ns_per_tick(ns), None, "{ns}");
        }
        assert_eq!(TickRate::from_ns_per_tick(1.0), Some(TickRate::NANOSECOND));
        assert_eq!(TickRate::from_ns_per_tick(1e6).unwrap().ns(3), 3_000_000);
    }
}
