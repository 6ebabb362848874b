//! `edbprof`: merges the profiles of many processes and writes the reports.
//!
//! [`options`] and [`selection`] are the command line, [`discover`] finds the files,
//! [`formats`] are what can be written, [`outputs`] names the results and [`former_results`]
//! keeps them apart from the inputs, [`aggregate`] takes the one to the other and decides
//! the exit code, [`account`] says how it went, [`progress`] is what is said meanwhile.
//! [`run`] makes the files first, by running a program; [`show`] has the subcommands that
//! show a profile or convert it, [`clean`] removes what killed processes have left.
//! What a profile is and how it is shown lies in the library.

mod account;
mod aggregate;
mod clean;
mod discover;
mod formats;
mod former_results;
mod options;
mod outputs;
mod progress;
mod read_input;
mod run;
mod selection;
mod show;

use std::process::ExitCode;

use clap::Parser;

use aggregate::aggregate;
use options::{Command, Options};
use progress::Stream;

fn main() -> ExitCode {
    let options = Options::parse();
    match &options.command {
        None => ExitCode::from(aggregate(&options.aggregate, Stream::Stdout).exit as u8),
        Some(Command::Run(options)) => run::run(options),
        Some(Command::Top(options)) => ExitCode::from(show::top(options) as u8),
        Some(Command::Tree(options)) => ExitCode::from(show::tree(options) as u8),
        Some(Command::Export(options)) => ExitCode::from(show::export(options) as u8),
        Some(Command::Clean(options)) => ExitCode::from(clean::clean(options) as u8),
    }
}
