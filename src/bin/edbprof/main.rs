//! The program `edbprof`: records programs, merges the profiles of their processes, and writes
//! reports.
//!
//! Each part uses only those above it:
//!
//! | part | content |
//! |---|---|
//! | [`cli`] | options, names, exit statuses, standard streams |
//! | [`input`] | from paths to one merged profile |
//! | [`output`] | from a profile to formats and files |
//! | [`commands`] | one module for each command; [`commands::run`] ends with [`commands::aggregate`] |
//!
//! Profiles, their analysis and their reports are in the library.

#![deny(unsafe_code)]

mod cli;
mod commands;
mod input;
mod output;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use cli::args::{Command, Options};
use cli::exit::Error;
use cli::ui::{Stream, warn};
use commands::aggregate::{RunReport, aggregate};
use commands::{
    attach, calls, check, clean, diff, export, live, mcp, mistakes, run, shell, show, view,
};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let ended = match Options::try_parse() {
        Ok(options) => run_command(&options, &words),
        Err(error) => Err(mistakes::explain(&words, &error).unwrap_or_else(|| error.exit())),
    };
    ended.unwrap_or_else(|error| {
        warn(&error);
        error.exit().into()
    })
}

fn run_command(options: &Options, words: &[OsString]) -> Result<ExitCode, Error> {
    let exit = match &options.command {
        None => {
            mistakes::check(words, &options.aggregate.inputs.paths)?;
            let report = &mut RunReport::default();
            aggregate(&options.aggregate, Stream::Stdout, report)?
        }
        Some(Command::Run(options)) if options.live && !options.in_view => {
            return live::run(options);
        }
        Some(Command::Run(options)) => return run::run(options),
        Some(Command::Attach(options)) => attach::attach(options)?,
        Some(Command::Dump(options)) => attach::dump(options)?,
        Some(Command::Top(options)) if options.live => live::top(options)?,
        Some(Command::Top(options)) => show::top(options)?,
        Some(Command::Tree(options)) => show::tree(options)?,
        Some(Command::Calls(options)) => calls::calls(options)?,
        Some(Command::View(options)) => view::view(options)?,
        Some(Command::Export(options)) => export::export(options)?,
        Some(Command::Diff(options)) => diff::diff(options)?,
        Some(Command::Check(options)) => check::check(options)?,
        Some(Command::Clean(options)) => clean::clean(options)?,
        Some(Command::Mcp(options)) => mcp::mcp(options)?,
        Some(Command::Completions(options)) => shell::completions(options)?,
        Some(Command::Man(options)) => shell::manual(options)?,
    };
    Ok(exit.into())
}
