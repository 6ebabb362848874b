//! Programs in C and C++ that use the library through `include/edbprof.h` alone,
//! as any host does: compiled here with all warnings as errors, linked against the
//! shared library of this build, run, and their files read back.
//!
//! * `EDBPROF_NO_SKIP=1`: a missing compiler is a failure.
//! * `EDBPROF_VALGRIND=1`: the programs run under valgrind.
//! * `EDBPROF_HOST_FLAGS`: further options of the compiler, see tests/sanitize.sh.

#![cfg(target_os = "linux")]

mod examples;
mod headers;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use edbprof::format::prof::{self, ProfFile};
use edbprof::format::pstats;
use edbprof::model::{
    Cost, Ending, Function, FunctionKind, Label, NO_PARENT, NodeKind, Nodes, ThreadTree, Trees,
};
use source::Source;

/// The names of the files in `directory` that end in `.prof` and begin with `prefix`.
fn files(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(prefix) && name.ends_with(".prof")
        })
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> Trees {
    match prof::read(&fs::read(path).unwrap()).unwrap() {
        ProfFile::Exact(trees, plain) => {
            assert!(plain.hashes.is_empty());
            trees
        }
        ProfFile::Plain(_) => panic!("{} has no call trees", path.display()),
    }
}

/// The only file in `directory` with that prefix.
fn read_only(directory: &Path, prefix: &str) -> (PathBuf, Trees) {
    let mut files = files(directory, prefix);
    let path = files.pop().unwrap();
    assert!(files.is_empty());
    let trees = read(&path);
    (path, trees)
}

/// One line a node, in the order of the file: calls, resumes, nanoseconds, and the
/// way that leads to it.
fn drawn(tree: &ThreadTree, trees: &Trees) -> Vec<String> {
    let nodes = &tree.nodes;
    let mut ways: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for node in 0..nodes.len() {
        let kind = nodes.kinds()[node];
        let name = match (trees.function(kind), &trees.kinds[kind as usize]) {
            (Some(function), _) => function.label.name.escape_ascii().to_string(),
            (_, NodeKind::Forked { path }) => format!("<{}>", path.escape_ascii()),
            _ => format!("{:?}", trees.kinds[kind as usize]),
        };
        let way = match nodes.parents()[node] {
            NO_PARENT => name,
            parent => format!("{} / {name}", ways[parent as usize]),
        };
        let (calls, resumes, total) = (
            nodes.calls()[node],
            nodes.resumes()[node],
            nodes.totals()[node],
        );
        lines.push(format!("{calls} {resumes} {total} {way}"));
        ways.push(way);
    }
    lines
}

fn label(file: &[u8], line: i64, name: &[u8]) -> Label {
    Label {
        file: file.into(),
        line,
        name: name.into(),
    }
}

