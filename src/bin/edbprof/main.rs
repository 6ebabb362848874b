//! `edbprof`: merges the profiles of many processes and writes the reports.
//!
//! [`options`] and [`selection`] are the command line, [`discover`] finds the files, [`outputs`] names
//! the results and [`former_results`] keeps the two apart, [`aggregate`] takes the one
//! to the other and decides the exit code, [`progress`] is what is said meanwhile.
//! What a profile is and how it is shown lies in the library.

mod aggregate;
mod discover;
mod former_results;
mod options;
mod outputs;
mod progress;
mod read_input;
mod selection;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let options = options::Options::parse();
    ExitCode::from(aggregate::aggregate(&options.aggregate) as u8)
}
