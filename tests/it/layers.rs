//! Checks that every part of the crate names only the parts below it.

use std::fs;
use std::path::{Path, PathBuf};

/// Each part of the crate, and the parts that it may name after `crate::`.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("clock", &[]),
    ("format", &["model", "clock"]),
    ("recorder", &["model", "clock", "format"]),
    ("capi", &["model", "clock", "recorder"]),
    ("capi/profiles", &["model", "format", "analysis", "capi"]),
    ("analysis", &["model", "format"]),
    ("report", &["model", "format", "analysis"]),
];

/// The files and folders of `recorder`, each of which may name only those before it. Inside a
/// folder the order is free: its files split one type, or one state, among them.
const RECORDER: [&str; 13] = [
    "atomic and mutex",
    "stopwatch",
    "node",
    "children",
    "descriptors and sigxfsz and limits and rseq",
    "region",
    "arena",
    "live",
    "history",
    "thread",
    "recording",
    "registry",
    "fork and exit",
];

/// Returns the names after `prefix` in `text`, except in comments.
fn named_after<'t>(prefix: &'t str, text: &'t str) -> impl Iterator<Item = &'t str> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(move |line| {
        line.split(prefix).skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            &rest[..end.unwrap_or(rest.len())]
        })
    })
}

/// Returns what `text`, a file of `part`, names that it may not.
fn forbidden<'t>(part: &str, allowed: &[&str], text: &'t str) -> Vec<&'t str> {
    named_after("crate::", text)
        .filter(|name| *name != part && !allowed.contains(name))
        .collect()
}

/// Returns the rank of a file or folder of `recorder`; none for `recorder/mod.rs`.
fn rank(name: &str) -> Option<usize> {
    RECORDER
        .iter()
        .position(|names| names.split(" and ").any(|known| known == name))
}

/// Returns what `text`, a file of `unit`, names in `recorder` that does not come before it.
fn against_the_order<'t>(unit: &str, text: &'t str) -> Vec<&'t str> {
    let own = rank(unit).unwrap_or(RECORDER.len());
    named_after("crate::recorder::", text)
        .filter(|name| *name != unit)
        .filter(|name| rank(name).is_none_or(|rank| rank >= own))
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
            let below = file.strip_prefix(source.join(part)).unwrap();
            // A part within the part, of another library.
            if part == "capi" && below.starts_with("profiles") {
                continue;
            }
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
fn the_recorder_has_no_circles() {
    let recorder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/recorder");
    let mut files = Vec::new();
    rust_files(&recorder, &mut files);
    for file in files {
        let below = file.strip_prefix(&recorder).unwrap();
        let unit = below.iter().next().unwrap().to_str().unwrap();
        let unit = unit.trim_end_matches(".rs");
        if unit == "tests" || unit == "mod" {
            continue;
        }
        assert!(rank(unit).is_some(), "{unit} has no rank");
        let text = fs::read_to_string(&file).unwrap();
        // Tests look at everything.
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let names = against_the_order(unit, text);
        assert!(names.is_empty(), "{} names {names:?}", file.display());
        // Other units are named by `crate::recorder::` alone, so that nothing is missed.
        let is_in_folder = below.iter().count() > 1;
        let parent = ["super::", "super::super::"][usize::from(is_in_folder)];
        let mut outside = named_after(parent, text);
        assert_eq!(outside.next(), None, "{}", file.display());
    }
}

#[test]
fn a_use_against_the_order_is_found() {
    let text =
        "//! See crate::report.\nuse crate::model::Label;\nfn f() { crate::report::svg() }\n";
    assert_eq!(forbidden("format", &["model"], text), ["report"]);
    assert_eq!(forbidden("model", &[], text), ["report"]);

    let text = "use crate::recorder::node::Node;\nuse crate::recorder::fork;\n";
    assert!(against_the_order("mod", text).is_empty());
    assert_eq!(against_the_order("thread", text), ["fork"]);
    assert_eq!(against_the_order("exit", text), ["fork"]);
    assert_eq!(against_the_order("stopwatch", text), ["node", "fork"]);
    assert!(against_the_order("node", "crate::recorder::node::Node").is_empty());
    let text = "use crate::recorder::{fork, node};";
    assert_eq!(against_the_order("thread", text), [""]);
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

/// Folders below `src` with unsafe code.
const UNSAFE: [&str; 4] = ["clock", "recorder", "capi", "bin/edbprof/commands/run/os"];

/// Returns true if `text` has unsafe code.
fn has_unsafe(text: &str) -> bool {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .any(|word| word == "unsafe")
}

#[test]
fn unsafe_code_is_where_it_has_to_be() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut folders_with = [false; UNSAFE.len()];
    for file in files {
        if !has_unsafe(&fs::read_to_string(&file).unwrap()) {
            continue;
        }
        let below = file.strip_prefix(&source).unwrap();
        let folder = UNSAFE.iter().position(|folder| below.starts_with(folder));
        let Some(folder) = folder else {
            panic!("{} has unsafe code", file.display());
        };
        folders_with[folder] = true;
    }
    assert!(
        !folders_with.contains(&false),
        "{UNSAFE:?}: {folders_with:?}"
    );
    // The compiler checks the program as well.
    let main = fs::read_to_string(program().join("main.rs")).unwrap();
    assert!(main.contains("#![deny(unsafe_code)]"));
}

#[test]
fn a_use_of_unsafe_code_is_found() {
    for text in [
        "    unsafe { f() }",
        "unsafe fn f() {}",
        "#[unsafe(no_mangle)]",
    ] {
        assert!(has_unsafe(text), "{text}");
    }
    for text in ["// unsafe", "#![deny(unsafe_code)]"] {
        assert!(!has_unsafe(text), "{text}");
    }
}

/// Commands that use others: those that record end with the results, and those that wait beside a
/// program need the system calls of `run`. Two commands read two sides.
const COMMANDS_THAT_USE_OTHERS: [(&str, &str); 7] = [
    ("run", "aggregate"),
    ("live", "run"),
    ("attach", "aggregate"),
    ("attach", "live"),
    ("attach", "run"),
    ("diff", "compared"),
    ("view", "compared"),
];

#[test]
fn a_command_uses_no_other_but_those_of_the_table() {
    let folder = program().join("commands");
    let entries = fs::read_dir(&folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut commands: Vec<_> = names
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    commands.retain(|name| !["mod", "live_unsupported"].contains(&name.as_str()));
    for command in &commands {
        let mut files = vec![folder.join(format!("{command}.rs"))];
        if folder.join(command).is_dir() {
            files.clear();
            rust_files(&folder.join(command), &mut files);
        }
        for file in files {
            let mut named = other_commands(&commands, &fs::read_to_string(&file).unwrap());
            named.retain(|name| {
                name != command && !COMMANDS_THAT_USE_OTHERS.contains(&(command, name))
            });
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
