//! The command line of `edbprof clean`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::names::{PREFIX, SUFFIX};

const AFTER_HELP: &str = "\
Examples:
  edbprof clean                      lists what killed processes left in /tmp, and asks
  edbprof clean -n                   lists it
  edbprof clean -y --older-than 2d   removes files that were not changed for two days
  edbprof clean --finished           all recordings there, to begin anew

Exit status:
  0  everything was removed or listed, or there was nothing, or the answer was no
  1  something could not be removed; it is named on stderr
  2  wrong usage, or nobody there to ask; nothing was removed
  4  stdout could not be written to";

/// Remove files that processes left behind
///
/// Live files of killed processes, which contain their recordings; files that were being written
/// during a kill; and directories of `edbprof run`. Lists them and asks first. Files of processes
/// that run, or that can't be told to have ended from here, are kept, and so are those of other
/// users, links, and files that edbprof did not make.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct CleanOptions {
    /// Directories to clean, without their subdirectories
    ///
    /// The default is the one where `edbprof` looks for recordings.
    #[arg(value_name = "DIR")]
    pub(crate) directories: Vec<PathBuf>,

    /// Beginning of the names of recordings
    #[arg(long, default_value = PREFIX)]
    pub(crate) prefix: OsString,

    /// End of the names of recordings
    #[arg(long, default_value = SUFFIX)]
    pub(crate) suffix: OsString,

    /// Only files that were not changed for so long: 90s, 15m, 1h, 2d, 3w
    #[arg(long, value_name = "AGE", value_parser = age, default_value = "0s")]
    #[arg(hide_default_value = true)]
    pub(crate) older_than: Duration,

    /// Recordings of processes that have ended regularly, too
    ///
    /// The .prof files that `edbprof` reads, and their .singledispatch sidecars. Merged profiles
    /// and those of other profilers are kept.
    #[arg(long)]
    pub(crate) finished: bool,

    /// List only, and remove nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,

    /// Remove without asking
    #[arg(long, short, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}

/// A number and its unit.
fn age(text: &str) -> Result<Duration, &'static str> {
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
    let age = number.checked_mul(seconds).ok_or("so long is no age")?;
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
