//! Checks that the files of each part of the crate import each other in one direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Parts whose files are checked.
const PARTS: [&str; 7] = [
    "model", "clock", "format", "recorder", "capi", "analysis", "report",
];

/// Modules that may import each other, each with those in it, and the reason.
const ALLOWED: &[(&[&str], &str)] = &[
    (
        &["model::labels", "model::rows"],
        "labels are numbered by the type that rows use",
    ),
    (
        &["format::pstats::entries", "format::pstats::reader"],
        "entries are read into the form that they have in memory",
    ),
    (
        &["recorder::live", "recorder::history", "recorder::thread"],
        "inside a folder of the recorder, files split one type, or one state, among them",
    ),
];

type Module = Vec<String>;
/// Modules with the modules that each imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Adds the files below `folder`, which is `module`, by their modules. Files of tests are left
/// out, and so are the tests at the end of other files.
fn add_files(folder: &Path, module: &Module, files: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let child = [&module[..], std::slice::from_ref(&name)].concat();
        if name == "tests" {
            continue;
        } else if path.is_dir() {
            add_files(&path, &child, files);
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let module = if name == "mod" { module.clone() } else { child };
            files.insert(module, text.to_owned());
        }
    }
}

/// Returns the paths in `text`: `a::{b, c::d}` as `a::b` and `a::c::d`.
fn paths(text: &str) -> BTreeSet<Vec<String>> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    let lines = lines.filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n");
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    // The path that each open brace began with.
    let mut open: Vec<Vec<String>> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let name = &rest[..rest.find(|c| !is_of_name(c)).unwrap_or(rest.len())];
        if !name.is_empty() {
            path.push(name.to_owned());
            rest = &rest[name.len()..];
        } else if let Some(after) = rest.strip_prefix("::{") {
            open.push(path.clone());
            rest = after;
        } else if let Some(after) = rest.strip_prefix("::") {
            rest = after;
            continue;
        } else {
            rest = &rest[c.len_utf8()..];
            match c {
                '{' => open.push(Vec::new()),
                '}' => drop(open.pop()),
                _ => {}
            }
        }
        if !rest.starts_with("::") {
            found.insert(std::mem::take(&mut path));
            path = open.last().cloned().unwrap_or_default();
        }
    }
    found
}

/// The files of a part.
struct Part {
    files: BTreeMap<Module, String>,
}

impl Part {
    /// Returns the module that `path` leads to from `module`, through names that are exported
    /// again on the way.
    fn resolve(&self, path: &[String], module: &Module) -> Option<Module> {
        let mut at = module.clone();
        let mut names = path;
        if names.first()? == "crate" {
            at.clear();
            names = &names[1..];
        }
        while let Some("super" | "self") = names.first().map(String::as_str) {
            if names[0] == "super" {
                at.pop();
            }
            names = &names[1..];
        }
        // A name alone may be a variable's, and `super` alone is part of `pub(super)`.
        let is_relative = names.len() == path.len();
        if names.len() <= usize::from(is_relative) {
            return None;
        }
        let least = at.len() + usize::from(is_relative);
        let whole = [&at[..], names].concat();
        let known = (least.max(1)..=whole.len()).rev();
        let mut known = known.filter(|&len| self.files.contains_key(&whole[..len]));
        let len = known.next()?;
        let target = whole[..len].to_vec();
        let exported = whole.get(len).and_then(|name| self.exported(&target, name));
        Some(exported.unwrap_or(target))
    }

    /// Returns where `name`, which `module` exports again, comes from.
    fn exported(&self, module: &Module, name: &String) -> Option<Module> {
        let statements = self.files[module].split(';');
        let exports = statements.filter_map(|statement| {
            let (before, tree) = statement.split_once("use ")?;
            let last = before.rsplit('\n').next()?;
            last.trim_start().starts_with("pub").then(|| paths(tree))
        });
        let mut exports = exports.flatten();
        let path = exports.find(|path| path.last() == Some(name))?;
        self.resolve(&path, module).filter(|from| from != module)
    }

    fn imports(&self) -> Imports {
        let imports = self.files.iter().map(|(module, text)| {
            let private = text.split(';').filter(|statement| {
                let line = statement.lines().find(|line| line.contains("use "));
                !line.is_some_and(|line| line.trim_start().starts_with("pub"))
            });
            let paths = private.flat_map(paths);
            let targets = paths.filter_map(|path| self.resolve(&path, module));
            (
                module.clone(),
                targets.filter(|target| target != module).collect(),
            )
        });
        imports.collect()
    }
}

/// Returns the modules that `from` imports, and that those import.
fn reach<'i>(imports: &'i Imports, from: &'i Module) -> BTreeSet<&'i Module> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(module) = waiting.pop() {
        let new = imports[module].iter();
        waiting.extend(new.filter(|next| reached.insert(*next)));
    }
    reached
}

/// Returns the circles of modules that import each other.
fn cycles(imports: &Imports) -> BTreeSet<BTreeSet<&Module>> {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|module| (module, reach(imports, module)))
        .collect();
    let in_cycles = imports
        .keys()
        .filter(|module| reached[module].contains(module));
    let cycles = in_cycles.map(|module| {
        let others = reached[module].iter().copied();
        others
            .filter(|other| reached[other].contains(module))
            .collect()
    });
    cycles.collect()
}

#[test]
fn files_of_a_part_import_each_other_in_one_direction() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut circles = Vec::new();
    for part in PARTS {
        let mut files = BTreeMap::new();
        add_files(&source.join(part), &vec![part.to_owned()], &mut files);
        let imports = Part { files }.imports();
        assert!(imports.len() > 3, "{part} is not there");
        for circle in cycles(&imports) {
            let circle: BTreeSet<String> = circle.iter().map(|module| module.join("::")).collect();
            let is_in = |module: &str, allowed: &&str| {
                let rest = module.strip_prefix(allowed);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            let is_allowed = ALLOWED.iter().any(|(allowed, _)| {
                let mut modules = circle.iter();
                modules.all(|module| allowed.iter().any(|allowed| is_in(module, allowed)))
            });
            circles.extend((!is_allowed).then_some(circle));
        }
    }
    assert!(circles.is_empty(), "these import each other: {circles:#?}");
}

#[test]
fn an_import_in_a_circle_is_found() {
    let module = |name: &str| name.split("::").map(str::to_owned).collect::<Module>();
    let files = [
        ("p", "pub mod a;\npub use a::A;"),
        ("p::a", "use super::{b::{B, C}, x};\nuse super::A;"),
        ("p::a::c", "// use super::A;\nfn f() {}"),
        ("p::b", "pub(super) fn f() { crate::p::d::g() }"),
        (
            "p::d",
            "use std::a;\nuse super::a::c;\nuse crate::p::b::{self};",
        ),
    ];
    let files = files.map(|(name, text)| (module(name), text.to_owned()));
    let files = files.into();
    let imports = Part { files }.imports();
    let (b, d) = (module("p::b"), module("p::d"));
    let cycle = BTreeSet::from([&b, &d]);
    assert_eq!(cycles(&imports), BTreeSet::from([cycle]));
    assert!(imports[&module("p::a")].contains(&module("p::b")));
}
