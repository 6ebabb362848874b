//! Sizes on the command line: bytes, with k, M or G behind them for multiples of 1,024.

use std::fmt;

/// A text is no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoSize;

impl fmt::Display for NoSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size is a number of bytes, which may end in k, M or G")
    }
}

impl std::error::Error for NoSize {}

/// Parses a size.
///
/// # Errors
/// It is no number, or it is 0 or too large.
pub(super) fn size(text: &str) -> Result<u64, NoSize> {
    let (number, factor) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 1 << 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let number: Option<u64> = number.parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(factor));
    bytes.filter(|bytes| *bytes > 0).ok_or(NoSize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_may_end_in_a_unit() {
        for (text, bytes) in [("7", 7), ("2k", 2048), ("256M", 256 << 20), ("1G", 1 << 30)] {
            assert_eq!(size(text), Ok(bytes));
        }
        for text in ["", "k", "0", "0M", "-1", "1.5M", "1T", "99999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