/// What host.c and host.cpp say of the functions, in order of their first use.
fn functions(path: &str) -> Vec<Function> {
    let plain = |kind, label| Function {
        kind,
        flags: 0,
        label,
        qualified_name: [].into(),
        module: [].into(),
        generic: None,
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(&source).unwrap();
    let span = text
        .lines()
        .position(|line| line.starts_with("EDBPROF_SPAN"));
    let span = label(
        source.to_str().unwrap().as_bytes(),
        span.unwrap() as i64 + 1,
        b"native \"span\"",
    );
    let say = label(b"a\0b\n.py", -3, b"say \"\xc3\xa4'\"\xff\xfe");
    let recurse = label(b"~", 0, b"<built-in method m.recurse>");
    vec![
        plain(FunctionKind::Native, label(b"host", 10, b"main")),
        Function {
            qualified_name: (*b"Class.say").into(),
            module: (*b"pack\\age").into(),
            ..plain(FunctionKind::Python, say)
        },
        plain(FunctionKind::Builtin, recurse),
        Function {
            flags: edbprof::model::GENERIC_WRAPPER,
            generic: Some(label(b"generic.py", 99, b"generic")),
            ..plain(FunctionKind::Python, label(b"gen.py", 7, b"generate"))
        },
        plain(FunctionKind::Native, span),
    ]
}

fn check_known_trees(source: &Source) {
    let Some((directory, pid)) = source.run() else {
        return;
    };
    let directory = directory.path();
    let (path, own) = read_only(directory, "own_");
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(name.len(), format!("own_{pid}_0123456789abcdef.prof").len());
    assert!(name.starts_with(&format!("own_{pid}_")), "{name}");

    assert_eq!(own.functions, functions(source.path));
    let names: Vec<_> = own.threads.iter().map(|thread| &*thread.name).collect();
    assert_eq!(names, [&b"main thread"[..], b"worker\xfe"]);
    assert_eq!(
        drawn(&own.threads[0], &own),
        [
            r#"2 0 250 main"#,
            r#"3 0 110 main / say \"\xc3\xa4\'\"\xff\xfe"#,
            r#"1 0 40 main / say \"\xc3\xa4\'\"\xff\xfe / <built-in method m.recurse>"#,
            r#"1 0 20 main / say \"\xc3\xa4\'\"\xff\xfe / <built-in method m.recurse> / <built-in method m.recurse>"#,
            r#"1 0 5 main / say \"\xc3\xa4\'\"\xff\xfe / <built-in method m.recurse> / <built-in method m.recurse> / <built-in method m.recurse>"#,
            r#"1 2 12 main / generate"#,
        ]
    );
    assert_eq!(
        drawn(&own.threads[1], &own),
        [
            r#"1 0 40 main"#,
            r#"2 0 30 main / native \"span\""#,
            r#"1 0 20 main / native \"span\" / <built-in method m.recurse>"#,
            r#"0 1 0 main / generate"#,
            r#"1 0 5 main / <built-in method m.recurse>"#,
            r#"1 0 0 main / <built-in method m.recurse> / generate"#,
        ]
    );

    let [process] = &own.processes[..] else {
        panic!("one process");
    };
    assert_eq!(process.identity.pid, pid);
    assert_eq!(process.parent_pid, std::process::id());
    assert_eq!(process.argv.len(), 2);
    assert_eq!(&*process.argv[1], directory.as_os_str().as_encoded_bytes());
    assert_eq!(&*process.host, b"a host");
    assert_eq!(&*process.hook, b"by hand");
    assert_eq!(&*process.clock, b"host");
    assert_eq!(process.clock_resolution_ns, 1.0);
    assert_eq!(process.ending, Ending::Finished);
    assert_eq!(process.dropped_calls, 0);

    // The same again under the name that was asked for, but for the times that it took.
    let mut named = read(&directory.join("named.prof"));
    named.processes[0].duration_ns = process.duration_ns;
    named.processes[0].processor_ns = process.processor_ns;
    assert_eq!(named, own);

    let mut encoded = read(&directory.join("encoded.prof"));
    assert_eq!(encoded.processes[0].ending, Ending::Running);
    encoded.processes[0].ending = Ending::Finished;
    encoded.processes[0].duration_ns = process.duration_ns;
    encoded.processes[0].processor_ns = process.processor_ns;
    assert_eq!(encoded, own);

    // What Python's pstats reads is in it too.
    let rows = pstats::decode(&fs::read(&path).unwrap()).unwrap();
    let say = rows.find(&own.functions[1].label).unwrap();
    let recurse = rows.find(&own.functions[2].label).unwrap();
    assert_eq!(rows.row(say).unwrap().counts.nc, 3);
    let recurse = rows.row(recurse).unwrap().counts;
    // Twice the outermost: below `say` in one thread, `span` and `main` in the other.
    assert_eq!((recurse.cc, recurse.nc), (1 + 1 + 1, 3 + 1 + 1));

    // Asked for, but no generic function was called.
    let mut beside = path.into_os_string();
    beside.push(".singledispatch");
    assert!(!Path::new(&beside).exists());

    let open = read(&directory.join("open.prof"));
    assert_eq!(open.recordings, own.recordings);
    assert_eq!(open.processes[0].ending, Ending::Running);
    let lines = drawn(&open.threads[0], &open);
    // Since 100 and 210, up to the latest event.
    assert_eq!(lines[0], "1 0 110 main");
    assert_eq!(lines[5], "1 1 5 main / generate");
}

#[test]
fn a_c_host_builds_known_trees() {
    check_known_trees(&Source::new("tests/c/host.c", "c11"));
}

#[test]
fn a_cpp_host_builds_the_same_trees() {
    check_known_trees(&Source::new("tests/c/host.cpp", "c++11"));
}

#[test]
fn scopes_of_cpp_end_with_their_blocks() {
    let source = Source::new("tests/c/scopes.cpp", "c++17");
    let Some((directory, _)) = source.run() else {
        return;
    };
    let (_, trees) = read_only(directory.path(), "scopes");
    let ways: Vec<_> = drawn(&trees.threads[0], &trees)
        .iter()
        .map(|line| line.splitn(4, ' ').nth(3).unwrap().to_owned())
        .collect();
    assert_eq!(ways, ["outer", "outer / dynamic"]);
}

/// With each header that was released, and the library of today.
#[test]
fn a_host_of_a_released_header_builds_the_same_trees() {
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/released");
    let versions = fs::read_dir(released).unwrap();
    let versions: Vec<_> = versions.map(|each| each.unwrap().file_name()).collect();
    assert_eq!(versions, ["3.0"]);
    check_known_trees(&Source {
        include: "tests/c/released/3.0",
        ..Source::new("tests/c/host.c", "c11")
    });
}

#[test]
fn wrong_use_returns_a_status_and_leaves_the_rest_right() {
    let source = Source::new("tests/c/misuse.c", "c11");
    let Some((directory, _)) = source.run() else {
        return;
    };
    let directory = directory.path();
    assert_eq!(read(&directory.join("empty.prof")), Trees::default());

    let (_, kept) = read_only(directory, "wrong_");
    assert_eq!(drawn(&kept.threads[0], &kept), ["2 0 12 first"]);

    let (_, full) = read_only(directory, "full_");
    let [first, second] = &full.threads[..] else {
        panic!("two threads");
    };
    // Entered at 1000, 1001, ... to 1099 and left, the innermost first, from 1100
    // on; the one below the root a second time, from 2000 to 2005.
    let nodes = &first.nodes;
    let is_overflow = |node: &usize| {
        let kind = nodes.kinds()[*node] as usize;
        full.kinds[kind] == NodeKind::Overflow
    };
    let (overflow, deep): (Vec<_>, Vec<_>) = (0..nodes.len()).partition(is_overflow);
    assert_eq!(deep.len(), 63);
    for (&node, depth) in deep.iter().zip(1_u64..) {
        let (entered, left) = (999 + depth, 1200 - depth);
        let again = if node == 0 { (2, 5) } else { (1, 0) };
        assert_eq!(nodes.calls()[node], again.0);
        assert_eq!(nodes.totals()[node], left - entered + again.1);
        assert_eq!(
            parent_of(nodes, node),
            (depth > 1).then(|| deep[depth as usize - 2])
        );
    }
    // The 64th was entered at 1063 and left at 1136; later there were four ticks more.
    let overflow: Vec<_> = overflow
        .iter()
        .map(|&node| {
            (
                parent_of(nodes, node),
                nodes.calls()[node],
                nodes.totals()[node],
            )
        })
        .collect();
    assert_eq!(overflow, [(Some(0), 0, 4), (Some(deep[62]), 0, 73)]);
    let figures = |thread: &ThreadTree| -> Vec<_> {
        let overflow = thread.overflow.iter();
        overflow
            .map(|overflow| {
                let name = &full.function(overflow.kind).unwrap().label.name;
                let name = String::from_utf8(name.to_vec()).unwrap();
                (name, overflow.calls, overflow.resumes, overflow.self_time)
            })
            .collect()
    };
    let (deep, other) = (|| "deep".to_owned(), || "other".to_owned());
    assert_eq!(
        figures(first),
        [(deep(), 37, 1, 73 + 3), (other(), 2, 0, 1)]
    );
    assert_eq!(figures(second), [(deep(), 1, 0, 7)]);
    assert_eq!(drawn(second, &full), ["0 0 7 Overflow"]);
    assert_eq!(full.processes[0].dropped_calls, 0);

    // No temporary file, nothing in a place that was refused.
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.split('_').next().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["due", "empty.prof", "full", "wrong"]);
}

