//! Identifies the process that wrote a file, and finds out if it still runs.
//!
//! A process id alone says little: it is used again, means nothing after a boot, and is 1 in every
//! container. So a file also has the process's start, the boot's id and the pid namespace. None of
//! them changes when the process replaces its program (exec), so there is a random number for each
//! program, too.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use once_cell::sync::OnceCell;

use crate::model::ProcessIdentity;

/// State of a process, as far as this process can find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// The process runs.
    Running,
    /// The process has ended.
    Gone,
    /// The process was started in another pid namespace, or the system says too little.
    Unknown,
}

impl ProcessIdentity {
    /// The calling process.
    pub fn own() -> ProcessIdentity {
        let pid = std::process::id();
        ProcessIdentity {
            pid,
            start: start_of(pid).unwrap_or(0),
            program: program(),
            ..ProcessIdentity::here()
        }
    }

    /// A process of this boot and namespace, if it runs. Its program is unknown.
    pub fn of(pid: u32) -> Option<ProcessIdentity> {
        Some(ProcessIdentity {
            pid,
            start: start_of(pid)?,
            ..ProcessIdentity::here()
        })
    }

    /// Facts that all processes here have in common.
    fn here() -> ProcessIdentity {
        ProcessIdentity {
            boot_id: boot_id(),
            pid_namespace: pid_namespace().unwrap_or(0),
            ..ProcessIdentity::default()
        }
    }

    /// Returns true if it runs: in this boot and namespace, with this start. Returns false if that
    /// can't be found out, because its file then looks like that of an ended process.
    pub fn is_running(&self) -> bool {
        self.liveness() == Liveness::Running
    }

    /// Returns the process's state.
    pub fn liveness(&self) -> Liveness {
        let here = ProcessIdentity::here();
        if [self.boot_id, here.boot_id].contains(&[0; 16]) {
            return Liveness::Unknown;
        }
        if self.boot_id != here.boot_id {
            return Liveness::Gone;
        }
        if !self.is_known() || self.pid_namespace != here.pid_namespace {
            return Liveness::Unknown;
        }
        match start_of(self.pid) == Some(self.start) {
            true => Liveness::Running,
            false => Liveness::Gone,
        }
    }

    /// Returns true if it runs and still maps `file`, as it did before. A process that has replaced
    /// its program does not. The maps of another user's process can't be read, so it counts as one
    /// that does.
    pub fn has_mapped(&self, file: &Path) -> bool {
        self.is_running() && maps(self.pid, file).unwrap_or(true)
    }

    /// Returns true if it can be distinguished from all others.
    pub fn is_known(&self) -> bool {
        self.boot_id != [0; 16] && self.pid_namespace != 0 && self.start != 0
    }

    /// Returns true if the clocks that it read are those of now.
    pub fn is_of_this_boot(&self) -> bool {
        self.boot_id != [0; 16] && self.boot_id == boot_id()
    }
}

/// Returns a random number that is drawn once, and replaced by an exec.
fn program() -> u64 {
    static PROGRAM: OnceCell<u64> = OnceCell::new();
    *PROGRAM.get_or_init(|| RandomState::new().hash_one(std::process::id()).max(1))
}

/// Returns the boot's id, which is looked up once; zeros if unknown.
fn boot_id() -> [u8; 16] {
    static ID: OnceCell<[u8; 16]> = OnceCell::new();
    *ID.get_or_init(|| {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        u128::from_str_radix(&digits, 16).unwrap_or(0).to_be_bytes()
    })
}

fn pid_namespace() -> Option<u64> {
    Some(fs::metadata("/proc/self/ns/pid").ok()?.ino())
}

/// Returns the start of the process `pid`, if it runs. A zombie does not.
fn start_of(pid: u32) -> Option<u64> {
    // A file of /proc has no size. With room for all of it, reading takes one call.
    let mut stat = Vec::with_capacity(1024);
    let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
    file.read_to_end(&mut stat).ok()?;
    // The second field is the name in parentheses, with any bytes; the third is the state, the 22nd
    // the start.
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = String::from_utf8_lossy(stat.get(end + 1..)?);
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Returns true if the process maps a file of this name. The directory may have another name for
/// the process.
fn maps(pid: u32, file: &Path) -> Option<bool> {
    let maps = fs::read(format!("/proc/{pid}/maps")).ok()?;
    let name = [b"/", file.file_name()?.as_encoded_bytes()].concat();
    let is_there = maps
        .split(|&byte| byte == b'\n')
        .any(|line| line.ends_with(&name));
    Some(is_there)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_maps_its_program_alone() {
        let own = ProcessIdentity::own();
        let program = std::env::current_exe().unwrap();
        assert!(own.has_mapped(&program));
        assert!(!own.has_mapped(&program.join("other")));
        let start = own.start + 1;
        assert!(!ProcessIdentity { start, ..own }.has_mapped(&program));
    }

    #[test]
    fn this_process_runs_and_others_like_it_do_not() {
        let own = ProcessIdentity::own();
        assert!(own.is_running());
        let start = own.start + 1;
        let gone = |identity: ProcessIdentity| identity.liveness() == Liveness::Gone;
        assert!(gone(ProcessIdentity { start, ..own }));
        let boot_id = [1; 16];
        assert!(gone(ProcessIdentity { boot_id, ..own }));
        let start = 0;
        let unknown = ProcessIdentity { start, ..own };
        assert_eq!(unknown.liveness(), Liveness::Unknown);
        let pid_namespace = own.pid_namespace + 1;
        let other = ProcessIdentity {
            pid_namespace,
            ..own
        };
        assert_eq!(other.liveness(), Liveness::Unknown);
        assert!(other.is_of_this_boot());
        assert_eq!(ProcessIdentity::default().liveness(), Liveness::Unknown);
    }

    #[test]
    fn a_process_that_has_ended_does_not_run() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        assert!(identity.is_running());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(identity.liveness(), Liveness::Gone);
    }
}
