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

/// Each part of the program, and the other parts that it may name.
const PROGRAM: [(&str, &[&str]); 4] = [
    ("cli", &[]),
    ("input", &["cli"]),
    ("output", &["cli", "input"]),
    ("commands", &["cli", "input", "output"]),
];

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/edbprof")
}

/// Returns the `commands` that `text`, a file of one of them, names.
fn other_commands<'c>(commands: &'c [String], text: &str) -> Vec<&'c str> {
    let is_named = |command: &&str| {
        ["super::", "commands::"].iter().any(|path| {
            let path = format!("{path}{command}");
            let mut uses = text.split(&path).skip(1);
            uses.any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    commands
        .iter()
        .map(String::as_str)
        .filter(is_named)
        .collect()
}

#[test]
fn every_part_of_the_program_uses_only_the_parts_below_it() {
    for (part, allowed) in PROGRAM {
        let mut files = Vec::new();
        rust_files(&program().join(part), &mut files);
        assert!(files.len() > 3, "{part} is not there");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let names = forbidden(part, allowed, &text);
            assert!(names.is_empty(), "{} names {names:?}", file.display());
        }
    }
    for entry in fs::read_dir(program()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_known = PROGRAM.iter().any(|(part, _)| *part == name);
        assert!(is_known || name == "main.rs", "{name}");
    }
}

#[test]
fn a_command_uses_no_other_but_run_the_last_step() {
    let folder = program().join("commands");
    let entries = fs::read_dir(&folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut commands: Vec<_> = names
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    commands.retain(|name| name != "mod");
    for command in &commands {
        let mut files = vec![folder.join(format!("{command}.rs"))];
        if folder.join(command).is_dir() {
            files.clear();
            rust_files(&folder.join(command), &mut files);
        }
        for file in files {
            let mut named = other_commands(&commands, &fs::read_to_string(&file).unwrap());
            named.retain(|name| name != command && (&**command, *name) != ("run", "aggregate"));
            assert!(named.is_empty(), "{} names {named:?}", file.display());
        }
    }
}

#[test]
fn a_use_of_another_command_is_found() {
    let commands = ["aggregate", "run"].map(str::to_owned);
    for text in ["use super::run;", "crate::commands::run::run(options)"] {
        assert_eq!(other_commands(&commands, text), ["run"]);
    }
    assert_eq!(other_commands(&commands, "use super::runner;"), [""; 0]);
}
