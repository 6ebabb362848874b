//! The right to trace a process, which `sys.remote_exec` needs: finds what is missing, and what
//! grants it.

use std::fs;

use super::process::Process;

/// Number of the right to trace processes of others, `CAP_SYS_PTRACE`.
const TRACE: u32 = 19;

/// Facts that decide who may trace.
struct Facts {
    /// `kernel.yama.ptrace_scope`; `None` where the kernel has no such limit.
    scope: Option<u32>,
    is_root: bool,
    /// Effective rights of this process.
    rights: u64,
    /// Permitted rights of the other process.
    rights_of_other: u64,
    /// True if the other process has changed its user or its rights.
    is_guarded: bool,
    /// True if this process may use only some system calls, such as in a container.
    is_filtered: bool,
}

/// Returns what is missing to trace the process, and what would grant it.
pub(super) fn missing(process: &Process) -> String {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let other = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap_or_default();
    let facts = Facts {
        scope: scope.and_then(|text| text.trim().parse().ok()),
        is_root: rustix::process::geteuid().is_root(),
        rights: rights(&own, "CapEff:"),
        rights_of_other: rights(&other, "CapPrm:"),
        is_guarded: process.is_guarded(),
        is_filtered: own.lines().any(|line| line == "Seccomp:\t2"),
    };
    let command = format!("sudo edbprof {} {}", process.command, process.pid);
    facts.missing(&command)
}

impl Facts {
    fn missing(&self, command: &str) -> String {
        let can_trace = self.rights >> TRACE & 1 == 1;
        if self.scope == Some(3) {
            return "kernel.yama.ptrace_scope is 3: nobody may trace until the system is started \
                    with another value"
                .into();
        }
        if self.is_root && !can_trace {
            return "root has no CAP_SYS_PTRACE here: start the container with \
                    --cap-add=SYS_PTRACE"
                .into();
        }
        if !can_trace && self.is_guarded {
            return format!(
                "it has changed its user or its rights, so only root may trace it ({command})"
            );
        }
        if !can_trace && self.rights_of_other & !self.rights != 0 {
            return format!(
                "it has rights that you have not, so only root may trace it ({command})"
            );
        }
        match self.scope.filter(|_| !can_trace) {
            Some(2) => format!("kernel.yama.ptrace_scope is 2: only root may trace ({command})"),
            Some(1) => format!(
                "kernel.yama.ptrace_scope is 1: only root ({command}) and a process's parents may \
                 trace; sudo sysctl kernel.yama.ptrace_scope=0 allows it to users for their own \
                 processes"
            ),
            _ if self.is_filtered => {
                "a seccomp filter forbids system calls here, as in a container: start it with \
                 --cap-add=SYS_PTRACE"
                    .into()
            }
            _ => "a security module (AppArmor, SELinux) or another user namespace forbids it: try \
                  from outside of the container, or start that with --cap-add=SYS_PTRACE"
                .into(),
        }
    }
}

/// Returns a set of rights from the text of `/proc/PID/status`.
fn rights(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A user without rights, and a process of this user.
    const USER: Facts = Facts {
        scope: Some(0),
        is_root: false,
        rights: 0,
        rights_of_other: 0,
        is_guarded: false,
        is_filtered: false,
    };
    const ROOT: Facts = Facts {
        is_root: true,
        rights: 1 << TRACE,
        ..USER
    };

    #[test]
    fn each_refusal_names_what_grants_the_right() {
        let scope = |scope, of: Facts| Facts {
            scope: Some(scope),
            ..of
        };
        for (facts, word) in [
            (scope(1, USER), "sudo sysctl kernel.yama.ptrace_scope=0"),
            (scope(1, USER), "(sudo it)"),
            (scope(2, USER), "only root may trace (sudo it)"),
            (scope(3, ROOT), "until the system is started"),
            (Facts { rights: 0, ..ROOT }, "--cap-add=SYS_PTRACE"),
            (
                Facts {
                    rights: 0,
                    ..scope(2, ROOT)
                },
                "--cap-add=SYS_PTRACE",
            ),
            (
                Facts {
                    is_guarded: true,
                    ..scope(1, USER)
                },
                "changed its user",
            ),
            (
                Facts {
                    rights_of_other: 1,
                    ..USER
                },
                "rights that you have not",
            ),
            (
                Facts {
                    is_filtered: true,
                    ..USER
                },
                "seccomp",
            ),
            (ROOT, "security module"),
            (scope(1, ROOT), "security module"),
            (
                Facts {
                    scope: None,
                    ..USER
                },
                "security module",
            ),
        ] {
            let text = facts.missing("sudo it");
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn rights_are_read_as_the_system_writes_them() {
        let status = "Uid:\t0\t0\nCapPrm:\t000001ffffffffff\nCapEff:\t00000000a80425fb\n";
        assert_eq!(rights(status, "CapEff:"), 0xa804_25fb);
        assert_eq!(rights(status, "CapPrm:") >> TRACE & 1, 1);
        assert_eq!(rights("", "CapEff:"), 0);
    }
}
