//! The command line of `edbprof run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::size::size;
use super::{ResultOptions, SelectionOptions};

const AFTER_HELP: &str = "\
Examples:
  edbprof run script.py --verbose        like python script.py --verbose
  edbprof run -m http.server             like python -m http.server
  edbprof run -c 'import pip'            like python -c 'import pip'
  edbprof run -X dev script.py           options of Python come before the script
  edbprof run pytest -n 4                a program on PATH that is, or starts, Python
  edbprof run ./tool.sh                  the same, by its path
  edbprof run --out /tmp/a.svg script.py options of edbprof come first

  edbprof run --repeat=3 --out before script.py
                                         three runs for edbprof diff

Exit status:
  the program's; after a signal, edbprof ends by the same signal
  4    the program's is 0, but the results could not be written
  127  the program could not be started";

/// Run a program, profile all its processes, show where the time went
///
/// The program runs as it does without edbprof. All its threads are recorded, and all its child
/// processes that run a Python with this package installed, however they are started. When the
/// program has ended, or was stopped (Ctrl-C), the results are written like those of `edbprof`,
/// and a summary is printed on stderr.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) results: ResultOptions,

    #[command(flatten)]
    pub(crate) selection: SelectionOptions,

    /// Run the program several times, with results for each run
    ///
    /// For --out=X they are called X.1.prof, X.2.prof and so on. `edbprof diff` uses them to
    /// separate changes from noise. Standard input can only be a file, which is read again each
    /// time. The exit status is the first that is not 0.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "keep",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,

    /// Number of this run.
    #[arg(long, hide = true)]
    pub(crate) repetition: Option<u32>,

    /// Write the page to explore the profile, too, and open it in the browser
    #[arg(long)]
    pub(crate) open: bool,

    /// Show the recording while the program runs
    ///
    /// The view has the terminal until you press q or the program ends. Output of the program to
    /// the terminal is shown afterwards. Ctrl-C is for the program.
    #[arg(long, conflicts_with = "repeat")]
    pub(crate) live: bool,

    /// True in the process below one that shows the view.
    #[arg(long, hide = true, requires = "live")]
    pub(crate) in_view: bool,

    /// Record from the start, or only when `edbprof attach` asks for it
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Start::On)]
    pub(crate) start: Start,

    /// Record only the program's first process
    #[arg(long)]
    pub(crate) no_children: bool,

    /// Record only the main thread of each process
    #[arg(long)]
    pub(crate) no_threads: bool,

    /// Undoes --no-threads
    #[arg(long, overrides_with = "no_threads", hide_short_help = true)]
    threads: bool,

    /// Record no functions written in C
    #[arg(long)]
    pub(crate) no_builtins: bool,

    /// Undoes --no-builtins
    #[arg(long, overrides_with = "no_builtins", hide_short_help = true)]
    builtins: bool,

    /// Record calls of classes, too, of slot wrappers and of wrappers like functools.partial
    ///
    /// Needs sys.monitoring, so Python 3.12 or later; earlier versions record as without this
    /// option.
    #[arg(long, conflicts_with = "no_builtins")]
    pub(crate) record_types: bool,

    /// Record only Python functions that a pattern matches; may be repeated
    ///
    /// Patterns are those of --include, or `mine`: functions that belong neither to the standard
    /// library nor to an installed package. The time of other functions is their callers'. C
    /// functions are recorded where a recorded function calls them. From Python 3.12 on, other
    /// functions cost nothing once they have been called.
    #[arg(long, value_name = "PATTERN", value_parser = recorded)]
    pub(crate) record: Vec<String>,

    /// Do not record Python functions that a pattern matches; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = recorded)]
    pub(crate) no_record: Vec<String>,

    /// Do not measure waiting: blocked, without the GIL, preempted
    #[arg(long)]
    pub(crate) no_waiting: bool,

    /// Undoes --no-waiting
    #[arg(long, overrides_with = "no_waiting", hide_short_help = true)]
    waiting: bool,

    /// Record ranges and marks of NVTX, with the functions around them
    ///
    /// Ranges that the program's libraries report through NVIDIA's Tools Extension are spans in the
    /// call tree. A tool that NVTX_INJECTION64_PATH names gets them, too. Time on a GPU is not
    /// measured.
    #[arg(long)]
    pub(crate) nvtx: bool,

    /// Record tasks, regions, frames, events and markers of Intel's ITT
    ///
    /// A collector that INTEL_LIBITTNOTIFY64 names gets them, too.
    #[arg(long)]
    pub(crate) itt: bool,

    /// Keep every event with its time, in at most SIZE bytes for each process [default: 256M]
    ///
    /// SIZE may end in k, M or G. An event takes 8 bytes. All processes together take at most a
    /// quarter of the space that the file system has left.
    #[arg(long, value_name = "SIZE", num_args = 0..=1, require_equals = true,
          default_missing_value = "256M", value_parser = size)]
    pub(crate) timeline: Option<u64>,

    /// Events that the timeline keeps once there is no room for all
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = TimelineKeep::Latest,
          requires = "timeline")]
    pub(crate) timeline_keep: TimelineKeep,

    /// Time to measure
    #[arg(long, value_enum, default_value_t = Clock::Wall)]
    pub(crate) clock: Clock,

    /// Interface of the interpreter that reports calls
    #[arg(long, value_enum, default_value_t = Hook::Auto)]
    pub(crate) hook: Hook,

    /// Keep the recordings of the single processes in this directory
    ///
    /// It is created if it does not exist, and must contain no recordings yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,

    /// Python to run; by default the one that edbprof is installed in
    #[arg(long, value_name = "PATH", overrides_with = "python")]
    pub(crate) python: Option<PathBuf>,

    /// Program to run: a script, -m MODULE, -c CODE or another program; with its arguments
    ///
    /// Python runs files whose names end in .py, .pyw, .pyc or .pyz, files that are not executable,
    /// directories and zip files. Other files run themselves: a script by the interpreter in its
    /// first line. Words without a slash are looked up on PATH.
    #[arg(
        value_name = "PROGRAM",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

/// Checks a pattern of functions to record. It must fit into one of the settings' lines.
fn recorded(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("an empty pattern matches nothing"),
        text if text.contains(char::is_control) => Err("a pattern has no control characters"),
        text => Ok(text.to_owned()),
    }
}

/// Time to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// Elapsed time
    Wall,
    /// CPU time of each thread; slower
    Cpu,
}

/// Beginning of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Start {
    /// With the first line of the program
    On,
    /// With edbprof attach PID
    Off,
}

/// Interface of the interpreter that reports calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hook {
    /// The fastest one available
    Auto,
    /// PyEval_SetProfile, any Python
    Setprofile,
    /// sys.monitoring, Python 3.12 and later
    Monitoring,
}

/// Events that a timeline keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TimelineKeep {
    /// The latest ones
    Latest,
    /// The first ones
    First,
}

/// Displays a value as the command line spells it.
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
display_as_value!(Clock, Hook, Start, TimelineKeep);
