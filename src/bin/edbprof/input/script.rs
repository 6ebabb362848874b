//! Recognizes Python programs, and finds the interpreter that the first line of a script names.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use which::which;

/// Number of bytes at the beginning of a file that are read.
const HEAD: u64 = 512;
const SUFFIXES: [&str; 4] = ["py", "pyw", "pyc", "pyz"];

/// Returns true for files that Python runs, which may be executable. Their name or content says so,
/// and their first line names no other interpreter.
pub(crate) fn is_for_python(path: &Path) -> bool {
    if path.is_dir() {
        return path.join("__main__.py").is_file();
    }
    let suffix = path.extension().and_then(OsStr::to_str);
    let is_python = suffix.is_some_and(|suffix| SUFFIXES.contains(&suffix));
    match interpreter(path) {
        Some(interpreter) => is_python && is_python_name(&interpreter),
        None => is_python || head(path).starts_with(b"PK\x03\x04"),
    }
}

/// Returns the Python that runs the program `path`: itself, or the one that its first line names.
pub(crate) fn python_of(path: &Path) -> Option<PathBuf> {
    if is_python_name(path) {
        return Some(path.to_owned());
    }
    let named = interpreter(path)?;
    is_python_name(&named).then(|| which(&named).unwrap_or(named))
}

/// Returns true for names of Python, such as `python3`, `python3.13t` or `pypy`.
fn is_python_name(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let version = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"));
    version.is_some_and(|version| {
        let rest = version.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        ["", "t", "d", "td", "-dbg"].contains(&rest)
    })
}

/// Returns the program that the script's first line names; for `env`, the program that `env` would
/// start.
fn interpreter(path: &Path) -> Option<PathBuf> {
    let head = head(path);
    let mut lines = head.strip_prefix(b"#!")?.split(|&byte| byte == b'\n');
    let mut words = lines
        .next()?
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let first = PathBuf::from(OsStr::from_bytes(words.next()?));
    if first.ends_with("env") {
        let mut looked_up = words.filter(|word| !word.starts_with(b"-") && !word.contains(&b'='));
        return Some(OsStr::from_bytes(looked_up.next()?).into());
    }
    // Installers write these lines if a path has spaces or is too long for a first line.
    let long = lines
        .next()
        .and_then(|line| line.strip_prefix(b"'''exec' "));
    Some(match long {
        Some(line) => {
            let line = line.strip_suffix(br#" "$0" "$@""#).unwrap_or(line);
            let path = line
                .strip_prefix(b"\"")
                .and_then(|line| line.strip_suffix(b"\""));
            OsStr::from_bytes(path.unwrap_or(line)).into()
        }
        None => first,
    })
}

fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    // Opening a FIFO would wait for a writer.
    if path.is_file() {
        if let Ok(file) = File::open(path) {
            let _ = file.take(HEAD).read_to_end(&mut head);
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    #[test]
    fn the_first_line_names_the_interpreter() {
        for (content, expected) in [
            ("#!/usr/bin/python3\n", Some("/usr/bin/python3")),
            ("#! /opt/python3.13t -s\n", Some("/opt/python3.13t")),
            ("#!/usr/bin/env python3-dbg\n", Some("python3-dbg")),
            ("#!/usr/bin/env -S A=b pypy3 -u\n", Some("pypy3")),
            (
                "#!/bin/sh\n'''exec' \"/a b/python3.9\" \"$0\" \"$@\"\n' '''\n",
                Some("/a b/python3.9"),
            ),
            (
                "#!/bin/sh\n'''exec' /a/python \"$0\" \"$@\"\n",
                Some("/a/python"),
            ),
            ("#!/bin/sh\nexec python3\n", Some("/bin/sh")),
            ("#!", None),
            ("print()\n", None),
            ("", None),
        ] {
            let (_directory, path) = file("tool", content);
            assert_eq!(interpreter(&path), expected.map(PathBuf::from), "{content}");
        }
    }

    #[test]
    fn what_is_for_python() {
        for (name, content, expected) in [
            ("a.py", "print()", true),
            ("a.py", "#!/usr/bin/env python3\n", true),
            ("a.py", "#!/usr/bin/env -S uv run --script\n", false),
            ("a.pyz", "PK\x03\x04", true),
            ("a", "PK\x03\x04", true),
            ("a", "#!/usr/bin/python3\n", false),
            ("a.sh", "#!/bin/sh\n", false),
            ("a", "\x7fELF", false),
        ] {
            let (_directory, path) = file(name, content);
            assert_eq!(is_for_python(&path), expected, "{name}: {content}");
        }
    }

    #[test]
    fn names_of_pythons() {
        for name in [
            "python",
            "python3",
            "python3.13t",
            "pypy3.10",
            "/a/python3-dbg",
        ] {
            assert!(is_python_name(name.as_ref()), "{name}");
        }
        for name in ["python3-config", "pythonw.sh", "pypyrus", "ls", ""] {
            assert!(!is_python_name(name.as_ref()), "{name}");
        }
    }
}
