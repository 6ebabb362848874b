//! A small histogram of durations, for text.

use crate::analysis::timeline::durations::Sorted;
use crate::report::numbers::{count, duration};

/// Largest number of rows. If there would be more, each power of ten gets only one.
const ROWS: usize = 14;
/// Characters of the longest bar.
const WIDTH: u64 = 40;

/// Returns lines with a bar each, in steps of 1, 2 and 5; nothing for fewer than two calls.
pub(super) fn histogram(durations: &Sorted, bar: char) -> Vec<String> {
    if durations.calls() < 2 {
        return Vec::new();
    }
    let (least, longest) = (durations.least(), durations.longest());
    let fine = bounds(&[1, 2, 5], least, longest);
    let bounds = match fine.len() <= ROWS {
        true => fine,
        false => bounds(&[1], least, longest),
    };
    let counts = durations.between(&bounds);
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let shown = |ns: u64| duration(ns as f64 / 1e9);
    let numbers: Vec<String> = counts.iter().map(|&calls| count(calls.into())).collect();
    let width = numbers.iter().map(String::len).max().unwrap_or(0);
    let lines = bounds.iter().zip(&counts).zip(&numbers);
    let lines = lines.map(|((&bound, &calls), number)| {
        // Every step that has calls has a bar, however few they are.
        let length = (calls * WIDTH).div_ceil(most) as usize;
        let bar = String::from_iter(std::iter::repeat_n(bar, length));
        format!("  from {:>7}  {number:>width$}  {bar}", shown(bound))
    });
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Returns the bounds of the steps from `least` to `longest`: multiples of powers of ten.
fn bounds(multiples: &[u64], least: u64, longest: u64) -> Vec<u64> {
    let powers = (0..20).filter_map(|power| 10_u64.checked_pow(power));
    let all = powers.flat_map(|power| multiples.iter().filter_map(move |m| m.checked_mul(power)));
    let mut bounds: Vec<u64> = [0].into_iter().chain(all).collect();
    bounds.retain(|&bound| bound <= longest);
    // The one below the least stays.
    let first = bounds
        .partition_point(|&bound| bound <= least)
        .saturating_sub(1);
    bounds.split_off(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::timeline::durations::Durations;

    fn lines(durations: &[u64]) -> Vec<String> {
        let mut all = Durations::default();
        durations.iter().for_each(|&ns| all.add(ns));
        histogram(&all.sorted(), '#')
    }

    #[test]
    fn each_step_has_a_bar() {
        assert_eq!(
            lines(&[1_000, 1_500, 1_999, 4_000, 25_000]),
            [
                "  from 1.00 µs  3  ########################################",
                "  from 2.00 µs  1  ##############",
                "  from 5.00 µs  0",
                "  from 10.0 µs  0",
                "  from 20.0 µs  1  ##############",
            ]
        );
        assert!(lines(&[1_000]).is_empty());
        assert_eq!(lines(&[0, 0]).len(), 1);
    }

    #[test]
    fn many_steps_are_powers_of_ten() {
        let lines = lines(&[1, 1_000_000_000, u64::MAX]);
        assert!(lines.len() > ROWS, "{lines:?}");
        assert_eq!(lines.iter().filter(|line| line.contains('#')).count(), 3);
        assert_eq!(super::bounds(&[1], 1, 1_000_000_000).len(), 10);
    }
}
