//! Times that users write: ages, and the last run.

use std::time::Duration;

/// Runs to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// Runs that were active in this time before now.
    Age(Duration),
    /// The one that began last.
    LastRun,
}

/// Reads the value of `--since`.
pub(super) fn since(text: &str) -> Result<Since, &'static str> {
    match text {
        "last-run" => Ok(Since::LastRun),
        text => age(text).map(Since::Age).map_err(
            |_| "an age is wanted, a number and s, m, h, d or w, for example 1h; or last-run",
        ),
    }
}

/// A number and its unit.
pub(super) fn age(text: &str) -> Result<Duration, &'static str> {
    const ODD: &str = "an age is a number and s, m, h, d or w, for example 2d";
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let seconds = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(ODD),
    };
    let number: u64 = digits.parse().map_err(|_| ODD)?;
    let age = number.checked_mul(seconds).ok_or("the age is too large")?;
    Ok(Duration::from_secs(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        assert_eq!(age("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(age("2d"), Ok(Duration::from_secs(172_800)));
        for odd in ["", "2", "d", "2y", "-1h", "1.5h", "1 h", "2d2", "1µ", "٣h"] {
            assert!(age(odd).is_err(), "{odd}");
        }
        assert!(age("99999999999999999999d").is_err());
        assert!(age("18446744073709551615w").is_err());
    }
}
