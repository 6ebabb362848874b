//! What the program prints when it is done.

use std::path::PathBuf;

use edbprof::analysis::display_tree::DisplayTree;
use edbprof::analysis::merge::Profile;
use edbprof::report::View;
use edbprof::report::summary::summary;

use crate::build;

#[test]
fn short_and_to_the_point() {
    let functions = [
        ("", "main", 1, 0.25, 2.0),
        ("", "parse\x1b[2J", 1200, 1.5, 1.75),
        ("", "<built-in method builtins.len>", 5, 0.25, 0.25),
    ];
    let rows = build::rows(&functions, |name| {
        let file = match name {
            "main" => "/app/main.py",
            "<built-in method builtins.len>" => "~",
            _ => "/app/sub/parse.py",
        };
        build::label(file, 3, name)
    });
    let profile = Profile::default();
    let view = View::with(&profile, &rows, DisplayTree::default());
    let outputs = ["out.prof", "out.pstats", "out.svg"].map(PathBuf::from);
    assert_eq!(
        summary(&view, 0, &outputs),
        "\
edbprof: 0 processes, 2.00 s in 1,206 calls of 3 functions

    self          total  calls  function
  1.50 s 75.0 %  1.75 s  1,200  parse\\x1b[2J  sub/parse.py:3
  250 ms 12.5 %  2.00 s      1  main  main.py:3
  250 ms 12.5 %  250 ms      5  builtins.len

Wrote
  out.prof
  out.pstats
  out.svg

Next: open out.svg in a browser
  or: edbprof tree out.prof, or top, or export
  or: python -m pstats out.prof
  or: snakeviz out.prof  (pip install snakeviz)
"
    );
}
