//! Texts and times in JSON that is written piece by piece.

use std::fmt;

use serde_json::Value;

/// A text with its quotes.
pub(super) fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// Nanoseconds as microseconds, exactly.
#[derive(Clone, Copy)]
pub(super) struct Micros(pub(super) u64);

/// Nanoseconds as milliseconds, exactly.
#[derive(Clone, Copy)]
pub(super) struct Millis(pub(super) u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1_000_000, self.0 % 1_000_000) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, part) => write!(f, "{whole}.{part:06}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        assert_eq!(Micros(1_234_567).to_string(), "1234.567");
        assert_eq!(Micros(5).to_string(), "0.005");
        assert_eq!(Millis(1_234_567).to_string(), "1.234567");
        assert_eq!(Millis(7_000_000).to_string(), "7");
        assert_eq!(text("a\"\\\u{1}"), "\"a\\\"\\\\\\u0001\"");
    }
}
