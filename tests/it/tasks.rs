//! Tasks of event loops: their logical tree, and warnings of those that block others.

use edbprof::analysis::merge::{Merger, Profile};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{
    Awaiting, Function, LongRun, NO_PARENT, NodeAwaits, NodeRow, Process, ThreadTree, Trees,
};
use edbprof::report::View;
use edbprof::report::header::Ended;
use edbprof::report::summary::summary;
use edbprof::report::terminal::Terminal;
use edbprof::report::tree::{TreeOptions, task_tree};

use crate::build;

const MS: u64 = 1_000_000;
/// 2026-11-29 02:17:23 UTC.
const START: u64 = 1_795_918_643_000_000_000;

/// A node: its parent, file and function, starts, resumes, milliseconds; and of a coroutine those
/// of awaiting.
type Node<'n> = (u32, &'n str, &'n str, u64, u64, u64, Option<u64>);

fn profile(nodes: &[Node<'_>], runs: &[(u32, u64)]) -> Profile {
    let mut trees = Trees {
        recordings: vec![[1; 16]],
        processes: vec![Process::default()],
        ..Trees::default()
    };
    let mut functions: Vec<Function> = Vec::new();
    let mut thread = ThreadTree::default();
    let mut awaits = NodeAwaits::default();
    for &(parent, file, name, calls, resumes, ms, awaiting) in nodes {
        let function = build::function(build::label(file, 3, name));
        let known = functions.iter().position(|known| *known == function);
        let kind = known.unwrap_or(functions.len()) as u32;
        if known.is_none() {
            functions.push(function);
        }
        let node = thread.nodes.push(NodeRow {
            parent,
            kind,
            calls,
            resumes,
            total: ms * MS,
        });
        if let Some(awaiting) = awaiting {
            awaits.add(
                node,
                &Awaiting {
                    awaiting: awaiting * MS,
                    longest_run: ms * MS / 2,
                },
            );
        }
    }
    for &(node, ms) in runs {
        awaits.add_run(LongRun {
            node,
            start_unix_ns: START,
            duration: ms * MS,
        });
    }
    thread.awaits = awaits;
    trees.threads.push(thread);
    let named = Trees::of_functions(functions);
    trees.functions = named.functions;
    trees.kinds = named.kinds;
    let mut merger = Merger::new();
    merger.add(
        "a".to_owned(),
        ProfFile::Exact(trees, PlainInputs::default()),
    );
    merger.finish().profile
}

fn tasks(profile: &Profile, all: bool) -> String {
    let options = TreeOptions {
        all,
        ..TreeOptions::default()
    };
    task_tree(&View::new(profile), &options)
}

const EVENTS: &str = "/usr/lib/python3.11/asyncio/events.py";
const TASKS: &str = "/usr/lib/python3.11/asyncio/tasks.py";

#[test]
fn coroutines_are_below_those_that_await_them_whatever_ran_them() {
    let profile = profile(
        &[
            (NO_PARENT, EVENTS, "_run", 9, 0, 400, None),
            // Five tasks, started and continued on different paths.
            (0, "/app/main.py", "worker", 5, 0, 50, Some(100)),
            (1, TASKS, "wait_for", 5, 5, 20, Some(80)),
            (2, "/app/main.py", "fetch", 5, 5, 10, Some(80)),
            (3, TASKS, "sleep", 5, 5, 5, Some(80)),
            (0, TASKS, "wakeup", 5, 0, 50, None),
            (5, "/app/main.py", "worker", 0, 5, 50, Some(60)),
            // A generator hands on what it awaits; what another function runs is a task.
            (6, "/app/main.py", "__await__", 5, 5, 30, None),
            (7, "/app/main.py", "fetch", 1, 1, 10, Some(20)),
            (6, TASKS, "create_task", 1, 0, 10, None),
            (9, "/app/main.py", "eager", 1, 1, 10, Some(70)),
            // Thrown into: whoever awaits it is not open.
            (0, TASKS, "sleep", 0, 1, 5, Some(40)),
        ],
        &[],
    );
    assert_eq!(
        tasks(&profile, false),
        "  awaiting  running  longest run  starts
    160 ms   100 ms      25.0 ms       5  worker  main.py:3
    100 ms  20.0 ms      5.00 ms       6  └─ fetch  main.py:3
    120 ms  10.0 ms      2.50 ms       5     └─ sleep  asyncio/tasks.py:3
   70.0 ms  10.0 ms      5.00 ms       1  eager  main.py:3
"
    );
    let all = tasks(&profile, true);
    assert!(all.contains("├─ wait_for  asyncio/tasks.py:3"), "{all}");
}

#[test]
fn where_no_coroutine_ran_there_are_no_tasks() {
    let profile = profile(&[(NO_PARENT, "/app/main.py", "main", 1, 0, 5, None)], &[]);
    assert_eq!(tasks(&profile, false), "No coroutines were recorded.\n");
}

/// A task of a framework that has called a handler.
const HANDLER: [Node<'_>; 3] = [
    (NO_PARENT, EVENTS, "_run", 1, 0, 400, None),
    (0, "/app/main.py", "start", 1, 0, 400, Some(0)),
    (1, "/app/main.py", "handler", 1, 0, 400, Some(0)),
];

#[test]
fn the_longest_runs_are_listed_with_their_paths() {
    let profile = profile(&HANDLER, &[(1, 5), (2, 400)]);
    let text = tasks(&profile, false);
    let (_, runs) = text.split_once("\n\n").unwrap();
    assert_eq!(
        runs,
        "Longest runs without a suspension
   400 ms  2026-11-29 02:17:23 UTC  start > handler
  5.00 ms  2026-11-29 02:17:23 UTC  start
"
    );
}

#[test]
fn the_summary_warns_of_runs_that_block_the_event_loop() {
    let warning = |runs: &[(u32, u64)]| {
        let profile = profile(&HANDLER, runs);
        let view = View::new(&profile);
        let terminal = Terminal {
            width: 0,
            ..Terminal::default()
        };
        let text = summary(&view, 0, &[], &Ended::default(), &terminal, &[]);
        let lines = text.lines().filter(|line| line.contains("event loop"));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(warning(&[]), "");
    assert_eq!(warning(&[(1, 99)]), "");
    assert_eq!(
        warning(&[(1, 99), (2, 400)]),
        "The event loop was blocked for 400 ms: handler, 2026-11-29 02:17:23 UTC"
    );
    assert_eq!(
        warning(&[(1, 100), (2, 400), (1, 99)]),
        "The event loop was blocked 2 times for 100 ms or longer, once for 400 ms: handler, \
         2026-11-29 02:17:23 UTC"
    );
    assert_eq!(
        warning(&[(2, 400); 12]),
        "The event loop was blocked 10 times or more for 100 ms or longer, once for 400 ms: \
         handler, 2026-11-29 02:17:23 UTC"
    );
}
