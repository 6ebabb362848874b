//! The durations of many calls: each one up to some millions, then their distribution.

/// Number of durations that are kept one by one: 64 MiB of them.
const MOST_EXACT: usize = 8 << 20;
/// Binary digits of a duration that a bucket keeps below the first one.
const DIGITS: u32 = 10;
/// Buckets: exact ones up to 2^11, then 2^10 for each power of two.
const BUCKETS: usize = (65 - DIGITS as usize) << DIGITS;

/// Durations of calls, nanoseconds.
///
/// Beyond [`MOST_EXACT`] calls, equal first eleven binary digits make durations equal, so that a
/// quantile is at most 0.05 % off. Least, longest and total are always exact.
#[derive(Clone, Debug)]
pub struct Durations {
    each: Vec<u64>,
    /// Number of calls in each bucket; empty while each duration is known.
    buckets: Vec<u64>,
    most_exact: usize,
    calls: u64,
    total: u128,
    least: u64,
    longest: u64,
}

impl Default for Durations {
    fn default() -> Durations {
        Durations::with_most_exact(MOST_EXACT)
    }
}

impl Durations {
    fn with_most_exact(most_exact: usize) -> Durations {
        Durations {
            each: Vec::new(),
            buckets: Vec::new(),
            most_exact,
            calls: 0,
            total: 0,
            least: u64::MAX,
            longest: 0,
        }
    }

    /// Adds a call.
    pub fn add(&mut self, ns: u64) {
        self.calls += 1;
        self.total += u128::from(ns);
        self.least = self.least.min(ns);
        self.longest = self.longest.max(ns);
        if self.each.len() == self.most_exact {
            self.fill_buckets();
        }
        match self.buckets.get_mut(bucket(ns)) {
            Some(bucket) => *bucket += 1,
            None => self.each.push(ns),
        }
    }

    /// Adds the calls of `more`.
    pub fn add_all(&mut self, more: Durations) {
        self.calls += more.calls;
        self.total += more.total;
        self.least = self.least.min(more.least);
        self.longest = self.longest.max(more.longest);
        let is_exact = self.is_exact() && more.is_exact();
        if is_exact && self.each.len() + more.each.len() <= self.most_exact {
            self.each.extend(more.each);
            return;
        }
        self.fill_buckets();
        for ns in more.each {
            self.buckets[bucket(ns)] += 1;
        }
        for (sum, calls) in self.buckets.iter_mut().zip(more.buckets) {
            *sum += calls;
        }
    }

    /// Puts the calls that are known one by one into buckets.
    fn fill_buckets(&mut self) {
        self.buckets.resize(BUCKETS, 0);
        for ns in std::mem::take(&mut self.each) {
            self.buckets[bucket(ns)] += 1;
        }
    }

    /// Returns true if each duration is known.
    pub fn is_exact(&self) -> bool {
        self.buckets.is_empty()
    }

    /// Number of calls.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Sum of the durations.
    pub fn total(&self) -> u64 {
        u64::try_from(self.total).unwrap_or(u64::MAX)
    }

    /// Mean, rounded down; 0 without calls.
    pub fn mean(&self) -> u64 {
        let mean = self.total.checked_div(u128::from(self.calls));
        mean.map_or(0, |mean| mean as u64)
    }

    /// Shortest one; 0 without calls.
    pub fn least(&self) -> u64 {
        self.least.min(self.longest)
    }

    /// Longest one.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// Orders the durations, so that quantiles can be asked for.
    pub fn sorted(mut self) -> Sorted {
        self.each.sort_unstable();
        Sorted(self)
    }
}

/// Durations in their order.
#[derive(Clone, Debug)]
pub struct Sorted(Durations);

impl std::ops::Deref for Sorted {
    type Target = Durations;

    fn deref(&self) -> &Durations {
        &self.0
    }
}

impl Sorted {
    /// Returns the shortest duration that at least `thousandths` of a thousand calls do not
    /// exceed; 0 without calls.
    pub fn quantile(&self, thousandths: u64) -> u64 {
        let calls = u128::from(self.calls) * u128::from(thousandths);
        let rank = (calls.div_ceil(1000) as u64).clamp(1, self.calls.max(1)) - 1;
        if self.is_exact() {
            return self.0.each.get(rank as usize).copied().unwrap_or(0);
        }
        let mut before = 0;
        let is_there = |calls: &u64| {
            before += calls;
            before > rank
        };
        let index = self.0.buckets.iter().position(is_there);
        let middle = middle_of(index.unwrap_or(0));
        middle.clamp(self.least(), self.longest)
    }

