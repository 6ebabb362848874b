//! Golden files of edbprof's own formats: files of every version are always read to the same
//! values. `tests/golden/make_edbprof.py` makes the files of a version.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::generate::{label_text, rows_text};
use edbprof::analysis::process_text::describe;
use edbprof::format::live::{self, Now};
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::model::{Function, NO_PARENT, NodeKind, Process, ThreadTree, Trees, rows_of};

/// Files that each version has.
const NAMES: [&str; 9] = [
    "all.prof",
    "by_process.prof",
    "by_thread.prof",
    "excluded.prof",
    "included.prof",
    "killed.live",
    "mixed.prof",
    "overflow.prof",
    "recorder.prof",
];

/// Files of later versions than 1.
const LATER_NAMES: [&str; 4] = [
    "ended.live",
    "forked.prof",
    "merged_ended.prof",
    "open.live",
];

fn directory(version: i128) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    golden.join(format!("edbprof-{version}"))
}

fn read(path: &Path) -> (Trees, PlainInputs) {
    let bytes = fs::read(path).unwrap();
    if path
        .extension()
        .is_some_and(|extension| extension == "live")
    {
        return (
            live::read(&bytes, Now::Gone).unwrap(),
            PlainInputs::default(),
        );
    }
    match prof::read(&bytes).unwrap() {
        ProfFile::Exact(trees, plain) => (trees, plain),
        ProfFile::Plain(_) => panic!("{} has no trees", path.display()),
    }
}

/// Everything that a file says, as text that no change of the types changes.
fn text_of((trees, plain): &(Trees, PlainInputs), version: i128) -> String {
    let mut text = String::new();
    for id in &trees.recordings {
        writeln!(text, "recording {}", hex(id)).unwrap();
    }
    trees
        .processes
        .iter()
        .for_each(|p| write_process(&mut text, p));
    if version > 1 {
        write_later_facts(&mut text, trees);
    }
    writeln!(text, "selection {:?}", trees.selection).unwrap();
    trees
        .threads
        .iter()
        .for_each(|t| write_thread(&mut text, trees, t));
    for ran in &trees.occurrences {
        let name = trees.thread_names.get(ran.thread as usize);
        let thread = name.map_or_else(|| "any thread".to_owned(), |name| readable(name));
        let function = kind_text(trees, ran.kind);
        writeln!(text, "occurs {} {thread:?} {function}", ran.processes).unwrap();
    }
    for hash in plain.hashes.iter().chain(&plain.version1_hashes) {
        writeln!(text, "input {}", hex(hash)).unwrap();
    }
    writeln!(text, "rows\n{}", rows_text(&rows_of(trees))).unwrap();
    writeln!(text, "plain rows\n{}", rows_text(&plain.rows)).unwrap();
    for (generic, callers) in &plain.sidecar {
        for (caller, implementations) in callers {
            for (implementation, calls) in implementations {
                let labels = [generic, caller, implementation].map(|label| label_text(label));
                writeln!(text, "dispatch {calls} {}", labels.join(" ")).unwrap();
            }
        }
    }
    text
}

/// Facts that files of version 1 do not have.
fn write_later_facts(text: &mut String, trees: &Trees) {
    for process in &trees.processes {
        let numbers = [process.unsaved_children, process.unnoticed_entries];
        let pid = process.identity.pid;
        writeln!(
            text,
            "recording {} lost {numbers:?} {pid}",
            process.recording_ns
        )
        .unwrap();
    }
    for thread in &trees.threads {
        let name = readable(&thread.name);
        for (node, waiting) in thread.waits.iter() {
            writeln!(text, "waiting {name:?} {node} {waiting:?}").unwrap();
        }
        for calls in &thread.unfinished {
            let function = kind_text(trees, calls.kind);
            let numbers = [calls.calls, calls.innermost];
            writeln!(text, "unfinished {name:?} {numbers:?} {function}").unwrap();
        }
    }
}

