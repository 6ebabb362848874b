//! THIRD_PARTY.md names every crate that the library and the program are made of, and
//! every direct development dependency, each with its version and licence.
//!
//! `EDBPROF_BLESS=1 cargo test --test it third_party` writes the tables anew (this may use
//! the network: it asks for all platforms, the check only for the one it runs on).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const HEADING: &str = "| crate | version | licence | source |\n|---|---|---|---|\n";
const HOW_TO_FIX: &str =
    "run 'EDBPROF_BLESS=1 cargo test --test it third_party', read the change, and commit it";
/// Linux and macOS; what their other processors need does not differ.
const PLATFORMS: [&str; 4] = [
    "--target",
    "x86_64-unknown-linux-gnu",
    "--target",
    "aarch64-apple-darwin",
];

/// One line of a table, by crate and version.
type Table = BTreeMap<(String, String), String>;

/// The tables by their markers in THIRD_PARTY.md, as cargo sees them now.
fn tables_by_cargo(platforms: &[&str]) -> [(&'static str, Table); 3] {
    let library = cargo_tree(&["--no-default-features", "--edges", "no-dev"], platforms);
    let mut program = cargo_tree(&["--edges", "no-dev"], platforms);
    program.retain(|key, _| !library.contains_key(key));
    let mut tests = cargo_tree(&["--edges", "dev", "--depth", "1"], platforms);
    tests.retain(|key, _| !library.contains_key(key) && !program.contains_key(key));
    [("library", library), ("program", program), ("tests", tests)]
}

fn cargo_tree(options: &[&str], platforms: &[&str]) -> Table {
    let output = Command::new(env!("CARGO"))
        .current_dir(ROOT)
        .args(["tree", "--locked", "--color", "never", "--prefix", "none"])
        .args(["--no-dedupe", "--format", "{p}|{l}|{r}"])
        .args(options)
        .args(platforms)
        .output()
        .expect("cargo starts: it runs this test");
    assert!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    text.lines().filter_map(table_line).collect()
}

/// `clap v4.6.7|MIT OR Apache-2.0|https://...`, perhaps with ` (proc-macro)` after the version.
fn table_line(line: &str) -> Option<((String, String), String)> {
    let mut fields = line.split('|');
    let (package, licence, source) = (fields.next()?, fields.next()?, fields.next()?);
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    if name == env!("CARGO_PKG_NAME") {
        return None;
    }
    assert!(
        !licence.is_empty(),
        "{name} {version} names no licence: may it be used?"
    );
    let licence = licence.replace('/', " OR ").replace("  ", " ");
    let source = match source {
        "" => format!("<https://crates.io/crates/{name}>"),
        address => format!("<{address}>"),
    };
    Some((
        (name.to_owned(), version.to_owned()),
        format!("| {name} | {version} | {licence} | {source} |\n"),
    ))
}

/// The text between the markers `<!-- name -->` and the next `<!-- end -->`, as a byte range.
fn section(document: &str, name: &str) -> std::ops::Range<usize> {
    let marker = format!("<!-- {name} -->\n");
    let start = document
        .find(&marker)
        .expect("THIRD_PARTY.md has its markers")
        + marker.len();
    let length = document[start..]
        .find("<!-- end -->")
        .expect("a marker has its end");
    start..start + length
}

#[test]
fn every_crate_is_named_with_its_licence() {
    let path = Path::new(ROOT).join("THIRD_PARTY.md");
    let mut document = fs::read_to_string(&path).expect("THIRD_PARTY.md is there");

    if std::env::var_os("EDBPROF_BLESS").is_some() {
        for (name, table) in tables_by_cargo(&PLATFORMS) {
            let lines: String = table.into_values().collect();
            document.replace_range(section(&document, name), &format!("\n{HEADING}{lines}\n"));
        }
        fs::write(&path, &document).expect("THIRD_PARTY.md can be written");
    }

    for (name, table) in tables_by_cargo(&[]) {
        let written = &document[section(&document, name)];
        for line in table.values() {
            assert!(
                written.contains(line),
                "THIRD_PARTY.md, table '{name}', lacks:\n{line}{HOW_TO_FIX}"
            );
        }
    }
}

#[test]
fn nothing_is_named_that_is_gone() {
    let document = fs::read_to_string(Path::new(ROOT).join("THIRD_PARTY.md")).expect("it is there");
    let lock = fs::read_to_string(Path::new(ROOT).join("Cargo.lock")).expect("it is there");
    for name in ["library", "program", "tests"] {
        let lines = document[section(&document, name)].lines();
        for line in lines.filter(|line| line.starts_with("| ")).skip(1) {
            let cells: Vec<&str> = line.split(" | ").collect();
            let (package, version) = (cells[0].trim_start_matches("| "), cells[1]);
            assert!(
                lock.contains(&format!("name = \"{package}\"\nversion = \"{version}\"\n")),
                "THIRD_PARTY.md names {package} {version}, which Cargo.lock doesn't; {HOW_TO_FIX}"
            );
        }
    }
}
