//! Reads the notes of recorders on programs that recorded processes have started.
//!
//! The directory of recordings has a file `started_PID` for each process that has started programs.
//! For each program, the file has the process's id, the number of words, the path and the words,
//! each followed by a NUL.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use edbprof::analysis::process_text::first_line;
use edbprof::report::display::printable;

use crate::cli::names::{PREFIX, STARTED_PREFIX};

/// Characters of a command line that are shown.
const LONGEST_COMMAND: usize = 80;

/// Program that was started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) path: PathBuf,
    /// Command line, with the program's name first.
    pub(super) arguments: Vec<OsString>,
}

impl Started {
    /// Returns the beginning of the command line, for the user.
    pub(super) fn command(&self) -> String {
        let words = self.arguments.iter().skip(1).map(OsString::as_os_str);
        let words = std::iter::once(self.path.as_os_str()).chain(words);
        let words = words.map(|word| printable(&first_line(word.as_encoded_bytes())));
        let text = words.collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(LONGEST_COMMAND) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// Returns the notes in `directory` on processes that have recorded nothing there, and the files of
/// all notes.
pub(super) fn unrecorded(directory: &Path) -> (Vec<Started>, Vec<PathBuf>) {
    let (mut started, mut files) = (Vec::new(), Vec::new());
    let mut recorded = HashSet::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if pid_behind(&name, STARTED_PREFIX).is_some() {
            started.extend(notes(&fs::read(entry.path()).unwrap_or_default()));
            files.push(entry.path());
        }
        recorded.extend(pid_behind(&name, PREFIX));
    }
    started.retain(|started| !recorded.contains(&started.pid));
    started.sort_by_key(|started| started.pid);
    (started, files)
}

/// Returns the process id in a file's name.
fn pid_behind(name: &OsStr, prefix: &str) -> Option<u32> {
    let rest = name.to_str()?.strip_prefix(prefix)?;
    rest.split('_').next()?.parse().ok()
}

/// Returns the notes of a file, up to the first incomplete one.
fn notes(bytes: &[u8]) -> Vec<Started> {
    let mut words = bytes.split_inclusive(|&byte| byte == 0);
    let mut next = || words.next()?.strip_suffix(b"\0");
    std::iter::from_fn(|| {
        let number = |word: &[u8]| std::str::from_utf8(word).ok()?.parse().ok();
        let (pid, count) = (number(next()?)?, number(next()?)?);
        let text = |word: &[u8]| OsString::from_vec(word.to_vec());
        let path = text(next()?).into();
        let arguments = (0..count).map(|_| next().map(text));
        Some(Started {
            pid,
            path,
            arguments: arguments.collect::<Option<_>>()?,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(pid: u32, path: &str, arguments: &[&str]) -> Started {
        Started {
            pid,
            path: path.into(),
            arguments: arguments.iter().map(OsString::from).collect(),
        }
    }

    #[test]
    fn notes_are_read_as_far_as_they_are_complete() {
        let whole = b"12\x002\0/bin/python\0python\0-S\x0013\x000\0ls\0";
        let both = [
            started(12, "/bin/python", &["python", "-S"]),
            started(13, "ls", &[]),
        ];
        assert_eq!(notes(whole), both);
        for end in 0..whole.len() {
            let found = notes(&whole[..end]);
            assert!(both.starts_with(&found), "{end}");
        }
        for wrong in [&b"x\0"[..], b"1\0x\0", b"1\x009999999999\0/a\0b\0"] {
            assert_eq!(notes(wrong), []);
        }
    }

    #[test]
    fn those_that_recorded_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write("started_1", "3\x001\0/bin/python\0python\x004\x000\0a\0");
        write("started_2", "2\x000\0b\0");
        write("edbprof_4_00ff.prof", "");
        let (found, files) = unrecorded(directory.path());
        let expected = [started(2, "b", &[]), started(3, "/bin/python", &["python"])];
        assert_eq!(found, expected);
        assert_eq!(files.len(), 2);
    }
}
