//! The texts of source files, where the page is asked to contain them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::report::View;
use crate::report::display::printable;

/// Texts of the files that a profile's functions are in.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A text, or the reason why there is none, for each path.
    files: BTreeMap<Vec<u8>, Result<String, String>>,
}

impl Sources {
    /// Reads the files of `view`'s functions with `read`, which returns a text or the reason why
    /// there is none.
    pub fn read(view: &View<'_>, read: impl Fn(&[u8]) -> Result<String, String>) -> Sources {
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
                Err(reason) => missing.push(json!({ "path": path, "reason": reason })),
            }
        }
        json!({ "files": files, "missing": missing })
    }
}
