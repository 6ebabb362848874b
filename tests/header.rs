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
        .with_src(root.join("src/ffi/mod.rs"))
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
        "include/edbprof.h is stale: run `EDBPROF_BLESS=1 cargo test --test header`"
    );
}
