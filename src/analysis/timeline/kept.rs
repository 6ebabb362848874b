//! Keeps a few of many calls while a history is searched.

/// Largest number of calls in a sample.
const SAMPLE: usize = 4096;

/// The items with the lowest keys.
pub(super) struct Best<K, V> {
    most: usize,
    kept: Vec<(K, V)>,
    /// Key that an item must have less than to be kept.
    limit: Option<K>,
}

impl<K: Ord + Copy, V> Best<K, V> {
    /// Begins without items, and never keeps more than `most`.
    pub(super) fn of(most: usize) -> Self {
        Best {
            most,
            kept: Vec::new(),
            limit: None,
        }
    }

    pub(super) fn add(&mut self, key: K, item: V) {
        if self.most == 0 || self.limit.is_some_and(|limit| key >= limit) {
            return;
        }
        self.kept.push((key, item));
        if self.kept.len() >= self.most.saturating_mul(2).max(64) {
            self.cut();
        }
    }

    pub(super) fn add_all(&mut self, more: Best<K, V>) {
        for (key, item) in more.kept {
            self.add(key, item);
        }
    }

    fn cut(&mut self) {
        self.kept.sort_unstable_by_key(|(key, _)| *key);
        if self.kept.len() >= self.most {
            self.kept.truncate(self.most);
            self.limit = self.kept.last().map(|(key, _)| *key);
        }
    }

    /// The items in the order of their keys.
    pub(super) fn finish(mut self) -> Vec<V> {
        self.cut();
        self.kept.into_iter().map(|(_, item)| item).collect()
    }
}

/// A sample of items that depends on their numbers alone, and not on their order.
pub(super) struct Sample<V> {
    /// Number of leading zeros that the hash of an item needs.
    level: u32,
    kept: Vec<(u64, V)>,
}

impl<V> Default for Sample<V> {
    fn default() -> Self {
        Sample {
            level: 0,
            kept: Vec::new(),
        }
    }
}

impl<V> Sample<V> {
    /// Adds an item, which has a number of its own.
    #[inline]
    pub(super) fn add(&mut self, number: u64, item: V) {
        if is_of(number, self.level) {
            self.kept.push((number, item));
            while self.kept.len() > SAMPLE && self.level < 63 {
                self.raise(self.level + 1);
            }
        }
    }

    pub(super) fn add_all(&mut self, more: Sample<V>) {
        self.raise(self.level.max(more.level));
        for (number, item) in more.kept {
            self.add(number, item);
        }
    }

    fn raise(&mut self, level: u32) {
        self.level = level;
        self.kept.retain(|(number, _)| is_of(*number, level));
    }

    /// The items of the sample.
    pub(super) fn items(&self) -> impl Iterator<Item = &V> {
        self.kept.iter().map(|(_, item)| item)
    }
}

/// Returns true if the hash of a number begins with so many zeros.
fn is_of(number: u64, level: u32) -> bool {
    // A multiplicative hash: its high digits depend on all of the number's.
    let hash = (number ^ (number >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash.leading_zeros() >= level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_stay_whatever_the_order() {
        let mut best = Best::of(3);
        let mut rest = Best::of(3);
        for number in 0..1000_u64 {
            let key = number * 7919 % 1000;
            if number % 2 == 0 {
                &mut best
            } else {
                &mut rest
            }
            .add(key, key);
        }
        best.add_all(rest);
        assert_eq!(best.finish(), [0, 1, 2]);
        let mut none = Best::of(0);
        none.add(1, 1);
        assert!(none.finish().is_empty());
    }

    #[test]
    fn a_sample_does_not_depend_on_the_order() {
        let numbers = |order: &dyn Fn(u64) -> u64| {
            let mut samples = [Sample::default(), Sample::default()];
            for number in (0..50_000_u64).map(order) {
                samples[(number % 3 == 0) as usize].add(number * 1000, number);
            }
            let [mut sample, more] = samples;
            sample.add_all(more);
            let mut items: Vec<u64> = sample.items().copied().collect();
            items.sort_unstable();
            items
        };
        let sample = numbers(&|number| number);
        assert_eq!(sample, numbers(&|number| 49_999 - number));
        assert!(
            (SAMPLE / 2..=SAMPLE).contains(&sample.len()),
            "{}",
            sample.len()
        );
        let mut all = Sample::default();
        (0..4096).for_each(|number| all.add(number, ()));
        assert_eq!(all.items().count(), 4096);
    }
}
