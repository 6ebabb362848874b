//! The texts of source files, for a page that is to contain them.

use std::collections::BTreeMap;
use std::{fmt, io};

use serde_json::{Value, json};

use crate::report::View;
use crate::report::display::printable;

/// The reason why a page does not contain a source file.
#[derive(Debug)]
pub enum NoSource {
    /// The file can't be read.
    NotRead(io::Error),
    /// The path leads to a directory, a link or a device.
    NotRegular,
    /// The file has more than 2 MB.
    TooLarge,
    /// The file has changed since the recording.
    Changed,
    /// The recording does not say when it began, so changes can't be seen.
    NoStart,
}

impl fmt::Display for NoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSource::NotRead(error) => error.fmt(f),
            NoSource::NotRegular => f.write_str("it is no regular file"),
            NoSource::TooLarge => f.write_str("it has more than 2 MB"),
            NoSource::Changed => f.write_str("it has changed since the recording"),
            NoSource::NoStart => f.write_str("the recording does not say when it began"),
        }
    }
}

impl std::error::Error for NoSource {}

impl From<io::Error> for NoSource {
    fn from(error: io::Error) -> Self {
        NoSource::NotRead(error)
    }
}

/// Texts of the files that a profile's functions are in.
#[derive(Debug, Default)]
pub struct Sources {
    /// A text, or the reason why there is none, for each path.
    files: BTreeMap<Vec<u8>, Result<String, NoSource>>,
}

impl Sources {
    /// Reads the files of `view`'s functions with `read`, which returns a text or the reason why
    /// there is none.
    pub fn read(view: &View<'_>, read: impl Fn(&[u8]) -> Result<String, NoSource>) -> Sources {
        let in_tree = view.tree().functions.iter().map(|function| &function.label);
        let labels = in_tree.chain(view.rows.labels());
        let mut files = BTreeMap::new();
        for label in labels.filter(|label| label.file.ends_with(b".py")) {
            files
                .entry(label.file.to_vec())
                .or_insert_with(|| read(&label.file));
        }
        Sources { files }
    }

    pub(super) fn json(&self) -> Value {
        let (mut files, mut missing) = (Vec::new(), Vec::new());
        for (path, text) in &self.files {
            let path = printable(path);
            match text {
                Ok(text) => files.push(json!({ "path": path, "text": text })),
                Err(reason) => missing.push(json!({ "path": path, "reason": reason.to_string() })),
            }
        }
        json!({ "files": files, "missing": missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::merge::Profile;
    use crate::model::NO_PARENT;
    use crate::report::svg::tests::tree;

    #[test]
    fn python_files_are_read_once_and_others_never() {
        let mut frames = tree(&[
            (NO_PARENT, "a", 100),
            (0, "b", 60),
            (0, "c", 3),
            (0, "d", 3),
        ]);
        frames.functions[1].label.file = (*b"/app/gone.py").into();
        frames.functions[2].label.file = (*b"/app/\xff.so").into();
        let profile = Profile::default();
        let rows = profile.rows();
        let view = View::with(&profile, &rows, frames);
        let asked = std::cell::RefCell::new(Vec::new());
        let sources = Sources::read(&view, |path| {
            asked.borrow_mut().push(path.to_vec());
            match path {
                b"/app/main.py" => Ok("</script>\n".to_owned()),
                _ => Err(NoSource::Changed),
            }
        });
        assert_eq!(
            asked.into_inner(),
            [b"/app/main.py".to_vec(), b"/app/gone.py".to_vec()]
        );
        let expected = json!({
            "files": [{ "path": "/app/main.py", "text": "</script>\n" }],
            "missing": [{ "path": "/app/gone.py", "reason": "it has changed since the recording" }],
        });
        assert_eq!(sources.json(), expected);
    }

    #[test]
    fn paths_are_printable() {
        let mut sources = Sources::default();
        sources
            .files
            .insert(b"/app/\x1b[31m.py".to_vec(), Ok(String::new()));
        assert_eq!(sources.json()["files"][0]["path"], "/app/\\x1b[31m.py");
    }
}
