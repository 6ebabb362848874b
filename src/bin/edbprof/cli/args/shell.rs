//! The command lines of `edbprof completions` and `edbprof man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const AFTER_HELP: &str = "\
Examples:
  edbprof completions bash > ~/.local/share/bash-completion/completions/edbprof
  edbprof completions zsh > ~/.zfunc/_edbprof     with ~/.zfunc in fpath, before compinit
  edbprof completions fish > ~/.config/fish/completions/edbprof.fish";

/// Print a script by which a shell completes commands, options and their values
///
/// The wheel installs these scripts below share/ of its environment, where shells find those of
/// a system-wide installation.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct CompletionsOptions {
    /// Shell that reads the script
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Shells for which there is a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Write a manual page for each command
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct ManOptions {
    /// Directory that gets edbprof.1, edbprof-run.1 and the like
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}
