//! Checksums of call histories, by which readers notice damaged bytes: XXH3-64.

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// Words that are turned into bytes at once.
const AT_ONCE: usize = 1024;

/// Returns the checksum of `bytes`.
pub(crate) fn of_bytes(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Returns the checksum of the little-endian bytes of `words`.
pub(crate) fn of_words(words: impl Iterator<Item = u64>) -> u64 {
    let mut sum = Xxh3Default::new();
    let mut bytes = [0; 8 * AT_ONCE];
    let mut words = words.fuse();
    loop {
        let mut filled = 0;
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(&mut words) {
            bytes.copy_from_slice(&word.to_le_bytes());
            filled += 8;
        }
        sum.update(&bytes[..filled]);
        if filled < bytes.len() {
            return sum.digest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_checksum_of_their_bytes() {
        for len in [0, 1, 1023, 1024, 1025, 2048, 5000] {
            let words: Vec<u64> = (0..len).map(|word| word << 40 | 7).collect();
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(of_words(words.into_iter()), of_bytes(&bytes));
        }
    }
}
