//! Reads the profiles of several runs, each separately.

use std::path::PathBuf;

use edbprof::analysis::merge::Profile;

use super::discover::find;
use super::merge::merge;
use super::report::ReadReport;
use crate::cli::args::SideOptions;
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::warn;

/// Result of reading the profiles of several runs.
#[derive(Debug)]
pub(crate) struct RunsRead {
    /// Warnings that are not shown yet.
    pub(crate) warnings: Vec<String>,
    /// Exit status that follows from reading, or the reason why nothing of one run could be used.
    pub(crate) result: Result<Exit, Error>,
}

/// Reads each of `paths` as the profile of one run, and passes it to `take`.
pub(crate) fn read_runs(
    paths: &[PathBuf],
    options: &SideOptions,
    mut take: impl FnMut(Profile),
) -> RunsRead {
    let mut read = RunsRead {
        warnings: Vec::new(),
        result: Ok(Exit::Success),
    };
    for path in paths {
        let inputs = options.inputs(path);
        let mut reading = ReadReport::default();
        let files = match find(&inputs, &mut reading) {
            Ok(files) => files,
            Err(error) => {
                read.result = Err(error);
                break;
            }
        };
        let mut profile = merge(files, &inputs.selection, false, &mut reading);
        let (warnings, usable) = reading.checked(&profile, &inputs, false);
        read.warnings.extend(warnings);
        if let Err(error) = usable {
            read.result = Err(error);
            break;
        }
        if reading.exit() != Exit::Success {
            read.result = Ok(reading.exit());
        }
        if !options.as_recorded {
            profile = profile.into_compensated();
        }
        take(profile);
    }
    read
}

impl RunsRead {
    /// Shows the warnings, and returns the result.
    ///
    /// # Errors
    ///
    /// When nothing of a profile can be read.
    pub(crate) fn warn(self) -> Result<Exit, Error> {
        self.warnings.iter().for_each(warn);
        self.result
    }
}
