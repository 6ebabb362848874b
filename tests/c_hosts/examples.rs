//! The hosts in `examples/` are built and run, and what they record is compared node by node.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::source::Source;
use super::{drawn, read};

/// The name of each thread, and for each node its calls and the way that leads to it.
fn counted(path: &Path) -> Vec<(String, Vec<String>)> {
    let trees = read(path);
    let mut threads: Vec<_> = trees
        .threads
        .iter()
        .map(|thread| {
            let lines = drawn(thread, &trees);
            let nodes = lines.iter().map(|line| {
                let (calls, rest) = line.split_once(' ').unwrap();
                format!("{calls} {}", rest.splitn(3, ' ').nth(2).unwrap())
            });
            (
                String::from_utf8(thread.name.to_vec()).unwrap(),
                nodes.collect(),
            )
        })
        .collect();
    threads.sort();
    threads
}

fn thread(name: &str, nodes: &[&str]) -> (String, Vec<String>) {
    let nodes = nodes.iter().map(|&node| node.to_owned()).collect();
    (name.to_owned(), nodes)
}

fn result(directory: &Path) -> PathBuf {
    directory.join("spans.prof")
}

#[test]
fn spans_in_c() {
    let source = Source::new("examples/spans.c", "c99");
    let Some((directory, _)) = source.run_with(|files| vec![result(files)]) else {
        return;
    };
    let expected = [thread("main", &["3 parse", "30 parse / evaluate"])];
    assert_eq!(counted(&result(directory.path())), expected);
}

#[test]
fn spans_in_cpp() {
    let source = Source::new("examples/spans.cpp", "c++17");
    let Some((directory, _)) = source.run_with(|files| vec![result(files)]) else {
        return;
    };
    let expected = [
        thread("main", &["1 solve", "3 solve / step"]),
        thread("pool-1", &["1 solve", "2 solve / step"]),
        thread("pool-2", &["1 solve", "2 solve / step"]),
    ];
    assert_eq!(counted(&result(directory.path())), expected);
}

#[test]
fn a_host_of_lua() {
    let source = Source {
        package: Some("lua5.4"),
        ..Source::new("examples/lua/lua_host.c", "c11")
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/lua/script.lua");
    let Some((directory, _)) = source.run_with(|files| vec![script.clone(), result(files)]) else {
        return;
    };
    let [(name, mut nodes)] = <[_; 1]>::try_from(counted(&result(directory.path()))).unwrap();
    nodes.sort();
    let fib = |above: &str, calls: [u64; 3]| -> Vec<String> {
        let mut way = above.to_owned();
        let mut next = |calls: &u64| {
            way += " / fib";
            format!("{calls} {way}")
        };
        calls
            .iter()
            .filter(|&&calls| calls > 0)
            .map(&mut next)
            .collect()
    };
    let mut expected = vec![
        "1 main".to_owned(),
        "1 main / pcall".to_owned(),
        "1 main / pcall / function".to_owned(),
        "1 main / pcall / function / error".to_owned(),
        "1 main / last".to_owned(),
        "1 main / print".to_owned(),
        "1 main / sum".to_owned(),
        "3 main / sum / numbers".to_owned(),
        "1 main / wrap".to_owned(),
        "1 function".to_owned(),
        "3 function / yield".to_owned(),
    ];
    expected.extend(fib("main", [2, 4, 2]));
    expected.extend(fib("function", [3, 4, 2]));
    expected.sort();
    assert_eq!((name.as_str(), nodes), ("main", expected));
}

#[test]
fn a_host_in_rust() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--target-dir"])
        .arg(root.join("build/examples"))
        .arg("--")
        .arg(result(directory.path()))
        .current_dir(root.join("examples/rust_host"))
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let expected = [thread("main", &["1 solve", "3 solve / step"])];
    assert_eq!(counted(&result(directory.path())), expected);
}
