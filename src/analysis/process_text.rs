//! Describes a recorded process in one line of text.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::model::{Ending, Process};

/// The longest command line in the text, characters.
const LONGEST_COMMAND: usize = 120;

/// Describes `process` in one line. Names are not escaped.
pub fn describe(process: &Process) -> String {
    let short = short_command(process);
    let ending = match process.ending {
        Ending::Running if process.identity.is_running() => "still running",
        // It has continued for an unknown time.
        Ending::Running => "saved before its end",
        Ending::Finished => "finished",
        Ending::Killed => "ended without exit handlers",
    };
    let host = match &*process.host {
        b"" => String::new(),
        host => format!("{}, ", String::from_utf8_lossy(host)),
    };
    format!(
        "process {}: {short} ({host}started {}, {:.3} s, {ending})",
        process.identity.pid,
        utc(process.start_unix_ns),
        process.duration_ns as f64 / 1e9,
    )
}

/// Returns the command line and the beginning of `process`. Names are not escaped.
pub fn beginning(process: &Process) -> String {
    format!(
        "{}, begun {}",
        short_command(process),
        utc(process.start_unix_ns)
    )
}

/// Returns the command line much as it was typed: without the directory of Python, and without that
/// of a script in a `bin`. Names are not escaped.
pub fn command(process: &Process) -> Vec<u8> {
    let words = process.argv.iter().map(|word| first_line(word));
    let mut words: Vec<_> = words.collect();
    if let Some(python) = words.first_mut() {
        *python = Cow::Owned(base_name(python));
    }
    let is_in_bin = |word: &[u8]| word.windows(5).any(|part| part == b"/bin/");
    if words.get(1).is_some_and(|word| is_in_bin(word)) {
        words.remove(0);
        words[0] = Cow::Owned(base_name(&words[0]));
    }
    words.join(&b' ')
}

fn base_name(word: &[u8]) -> Vec<u8> {
    let mut parts = word.rsplit(|&byte| byte == b'/');
    parts.next().unwrap_or_default().to_vec()
}

/// Returns the command line, cut if it is long.
fn short_command(process: &Process) -> String {
    let command = command(process);
    let command = String::from_utf8_lossy(&command);
    let mut short: String = command.chars().take(LONGEST_COMMAND).collect();
    if short.len() < command.len() {
        short.push('…');
    }
    short
}

/// Returns the first line of `word` that is not blank, with an ellipsis if there are others. The
/// code after `-c` often has many.
pub fn first_line(word: &[u8]) -> Cow<'_, [u8]> {
    let mut lines = word.split(|&byte| byte == b'\n');
    let first = lines.find(|line| !line.trim_ascii().is_empty());
    match first.map(<[u8]>::trim_ascii) {
        Some(first) if first.len() < word.trim_ascii().len() => {
            Cow::Owned([first, "…".as_bytes()].concat())
        }
        _ => Cow::Borrowed(word),
    }
}

/// Returns the date and time of `unix_ns`, nanoseconds since the Unix epoch. Every `u64`
/// is within the calendar, which ends with the year 9999.
pub fn utc(unix_ns: u64) -> String {
    let time = Timestamp::from_nanosecond(unix_ns.into()).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessIdentity;

    #[test]
    fn code_of_many_lines_is_shown_by_its_first() {
        let text = |word: &[u8]| String::from_utf8(first_line(word).into_owned()).unwrap();
        assert_eq!(text(b"\n  import sys\n  sys.exit(3)\n"), "import sys…");
        assert_eq!(text(b"import sys\r\nsys.exit(3)"), "import sys…");
        for one_line in ["", " ", "\n", "a b", " a", "print(1)\n"] {
            assert_eq!(text(one_line.as_bytes()), one_line);
        }
    }

    #[test]
    fn commands_are_those_that_were_typed() {
        let command = |argv: &[&str]| {
            let argv = argv.iter().map(|word| word.as_bytes().into());
            let process = Process {
                argv: argv.collect(),
                ..Process::default()
            };
            String::from_utf8(super::command(&process)).unwrap()
        };
        assert_eq!(
            command(&["/v/bin/python3", "/v/bin/pytest", "-n", "2"]),
            "pytest -n 2"
        );
        assert_eq!(command(&["/v/bin/python3", "a.py", "x"]), "python3 a.py x");
        assert_eq!(
            command(&["/v/bin/python3", "-c", "import sys\nsys.exit(3)"]),
            "python3 -c import sys…"
        );
        assert_eq!(command(&["/v/bin/app"]), "app");
        assert_eq!(command(&[]), "");
    }

    #[test]
    fn a_process_is_called_by_its_facts() {
        let process = Process {
            identity: ProcessIdentity {
                pid: 4711,
                ..ProcessIdentity::default()
            },
            argv: [b"python"[..].into(), b"\xffapp.py"[..].into()].into(),
            host: b"CPython 3.11.7"[..].into(),
            start_unix_ns: 1_700_000_000_123_456_789,
            duration_ns: 5_123_456_789,
            ending: Ending::Killed,
            ..Process::default()
        };
        assert_eq!(
            describe(&process),
            "process 4711: python \u{fffd}app.py \
             (CPython 3.11.7, started 2023-11-14 22:13:20 UTC, 5.123 s, ended without exit handlers)"
        );
        let of_a_nameless_host = Process {
            host: b""[..].into(),
            ..process.clone()
        };
        assert!(describe(&of_a_nameless_host).contains("app.py (started 2023"));
        let long = Process {
            argv: [b"x".repeat(100_000).into()].into(),
            ..process
        };
        assert!(describe(&long).len() < 300);
    }

    #[test]
    fn every_time_that_a_file_can_hold_is_a_date() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400_999_999_999), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(u64::MAX), "2554-07-21 23:34:33 UTC");
    }
}
