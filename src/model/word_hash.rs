//! Hash tables over single words, for the inner loops: hashing one takes a tenth of the
//! time of the standard hasher.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A pair as the word that is hashed.
pub(crate) fn pair(a: u32, b: u32) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}

/// Both words' product, folded: each bit of it depends on most bits of both. 0 if one is 0.
#[inline]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// Makes the hashers of one table. The default has no seed: for what the process itself has
/// chosen, such as addresses of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct WordHash {
    seed: u64,
}

impl WordHash {
    /// For what comes from files that may want to make the table slow.
    pub(crate) fn seeded() -> WordHash {
        let seed = RandomState::new().hash_one(0);
        WordHash { seed }
    }
}

impl BuildHasher for WordHash {
    type Hasher = WordHasher;

    fn build_hasher(&self) -> WordHasher {
        WordHasher(self.seed)
    }
}

/// See [`WordHash`].
pub(crate) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word, 0x9e37_79b9_7f4a_7c15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn addresses_differ_in_both_ends_of_their_hashes() {
        // Hash tables take slots by the low bits and tell entries apart by the high seven.
        let hash = WordHash::default();
        for step in [1, 16, 64, 4096, 1 << 32] {
            let hashes = (1..=4096).map(|i: u64| hash.hash_one(0x7f00_0000_0000 + i * step));
            let (slots, tags): (HashSet<_>, HashSet<_>) =
                hashes.map(|hash| (hash & 0xfff, hash >> 57)).unzip();
            // Of random slots 63 % are distinct.
            assert!(slots.len() > 2200, "{step}: {}", slots.len());
            assert_eq!(tags.len(), 128, "{step}");
        }
    }
}
