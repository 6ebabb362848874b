//! Random values of the crate's types, for property tests.

#![allow(dead_code)]

use edbprof::model::{
    Awaiting, Calibration, Cost, Counts, Ending, Function, FunctionKind, GENERIC_DISPATCH,
    GENERIC_WRAPPER, Label, LongRun, NO_PARENT, NodeAwaits, NodeKind, NodeRow, NodeWaits, Nodes,
    OverflowCalls, PROPERTY, Process, ProcessIdentity, Rows, ThreadTree, Trees, UnfinishedCalls,
    Waiting,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Few names, so that labels collide; some that are no str.
pub(crate) fn text() -> impl Strategy<Value = Box<[u8]>> {
    prop_oneof![
        8 => "[a-d]{0,2}".prop_map(|text| text.into_bytes().into()),
        2 => "\\PC{0,6}".prop_map(|text| text.into_bytes().into()),
        1 => Just(b"\xed\xb2\x80"[..].into()),
        1 => Just(b"\xff\x00'\n"[..].into()),
    ]
}

pub(crate) fn label() -> impl Strategy<Value = Label> {
    let line = prop_oneof![4 => 0..3_i64, 1 => any::<i64>()];
    (text(), line, text()).prop_map(|(file, line, name)| Label { file, line, name })
}

pub(crate) fn function() -> impl Strategy<Value = Function> {
    let kind = prop_oneof![
        Just(FunctionKind::Python),
        Just(FunctionKind::Builtin),
        Just(FunctionKind::Native),
    ];
    let flags = prop_oneof![
        5 => Just(0),
        2 => Just(GENERIC_WRAPPER),
        1 => Just(GENERIC_DISPATCH),
        1 => Just(PROPERTY),
    ];
    (
        kind,
        flags,
        label(),
        text(),
        text(),
        proptest::option::of(label()),
    )
        .prop_map(
            |(kind, flags, label, qualified_name, module, generic)| Function {
                kind,
                flags,
                label,
                qualified_name,
                module,
                generic,
            },
        )
}

/// A tree whose children never add up to more than their parent.
pub(crate) fn nodes(kinds: usize) -> impl Strategy<Value = Nodes> {
    let node = (
        any::<prop::sample::Index>(),
        0..kinds as u32,
        0..5_u64,
        0..3_u64,
        0..1000_u64,
        0..6_u8,
    );
    vec(node, 0..40).prop_map(|drawn| {
        let mut nodes = Nodes::default();
        let mut self_times = Vec::new();
        for (i, (above, kind, calls, resumes, self_ns, root)) in drawn.into_iter().enumerate() {
            let parent = if i == 0 || root == 0 {
                NO_PARENT
            } else {
                above.index(i) as u32
            };
            nodes.push(NodeRow {
                parent,
                kind,
                calls,
                resumes,
                total: 0,
            });
            self_times.push(self_ns);
        }
        nodes.set_self_times(self_times);
        nodes
    })
}

fn process() -> impl Strategy<Value = Process> {
    let ending = prop_oneof![
        Just(Ending::Running),
        Just(Ending::Finished),
        Just(Ending::Killed)
    ];
    let identity = (any::<u32>(), any::<[u8; 16]>(), any::<[u64; 3]>());
    let identity =
        identity.prop_map(
            |(pid, boot_id, [pid_namespace, start, program])| ProcessIdentity {
                pid,
                boot_id,
                pid_namespace,
                start,
                program,
            },
        );
    let numbers = (identity, 0..3_u32, any::<u64>(), any::<u64>(), 0..3_u64);
    // Up to a third of a microsecond: more than most nodes of `nodes` have.
    let cost = (0..300_000_u32, 0..300_000_u32);
    let cost = cost.prop_map(|(callee, caller)| Cost { callee, caller });
    let costs = (
        proptest::array::uniform5(cost),
        0..300_000_u32,
        0..300_000_u32,
    );
    let costs = costs.prop_map(|(costs, class_call, slowed_ppm)| Calibration {
        costs,
        class_call,
        slowed_ppm,
    });
    let calibration = proptest::option::of(costs.prop_map(Calibration::if_measured));
    let facts = (ending, calibration.prop_map(Option::flatten));
    (numbers, vec(text(), 0..3), text(), text(), facts).prop_map(
        |(
            (identity, parent_pid, start_unix_ns, duration_ns, dropped_calls),
            argv,
            host,
            hook,
            (ending, calibration),
        )| {
            Process {
                identity,
                parent_pid,
                argv: argv.into(),
                chosen: host.clone(),
                host,
                hook,
                clock: b"tsc"[..].into(),
                clock_resolution_ns: 0.5,
                start_unix_ns,
                duration_ns,
                processor_ns: duration_ns / 2,
                ending,
                dropped_calls,
                unsaved_children: 0,
                unnoticed_entries: 0,
                lost_spans: 0,
                has_waiting: dropped_calls % 2 == 0,
                estimated_waits: u32::try_from(dropped_calls % 3).unwrap(),
                calibration,
                recording_ns: start_unix_ns % 3 * 1000,
            }
        },
    )
}

fn overflow(kinds: usize) -> impl Strategy<Value = Vec<OverflowCalls>> {
    let figures = (0..kinds as u32, 0..5_u64, 0..3_u64, 0..1000_u64);
    let figures = figures.prop_map(|(kind, calls, resumes, self_time)| OverflowCalls {
        kind,
        calls,
        resumes,
        self_time,
    });
    vec(figures, 0..4)
}

/// `thread` as that of a forked child, whose node is of `kind`.
fn forked(thread: ThreadTree, kind: u32) -> ThreadTree {
    let parents = thread.nodes.parents().iter().zip(thread.nodes.totals());
    let roots = parents.filter(|&(&parent, _)| parent == NO_PARENT);
    let mut nodes = Nodes::default();
    nodes.push(NodeRow {
        parent: NO_PARENT,
        kind,
        total: roots.map(|(_, total)| total).sum(),
        ..NodeRow::default()
    });
    for row in thread.nodes.rows() {
        let parent = match row.parent {
            NO_PARENT => 0,
            parent => parent + 1,
        };
        nodes.push(NodeRow { parent, ..row });
    }
    let mut class_calls = thread.class_calls;
    if !class_calls.is_empty() {
        class_calls.insert(0, 0);
    }
    ThreadTree {
        waits: waits(&nodes),
        awaits: awaits(&nodes),
        nodes,
        class_calls,
        ..thread
    }
}

/// Coroutines ran in some of the nodes.
fn awaits(nodes: &Nodes) -> NodeAwaits {
    let mut awaits = NodeAwaits::default();
    for (node, row) in (0..).zip(nodes.rows()) {
        let awaiting = Awaiting {
            awaiting: 3 * row.total,
            longest_run: row.total / 2,
        };
        if node % 4 == 1 {
            awaits.add(node, &awaiting);
            awaits.add_run(LongRun {
                node,
                start_unix_ns: row.total,
                duration: row.total / 2,
            });
        }
    }
    awaits
}

/// Some of the nodes have waited for parts of their self times.
fn waits(nodes: &Nodes) -> NodeWaits {
    let mut waits = NodeWaits::default();
    for (node, own) in (0..).zip(nodes.self_times()) {
        let waiting = Waiting {
            blocked: own / 2,
            gil: own / 8 * u64::from(node % 2),
            preempted: own / 16,
        };
        if node % 3 != 1 {
            waits.add(node, &waiting);
        }
    }
    waits
}

fn unfinished(kinds: usize) -> impl Strategy<Value = Vec<UnfinishedCalls>> {
    let figures = (0..kinds as u32, 1..4_u64, 0..2_u64);
    let figures = figures.prop_map(|(kind, calls, innermost)| UnfinishedCalls {
        kind,
        calls,
        innermost,
    });
    vec(figures, 0..3)
}

/// What a recorder writes: one recording of one process. The kinds behind the functions are
/// overflow calls and, in a forked child, the child.
pub(crate) fn trees() -> impl Strategy<Value = Trees> {
    let functions = vec(function(), 1..12);
    let trees = functions.prop_flat_map(|functions| {
        let count = functions.len();
        let thread = (
            nodes(count + 1),
            vec(0..9_u32, 40),
            overflow(count),
            unfinished(count),
            text(),
        );
        let threads = vec((thread, any::<bool>()), 0..4);
        let facts = (process(), any::<[u8; 16]>(), any::<bool>(), text());
        (Just(functions), threads, facts)
    });
    trees.prop_map(|(functions, threads, (process, id, is_forked, path))| {
        let kind = functions.len() as u32 + 1;
        let threads = threads.into_iter().map(
            |((nodes, mut class_calls, overflow, mut unfinished, name), has_class_calls)| {
                // A call that had not ended has a node.
                unfinished.retain(|calls| nodes.kinds().contains(&calls.kind));
                class_calls.truncate(if has_class_calls { nodes.len() } else { 0 });
                ThreadTree {
                    name,
                    threads: 1 + nodes.len() as u32 % 3,
                    waits: waits(&nodes),
                    awaits: awaits(&nodes),
                    nodes,
                    class_calls,
                    overflow,
                    unfinished,
                    ..ThreadTree::default()
                }
            },
        );
        let mut threads: Vec<ThreadTree> = threads.collect();
        let mut more_kinds = vec![NodeKind::Overflow];
        if let Some(first) = threads.first_mut().filter(|_| is_forked) {
            *first = forked(std::mem::take(first), kind);
            more_kinds.push(NodeKind::Forked { path });
        }
        let mut trees = Trees {
            recordings: vec![id],
            processes: vec![process],
            threads,
            ..Trees::of_functions(functions)
        };
        trees.kinds.extend(more_kinds);
        trees
    })
}

/// Counts that add up without rounding, whatever the order.
fn counts() -> impl Strategy<Value = Counts> {
    (0..9_i128, 0..9_i128, 0..64_u32, 0..64_u32).prop_map(|(cc, more, tt, ct)| Counts {
        cc,
        nc: cc + more,
        tt: f64::from(tt) / 64.0,
        ct: f64::from(tt + ct) / 64.0,
    })
}

/// What another profiler writes.
pub(crate) fn rows() -> impl Strategy<Value = Rows> {
    let untimed = (0..9_i128).prop_map(|nc| Counts {
        cc: nc,
        nc,
        ..Counts::default()
    });
    let caller = prop_oneof![
        4 => counts().prop_map(|counts| (counts, false)),
        1 => untimed.prop_map(|counts| (counts, true)),
    ];
    let row = (label(), counts(), vec((label(), caller), 0..4));
    vec(row, 0..12).prop_map(|drawn| {
        let mut rows = Rows::default();
        for (label, counts, callers) in drawn {
            let id = rows.intern(&label);
            rows.row_mut(id).counts = counts;
            for (caller, (counts, untimed)) in callers {
                let caller = rows.intern(&caller);
                rows.row_mut(id).add_caller(caller, &counts, untimed);
            }
        }
        rows
    })
}

/// Rows as lines of text that can be compared: sorted, floats by their bits.
pub(crate) fn rows_text(rows: &Rows) -> String {
    let mut blocks: Vec<String> = rows
        .iter()
        .map(|(id, row)| {
            let mut callers: Vec<String> = row
                .callers
                .iter()
                .map(|(caller, counts)| {
                    let times = if row.untimed.contains(caller) {
                        "-"
                    } else {
                        " "
                    };
                    format!("   {times}{}", line(rows.label(*caller), counts))
                })
                .collect();
            callers.sort();
            line(rows.label(id), &row.counts) + &callers.concat()
        })
        .collect();
    blocks.sort();
    blocks.concat()
}

fn line(label: &Label, counts: &Counts) -> String {
    format!(
        "{} {} {} {:016x} {:016x}\n",
        label_text(label),
        counts.nc,
        counts.cc,
        counts.tt.to_bits(),
        counts.ct.to_bits()
    )
}

pub(crate) fn label_text(label: &Label) -> String {
    format!(
        "{} {} {}",
        hexed(&label.file),
        label.line,
        hexed(&label.name)
    )
}

fn hexed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
