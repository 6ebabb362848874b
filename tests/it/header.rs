//! The headers are up to date: cbindgen makes the same ones from the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// A header, cbindgen's settings for it, and the module that it is made from.
const HEADERS: [[&str; 3]; 2] = [
    ["include/edbprof.h", "cbindgen.toml", "src/capi"],
    [
        "include/edbprof_profiles.h",
        "cbindgen-profiles.toml",
        "src/capi/profiles",
    ],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_committed_headers_are_fresh() {
    for [header, settings, module] in HEADERS {
        let config = cbindgen::Config::from_file(root().join(settings)).unwrap();
        // The boundary's own module and, through it, those inside it; constants of the
        // crate's other modules are none of C's business.
        let mut made = Vec::new();
        cbindgen::Builder::new()
            .with_config(config)
            .with_src(root().join(module).join("mod.rs"))
            .generate()
            .unwrap()
            .write(&mut made);
        let made = String::from_utf8(made).unwrap();
        let path = root().join(header);
        if std::env::var_os("EDBPROF_BLESS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == made,
            "{header} is stale: run `EDBPROF_BLESS=1 cargo test --test it header`"
        );
    }
}

#[test]
fn every_function_says_which_threads_may_call_it() {
    for [header, _, module] in HEADERS {
        let header = fs::read_to_string(root().join(header)).unwrap();
        let mut functions = 0;
        for part in header.split("/**") {
            let Some((comment, declaration)) = part.split_once("*/") else {
                continue;
            };
            if !declaration.contains(");") {
                continue;
            }
            functions += 1;
            let comment = comment.replace("\n *", "").to_lowercase();
            let rules = [
                "any thread",
                "one thread at a time",
                "only the thread that made",
            ];
            assert!(
                rules.iter().any(|rule| comment.contains(rule)),
                "{declaration}"
            );
        }
        let sources = fs::read_dir(root().join(module)).unwrap();
        let sources = sources.map(|source| source.unwrap().path());
        let exported: usize = sources
            .filter(|source| source.is_file())
            .map(|source| fs::read_to_string(source).unwrap())
            .map(|source| source.matches("#[unsafe(no_mangle)]").count())
            .sum();
        assert_eq!(functions, exported);
    }
}

/// Functions for the thread of a handle, of which each either looks which thread calls it, or must
/// not be called from another one.
#[test]
fn a_call_from_another_thread_is_refused_or_forbidden() {
    let header = fs::read_to_string(root().join(HEADERS[0][0])).unwrap();
    let (mut refusing, mut forbidding) = (0, 0);
    for part in header.split("/**") {
        let Some((comment, declaration)) = part.split_once("*/") else {
            continue;
        };
        let comment = comment.replace("\n *", "");
        let is_for_one = ["Only", "only"]
            .iter()
            .any(|word| comment.contains(&format!("{word} the thread that made the handle")));
        if !is_for_one || comment.contains("or any thread once") {
            continue;
        }
        let refuses =
            comment.contains("`EDBPROF_WRONG_THREAD`") || comment.contains("like `edbprof_mark`");
        let forbids = ["The calling thread made it.", "Those of `edbprof_enter`."]
            .iter()
            .any(|condition| comment.contains(condition));
        assert_ne!(refuses, forbids, "{declaration}");
        refusing += usize::from(refuses);
        forbidding += usize::from(forbids);
    }
    assert!(refusing >= 11 && forbidding >= 17);
}
