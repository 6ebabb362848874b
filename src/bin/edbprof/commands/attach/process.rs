//! Facts of a running process that the system shows.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use edbprof::model::ProcessIdentity;

use crate::cli::exit::Error;

/// Beginning of the names of directories that hold the doors of a user's processes.
const DOORS: &str = "edbprof-doors-";

/// A running process.
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its id where it runs: containers have numbers of their own.
    own_pid: u32,
    /// Its effective user and group.
    pub(super) user: u32,
    pub(super) group: u32,
    /// Name of the command that looks into the process, for messages.
    pub(super) command: &'static str,
    pub(super) identity: ProcessIdentity,
}

/// The program that a process runs.
pub(super) enum Program {
    Python(PathBuf),
    /// Another program, by its name.
    Other(String),
    /// A thread of the kernel, which runs no program.
    Kernel,
    /// The system does not say.
    Hidden,
}

impl Process {
    /// # Errors
    ///
    /// When there is no such process, it has ended, or it is this one.
    pub(super) fn new(pid: u32, command: &'static str) -> Result<Process, Error> {
        let no_process = || Error::Usage(format!("there is no process {pid}"));
        let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|_| no_process())?;
        if matches!(state(&status), Some("Z" | "X")) {
            return Err(Error::Usage(format!(
                "process {pid} has ended; its parent, process {}, has not asked for its exit \
                 status yet",
                number(&status, "PPid:", 0).unwrap_or(0)
            )));
        }
        let identity = ProcessIdentity::of(pid).ok_or_else(no_process)?;
        if pid == std::process::id() {
            return Err(Error::Usage(format!("{pid} is edbprof itself")));
        }
        let metadata = fs::metadata(format!("/proc/{pid}")).map_err(|_| no_process())?;
        let of_process = number(&status, "Tgid:", 0).unwrap_or(pid);
        if of_process != pid {
            return Err(Error::Usage(format!(
                "{pid} is a thread of process {of_process}: edbprof {command} {of_process}"
            )));
        }
        Ok(Process {
            pid,
            own_pid: innermost_pid(&status).unwrap_or(pid),
            user: number(&status, "Uid:", 1).unwrap_or(metadata.uid()),
            group: number(&status, "Gid:", 1).unwrap_or(metadata.gid()),
            command,
            identity,
        })
    }

    /// Returns an error that the process has ended, if it has; else `error`.
    pub(super) fn ended_or(&self, error: Error) -> Error {
        match self.runs() {
            true => error,
            false => Error::SomeFailed(format!("process {} has ended meanwhile", self.pid)),
        }
    }

    /// Returns paths, valid for this process, of doors that may be the process's: those of
    /// processes with its number, in any container. The name has the user's number inside of that
    /// container.
    pub(super) fn doors(&self) -> Vec<PathBuf> {
        // Names of all sockets in the process's network, of any user.
        let sockets = fs::read_to_string(format!("/proc/{}/net/unix", self.pid));
        let sockets = sockets.unwrap_or_default();
        let paths = sockets.lines().filter_map(|line| {
            let path = line.get(line.find('/')?..)?;
            is_door(path, self.own_pid).then(|| Path::new(path))
        });
        let here = |path: &Path| -> Option<PathBuf> {
            // For a process that sees another file system, such as in a container.
            let inside = Path::new("/proc").join(self.pid.to_string()).join("root");
            let inside = inside.join(path.strip_prefix("/").ok()?);
            [inside, path.to_owned()]
                .into_iter()
                .find(|path| path.exists())
        };
        let mut doors: Vec<PathBuf> = paths.filter_map(here).collect();
        doors.dedup();
        doors
    }

    /// Returns true if the process still runs.
    pub(super) fn runs(&self) -> bool {
        self.identity.is_running()
    }

    /// Returns the program that the process runs.
    pub(super) fn program(&self) -> Program {
        match fs::read_link(format!("/proc/{}/exe", self.pid)) {
            Ok(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                match name.starts_with("python") {
                    true => Program::Python(path),
                    false => Program::Other(name.into_owned()),
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Program::Kernel,
            Err(_) => Program::Hidden,
        }
    }

    /// Returns true if the system keeps the process's memory from its own user, because the process
    /// has changed its user or its rights.
    pub(super) fn is_guarded(&self) -> bool {
        let owner = fs::metadata(format!("/proc/{}", self.pid)).map(|proc| proc.uid());
        owner.is_ok_and(|owner| owner != self.user)
    }

    /// Returns true if the process belongs to another user, and this user isn't root.
    pub(super) fn is_foreign(&self) -> bool {
        let own = rustix::process::geteuid();
        !own.is_root() && own.as_raw() != self.user
    }
}

/// Words of a line of `/proc/PID/status`.
fn words<'s>(status: &'s str, name: &str) -> Option<std::str::SplitAsciiWhitespace<'s>> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_ascii_whitespace())
}

/// A number in such a line.
fn number(status: &str, name: &str, position: usize) -> Option<u32> {
    words(status, name)?.nth(position)?.parse().ok()
}

/// The process's number where it runs.
fn innermost_pid(status: &str) -> Option<u32> {
    words(status, "NStgid:")?.last()?.parse().ok()
}

/// Letter for the state of the process.
fn state(status: &str) -> Option<&str> {
    words(status, "State:")?.next()
}

/// Returns true for the path of a door of a process with this number.
fn is_door(path: &str, pid: u32) -> bool {
    let mut names = path.rsplit('/');
    let is_number = names.next() == Some(&pid.to_string());
    let user = names.next().and_then(|name| name.strip_prefix(DOORS));
    is_number && user.is_some_and(|user| user.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_no_door_and_is_no_target() {
        assert!(Process::new(std::process::id(), "attach").is_err());
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let process = Process::new(child.id(), "attach").unwrap();
        assert!(process.runs() && process.doors().is_empty() && !process.is_foreign());
        assert_eq!(process.user, rustix::process::geteuid().as_raw());
        assert!(matches!(process.program(), Program::Other(name) if name == "sleep"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!process.runs());
    }

    #[test]
    fn doors_are_known_by_their_names() {
        for (path, is_one) in [
            ("/tmp/edbprof-doors-0/47", true),
            ("/srv/t m/p/edbprof-doors-100000/47", true),
            ("/tmp/edbprof-doors-0/147", false),
            ("/tmp/edbprof-doors-x/47", false),
            ("/tmp/doors-0/47", false),
            ("/47", false),
        ] {
            assert_eq!(is_door(path, 47), is_one, "{path}");
        }
    }
}
