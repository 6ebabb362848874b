//! `edbprof completions` and `edbprof man`: descriptions of the commands for shells and for `man`.

use clap::CommandFactory;
use edbprof::report::summary::path_text;

use crate::cli::args::{CompletionsOptions, ManOptions, Options, Shell};
use crate::cli::exit::{Error, Exit};
use crate::cli::ui::Stream;

/// Runs `edbprof completions`.
///
/// # Errors
///
/// When the script can't be printed.
pub(crate) fn completions(options: &CompletionsOptions) -> Result<Exit, Error> {
    let shell = match options.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    let name = env!("CARGO_BIN_NAME");
    clap_complete::generate(shell, &mut Options::command(), name, &mut script);
    let printed = Stream::Stdout.print(&script);
    printed.map_err(|reason| Error::NotWritten(format!("can't write to stdout: {reason}")))?;
    Ok(Exit::Success)
}

/// Runs `edbprof man`.
///
/// # Errors
///
/// When a page can't be written.
pub(crate) fn manual(options: &ManOptions) -> Result<Exit, Error> {
    let directory = &options.directory;
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Options::command(), directory));
    written.map_err(|reason| {
        let directory = path_text(directory);
        Error::NotWritten(format!("can't write manual pages to {directory}: {reason}"))
    })?;
    Ok(Exit::Success)
}