#[test]
fn a_host_of_an_older_or_newer_header_works() {
    let source = Source::new("tests/c/versions.c", "c11");
    let Some((directory, _)) = source.run() else {
        return;
    };
    let (_, later) = read_only(directory.path(), "longer_");
    assert_eq!(
        drawn(&later.threads[0], &later),
        ["1 0 5 defined", "1 0 5 defined / span"]
    );
    let calibration = later.processes[0].calibration.unwrap();
    assert_eq!(calibration.slowed_ppm, 5);
    assert_eq!(calibration.costs, [Cost::default(); 5]);
    assert_eq!(calibration.class_call, 0);
    assert_eq!(files(directory.path(), "").len(), 1);
}

#[test]
fn a_host_is_recorded_by_the_run_that_has_started_it() {
    let source = Source::new("tests/c/run.c", "c11");
    let Some((directory, _)) = source.run() else {
        return;
    };
    let [parent, child] = &family(&directory.path().join("recordings"), "edbprof_")[..] else {
        panic!("both processes saved");
    };
    for (trees, expected) in [
        (parent, ["1 outer", "2 outer / inner"]),
        (child, ["0 <>", "1 <> / inner"]),
    ] {
        let without_times = |line: String| {
            let (calls, rest) = line.split_once(' ').unwrap();
            let path = rest.splitn(3, ' ').last().unwrap();
            format!("{calls} {path}")
        };
        let lines = drawn(&trees.threads[0], trees).into_iter();
        assert_eq!(lines.map(without_times).collect::<Vec<_>>(), expected);
        assert_eq!(trees.processes[0].ending, Ending::Finished);
        assert_eq!(&*trees.processes[0].host, b"run.c 1.0");
    }
}

