//! `include/edbprof.h` says what the library does: it is what cbindgen makes now.

use std::fs;
use std::path::Path;

#[test]
fn the_committed_header_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    // The boundary's own module and, through it, those inside it; constants of the
    // crate's other modules are none of C's business.
    let mut made = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/capi/mod.rs"))
        .generate()
        .unwrap()
        .write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = root.join("include/edbprof.h");
    if std::env::var_os("EDBPROF_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "include/edbprof.h is stale: run `EDBPROF_BLESS=1 cargo test --test it header`"
    );
}

#[test]
fn every_function_says_which_threads_may_call_it() {
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/edbprof.h");
    let header = fs::read_to_string(header).unwrap();
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
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capi")).unwrap();
    let exported: usize = sources
        .map(|source| fs::read_to_string(source.unwrap().path()).unwrap())
        .map(|source| source.matches("#[unsafe(no_mangle)]").count())
        .sum();
    assert_eq!(functions, exported);
}
