//! Time in which threads were on no processor.

use std::collections::BTreeMap;

/// Parts of a self time in which the thread was on no processor, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// It waited for something: data, a lock, a time.
    pub blocked: u64,
    /// It waited for the interpreter's lock, which another thread had.
    pub gil: u64,
    /// It could have run, and another thread or process had the processor.
    pub preempted: u64,
}

impl Waiting {
    /// Returns the sum of the parts.
    pub fn total(&self) -> u64 {
        let parts = [self.gil, self.preempted];
        parts.into_iter().fold(self.blocked, u64::saturating_add)
    }

    /// Returns true if there is none.
    pub fn is_none(&self) -> bool {
        self.total() == 0
    }

    /// Adds `more`.
    pub(crate) fn add(&mut self, more: &Waiting) {
        self.blocked = self.blocked.saturating_add(more.blocked);
        self.gil = self.gil.saturating_add(more.gil);
        self.preempted = self.preempted.saturating_add(more.preempted);
    }

    /// Returns at most `most` of it, in the same proportions.
    pub(crate) fn at_most(&self, most: u64) -> Waiting {
        let total = self.total();
        if total <= most {
            return *self;
        }
        let part = |part: u64| (u128::from(part) * u128::from(most) / u128::from(total)) as u64;
        Waiting {
            blocked: part(self.blocked),
            gil: part(self.gil),
            preempted: part(self.preempted),
        }
    }
}

/// Waiting of a tree's nodes. Those that never waited take no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeWaits(BTreeMap<u32, Waiting>);

impl NodeWaits {
    /// Adds to the waiting of `node`.
    pub fn add(&mut self, node: u32, more: &Waiting) {
        if !more.is_none() {
            self.0.entry(node).or_default().add(more);
        }
    }

    /// Returns the waiting of `node`.
    pub fn get(&self, node: u32) -> Waiting {
        self.0.get(&node).copied().unwrap_or_default()
    }

    /// Returns true if no node waited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All nodes that waited, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, Waiting)> + '_ {
        self.0.iter().map(|(&node, &waiting)| (node, waiting))
    }

    /// Limits the waiting of each node to its self time, of which it is a part.
    pub(crate) fn limit_to(&mut self, self_times: &[u64]) {
        self.0.retain(|&node, waiting| {
            let most = self_times.get(node as usize).copied().unwrap_or(0);
            *waiting = waiting.at_most(most);
            !waiting.is_none()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_a_part_of_the_self_time() {
        let mut waits = NodeWaits::default();
        let wait = Waiting {
            blocked: 60,
            gil: 30,
            preempted: 10,
        };
        for node in [0, 1, 3] {
            waits.add(node, &wait);
        }
        waits.add(2, &Waiting::default());
        waits.limit_to(&[100, 50, 100, 0]);
        let half = Waiting {
            blocked: 30,
            gil: 15,
            preempted: 5,
        };
        assert_eq!(waits.iter().collect::<Vec<_>>(), [(0, wait), (1, half)]);
    }
}
