//! Names of files and directories that several commands agree on.

/// Prefix of recordings, unless their makers choose another.
pub(crate) const PREFIX: &str = "edbprof_";

/// Suffix of recordings, unless their makers choose another.
pub(crate) const SUFFIX: &str = ".prof";

/// Suffix of a singledispatch sidecar, appended to the name of its recording.
pub(crate) const SIDECAR_SUFFIX: &str = ".singledispatch";

/// Prefix of the directories in which `edbprof run` records.
pub(crate) const RECORDINGS_PREFIX: &str = "edbprof-run-";

/// Digits, hexadecimal, behind that prefix in the name of a directory for other users.
pub(crate) const SECRET_DIGITS: usize = 32;

/// Prefix of the files in such a directory that name processes that were not recorded.
pub(crate) const UNRECORDED_PREFIX: &str = "unrecorded_";

/// Prefix of the files there in which processes note the programs that they have started.
pub(crate) const STARTED_PREFIX: &str = "started_";

/// Name of the merged profile if only a directory is known.
pub(crate) const RESULT: &str = "profile_analysis.prof";

/// Name of the timeline beside it.
pub(crate) const TIMELINE_RESULT: &str = "profile_analysis.timeline";

/// Name that means stdout where an option takes a file.
pub(crate) const STDOUT: &str = "-";

/// Path that leads to the file that stdout is open to.
pub(crate) const STDOUT_PATH: &str = "/dev/stdout";

/// Beginning of the names of files that hold the exception which has ended a process, in the
/// directory of recordings.
pub(crate) const EXCEPTION_PREFIX: &str = "exception_";
