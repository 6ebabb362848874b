//! The origin of a function's code, and the short form of its path for people:
//! `json/decoder.py` instead of the whole path to the standard library.

use super::display::printable;
use crate::model::Label;

/// The origin of a function's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeOrigin {
    /// The profiled program's own.
    Program,
    /// Installed: below `site-packages` or `dist-packages`.
    Library,
    /// Python's standard library.
    Standard,
    /// No Python code at all.
    Builtin,
}

/// The directory where pip puts scripts.
const BIN: &[u8] = b"bin/";

/// Shortens paths. It knows the directory of the program's own files.
#[derive(Clone, Debug, Default)]
pub struct PathShortener {
    root: Vec<u8>,
}

impl PathShortener {
    /// Finds the directory that all of the program's own files share.
    pub fn new<'a>(labels: impl IntoIterator<Item = &'a Label>) -> Self {
        let mut root: Option<&[u8]> = None;
        for label in labels {
            if split(&label.file).0 != CodeOrigin::Program || label.file.starts_with(b"<") {
                continue;
            }
            let directory = &label.file[..directory_length(&label.file)];
            // The directory of pip's scripts is no place of the program's.
            if last_component_end(directory, |part| part == b"bin") == Some(directory.len()) {
                continue;
            }
            root = Some(match root {
                None => directory,
                Some(root) => common_directory(root, directory),
            });
        }
        // Cutting `/` off says nothing and makes an absolute path look relative.
        PathShortener {
            root: root
                .filter(|root| root.len() > 1)
                .unwrap_or_default()
                .to_vec(),
        }
    }

    /// Returns `file` as people read it: escaped, and without all up to `site-packages`, the
    /// standard library's directory, or the program's own directory.
    pub fn short(&self, file: &[u8]) -> String {
        let (origin, rest) = split(file);
        let rest = match origin {
            CodeOrigin::Program => match last_component_end(rest, |part| part == b"bin") {
                Some(end) if end == directory_length(rest) => &rest[end - BIN.len()..],
                _ => rest.strip_prefix(self.root.as_slice()).unwrap_or(rest),
            },
            _ => rest,
        };
        printable(rest)
    }

    /// Returns `file:line` in the short form, without a line that is unknown; nothing for a builtin.
    pub fn location(&self, label: &Label) -> String {
        match origin(label) {
            CodeOrigin::Builtin => String::new(),
            _ if label.line < 1 => self.short(&label.file),
            _ => format!("{}:{}", self.short(&label.file), label.line),
        }
    }
}

/// Returns the origin of the code of `label`.
pub fn origin(label: &Label) -> CodeOrigin {
    split(&label.file).0
}

/// Returns the origin of a file, and its path without the place of installation.
fn split(file: &[u8]) -> (CodeOrigin, &[u8]) {
    if file == b"~" || file.is_empty() {
        return (CodeOrigin::Builtin, b"");
    }
    for marker in [b"site-packages", b"dist-packages"] {
        if let Some(end) = last_component_end(file, |part| part == marker) {
            return (CodeOrigin::Library, &file[end..]);
        }
    }
    if file.starts_with(b"<frozen ") {
        return (CodeOrigin::Standard, file);
    }
    if let Some(end) = last_component_end(file, is_versioned_python) {
        return (CodeOrigin::Standard, &file[end..]);
    }
    (CodeOrigin::Program, file)
}

/// Returns true for names of the standard library's directory in `sys.path`: `python3.11`,
/// `python3.13t`, `python311.zip`.
fn is_versioned_python(part: &[u8]) -> bool {
    let Some(version) = part.strip_prefix(b"python") else {
        return false;
    };
    let version = version.strip_suffix(b".zip").unwrap_or(version);
    let version = version.strip_suffix(b"t").unwrap_or(version);
    version.len() > 1
        && version.starts_with(b"3")
        && version
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// Returns the position behind the separator of the last directory that `wanted` accepts.
fn last_component_end(file: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut end = directory_length(file);
    while end > 0 {
        let start = directory_length(&file[..end - 1]);
        if wanted(&file[start..end - 1]) {
            return Some(end);
        }
        end = start;
    }
    None
}

/// Returns the length of the directory in `path`, bytes, including the separator.
fn directory_length(path: &[u8]) -> usize {
    path.iter()
        .rposition(is_separator)
        .map_or(0, |last| last + 1)
}

fn common_directory<'a>(one: &'a [u8], other: &[u8]) -> &'a [u8] {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    &one[..directory_length(&one[..same])]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(file: &str) -> Label {
        Label {
            file: file.as_bytes().into(),
            line: 7,
            name: b"f".as_slice().into(),
        }
    }

    #[test]
    fn paths_are_cut_where_the_reader_knows_the_rest() {
        let own = [
            label("/home/me/app/main.py"),
            label("/home/me/app/db/query.py"),
        ];
        let paths = PathShortener::new(&own);
        let short = |file: &str| paths.location(&label(file));
        assert_eq!(short("/home/me/app/main.py"), "main.py:7");
        assert_eq!(short("/home/me/app/db/query.py"), "db/query.py:7");
        assert_eq!(
            short("/usr/lib/python3.11/json/decoder.py"),
            "json/decoder.py:7"
        );
        let installed = "/v/lib/python3.9/site-packages/attr/_make.py";
        assert_eq!(short(installed), "attr/_make.py:7");
        assert_eq!(short("C:\\Py\\Lib\\site-packages\\x\\y.py"), "x\\y.py:7");
        assert_eq!(
            short("<frozen importlib._bootstrap>"),
            "<frozen importlib._bootstrap>:7"
        );
        assert_eq!(short("~"), "");
    }

    #[test]
    fn a_line_that_is_unknown_is_not_shown() {
        let paths = PathShortener::new([]);
        for line in [0, -1] {
            let label = Label {
                line,
                ..label("NVTX")
            };
            assert_eq!(paths.location(&label), "NVTX");
        }
    }

    #[test]
    fn files_without_a_common_directory_keep_their_paths() {
        let own = [label("/srv/a.py"), label("/opt/b.py"), label("<string>")];
        let paths = PathShortener::new(&own);
        assert_eq!(paths.short(b"/srv/a.py"), "/srv/a.py");
        assert_eq!(PathShortener::new(&[label("a.py")]).short(b"a.py"), "a.py");
        assert_eq!(PathShortener::new([]).short(b"/srv/a.py"), "/srv/a.py");
    }

    #[test]
    fn origins() {
        assert_eq!(origin(&label("/x/python3.13t/os.py")), CodeOrigin::Standard);
        assert_eq!(origin(&label("/x/python3/os.py")), CodeOrigin::Program);
        assert_eq!(
            origin(&label("/usr/lib/python3/dist-packages/apt.py")),
            CodeOrigin::Library
        );
        assert_eq!(origin(&label("~")), CodeOrigin::Builtin);
    }
}
