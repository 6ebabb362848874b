//! Checks who may use whom: every part of the crate names only the parts below it.

use std::fs;
use std::path::{Path, PathBuf};

/// Each part of the crate, and the parts that it may name after `crate::`.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("model", &[]),
    ("clock", &[]),
    ("format", &["model", "clock"]),
    ("recorder", &["model", "clock", "format"]),
    ("capi", &["model", "clock", "recorder"]),
    ("analysis", &["model", "format"]),
    ("report", &["model", "format", "analysis"]),
];

/// Returns what `text`, a file of `part`, names that it may not.
fn forbidden<'t>(part: &str, allowed: &[&str], text: &'t str) -> Vec<&'t str> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| {
        line.split("crate::").skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
    });
    names
        .filter(|name| *name != part && !allowed.contains(name))
        .collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_part_uses_only_the_parts_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (part, allowed) in ALLOWED {
        let mut files = Vec::new();
        rust_files(&source.join(part), &mut files);
        assert!(files.len() > 3, "{part} is not there");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let names = forbidden(part, allowed, &text);
            assert!(names.is_empty(), "{} names {names:?}", file.display());
        }
    }
}

#[test]
fn every_folder_is_a_part() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_known = ALLOWED.iter().any(|(part, _)| *part == name);
        assert!(is_known || name == "bin" || name == "lib.rs", "{name}");
    }
}

#[test]
fn a_use_against_the_order_is_found() {
    let text =
        "//! See crate::report.\nuse crate::model::Label;\nfn f() { crate::report::svg() }\n";
    assert_eq!(forbidden("format", &["model"], text), ["report"]);
    assert_eq!(forbidden("model", &[], text), ["report"]);
}