    /// Returns how many calls took at least as long as each of `bounds`, which ascend, and less
    /// than the next one.
    pub fn between(&self, bounds: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; bounds.len()];
        let mut count = |ns: u64, calls: u64| {
            let place = bounds.partition_point(|&bound| bound <= ns);
            if let Some(count) = place.checked_sub(1).and_then(|at| counts.get_mut(at)) {
                *count += calls;
            }
        };
        self.0.each.iter().for_each(|&ns| count(ns, 1));
        for (index, &calls) in self.0.buckets.iter().enumerate() {
            if calls > 0 {
                count(middle_of(index).clamp(self.least(), self.longest), calls);
            }
        }
        counts
    }
}

/// The bucket of a duration: its highest binary digit, and the ten below it.
fn bucket(ns: u64) -> usize {
    let shift = ns.checked_ilog2().unwrap_or(0).saturating_sub(DIGITS);
    ((shift as usize) << DIGITS) + (ns >> shift) as usize
}

/// The middle of a bucket.
fn middle_of(index: usize) -> u64 {
    let shift = (index >> DIGITS).saturating_sub(1) as u32;
    let digits = (index - ((shift as usize) << DIGITS)) as u64;
    (digits << shift) + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_durations_to_a_thousandth() {
        assert!(bucket(u64::MAX) < BUCKETS);
        let mut last = 0;
        for ns in (0..64).flat_map(|digit| [0, 1, 3, 7].map(|more| (1_u64 << digit) | more)) {
            let middle = middle_of(bucket(ns));
            assert!(
                middle.abs_diff(ns) as f64 <= ns as f64 / 2000.0,
                "{ns} {middle}"
            );
            if ns > last {
                assert!(bucket(ns) >= bucket(last), "{ns}");
                last = ns;
            }
        }
        assert_eq!(
            (0..=2048).map(bucket).collect::<Vec<_>>(),
            Vec::from_iter(0..=2048)
        );
    }

    /// Durations of which no more than `most` are kept one by one, added in two parts.
    fn durations(most: usize) -> Sorted {
        let mut all = Durations::with_most_exact(most);
        let mut rest = Durations::with_most_exact(most);
        for number in 1..=10_000_u64 {
            let part = if number % 3 == 0 { &mut rest } else { &mut all };
            part.add(number * number * 1000);
        }
        all.add_all(rest);
        all.sorted()
    }

    #[test]
    fn quantiles_are_exact_or_nearly() {
        let [exact, nearly] = [1 << 20, 5000].map(durations);
        assert!(exact.is_exact() && !nearly.is_exact());
        assert_eq!(exact.quantile(500), 5000 * 5000 * 1000);
        assert_eq!(exact.quantile(999), 9990 * 9990 * 1000);
        for thousandths in [0, 1, 500, 900, 990, 999, 1000] {
            let [exact, nearly] = [&exact, &nearly].map(|of| of.quantile(thousandths));
            let error = nearly.abs_diff(exact) as f64 / exact as f64;
            assert!(error < 0.001, "{thousandths}: {exact} {nearly}");
        }
        for of in [&exact, &nearly] {
            assert_eq!(
                (of.calls(), of.least(), of.longest()),
                (10_000, 1000, 100_000_000_000)
            );
            assert_eq!(of.total(), 333_383_335_000 * 1000);
            assert_eq!(of.mean(), of.total() / 10_000);
            let counts = of.between(&[0, 25_000_000_000, 1 << 40]);
            assert_eq!(counts.iter().sum::<u64>(), 10_000);
        }
        assert_eq!(exact.between(&[0, 25_000_000_000]), [4999, 5001]);
    }

    #[test]
    fn no_calls_have_no_durations() {
        let none = Durations::default().sorted();
        let figures = [
            none.quantile(500),
            none.least(),
            none.longest(),
            none.mean(),
        ];
        assert_eq!(figures, [0; 4]);
    }
}
