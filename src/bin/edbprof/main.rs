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
mod exit;
mod formats;
mod former_results;
mod options;
mod outputs;
mod progress;
mod read_error;
mod read_input;
mod run;
mod selection;
mod show;

use std::process::ExitCode;

use clap::Parser;

use account::Account;
use aggregate::aggregate;
use exit::Error;
use options::{Command, Options};
use progress::{Stream, complain};

fn main() -> ExitCode {
    run_command(&Options::parse()).unwrap_or_else(|error| {
        complain(&error);
        error.exit().into()
    })
}

fn run_command(options: &Options) -> Result<ExitCode, Error> {
    let exit = match &options.command {
        None => aggregate(&options.aggregate, Stream::Stdout, &mut Account::default())?,
        Some(Command::Run(options)) => return run::run(options),
        Some(Command::Top(options)) => show::top(options)?,
        Some(Command::Tree(options)) => show::tree(options)?,
        Some(Command::Export(options)) => show::export(options)?,
        Some(Command::Clean(options)) => clean::clean(options)?,
    };
    Ok(exit.into())
}
