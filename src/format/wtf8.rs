//! The bytes of a Python str: UTF-8 in which surrogates may be alone, as the error handler
//! `surrogatepass` writes and reads it.

/// Returns true if some Python str encodes to `bytes`.
pub(super) fn encodes_a_str(mut bytes: &[u8]) -> bool {
    while let Err(error) = std::str::from_utf8(bytes) {
        let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
        match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] => bytes = after,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::encodes_a_str;

    #[test]
    fn surrogates_may_stand_alone() {
        assert!(encodes_a_str("aé€𝄞".as_bytes()));
        assert!(encodes_a_str(b"a\xed\xb2\x80b\xed\xa0\x80\xed\xa0\x80"));
        for bad in [&b"\xff"[..], b"a\xed\xa0", b"\xed\xb2\x80\xc3", b"\xc0\x80"] {
            assert!(!encodes_a_str(bad), "{bad:?}");
        }
    }
}
