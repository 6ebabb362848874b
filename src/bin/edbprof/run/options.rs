//! The command line of `edbprof run`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::exit::Error;
use crate::options::{AggregateOptions, ResultOptions};
use crate::selection::SelectionOptions;

const AFTER_HELP: &str = "\
Examples:
  edbprof run script.py --verbose        as python script.py --verbose
  edbprof run -m http.server             as python -m http.server
  edbprof run -c 'import pip'            as python -c 'import pip'
  edbprof run -X dev script.py           options of Python come before the script
  edbprof run pytest -n 4                a program on PATH that is, or starts, Python
  edbprof run --out /tmp/a.svg script.py options of edbprof come before all that

Exit status:
  the program's";

/// Run a program, profile all its processes, show where the time went
///
/// The program runs as without edbprof. All its threads and all its child processes
/// are recorded in which Python runs and this package is installed, however they are started.
/// When it has ended, or was stopped (Ctrl-C), the results are written as `edbprof`
/// writes them, and a summary is printed on stderr.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) results: ResultOptions,

    #[command(flatten)]
    pub(crate) selection: SelectionOptions,

    /// Open the picture when it is there
    #[arg(long)]
    pub(crate) open: bool,

    /// Record the program's first process alone
    #[arg(long)]
    pub(crate) no_children: bool,

    /// Record the main thread of each process alone
    #[arg(long)]
    pub(crate) no_threads: bool,

    /// Takes --no-threads back
    #[arg(long, overrides_with = "no_threads", hide_short_help = true)]
    threads: bool,

    /// Record no functions that are written in C
    #[arg(long)]
    pub(crate) no_builtins: bool,

    /// Takes --no-builtins back
    #[arg(long, overrides_with = "no_builtins", hide_short_help = true)]
    builtins: bool,

    /// What is measured
    #[arg(long, value_enum, default_value_t = Clock::Wall)]
    pub(crate) clock: Clock,

    /// How calls are seen
    #[arg(long, value_enum, default_value_t = Hook::Auto)]
    pub(crate) hook: Hook,

    /// Keep the recordings of the single processes, in this directory
    ///
    /// It is made if there is none, and must have no recordings yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,

    /// The Python to run; the one that edbprof is installed in by default
    #[arg(long, value_name = "PATH", overrides_with = "python")]
    pub(crate) python: Option<PathBuf>,

    /// What to run: a script, -m MODULE, -c CODE or a program; with its arguments
    #[arg(
        value_name = "PROGRAM",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// Time as it passes
    Wall,
    /// CPU time of each thread; slower
    Cpu,
}

/// How calls are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hook {
    /// The fastest that there is
    Auto,
    /// PyEval_SetProfile, any Python
    Setprofile,
    /// sys.monitoring, Python 3.12 and later
    Monitoring,
}

/// The value as it stands on the command line.
macro_rules! display_as_value {
    ($($type:ty),*) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let value = self.to_possible_value();
                f.write_str(value.as_ref().map_or("", |value| value.get_name()))
            }
        }
    )*};
}
display_as_value!(Clock, Hook);

/// What the long options of Python begin with: `python --help-all`.
const LONG_OPTIONS_OF_PYTHON: [&str; 3] = ["--help", "--version", "--check-hash-based-pycs"];

impl RunOptions {
    /// Options that are not edbprof's go on to Python, which would say of its own usage
    /// what is wrong with a mistyped one of ours.
    ///
    /// # Errors
    ///
    /// When the first word is a long option that Python doesn't have either.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let first = self.command.first().and_then(|word| word.to_str());
        match first {
            Some(option)
                if option.len() > 2
                    && option.starts_with("--")
                    && !LONG_OPTIONS_OF_PYTHON
                        .iter()
                        .any(|known| option.starts_with(known)) =>
            {
                let name = option.split('=').next().unwrap_or(option);
                Err(Error::Usage(format!(
                    "neither edbprof run nor Python has an option {name}; \
                     edbprof run --help lists ours, and those of the program come after its name"
                )))
            }
            _ => Ok(()),
        }
    }

    /// How the recordings in `directory` are to be merged.
    pub(crate) fn aggregate(&self, directory: &Path) -> AggregateOptions {
        AggregateOptions::of_directory(directory, self.selection.clone(), self.results.clone())
    }
}
