//! A change as a sentence, for example `json.loads: +1.31 s: 4,000 calls more (+1.30 s), each
//! about as slow (+0.01 s)`.

use crate::analysis::diff::{Certainty, Change};
use crate::report::numbers::{count, duration};

/// Change of the time of a call, as a share, up to which calls are about as slow.
const ABOUT_AS_SLOW: f64 = 0.05;

/// Least share of waiting in a change that is worth a phrase.
const WORTH_SAYING: f64 = 0.05;

/// Returns what follows the name of a function.
pub(super) fn sentence(change: &Change) -> String {
    let parts = match (change.before.is_some(), change.after.is_some()) {
        (false, true) => format!("new, {}", calls(change.is().calls)),
        (true, false) => format!("gone, {} fewer", calls(change.was().calls)),
        _ => parts(change),
    };
    let certainty = match change.certainty {
        Certainty::NotJudged => "",
        Certainty::Certain => "; certain",
        Certainty::WithinNoise => "; the time is within the noise",
    };
    let unsteady = match change.is_unsteady {
        true => "; the number of calls differs between runs",
        false => "",
    };
    let self_time = signed_duration(change.self_ns());
    let waiting = waiting(change);
    format!("{self_time}{waiting}: {parts}{certainty}{unsteady}")
}

/// Returns the share of waiting in a change of self time; nothing if it is small.
pub(super) fn waiting(change: &Change) -> String {
    let waiting = change.waiting_ns();
    let running = change.self_ns() - waiting;
    if waiting.abs() < WORTH_SAYING * (waiting.abs() + running.abs()) {
        return String::new();
    }
    let is_part = running == 0.0 || (waiting > 0.0) == (running > 0.0);
    let waiting = signed_duration(waiting);
    match is_part {
        _ if change.waiting_ns() == 0.0 => String::new(),
        true => format!(", of which waiting {waiting}"),
        false => format!(" (waiting {waiting}, running {})", signed_duration(running)),
    }
}

fn parts(change: &Change) -> String {
    let (was, is) = (change.was(), change.is());
    let (by_calls, by_time) = (change.by_calls_ns(), change.by_time_ns());
    if was.calls == 0.0 && is.calls == 0.0 {
        return "without a call".to_owned();
    }
    let calls = match is.calls - was.calls {
        0.0 => format!("{} as before", calls(is.calls)),
        more if more > 0.0 => format!("{} more ({})", calls(more), signed_duration(by_calls)),
        fewer => format!("{} fewer ({})", calls(-fewer), signed_duration(by_calls)),
    };
    if was.calls == 0.0 || is.calls == 0.0 {
        return calls;
    }
    let (was, is) = (was.self_ns / was.calls, is.self_ns / is.calls);
    let each = match is / was {
        _ if was == is => "each as slow".to_owned(),
        ratio if (ratio - 1.0).abs() <= ABOUT_AS_SLOW => "each about as slow".to_owned(),
        ratio if ratio >= 2.0 => format!("each takes {} times as long", rounded(ratio)),
        ratio if ratio > 1.0 => format!("each takes {} % more time", percent(ratio - 1.0)),
        ratio if ratio > 0.1 => format!("each takes {} % less time", percent(1.0 - ratio)),
        ratio => format!("each takes 1/{} of the time", rounded(1.0 / ratio)),
    };
    format!("{calls}, {each} ({})", signed_duration(by_time))
}

/// Returns a number of calls, which is a mean and need not be whole.
fn calls(number: f64) -> String {
    let unit = if number == 1.0 { "call" } else { "calls" };
    format!("{} {unit}", mean(number))
}

/// Returns a mean with one decimal unless it is whole.
pub(super) fn mean(number: f64) -> String {
    match number.fract() {
        0.0 => count(number as i128),
        _ => {
            let tenths = (number * 10.0).round() as i128;
            format!("{}.{}", count(tenths / 10), (tenths % 10).abs())
        }
    }
}

/// Returns nanoseconds as a time with its sign.
pub(super) fn signed_duration(ns: f64) -> String {
    let text = duration(ns / 1e9);
    match ns >= 0.0 {
        true => format!("+{text}"),
        false => text,
    }
}

fn rounded(ratio: f64) -> String {
    match ratio {
        ratio if ratio.is_infinite() => "many".to_owned(),
        ratio if ratio < 10.0 => format!("{ratio:.1}"),
        ratio => count(ratio.round() as i128),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diff::Figures;
    use crate::model::Function;

    fn figures((calls, self_ns): (f64, f64)) -> Figures {
        Figures {
            calls,
            primitive_calls: calls,
            self_ns,
            total_ns: self_ns,
            waiting_ns: 0.0,
        }
    }

    fn change(before: Option<(f64, f64)>, after: Option<(f64, f64)>) -> Change {
        Change {
            function: Function::stand_in("f"),
            functions: 1,
            before: before.map(figures),
            after: after.map(figures),
            is_unsteady: false,
            certainty: Certainty::NotJudged,
        }
    }

    #[test]
    fn both_parts_are_said() {
        let of = |before, after| sentence(&change(before, after));
        assert_eq!(
            of(Some((1000.0, 0.32e9)), Some((5000.0, 1.63e9))),
            "+1.31 s: 4,000 calls more (+1.29 s), each about as slow (+18.0 ms)"
        );
        assert_eq!(
            of(Some((10.0, 1e9)), Some((10.0, 3e9))),
            "+2.00 s: 10 calls as before, each takes 3.0 times as long (+2.00 s)"
        );
        assert_eq!(
            of(Some((2.0, 1e9)), Some((1.0, 0.4e9))),
            "-600 ms: 1 call fewer (-450 ms), each takes 20 % less time (-150 ms)"
        );
        assert_eq!(of(None, Some((1.0, 5e6))), "+5.00 ms: new, 1 call");
        assert_eq!(of(Some((3.0, 5e6)), None), "-5.00 ms: gone, 3 calls fewer");
        assert_eq!(
            of(Some((0.0, 5e6)), Some((0.0, 6e6))),
            "+1.00 ms: without a call"
        );
    }

    #[test]
    fn waiting_is_said_apart() {
        let of = |self_ms: [f64; 2], waiting_ms: [f64; 2]| {
            let figures = [0, 1].map(|side| Figures {
                waiting_ns: waiting_ms[side] * 1e6,
                ..figures((1.0, self_ms[side] * 1e6))
            });
            let mut change = change(None, None);
            [change.before, change.after] = figures.map(Some);
            sentence(&change)
        };
        let begins = |text: String, beginning| assert!(text.starts_with(beginning), "{text}");
        begins(
            of([10.0, 1010.0], [0.0, 800.0]),
            "+1.00 s, of which waiting +800 ms: 1 call",
        );
        begins(
            of([500.0, 100.0], [450.0, 50.0]),
            "-400 ms, of which waiting -400 ms: 1 call",
        );
        begins(
            of([400.0, 600.0], [0.0, 500.0]),
            "+200 ms (waiting +500 ms, running -300 ms): 1 call",
        );
        begins(of([10.0, 1010.0], [0.0, 40.0]), "+1.00 s: 1 call");
        begins(of([10.0, 10.0], [5.0, 5.0]), "+0 s: 1 call");
    }

    #[test]
    fn means_need_not_be_whole() {
        assert_eq!(mean(1234.0), "1,234");
        assert_eq!(mean(1234.25), "1,234.3");
    }
}
