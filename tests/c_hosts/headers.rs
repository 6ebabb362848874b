//! The headers compile without a warning in each standard of C and C++, the examples in their
//! comments too.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::source::compiler;

const C: [&str; 4] = ["c99", "c11", "c17", "c2x"];
const CPP: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++23"];
const WARNINGS: [&str; 8] = [
    "-pedantic-errors",
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wconversion",
    "-Wundef",
    "-Wno-unused",
    "-Werror",
];

/// The example in a header's first comment, as a function.
fn example(header: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("include").join(header)).unwrap();
    let lines = text.lines().take_while(|line| !line.contains("*/"));
    let code = lines.filter_map(|line| line.strip_prefix(" *     "));
    let code: Vec<_> = code.map(|line| line.replace("...", "")).collect();
    let name = header.replace('.', "_");
    let code = code.join("\n").replace("{  give up  }", "{ }");
    format!("#include \"{header}\"\nvoid {name}(void);\nvoid {name}(void) {{\n{code}\n}}\n")
}

fn check(cpp: bool, standards: &[&str], text: &str) {
    let Some(compiler) = compiler(cpp) else {
        return; // The tests of hosts say so.
    };
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join(if cpp { "all.cpp" } else { "all.c" });
    fs::write(&source, text).unwrap();
    for standard in standards {
        let output = Command::new(compiler.path())
            .arg(format!("-std={standard}"))
            .args(WARNINGS)
            .arg("-I")
            .arg(&include)
            .arg("-fsyntax-only")
            .arg(&source)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{standard}:\n{said}");
    }
}

#[test]
fn headers_and_their_examples_compile_in_each_standard() {
    let text = example("edbprof.h") + &example("edbprof_profiles.h");
    let text = text + "#include \"edbprof_python.h\"\n";
    check(false, &C, &text);
    check(true, &CPP, &text);
    let cpp = "#include \"edbprof_python.h\"\n#include \"edbprof.hpp\"\n".to_owned();
    check(true, &CPP[2..], &(cpp + &text));
}
