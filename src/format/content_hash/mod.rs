//! The hash by which an aggregate knows an input that has no recording id. It is XXH3-128 of the
//! file's bytes without a seed, in its canonical form (big-endian). In Python that is
//! `xxhash.xxh3_128(data).digest()`. Aggregates contain these hashes, so another function needs
//! another version of the format.
//!
//! It distinguishes files that differ by accident. It is no protection against files that were made
//! to collide.
//!
//! Specification: <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>

mod version1;

pub use version1::content_hash as version1_hash;

/// The hash of a file's bytes.
pub type ContentHash = [u8; 16];

/// The hash of `bytes`.
pub fn content_hash(bytes: &[u8]) -> ContentHash {
    xxhash_rust::xxh3::xxh3_128(bytes).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::content_hash;

    /// The values are those of xxHash, by way of Python's `xxhash`.
    #[test]
    fn is_xxh3_128() {
        let hash = |bytes: &[u8]| u128::from_be_bytes(content_hash(bytes));
        assert_eq!(hash(b""), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
        assert_eq!(hash(b"a"), 0xa96f_af70_5af1_6834_e6c6_32b6_1e96_4e1f);
        let long = b"0123456789abcdef0".repeat(40);
        assert_eq!(hash(&long), 0xebd0_b162_8697_3276_4d70_da01_59a7_8d60);
    }
}
