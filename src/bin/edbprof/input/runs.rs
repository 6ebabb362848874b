//! Reading the profiles of several runs, each on its own.

use std::path::PathBuf;

use edbprof::analysis::merge::Profile;

use super::discover::find;
use super::merge::merge;
use super::report::ReadReport;
use crate::cli::args::SideOptions;
use crate::cli::exit::{Error, Exit};

/// Reads each of `paths` as the profile of one run, and calls `take` with it. Returns whether all
/// files that belong to them were read.
///
/// # Errors
///
/// When nothing of a profile can be read.
pub(crate) fn read_runs(
    paths: &[PathBuf],
    options: &SideOptions,
    mut take: impl FnMut(Profile),
) -> Result<Exit, Error> {
    let mut exit = Exit::Success;
    for path in paths {
        let inputs = options.inputs(path);
        let mut reading = ReadReport::default();
        let files = find(&inputs, &mut reading)?;
        let mut profile = merge(files, &inputs.selection, false, &mut reading);
        reading.check(&profile, &inputs, false)?;
        if reading.exit() != Exit::Success {
            exit = reading.exit();
        }
        if !options.as_recorded {
            profile.compensate();
        }
        take(profile);
    }
    Ok(exit)
}
