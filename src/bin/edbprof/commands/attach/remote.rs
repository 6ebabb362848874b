//! The way into a process that has opened no door: `sys.remote_exec` of Python 3.14 and later.
//!
//! It makes the process run a file at the next instruction of its main thread. The file opens a
//! door in a directory of this process. For that, Python writes to the memory of the process. The
//! system allows this to users who may trace the process.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use edbprof::report::display::printable;
use edbprof::report::summary::path_text;
use tempfile::TempDir;

use super::door::Door;
use super::process::{Process, Program};
use super::rights;
use crate::cli::exit::Error;

/// Time within which the main thread must come to an instruction of Python.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two checks of the result.
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes of the longest address of a socket.
const LONGEST_ADDRESS: usize = 107;
/// End of the message for a process that opens no door: it says how one is opened.
const NO_DOOR: &str = "opens no door (edbprof run --start=off, or edbprof_native.listen())";
/// Program for a Python like that of the process.
const REQUEST: &str = "
import sys
if not hasattr(sys, 'remote_exec'):
    print('version', '%d.%d' % sys.version_info[:2])
    sys.exit(3)
try:
    sys.remote_exec(int(sys.argv[1]), sys.argv[2])
except PermissionError as error:
    print('permission', error)
    sys.exit(3)
except Exception as error:
    # It has no interpreter or no main thread: it has not started completely, or ends.
    is_unfinished = str(error).startswith(\"Can't find \")
    print('unfinished' if is_unfinished else 'failed', error)
    sys.exit(3)
";

/// Program for the process itself. Its variables can't be seen by the process's other code.
const SCRIPT: &str = "
def _open(place):
    try:
        from edbprof_native import _door
        _door.open_once(place + '/door')
    except BaseException as error:
        with open(place + '/failed.tmp', 'w') as file:
            file.write('%s: %s' % (type(error).__name__, error))
        import os
        os.rename(place + '/failed.tmp', place + '/failed')
_open(__PLACE__)
del _open
";

/// Makes the process open a door, and connects to it.
///
/// # Errors
///
/// The reason why that is not possible, and what would make it so.
pub(super) fn open_door(process: &Process, patience: Duration) -> Result<Door, Error> {
    let pid = process.pid;
    if process.is_foreign() {
        return Err(Error::Usage(format!(
            "process {pid} belongs to user {}: that user or root may do this (sudo edbprof {} \
             {pid})",
            process.user, process.command
        )));
    }
    let failed = |error: io::Error| {
        Error::SomeFailed(format!("can't prepare to attach to process {pid}: {error}"))
    };
    let mut place = temporary_directory(&std::env::temp_dir()).map_err(failed)?;
    if place.path().join("door").as_os_str().len() > LONGEST_ADDRESS {
        place = temporary_directory(Path::new("/tmp")).map_err(failed)?;
    }
    let script = place.path().join("attach.py");
    let name = place.path().to_string_lossy();
    // Its quotes are Python's, and it has no line breaks.
    let literal = format!("{:?}", &*name);
    fs::write(&script, SCRIPT.replace("__PLACE__", &literal)).map_err(failed)?;
    fs::set_permissions(&script, Permissions::from_mode(0o600)).map_err(failed)?;
    if rustix::process::geteuid().as_raw() != process.user {
        for path in [place.path(), &script] {
            chown(path, Some(process.user), None).map_err(failed)?;
        }
    }
    let end = Instant::now() + PATIENCE;
    request(process, &script, end)?;
    let door = place.path().join("door");
    loop {
        if door.exists() {
            return Door::connect(process, &[door], patience);
        }
        if let Ok(reason) = fs::read(place.path().join("failed")) {
            return Err(not_opened(process, &printable(&reason)));
        }
        if !process.runs() {
            return Err(Error::SomeFailed(format!(
                "process {pid} has ended meanwhile"
            )));
        }
        if Instant::now() > end {
            return Err(Error::SomeFailed(format!(
                "process {pid} has not let edbprof in for {} s: its main thread runs no Python \
                 code, but waits or runs C code. A program with a door is recorded nevertheless: \
                 edbprof run --start=off, or edbprof_native.listen()",
                PATIENCE.as_secs()
            )));
        }
        std::thread::sleep(PAUSE);
    }
}

fn not_opened(process: &Process, reason: &str) -> Error {
    let python = match process.program() {
        Program::Python(path) => path_text(&path).to_string(),
        _ => "its Python".to_owned(),
    };
    let help = match reason.starts_with("ModuleNotFoundError") {
        true => format!("; edbprof is to be installed there: {python} -m pip install edbprof"),
        false => String::new(),
    };
    Error::SomeFailed(format!(
        "process {} can't open a door: {reason}{help}",
        process.pid
    ))
}

fn temporary_directory(place: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("edbprof-attach-")
        .tempdir_in(place)
}

/// Makes the process run `script` once it has a main thread: a Python that is starting has none.
fn request(process: &Process, script: &Path, end: Instant) -> Result<(), Error> {
    let pid = process.pid;
    let path = match process.program() {
        Program::Python(path) => path,
        other => return Err(process.ended_or(no_python(process, &other))),
    };
    loop {
        let mut command = python_of(process, &path);
        command.args(["-I", "-S", "-c", REQUEST]);
        command.arg(pid.to_string()).arg(script);
        let asked = command.stdin(Stdio::null()).output();
        let asked = asked.map_err(|error| {
            let text = format!("can't run the Python of process {pid}: {error}");
            process.ended_or(Error::SomeFailed(text))
        })?;
        if asked.status.success() {
            return Ok(());
        }
        let said = printable(asked.stdout.trim_ascii());
        let is_unfinished = said.starts_with("unfinished ");
        if !is_unfinished || !process.runs() || Instant::now() > end {
            let said = match said.is_empty() {
                true => printable(asked.stderr.trim_ascii()),
                false => said,
            };
            return Err(process.ended_or(refused(process, &said)));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Returns the reason why a process that runs no Python can't be asked.
fn no_python(process: &Process, program: &Program) -> Error {
    let why = match program {
        Program::Other(name) => format!(
            "its program ({}) is no Python that edbprof could ask",
            printable(name.as_bytes())
        ),
        Program::Hidden => format!(
            "it may not be traced, as sys.remote_exec does: {}",
            rights::missing(process)
        ),
        _ => "it is a thread of the kernel".to_owned(),
    };
    Error::Usage(format!("process {} {NO_DOOR}, and {why}", process.pid))
}

/// Returns the reason why [`REQUEST`] failed, from what it `said`.
fn refused(process: &Process, said: &str) -> Error {
    let pid = process.pid;
    Error::Usage(match said.split_once(' ') {
        Some(("version", version)) => format!(
            "process {pid} {NO_DOOR}, and sys.remote_exec, which needs none, is in Python 3.14 and \
             later; this is Python {version}"
        ),
        Some(("permission", _)) => format!(
            "may not trace process {pid}, as sys.remote_exec does: {}. A program with a door needs \
             no right (edbprof run --start=off, or edbprof_native.listen())",
            rights::missing(process)
        ),
        Some(("unfinished", _)) => format!(
            "sys.remote_exec can't enter process {pid}, whose main thread has not begun its \
             program yet, or has ended it while others continue. A program with a door is recorded \
             nevertheless: edbprof run --start=off, or edbprof_native.listen()"
        ),
        Some(("failed", reason)) => format!(
            "sys.remote_exec can't enter process {pid}: {reason}. PYTHON_DISABLE_REMOTE_DEBUG and \
             -X disable_remote_debug forbid it; a door does not need it (edbprof run --start=off)"
        ),
        _ => format!("sys.remote_exec can't enter process {pid}: {said}"),
    })
}

/// Returns a command that runs the program of the process, because only a Python of the same
/// version can ask it. If another user may have written that program, root runs it with the rights
/// of the process's user.
fn python_of(process: &Process, path: &Path) -> Command {
    let link = format!("/proc/{}/exe", process.pid);
    let mut command = Command::new(match path.exists() {
        true => path,
        false => Path::new(&link),
    });
    let own = rustix::process::geteuid().as_raw();
    let is_trusted = fs::metadata(&link).is_ok_and(|file| {
        let has_others = file.uid() != 0 && file.uid() != own;
        !has_others && file.mode() & 0o022 == 0
    });
    if own == 0 && process.user != 0 && !is_trusted {
        command.uid(process.user).gid(process.group);
    }
    command
}