#[test]
fn calls_of_threads_that_come_and_go_while_another_saves_are_exact() {
    let source = Source::new("tests/c/threads.c", "c11");
    let Some((directory, _)) = source.run() else {
        return;
    };
    let figures = |prefix| {
        let (_, trees) = read_only(directory.path(), prefix);
        let nodes = trees.threads.iter().map(|tree| &tree.nodes);
        let sums = nodes.map(|nodes| (nodes.calls()[0], nodes.totals()[0]));
        sums.fold((0, 0), |sum, tree| (sum.0 + tree.0, sum.1 + tree.1))
    };
    assert_eq!(figures("turns_"), (100, 100 * 5));
    // Every life has one call of 5 ns: later ones begin and end at the latest event.
    assert_eq!(figures("at_once_"), (3 * 100 * 50, 3 * 100 * 5));
}

fn parent_of(nodes: &Nodes, node: usize) -> Option<usize> {
    let parent = nodes.parents()[node];
    (parent != NO_PARENT).then_some(parent as usize)
}

/// The files with that prefix, the elder process's first; each names the process
/// before it as its parent.
fn family(directory: &Path, prefix: &str) -> Vec<Trees> {
    let mut left: Vec<Trees> = files(directory, prefix)
        .iter()
        .map(|path| read(path))
        .collect();
    let mut sorted: Vec<Trees> = Vec::new();
    let mut ids: Vec<_> = left
        .iter()
        .flat_map(|trees| trees.recordings.clone())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(
        ids.len(),
        left.len(),
        "each process is a recording of its own"
    );
    while !left.is_empty() {
        let pids: Vec<u32> = left
            .iter()
            .map(|trees| trees.processes[0].identity.pid)
            .collect();
        let eldest = left
            .iter()
            .position(|trees| !pids.contains(&trees.processes[0].parent_pid))
            .unwrap();
        sorted.push(left.remove(eldest));
    }
    sorted
}

