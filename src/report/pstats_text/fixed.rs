//! Writes numbers quickly as Python's `%` formats them, because a table has four of them in every
//! line.

use std::fmt;
use std::io::Write;

/// Appends Python's `'%.3f' % value`.
pub(super) fn push_fixed3(out: &mut Vec<u8>, value: f64) {
    /// Below this, the product of a value and 1000 is rounded by less than `UNSURE`.
    const MOST: f64 = 1e12;
    const UNSURE: f64 = 1e-3;
    let scaled = value * 1000.0;
    if value.is_sign_positive() && scaled < MOST {
        let below = scaled as u64;
        let rest = scaled - below as f64;
        // Near the middle, the exact value decides, and not the product.
        if (rest - 0.5).abs() > UNSURE {
            let thousandths = below + u64::from(rest > 0.5);
            push_digits(out, thousandths / 1000, 1);
            out.push(b'.');
            return push_digits(out, thousandths % 1000, 3);
        }
    }
    // Writing to memory can't fail.
    let _ = write!(out, "{}", Fixed3(value));
}

/// Appends an int.
pub(super) fn push_int(out: &mut Vec<u8>, value: i128) {
    match u64::try_from(value) {
        Ok(value) => push_digits(out, value, 1),
        Err(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// Inserts spaces before the text from `start` on, so that it is `width` bytes wide.
pub(super) fn pad_left(out: &mut Vec<u8>, start: usize, width: usize) {
    let len = out.len() - start;
    if len < width {
        out.resize(start + width, b' ');
        out[start..].rotate_right(width - len);
    }
}

/// Appends a number with at least `least` digits.
fn push_digits(out: &mut Vec<u8>, mut value: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    while value > 0 || digits.len() - start < least {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}

/// Python's `'%.3f' % value`.
pub(super) struct Fixed3(pub(super) f64);

impl fmt::Display for Fixed3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_nan() {
            true => f.write_str("nan"),
            false => write!(f, "{:.3}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed3(value: f64) -> String {
        let mut out = Vec::new();
        push_fixed3(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let values = [
            0.0625,
            0.0005,
            0.0015,
            -0.0,
            -1.2345,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        assert_eq!(
            values.map(fixed3),
            ["0.062", "0.001", "0.002", "-0.000", "-1.234", "inf", "-inf"]
        );
        assert_eq!(fixed3(-f64::NAN), "nan");
        assert_eq!(fixed3(1e22), "10000000000000000000000.000");
    }

    #[test]
    fn the_fast_way_rounds_as_the_exact_one() {
        let mut value = 1e-9_f64;
        while value < 1e12 {
            for near in [
                value,
                (value * 1000.0).round() / 1000.0 + 0.0005,
                value.floor(),
            ] {
                for near in [near.next_down().max(0.0), near, near.next_up()] {
                    assert_eq!(fixed3(near), Fixed3(near).to_string(), "{near:e}");
                }
            }
            value *= 1.0037;
        }
    }

    #[test]
    fn ints_of_any_size_are_padded() {
        for value in [0, 7, -7, i128::from(u64::MAX), i128::MAX, i128::MIN] {
            let mut out = b"x".to_vec();
            push_int(&mut out, value);
            pad_left(&mut out, 1, 9);
            assert_eq!(out, format!("x{value:>9}").into_bytes());
        }
    }
}
