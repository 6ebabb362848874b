//! `edbprof run`: a whole program profiled without a change to it.
//!
//! The program is started as it would be without us, with the same standard streams.
//! One variable in its environment says where and what to record; every Python process
//! that inherits it, this one or a child by whatever way, finds it when it starts (by
//! the `.pth` file that is installed with the Python package) and records itself.
//! [`program`] says what is started, [`forward`] passes signals on. When the program has
//! ended, the recordings are merged as always, and this process ends as the program did.

mod forward;
mod options;
mod program;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus};

use edbprof::report::summary::path_text;
use rustix::fs::FlockOperation;

use crate::account::Account;
use crate::aggregate::aggregate;
use crate::exit::{Error, Exit};
use crate::options::PREFIX;
use crate::progress::{Stream, complain};
pub(crate) use options::RunOptions;

/// The environment variable that makes Python processes record themselves: lines
/// `name=value`, read by `edbprof_native/_startup.py`.
const VARIABLE: &str = "EDBPROF_RUN";

/// What the names of the directories begin with that recordings are made in.
pub(crate) const RECORDINGS_PREFIX: &str = "edbprof-run-";

/// Runs the program and shows where its time went. The exit code is the program's; a
/// program that a signal has ended is followed into it.
///
/// # Errors
///
/// When the program can't be started.
pub(crate) fn run(options: &RunOptions) -> Result<ExitCode, Error> {
    options.check()?;
    // What is wrong with the results' place is said before hours of work, not after.
    options.results.outputs()?.check_writable()?;
    let recordings = Recordings::new(options)?;
    let mut command = program::command(options)?;
    command.env(VARIABLE, settings(options, recordings.path()));
    let name = path_text(command.get_program().as_ref());
    let mut child = command
        .spawn()
        .map_err(|error| Error::NotStarted(format!("can't start {name}: {error}")))?;
    let status = wait(&mut child)
        .map_err(|error| Error::SomeFailed(format!("can't wait for {name}: {error}")))?;
    recordings.show(options, &name);
    Ok(end_as(status))
}

/// Waits for the program's end; until then its signals are passed on to it.
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let forwarding = forward::to(child.id())?;
    let status = child.wait();
    forwarding.stop();
    status
}

/// The value of [`VARIABLE`]. The directory comes last: it may contain anything.
fn settings(options: &RunOptions, directory: &Path) -> OsString {
    let mut lines = format!(
        "threads={}\nbuiltins={}\nchildren={}\nclock={}\nhook={}\ndirectory=",
        u8::from(!options.no_threads),
        u8::from(!options.no_builtins),
        u8::from(!options.no_children),
        options.clock,
        options.hook,
    )
    .into_bytes();
    lines.extend_from_slice(directory.as_os_str().as_encoded_bytes());
    OsString::from_vec(lines)
}

/// Ends this process as the program has ended.
fn end_as(status: ExitStatus) -> ExitCode {
    if let Some(signal) = status.signal() {
        // Returns only where the signal's default is to do nothing.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(u8::MAX))
}

/// Opens the picture among `outputs` with what the desktop opens such files with.
fn show_picture(outputs: &[PathBuf]) {
    let is_picture = |path: &&PathBuf| path.extension().is_some_and(|suffix| suffix == "svg");
    if let Some(picture) = outputs.iter().find(is_picture) {
        if let Err(error) = open::that_detached(picture) {
            complain(&format!("can't open {}: {error}", path_text(picture)));
        }
    }
}

/// Whether there are files in `directory` that merging would take for this run's.
fn has_recordings(directory: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(directory)? {
        if entry?
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Locks a directory.
///
/// # Errors
///
/// The system's: not all file systems have locks.
fn lock(directory: &Path) -> io::Result<OwnedFd> {
    let directory = File::open(directory)?.into();
    rustix::fs::flock(&directory, FlockOperation::NonBlockingLockShared)?;
    Ok(directory)
}

/// The directory that the program's processes record into.
enum Recordings {
    /// The user's.
    Kept(PathBuf),
    /// Removed in the end, unless processes that still run are writing there or the results
    /// lack what is in it. Locked as long as this process lives, so that `edbprof clean` knows.
    Temporary {
        directory: tempfile::TempDir,
        _lock: Option<OwnedFd>,
    },
}

impl Recordings {
    /// # Errors
    ///
    /// When it can't be made or has recordings already.
    fn new(options: &RunOptions) -> Result<Recordings, Error> {
        let Some(kept) = &options.keep else {
            return tempfile::Builder::new()
                .prefix(RECORDINGS_PREFIX)
                .tempdir()
                .map(|directory| {
                    let _lock = lock(directory.path()).ok();
                    Recordings::Temporary { directory, _lock }
                })
                .map_err(|error| {
                    let place = path_text(&std::env::temp_dir());
                    Error::Usage(format!("can't make a directory for recordings in {place}: {error}; --keep names another"))
                });
        };
        let text = path_text(kept);
        let made = std::fs::create_dir_all(kept).and_then(|()| std::fs::canonicalize(kept));
        let path = made
            .map_err(|error| Error::Usage(format!("can't make the directory {text}: {error}")))?;
        match has_recordings(&path) {
            Ok(false) => Ok(Recordings::Kept(path)),
            Ok(true) => Err(Error::Usage(format!(
                "{text} has the recordings of another run, which would be merged with those of \
                 this one; --keep wants another directory"
            ))),
            Err(error) => Err(Error::Usage(format!(
                "can't read the directory {text}: {error}"
            ))),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Recordings::Kept(path) => path,
            Recordings::Temporary { directory, .. } => directory.path(),
        }
    }

    /// Merges what was recorded, writes the results and says on stderr what is in them.
    fn show(self, options: &RunOptions, program: &str) {
        let mut account = Account::default();
        let merged = aggregate(
            &options.aggregate(self.path()),
            Stream::Stderr,
            &mut account,
        );
        let exit = merged.unwrap_or_else(|error| {
            complain(&error);
            error.exit()
        });
        // With recordings there nothing of them was chosen, which has been said.
        let is_empty = matches!(has_recordings(self.path()), Ok(false));
        if exit == Exit::NothingToRead && is_empty {
            complain(&format!(
                "nothing was recorded: no process of the program was a Python in which edbprof \
                 is installed (for {program}: {program} -m pip install edbprof)"
            ));
        }
        if options.open {
            show_picture(&account.outputs);
        }
        match self {
            Recordings::Temporary { directory, .. } if account.figures.running > 0 => {
                complain(&format!(
                    "{} still running; what is recorded until their end: edbprof {}",
                    match account.figures.running {
                        1 => "1 process is".to_owned(),
                        more => format!("{more} processes are"),
                    },
                    path_text(&directory.keep()),
                ));
            }
            Recordings::Temporary { directory, .. } if exit != Exit::Success && !is_empty => {
                let directory = path_text(&directory.keep());
                complain(&format!(
                    "the recordings are in {directory}; edbprof --out=DIR {directory} merges them"
                ));
            }
            Recordings::Kept(path) if !options.results.quiet => {
                complain(&format!("the recordings are in {}", path_text(&path)));
            }
            _ => {}
        }
    }
}
