//! The callees of each function, so that a node names its function by a small number.
//!
//! Functions call few others, so a place among the callees of the caller takes a few bits. The
//! number of the function itself would take two or three bytes.

use super::varint::{push, push_signed};

/// Pairs of a caller and a callee, each with the callee's place among all callees of its caller.
pub(super) struct CallPairs {
    /// Number of callers, the one of roots included.
    callers: u32,
    /// Pairs in ascending order: the caller in the upper half, the callee in the lower one.
    pairs: Vec<u64>,
    /// Place of the callee of each pair: the one of the most nodes is at 0.
    places: Vec<u32>,
}

fn pair(caller: u32, callee: u32) -> u64 {
    u64::from(caller) << 32 | u64::from(callee)
}

impl CallPairs {
    /// Collects the pairs of all nodes. Callers are less than `callers`.
    pub(super) fn of(callers: u32, nodes: impl Iterator<Item = (u32, u32)>) -> CallPairs {
        let mut all: Vec<u64> = nodes.map(|(caller, callee)| pair(caller, callee)).collect();
        all.sort_unstable();
        let same = all.chunk_by(|one, other| one == other);
        let (pairs, counts): (Vec<u64>, Vec<usize>) =
            same.map(|pairs| (pairs[0], pairs.len())).unzip();
        let mut places = vec![0; pairs.len()];
        let mut first = 0;
        for of_caller in pairs.chunk_by(|one, other| one >> 32 == other >> 32) {
            let mut order: Vec<usize> = (first..first + of_caller.len()).collect();
            order.sort_by_key(|&at| std::cmp::Reverse(counts[at]));
            for (place, at) in (0..).zip(order) {
                places[at] = place;
            }
            first += of_caller.len();
        }
        CallPairs {
            callers,
            pairs,
            places,
        }
    }

    /// Returns the place of a callee among those of its caller.
    pub(super) fn place(&self, caller: u32, callee: u32) -> u32 {
        let found = self.pairs.binary_search(&pair(caller, callee));
        found.map_or(0, |at| self.places[at])
    }

    /// Encodes the number of callees of each caller, then all callees in the order of their
    /// places, as differences to their callers.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut callees = self.pairs.clone();
        let mut first = 0;
        for caller in 0..self.callers {
            let rest = &self.pairs[first..];
            let number = rest.partition_point(|pair| pair >> 32 == u64::from(caller));
            push(&mut bytes, number as u64);
            for at in first..first + number {
                callees[first + self.places[at] as usize] = self.pairs[at];
            }
            first += number;
        }
        for pair in callees {
            let (caller, callee) = (pair >> 32, pair & u64::from(u32::MAX));
            push_signed(&mut bytes, callee as i64 - caller as i64);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_callee_is_the_first() {
        let nodes = [(3, 0), (0, 1), (0, 2), (0, 2), (2, 1), (0, 1), (0, 2)];
        let pairs = CallPairs::of(4, nodes.into_iter());
        let places = [(3, 0), (0, 2), (0, 1), (2, 1)];
        assert_eq!(
            places.map(|(one, other)| pairs.place(one, other)),
            [0, 0, 1, 0]
        );
        // Differences are twice as large as they are, minus one if they are negative.
        assert_eq!(pairs.bytes(), [2, 0, 1, 1, 4, 2, 1, 5]);
    }

    #[test]
    fn no_nodes_have_no_pairs() {
        assert_eq!(CallPairs::of(2, std::iter::empty()).bytes(), [0, 0]);
    }
}