fn write_process(text: &mut String, process: &Process) {
    let Process {
        identity,
        argv,
        host,
        hook,
        clock,
        ..
    } = process;
    let argv: Vec<_> = argv.iter().map(|argument| readable(argument)).collect();
    let words = [host, hook, clock].map(|word| readable(word));
    writeln!(
        text,
        "process {} parent {} boot {} namespace {} start {} program {}\n  argv {argv:?}\n  {words:?} \
         resolution {} began {} lasted {}{} {:?} dropped {}",
        identity.pid,
        process.parent_pid,
        hex(&identity.boot_id),
        identity.pid_namespace,
        identity.start,
        identity.program,
        process.clock_resolution_ns,
        process.start_unix_ns,
        process.duration_ns,
        // Files of version 1 have none.
        match process.processor_ns {
            0 => String::new(),
            ns => format!(" processor {ns}"),
        },
        process.ending,
        process.dropped_calls,
    )
    .unwrap();
    if let Some(costs) = process.calibration {
        let calls = costs.costs.iter();
        let calls = calls.flat_map(|cost| [cost.callee, cost.caller]);
        let numbers: Vec<_> = calls.chain([costs.class_call, costs.slowed_ppm]).collect();
        writeln!(text, "  costs {numbers:?}").unwrap();
    }
}

fn write_thread(text: &mut String, trees: &Trees, thread: &ThreadTree) {
    let (name, threads) = (readable(&thread.name), thread.threads);
    writeln!(
        text,
        "thread {name:?} threads {threads} process {}",
        thread.process
    )
    .unwrap();
    let nodes = &thread.nodes;
    let mut depths: Vec<usize> = Vec::new();
    for node in 0..nodes.len() {
        let depth = match nodes.parents()[node] {
            NO_PARENT => 1,
            parent => depths[parent as usize] + 1,
        };
        depths.push(depth);
        let figures = [
            nodes.calls()[node],
            nodes.resumes()[node],
            nodes.totals()[node],
        ];
        let class_calls = thread.class_calls.get(node);
        let overhead = thread.overhead_ps.get(node);
        let function = kind_text(trees, nodes.kinds()[node]);
        writeln!(
            text,
            "{:depth$}{figures:?} {class_calls:?} {overhead:?} {function}",
            ""
        )
        .unwrap();
    }
    for (node, of) in thread.awaits.iter() {
        writeln!(
            text,
            " node {node} awaits {} runs {}",
            of.awaiting, of.longest_run
        )
        .unwrap();
    }
    for run in thread.awaits.runs() {
        let (node, start) = (run.node, run.start_unix_ns);
        writeln!(text, " node {node} ran at {start} for {}", run.duration).unwrap();
    }
    for calls in &thread.overflow {
        let figures = [calls.calls, calls.resumes, calls.self_time];
        writeln!(
            text,
            " overflow {figures:?} {}",
            kind_text(trees, calls.kind)
        )
        .unwrap();
    }
}

fn kind_text(trees: &Trees, kind: u32) -> String {
    match &trees.kinds[kind as usize] {
        NodeKind::Function(function) => function_text(&trees.functions[*function as usize]),
        NodeKind::Overflow => "<overflow>".to_owned(),
        NodeKind::Excluded => "<excluded>".to_owned(),
        NodeKind::Process(process) => describe(&trees.processes[*process as usize]),
        NodeKind::MergedProcesses => "processes merged without --by".to_owned(),
        NodeKind::Thread { name, threads: 1 } => format!("thread {}", readable(name)),
        NodeKind::Thread { name, threads } => {
            format!("thread {}, {threads} threads", readable(name))
        }
        NodeKind::MergedThreads => "threads merged without --by=thread".to_owned(),
        NodeKind::Forked { path } => format!("forked in {}", readable(path)),
    }
}

fn function_text(function: &Function) -> String {
    let Function {
        kind, flags, label, ..
    } = function;
    let words = [
        &label.file,
        &label.name,
        &function.qualified_name,
        &function.module,
    ];
    let [file, name, qualified, module] = words.map(|word| readable(word));
    let generic = function.generic.as_ref().map(label_text);
    let line = label.line;
    format!("{kind:?} {flags} {file}:{line} {name} {qualified:?} {module:?} {generic:?}")
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_version_is_read_to_the_same_values() {
    for version in 1..=prof::VERSION {
        let later = LATER_NAMES.iter().filter(|_| version > 1);
        for name in NAMES.iter().chain(later) {
            let path = directory(version).join(name);
            let text = text_of(&read(&path), version);
            let beside = path.with_extension("txt");
            if !beside.exists() && std::env::var_os("EDBPROF_WRITE_GOLDEN").is_some() {
                fs::write(&beside, &text).unwrap();
            }
            let expected = fs::read_to_string(&beside).unwrap();
            for (line, expected) in text.lines().zip(expected.lines()) {
                assert_eq!(line, expected, "{}", path.display());
            }
            assert_eq!(text.len(), expected.len(), "{}", path.display());
        }
    }
}
