//! Which process wrote a live file, and whether it still runs.
//!
//! A process id alone says little: it is used again, means nothing after a boot and
//! is 1 in every container. So a file also has the process's start, the boot's id
//! and the pid namespace.

use std::fs::{self, File};
use std::io::Read;

use once_cell::sync::OnceCell;

/// A process, told from all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// Process id in its namespace.
    pub pid: u32,
    /// The kernel's random id of the boot; zeros where unknown.
    pub boot_id: [u8; 16],
    /// Inode of the pid namespace; 0 where unknown.
    pub pid_namespace: u64,
    /// Start of the process, clock ticks since the boot; 0 where unknown.
    pub start: u64,
}

impl ProcessIdentity {
    /// The calling process.
    pub fn own() -> ProcessIdentity {
        let pid = std::process::id();
        ProcessIdentity {
            pid,
            start: start_of(pid).unwrap_or(0),
            ..ProcessIdentity::here()
        }
    }

    /// What all processes here have in common.
    fn here() -> ProcessIdentity {
        ProcessIdentity {
            boot_id: boot_id(),
            pid_namespace: pid_namespace().unwrap_or(0),
            ..ProcessIdentity::default()
        }
    }

    /// Whether it runs: in this boot and namespace, with this start. `false` where
    /// that can't be told, for then its file can't be told from that of a dead one.
    pub fn is_running(&self) -> bool {
        let here = ProcessIdentity::here();
        self.start != 0
            && self.is_of_this_boot()
            && self.pid_namespace == here.pid_namespace
            && start_of(self.pid) == Some(self.start)
    }

    /// Whether the clocks that it read are those of now.
    pub fn is_of_this_boot(&self) -> bool {
        self.boot_id != [0; 16] && self.boot_id == boot_id()
    }
}

/// Looked up once; zeros where unknown.
fn boot_id() -> [u8; 16] {
    static ID: OnceCell<[u8; 16]> = OnceCell::new();
    *ID.get_or_init(|| {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        u128::from_str_radix(&digits, 16).unwrap_or(0).to_be_bytes()
    })
}

#[cfg(unix)]
fn pid_namespace() -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    Some(fs::metadata("/proc/self/ns/pid").ok()?.ino())
}

#[cfg(not(unix))]
fn pid_namespace() -> Option<u64> {
    None
}

/// Start of the process `pid`, if it runs. A zombie does not.
fn start_of(pid: u32) -> Option<u64> {
    // A file of /proc says no size; read with room for all of it, it takes one call.
    let mut stat = Vec::with_capacity(1024);
    let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
    file.read_to_end(&mut stat).ok()?;
    // The second field is the name in parentheses, with whatever bytes; the third is
    // the state, the 22nd the start.
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = String::from_utf8_lossy(stat.get(end + 1..)?);
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_others_like_it_do_not() {
        let own = ProcessIdentity::own();
        assert!(own.is_running());
        let start = own.start + 1;
        assert!(!ProcessIdentity { start, ..own }.is_running());
        let boot_id = [1; 16];
        assert!(!ProcessIdentity { boot_id, ..own }.is_running());
        let pid_namespace = own.pid_namespace + 1;
        let other = ProcessIdentity {
            pid_namespace,
            ..own
        };
        assert!(!other.is_running());
        assert!(other.is_of_this_boot());
        assert!(!ProcessIdentity::default().is_running());
    }

    #[test]
    fn a_process_that_has_ended_does_not_run() {
        let mut child = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let identity = ProcessIdentity {
            pid: child.id(),
            start: start_of(child.id()).unwrap(),
            ..ProcessIdentity::here()
        };
        assert!(identity.is_running());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!identity.is_running());
    }
}