#[test]
fn a_forked_child_is_a_recording_of_its_own() {
    let source = Source::new("tests/c/fork.c", "c11");
    let Some((directory, pid)) = source.run() else {
        return;
    };
    let directory = directory.path();
    let threads = |trees: &Trees| -> Vec<Vec<String>> {
        let threads = trees.threads.iter();
        threads.map(|thread| drawn(thread, trees)).collect()
    };

    let middle = family(directory, "middle_");
    assert_eq!(middle.len(), 2);
    assert_eq!(middle[0].processes[0].identity.pid, pid);
    assert_eq!(middle[1].processes[0].parent_pid, pid);
    assert_eq!(
        threads(&middle[0]),
        [["1 0 200 outer", "2 0 23 outer / inner"]]
    );
    // From 110, the latest event before the fork, on: to 150, and from there to 200.
    assert_eq!(
        threads(&middle[1]),
        [[
            "0 0 90 <outer > inner>",
            "0 0 50 <outer > inner> / outer",
            "0 0 40 <outer > inner> / inner",
            "1 0 10 <outer > inner> / outer / inner"
        ]]
    );

    let twice = family(directory, "twice_");
    assert_eq!(twice.len(), 3);
    assert_eq!(threads(&twice[0]), [["1 0 900 outer"]]);
    assert_eq!(
        threads(&twice[1]),
        [[
            "0 0 60 <outer>",
            "0 0 60 <outer> / outer",
            "1 0 40 <outer> / outer / inner"
        ]]
    );
    assert_eq!(
        threads(&twice[2]),
        [[
            "0 0 30 <outer > inner>",
            "0 0 10 <outer > inner> / outer",
            "0 0 20 <outer > inner> / inner",
            "1 0 1 <outer > inner> / inner / inner"
        ]]
    );

    let forked = family(directory, "overflow_");
    let [child] = &forked[..] else {
        panic!("only the child saved");
    };
    let nodes = &child.threads[0].nodes;
    assert_eq!((nodes.len(), child.threads[0].overflow.len()), (3, 0));
    // All calls ended at once, so that the innermost one has all of the time.
    assert_eq!(nodes.calls(), [0, 0, 1]);
    assert_eq!(nodes.totals(), [1000 - 70 + 3, 1000 - 70, 3]);
    assert_eq!(child.processes[0].dropped_calls, 0);

    let thread = family(directory, "thread_");
    let [child] = &thread[..] else {
        panic!("only the child saved");
    };
    let names: Vec<_> = child.threads.iter().map(|thread| &*thread.name).collect();
    assert_eq!(names, [&b"forker"[..], b"late"]);
    assert_eq!(
        threads(child),
        [
            vec![
                "0 0 20 <inner>",
                "0 0 20 <inner> / inner",
                "1 0 5 <inner> / inner / outer"
            ],
            vec!["1 0 1 outer"]
        ]
    );

    let spans = family(directory, "spans_");
    let [parent, child] = &spans[..] else {
        panic!("both saved");
    };
    assert_eq!(
        threads(parent),
        [
            vec![
                "1 0 200 outer",
                "1 0 200 outer / span",
                "1 0 95 outer / span / inner",
                "0 0 20 span",
                "1 0 10 span / inner"
            ],
            vec!["1 0 0 span"]
        ]
    );
    // The span is open again at 130, when the call ends in which it began.
    assert_eq!(
        threads(child),
        [
            vec![
                "0 0 45 <outer > span > inner>",
                "0 0 20 <outer > span > inner> / span",
                "0 0 5 <outer > span > inner> / inner",
                "1 0 5 <outer > span > inner> / span / inner",
                "0 0 20 <outer > span > inner> / span",
                "1 0 10 <outer > span > inner> / span / inner"
            ],
            vec!["1 0 1 outer"]
        ]
    );

    let detached = family(directory, "detached_");
    let [child] = &detached[..] else {
        panic!("only the child saved");
    };
    assert_eq!(threads(child), [["0 0 0 <outer>"], ["1 0 10 inner"]]);

    let cpu = family(directory, "cpu_");
    let [child] = &cpu[..] else {
        panic!("only the child saved");
    };
    let nodes = &child.threads[0].nodes;
    assert_eq!(nodes.calls(), [0, 0, 1]);
    assert!(nodes.totals()[2] >= 10_000_000, "{} ns", nodes.totals()[2]);
    assert!(nodes.totals()[1] >= nodes.totals()[2]);
}
