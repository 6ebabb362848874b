//! Formats numbers for people.

/// Returns seconds in the unit that suits them, with three significant digits: `1.23 s`,
/// `45.6 ms`, `789 µs`, `12 ns`.
pub fn duration(seconds: f64) -> String {
    let size = seconds.abs();
    let (value, unit) = if !size.is_finite() || size >= 0.9995 || size == 0.0 {
        (seconds, "s")
    } else if size >= 0.9995e-3 {
        (seconds * 1e3, "ms")
    } else if size >= 0.9995e-6 {
        (seconds * 1e6, "µs")
    } else {
        return format!("{:.0} ns", seconds * 1e9);
    };
    let decimals = match value.abs() {
        v if v >= 99.95 || v == 0.0 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

/// Returns [`duration`] with the sign of a lower bound if it `is_least`: `≥ 1.23 s`.
pub(super) fn at_least(seconds: f64, is_least: bool) -> String {
    let sign = if is_least { "≥ " } else { "" };
    format!("{sign}{}", duration(seconds))
}

/// Returns a whole number with its thousands marked: `1,234,567`.
pub fn count(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the number of a thing: `1 process`, `2 processes`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        count(number as i128),
        if number == 1 { one } else { many }
    )
}

/// Returns a size in the unit that suits it: `500 kB`, `8 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..=999_999 => format!("{} kB", bytes as f64 / 1e3),
        _ => format!("{} MB", bytes as f64 / 1e6),
    }
}

/// Returns a share as a percentage, without its sign and without trailing zeros.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits() {
        let shown: Vec<_> = [0.0, 12e-9, 1.5e-6, 0.0456, 0.99951, 1.234, 99.96, 7540.0]
            .map(duration)
            .into();
        assert_eq!(
            shown,
            [
                "0 s", "12 ns", "1.50 µs", "45.6 ms", "1.00 s", "1.23 s", "100 s", "7540 s"
            ]
        );
        let halves: Vec<_> = [1_125, 1_375, 10_250_000, 999_499, 999_500]
            .map(|nanoseconds| duration(f64::from(nanoseconds) / 1e9))
            .into();
        assert_eq!(
            halves,
            ["1.12 µs", "1.38 µs", "10.2 ms", "999 µs", "1.00 ms"]
        );
        assert_eq!(duration(f64::NAN), "NaN s");
        assert_eq!(count(-1234567), "-1,234,567");
        assert_eq!(count(999), "999");
    }

    #[test]
    fn shares_have_no_digits_too_many() {
        assert_eq!(percent(0.07), "7");
        assert_eq!(percent(0.000_000_34), "0.000034");
        assert_eq!(size(8_000_000), "8 MB");
        assert_eq!(size(1_500), "1.5 kB");
    }
}
