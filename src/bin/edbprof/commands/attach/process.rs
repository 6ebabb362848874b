//! Facts of a running process, as the system shows them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use edbprof::model::ProcessIdentity;

use crate::cli::exit::Error;

/// Beginning of the names of directories in which the doors of a user's processes are.
const DOORS: &str = "edbprof-doors-";

/// A running process.
pub(super) struct Process {
    pub(super) pid: u32,
    /// Its id where it runs: containers have numbers of their own.
    own_pid: u32,
    /// Its effective user.
    pub(super) user: u32,
    pub(super) identity: ProcessIdentity,
}

impl Process {
    /// # Errors
    ///
    /// When there is no such process, or it is this one.
    pub(super) fn new(pid: u32) -> Result<Process, Error> {
        let no_process = || Error::Usage(format!("there is no process {pid}"));
        let identity = ProcessIdentity::of(pid).ok_or_else(no_process)?;
        if pid == std::process::id() {
            return Err(Error::Usage(format!("{pid} is edbprof itself")));
        }
        let metadata = fs::metadata(format!("/proc/{pid}")).map_err(|_| no_process())?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NStgid:"));
        let innermost = numbers.and_then(|numbers| numbers.split_ascii_whitespace().last());
        Ok(Process {
            pid,
            own_pid: innermost.and_then(|own| own.parse().ok()).unwrap_or(pid),
            user: user(&status).unwrap_or(metadata.uid()),
            identity,
        })
    }

    /// Path of the door that the process has opened, as it is found from here.
    pub(super) fn door(&self) -> Option<PathBuf> {
        // Names of all sockets in the process's network, of any user.
        let sockets = fs::read_to_string(format!("/proc/{}/net/unix", self.pid)).ok()?;
        let end = format!("/{DOORS}{}/{}", self.user, self.own_pid);
        let paths = sockets.lines().filter_map(|line| {
            let path = line.get(line.find('/')?..)?;
            path.ends_with(&end).then(|| Path::new(path))
        });
        let here = |path: &Path| -> Option<PathBuf> {
            // For a process that sees another file system, as in a container.
            let inside = Path::new("/proc").join(self.pid.to_string()).join("root");
            let inside = inside.join(path.strip_prefix("/").ok()?);
            [inside, path.to_owned()]
                .into_iter()
                .find(|path| path.exists())
        };
        paths.filter_map(here).next()
    }

    /// Returns true if the process still runs.
    pub(super) fn runs(&self) -> bool {
        self.identity.is_running()
    }

    /// Path of the program that the process runs.
    pub(super) fn program(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/exe", self.pid)).ok()
    }

    /// Returns true if another user than root looks at the process of another.
    pub(super) fn is_foreign(&self) -> bool {
        let own = rustix::process::geteuid();
        !own.is_root() && own.as_raw() != self.user
    }
}

/// Effective user in the text of `/proc/PID/status`.
fn user(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_no_door_and_is_no_target() {
        assert!(Process::new(std::process::id()).is_err());
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let process = Process::new(child.id()).unwrap();
        assert!(process.runs() && process.door().is_none() && !process.is_foreign());
        assert_eq!(process.user, rustix::process::geteuid().as_raw());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!process.runs());
    }
}
