//! Options that choose a window of time.

use edbprof::model::Pattern;

use super::selection::pattern;

/// Heading of these options in the help.
const HEADING: &str = "Window";

/// Window of the time of a run.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct WindowOptions {
    /// Begin there: seconds since the start of the run, or -5s for the last five
    ///
    /// Units are s, ms, us and m. Windows need a timeline, as edbprof run --timeline records it.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "TIME",
        value_parser = moment,
        allow_hyphen_values = true
    )]
    pub(crate) from: Option<Moment>,

    /// End there, likewise
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "TIME",
        value_parser = moment,
        allow_hyphen_values = true
    )]
    pub(crate) to: Option<Moment>,

    /// The time of one call: 'handle_request#17' is the 17th of that function
    ///
    /// Calls are counted by their beginnings in all processes and threads; of recursive ones the
    /// outermost count. The window has what all threads did meanwhile; --only-process and
    /// --only-thread choose.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "FUNCTION#NUMBER",
        value_parser = during,
        conflicts_with_all = ["from", "to"]
    )]
    pub(crate) during: Option<During>,
}

impl WindowOptions {
    /// Returns true if a window is chosen.
    pub(crate) fn is_given(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.during.is_some()
    }

    /// Returns the options as they can be given again.
    pub(crate) fn texts(&self) -> Vec<String> {
        let from = self
            .from
            .as_ref()
            .map(|from| format!("--from={}", from.text));
        let to = self.to.as_ref().map(|to| format!("--to={}", to.text));
        let during = self.during.as_ref();
        let during = during.map(|during| format!("--during={}", during.text));
        [from, to, during].into_iter().flatten().collect()
    }
}

/// A moment of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Nanoseconds since the start, or before the end.
    ns: u64,
    is_before_end: bool,
    text: String,
}

impl Moment {
    /// Returns nanoseconds since the start of a run that ends at `end`.
    pub(crate) fn since_start(&self, end: u64) -> u64 {
        match self.is_before_end {
            true => end.saturating_sub(self.ns),
            false => self.ns,
        }
    }
}

/// One call of a function.
#[derive(Clone, Debug)]
pub(crate) struct During {
    /// The function.
    pub(crate) function: Pattern,
    /// Number of the call, from 1 on; the only call if there is none.
    pub(crate) number: Option<usize>,
    text: String,
}

fn moment(text: &str) -> Result<Moment, &'static str> {
    let before = text.strip_prefix('-');
    Ok(Moment {
        ns: duration(before.unwrap_or(text))?,
        is_before_end: before.is_some(),
        text: text.to_owned(),
    })
}

/// Nanoseconds of a number and its unit, seconds by default.
pub(super) fn duration(text: &str) -> Result<u64, &'static str> {
    const ODD: &str = "a time is a number and s, ms, us or m, for example 12.5s or 10ms";
    let number = text.trim_end_matches(|c: char| c.is_alphabetic());
    let unit = match &text[number.len()..] {
        "m" => 60e9,
        "" | "s" => 1e9,
        "ms" => 1e6,
        "us" | "µs" => 1e3,
        "ns" => 1.0,
        _ => return Err(ODD),
    };
    let is_plain = number.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    let number: f64 = number.parse().map_err(|_| ODD)?;
    let ns = (number * unit).round();
    match is_plain && ns < 2_f64.powi(63) {
        true => Ok(ns as u64),
        false => Err(ODD),
    }
}

fn during(text: &str) -> Result<During, &'static str> {
    let (function, number) = match text.rsplit_once('#') {
        Some((function, number)) => {
            let number = number.parse().ok().filter(|&number| number > 0);
            let number = number.ok_or("behind # the number of the call is wanted, from 1 on")?;
            (function, Some(number))
        }
        None => (text, None),
    };
    Ok(During {
        function: pattern(function)?,
        number,
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, ns) in [
            ("12.5", 12_500_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("0.25ms", 250_000),
            ("7ns", 7),
            ("1.5m", 90_000_000_000),
        ] {
            assert_eq!(duration(text), Ok(ns), "{text}");
        }
        for odd in [
            "",
            "s",
            "-1s",
            "1e3s",
            "1h",
            "inf",
            "nan",
            "1 s",
            "99999999999s",
        ] {
            assert!(duration(odd).is_err(), "{odd}");
        }
        assert_eq!(
            moment("-5s").unwrap().since_start(7_000_000_000),
            2_000_000_000
        );
        assert_eq!(moment("-5s").unwrap().since_start(1), 0);
        assert_eq!(moment("5").unwrap().since_start(1), 5_000_000_000);
    }

    #[test]
    fn calls_have_numbers() {
        let number = |text: &str| during(text).map(|during| during.number);
        assert_eq!(number("f#17"), Ok(Some(17)));
        assert_eq!(number("f"), Ok(None));
        for odd in ["f#", "f#0", "f#x", "#3", ""] {
            assert!(number(odd).is_err(), "{odd}");
        }
    }
}
