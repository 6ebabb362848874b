//! The facts of one recorded process.

use super::Calibration;

/// Identity of a process, different from that of any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessIdentity {
    /// Process id in its namespace.
    pub pid: u32,
    /// The kernel's random id of the boot; zeros where unknown.
    pub boot_id: [u8; 16],
    /// Inode of the pid namespace; 0 where unknown.
    pub pid_namespace: u64,
    /// Start of the process, clock ticks since the boot; 0 where unknown.
    pub start: u64,
    /// A random number that all recordings of one program in one process have in common;
    /// 0 where unknown. Forked children have their parent's.
    pub program: u64,
}

/// End of a recording, as far as the file shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ending {
    /// Saved while the process ran; it may have recorded more since.
    #[default]
    Running = 0,
    /// Saved at the process's regular exit, or closed by the program.
    Finished = 1,
    /// Read from the live file of a process that has ended.
    Killed = 2,
}

/// Facts of one recorded process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// Identity of the process.
    pub identity: ProcessIdentity,
    /// Its parent's process id.
    pub parent_pid: u32,
    /// Its command line, one element an argument.
    pub argv: Box<[Box<[u8]>]>,
    /// The host program, for example `CPython 3.11.7`.
    pub host: Box<[u8]>,
    /// The hook by which events reached the recorder, for example `setprofile`.
    pub hook: Box<[u8]>,
    /// Choice of the functions that were recorded, as options of `edbprof run`; empty for all.
    pub chosen: Box<[u8]>,
    /// The clock that stamped the events: `tsc`, `monotonic`, `cpu` or `host`.
    pub clock: Box<[u8]>,
    /// Smallest step of that clock, nanoseconds.
    pub clock_resolution_ns: f64,
    /// Beginning of the recording, nanoseconds since the Unix epoch.
    pub start_unix_ns: u64,
    /// Time from the beginning of the recording until it was saved, nanoseconds.
    pub duration_ns: u64,
    /// Processor time of the whole process until then, nanoseconds; 0 where unknown.
    pub processor_ns: u64,
    /// The recording's end.
    pub ending: Ending,
    /// Number of calls that found no room for a node or a counter, and are in no tree.
    pub dropped_calls: u64,
    /// Number of forked children that could not save what they recorded.
    pub unsaved_children: u32,
    /// Number of times that threads of C code entered the interpreter and left it unnoticed, so
    /// that their calls are missing.
    pub unnoticed_entries: u32,
    /// Number of native spans in threads that nothing recorded.
    pub lost_spans: u32,
    /// True if waiting was recorded, so that a thread without any has not waited.
    pub has_waiting: bool,
    /// Number of waits that were divided by the numbers of switches, because the system doesn't
    /// tell the time for which a thread was ready to run.
    pub estimated_waits: u32,
    /// Costs of recording, if they were measured.
    pub calibration: Option<Calibration>,
    /// Processor time that recording took, its start and end included, nanoseconds; 0 where
    /// unknown.
    pub recording_ns: u64,
}
