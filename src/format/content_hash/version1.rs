//! The hash of version 1 of the `.prof` format, by which its aggregates know inputs without
//! recording ids. It serves only to find those inputs again.
//!
//! The input is the bytes as little-endian 64-bit words, the last one filled up with zeros, and
//! then the number of bytes as another word. Two lanes take each word: `lane = fold(lane ^ word,
//! constant)`, `fold` being the exclusive or of the two halves of the 128-bit product. The lanes,
//! little-endian, are the hash.

use super::ContentHash;

/// Digits of pi, two to start from and two odd ones to multiply by.
const START: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];
const FACTOR: [u64; 2] = [0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89];

/// The hash of `bytes`.
pub fn content_hash(bytes: &[u8]) -> ContentHash {
    let mut lanes = START;
    let mut take = |word: u64| {
        for (lane, factor) in lanes.iter_mut().zip(FACTOR) {
            let product = u128::from(*lane ^ word) * u128::from(factor);
            *lane = product as u64 ^ (product >> 64) as u64;
        }
    };
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        take(little_endian(word));
    }
    take(little_endian(rest));
    take(bytes.len() as u64);
    let [low, high] = lanes.map(u128::from);
    (low | high << 64).to_le_bytes()
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rfold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::content_hash;

    #[test]
    fn never_changes() {
        let hash = |bytes| u128::from_be_bytes(content_hash(bytes));
        assert_eq!(hash(b""), 0xfea104ec89bfa8026e67c4096f708acf);
        assert_eq!(hash(b"{0"), 0x7a82e4fbbae44b998615b9236881536c);
        assert_eq!(
            hash(b"0123456789abcdef0"),
            0x99eadbcf6af463cdd4002594224bc060
        );
    }

    #[test]
    fn zeros_at_the_end_count() {
        let zeros = [0; 40];
        for len in 0..zeros.len() {
            assert_ne!(content_hash(&zeros[..len]), content_hash(&zeros[..=len]));
        }
    }
}
