//! Processes and threads that are kept apart, and functions that are chosen, against what
//! the stacks say one by one.

use crate::{build, generate};
use std::collections::BTreeMap;

use crate::generate::rows_text;
use edbprof::analysis::display_tree::display_tree;
use edbprof::analysis::merge::{Merged, Merger, Profile, Refusal};
use edbprof::analysis::merge_request::{By, MergeRequest, SelectionError};
use edbprof::analysis::pattern::Pattern;
use edbprof::analysis::select::Selection;
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::model::{
    Calibration, CallKind, Cost, Function, FunctionKind, NO_PARENT, NodeKind, NodeRow, Nodes,
    OverflowCalls, Process, ProcessIdentity, ThreadTree, Trees, rows_of,
};
use proptest::prelude::*;

/// Recordings of their own, with functions called `f0` to `f4`, all of which are called.
fn recordings() -> impl Strategy<Value = Vec<Trees>> {
    proptest::collection::vec(generate::trees(), 1..4).prop_map(|mut all| {
        for (id, trees) in (1..).zip(&mut all) {
            trees.recordings = vec![[id; 16]];
            trees.threads.push(ThreadTree::default());
            let overflow = trees.functions.len();
            trees.kinds[overflow] = NodeKind::Function(0);
            for (number, function) in trees.functions.iter_mut().enumerate() {
                function.label.file = b"/app/m.py"[..].into();
                function.label.line = 1;
                function.label.name = format!("f{}", number % 5).into_bytes().into();
                function.qualified_name = Box::default();
                let nodes = &mut trees.threads[0].nodes;
                nodes.push(NodeRow {
                    parent: NO_PARENT,
                    kind: number as u32,
                    calls: 1,
                    resumes: 0,
                    total: 1,
                });
            }
        }
        all
    })
}

fn by() -> impl Strategy<Value = Option<By>> {
    prop_oneof![Just(None), Just(Some(By::Process)), Just(Some(By::Thread))]
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

fn wanted(by: Option<By>, include: &[&str], exclude: &[&str]) -> MergeRequest {
    MergeRequest {
        by,
        selection: Selection {
            include: patterns(include),
            exclude: patterns(exclude),
            ..Selection::default()
        },
    }
}

fn by_only(by: Option<By>) -> MergeRequest {
    wanted(by, &[], &[])
}

fn file(trees: &Trees) -> ProfFile {
    ProfFile::Exact(trees.clone(), PlainInputs::default())
}

fn merge(wanted: &MergeRequest, files: impl IntoIterator<Item = ProfFile>) -> Merged {
    let mut merger = Merger::of_parts(wanted.selection.id());
    for (number, file) in files.into_iter().enumerate() {
        if let Some(file) = wanted.of(file).unwrap() {
            merger.add(number.to_string(), file);
        }
    }
    merger.finish()
}

fn merged(wanted: &MergeRequest, all: &[Trees]) -> Profile {
    merge(wanted, all.iter().map(file)).profile
}

fn reread(profile: &Profile) -> ProfFile {
    prof::read(&profile.encode()).unwrap()
}

/// Self time by stack, as names with `;` between; groups by their kind and who they are.
type Stacks = BTreeMap<Vec<String>, u64>;

fn stacks(trees: &Trees, nodes: &Nodes) -> Stacks {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut stacks = Stacks::new();
    for (node, own) in nodes.self_times().into_iter().enumerate() {
        let above = paths.get(nodes.parents()[node] as usize);
        let mut path = above.cloned().unwrap_or_default();
        path.push(name_of(trees, nodes.kinds()[node]));
        if own > 0 {
            *stacks.entry(path.clone()).or_default() += own;
        }
        paths.push(path);
    }
    stacks
}

fn name_of(trees: &Trees, kind: u32) -> String {
    match &trees.kinds[kind as usize] {
        NodeKind::Function(function) => {
            let name = &trees.functions[*function as usize].label.name;
            String::from_utf8_lossy(name).into_owned()
        }
        NodeKind::Process(process) => {
            format!("process {:?}", trees.processes[*process as usize].identity)
        }
        NodeKind::Thread { name, threads } => {
            format!("thread {} {threads}", String::from_utf8_lossy(name))
        }
        other => format!("{other:?}"),
    }
}

fn stacks_of(profile: &Profile) -> Stacks {
    let trees = profile.trees();
    let threads = trees.threads.iter();
    threads.fold(Stacks::new(), |mut all, thread| {
        for (path, own) in stacks(trees, &thread.nodes) {
            *all.entry(path).or_default() += own;
        }
        all
    })
}

/// What the stacks of the recordings are to be, each changed by `change` on its own.
fn expected(
    all: &[Trees],
    by: Option<By>,
    change: impl Fn(&Function) -> bool,
    keep: impl Fn(&[String]) -> bool,
) -> Stacks {
    let mut expected = Stacks::new();
    for trees in all {
        for thread in &trees.threads {
            let mut marked = trees.clone();
            for function in marked.functions.iter_mut().filter(|f| change(f)) {
                function.label.name = b"gone"[..].into();
            }
            for (path, own) in stacks(&marked, &thread.nodes) {
                if !keep(&path) {
                    continue;
                }
                let mut path: Vec<_> = path.into_iter().filter(|name| name != "gone").collect();
                let is_forked = |name: &String| name.starts_with("Forked");
                if path.last().is_none_or(is_forked) {
                    path.push("Excluded".to_owned());
                }
                if by == Some(By::Thread) {
                    let name = String::from_utf8_lossy(&thread.name);
                    path.insert(0, format!("thread {name} {}", thread.threads));
                }
                if by.is_some() {
                    let identity = trees.processes[0].identity;
                    path.insert(0, format!("process {identity:?}"));
                }
                *expected.entry(path).or_default() += own;
            }
        }
    }
    expected
}

fn is(name: &'static str) -> impl Fn(&Function) -> bool {
    move |function| *function.label.name == *name.as_bytes()
}

/// Self time of all functions in the table.
fn table_seconds(profile: &Profile) -> f64 {
    let rows = profile.rows();
    rows.iter().map(|(_, row)| row.counts.tt).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn groups_change_nothing_but_the_root(all in recordings(), by in by()) {
        let (plain, grouped) = (merged(&by_only(None), &all), merged(&by_only(by), &all));
        prop_assert_eq!(rows_text(&grouped.rows()), rows_text(&plain.rows()));
        prop_assert_eq!(grouped.dispatch_counts(), plain.dispatch_counts());
        prop_assert_eq!(display_tree(&grouped).whole(), display_tree(&plain).whole());
        prop_assert_eq!(stacks_of(&grouped), expected(&all, by, |_| false, |_| true));
    }

    #[test]
    fn a_profile_in_groups_is_merged_by_less_as_if_from_the_start(
        all in recordings(),
        by in by(),
        less in by(),
    ) {
        prop_assume!(less <= by);
        let staged = merge(&by_only(less), [reread(&merged(&by_only(by), &all))]).profile;
        let at_once = merged(&by_only(less), &all);
        prop_assert_eq!(staged.trees(), at_once.trees());
    }

    #[test]
    fn stages_do_not_matter(all in recordings(), by in by(), at in any::<prop::sample::Index>()) {
        let wanted = wanted(by, &["f1", "f2"], &["f3"]);
        let (a, b) = all.split_at(at.index(all.len() + 1));
        let stages = [a, b].map(|part| reread(&merged(&wanted, part)));
        let staged = merge(&wanted, stages);
        prop_assert_eq!(staged.refused, vec![]);
        let at_once = merged(&wanted, &all);
        prop_assert_eq!(staged.profile.trees(), at_once.trees());
    }

    #[test]
    fn excluded_functions_leave_their_time_to_their_callers(all in recordings(), by in by()) {
        let wanted = wanted(by, &[], &["m.py:f1"]);
        let profile = merged(&wanted, &all);
        prop_assert_eq!(stacks_of(&profile), expected(&all, by, is("f1"), |_| true));
        let whole = merged(&by_only(None), &all);
        prop_assert_eq!(display_tree(&profile).whole(), display_tree(&whole).whole());
        let (seconds, of_whole) = (table_seconds(&profile), table_seconds(&whole));
        prop_assert!((seconds - of_whole).abs() < 1e-12, "{} {}", seconds, of_whole);
    }

    #[test]
    fn only_stacks_with_an_included_function_stay(mut all in recordings(), by in by()) {
        // Overflow calls have no stacks.
        for trees in &mut all {
            trees.threads.iter_mut().for_each(|thread| thread.overflow.clear());
        }
        let profile = merged(&wanted(by, &["f2"], &[]), &all);
        let has_it = |path: &[String]| path.iter().any(|name| name == "f2");
        prop_assert_eq!(stacks_of(&profile), expected(&all, by, |_| false, has_it));
    }

    #[test]
    fn tables_and_trees_of_chosen_stacks_have_the_same_time(
        mut all in recordings(),
        by in by(),
    ) {
        // Overflow calls, whoever made them, under the first node.
        for trees in &mut all {
            let overflow_kind = trees.kinds.len() as u32;
            trees.kinds.push(NodeKind::Overflow);
            for ThreadTree { nodes, overflow, .. } in &mut trees.threads {
                let time = overflow.iter().map(|overflow| overflow.self_time).sum();
                if !nodes.is_empty() {
                    nodes.update(0, |root| root.total += time);
                }
                nodes.push(NodeRow {
                    parent: if nodes.is_empty() { NO_PARENT } else { 0 },
                    kind: overflow_kind,
                    total: time,
                    ..NodeRow::default()
                });
            }
        }
        let profile = merged(&wanted(by, &["f2"], &[]), &all);
        let (table, tree) = (table_seconds(&profile), display_tree(&profile).whole() as f64 / 1e9);
        prop_assert!((table - tree).abs() < 1e-12, "{} {}", table, tree);
    }
}

fn one(id: u8) -> Trees {
    let function = |name: &str| Function {
        kind: FunctionKind::Native,
        ..build::function(build::label("/app/m.py", 1, name))
    };
    let nodes = |total| {
        let figures = [vec![1, 2], vec![0, 0], vec![total, 10]];
        Nodes::from_columns([vec![NO_PARENT, 0], vec![0, 1]], figures).unwrap()
    };
    let thread = |name: &str, total| ThreadTree {
        name: name.as_bytes().into(),
        nodes: nodes(total),
        ..Default::default()
    };
    Trees {
        recordings: vec![[id; 16]],
        processes: vec![Process {
            identity: ProcessIdentity {
                pid: id.into(),
                ..Default::default()
            },
            ..Default::default()
        }],
        threads: vec![thread("MainThread", 100), thread("Thread-1", 40)],
        ..Trees::of_functions(vec![function("main"), function("leaf")])
    }
}

fn only(processes: &[&str], threads: &[&str]) -> MergeRequest {
    MergeRequest {
        by: None,
        selection: Selection {
            processes: patterns(processes),
            threads: patterns(threads),
            ..Selection::default()
        },
    }
}

#[test]
fn what_recording_cost_is_known_by_the_calls_as_they_were() {
    let mut trees = one(1);
    trees.threads.truncate(1);
    trees.threads[0]
        .nodes
        .set_self_times(vec![100_000, 900_000]);
    let cost = |callee, caller| Cost { callee, caller };
    trees.processes[0].calibration =
        Some(Calibration::default().with(CallKind::Python, cost(40_000, 60_000)));
    for function in &mut trees.functions {
        function.kind = FunctionKind::Python;
    }
    let subtracted = |wanted: &MergeRequest| {
        let mut profile = merged(wanted, &[trees.clone()]);
        profile.compensate();
        profile.compensation().unwrap().subtracted_ns
    };
    // Three calls, of which one has no caller.
    assert_eq!(subtracted(&by_only(None)), 3 * 40 + 2 * 60);
    assert_eq!(subtracted(&by_only(Some(By::Thread))), 3 * 40 + 2 * 60);
    assert_eq!(subtracted(&wanted(None, &[], &["leaf"])), 3 * 40 + 2 * 60);
    assert_eq!(subtracted(&wanted(None, &["leaf"], &[])), 2 * 40);

    // Nor is it worked out anew where nothing of it was left.
    trees.processes[0].calibration =
        Some(Calibration::default().with(CallKind::Python, cost(0, 60_000)));
    for part in [
        wanted(None, &["leaf"], &[]),
        wanted(Some(By::Thread), &["leaf"], &[]),
    ] {
        let once = merged(&part, &[trees.clone()]);
        let again = merge(&part, [reread(&once)]).profile;
        assert_eq!(again.trees(), once.trees());
    }
}

#[test]
fn overflow_calls_go_by_their_function() {
    let mut trees = one(1);
    trees.kinds.push(NodeKind::Overflow);
    trees.threads.truncate(1);
    let thread = &mut trees.threads[0];
    thread.nodes.update(1, |row| (row.kind, row.calls) = (2, 0));
    for kind in [0, 1] {
        thread.overflow.push(OverflowCalls {
            kind,
            calls: 5,
            resumes: 1,
            self_time: 5,
        });
    }
    let rows = |wanted: &MergeRequest| {
        let profile = merged(wanted, &[trees.clone()]);
        let rows = profile.rows();
        let mut rows: Vec<_> = rows
            .iter()
            .map(|(id, row)| {
                let name = String::from_utf8_lossy(&rows.label(id).name).into_owned();
                (name, row.counts.nc, (row.counts.tt * 1e9).round())
            })
            .collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows
    };
    let row = |name: &str, calls, own| (name.to_owned(), calls, own);
    assert_eq!(
        rows(&by_only(None)),
        [row("leaf", 5, 5.0), row("main", 6, 95.0)]
    );
    assert_eq!(
        rows(&wanted(None, &[], &["*"])),
        [row("<excluded>", 0, 100.0)]
    );
    assert_eq!(rows(&wanted(None, &["leaf"], &[])), [row("leaf", 5, 5.0)]);
    // Of the ten in stacks that stay five may be of `main`, the rest is others'.
    assert_eq!(
        rows(&wanted(None, &["main"], &[])),
        [row("<overflow>", 0, 5.0), row("main", 6, 95.0)]
    );
    for include in ["leaf", "main", "*"] {
        for by in [None, Some(By::Thread)] {
            let profile = merged(&wanted(by, &[include], &[]), &[trees.clone()]);
            let table = (table_seconds(&profile) * 1e9).round();
            assert_eq!(table as u64, display_tree(&profile).whole(), "{include}");
        }
    }
}

#[test]
fn threads_and_processes_are_chosen() {
    let all = [one(1), one(2), one(3)];
    let profile = merged(&only(&["2", "3"], &["Thread-*"]), &all);
    assert_eq!(display_tree(&profile).whole(), 80);
    assert_eq!(profile.trees().recordings, [[2; 16], [3; 16]]);
    assert_eq!(profile.trees().processes.len(), 2);
    assert_eq!(
        &*profile.trees().selection,
        "--only-process=2 --only-process=3 --only-thread=Thread-*"
    );
    let nothing = merged(&only(&["4"], &[]), &all);
    assert!(nothing.trees().threads.is_empty());
}

#[test]
fn calls_of_callers_stay_without_their_time() {
    let profile = merged(&wanted(None, &["leaf"], &[]), &[one(1)]);
    let rows = rows_text(&profile.rows());
    let tree = &profile.trees().threads[0].nodes;
    assert_eq!(
        (tree.calls(), tree.totals()),
        (&[2, 4][..], &[20, 20][..]),
        "{rows}"
    );
}

#[test]
fn a_part_is_merged_with_nothing_else() {
    let wanted = only(&[], &["Main*"]);
    let part = |id| reread(&merged(&wanted, &[one(id)]));
    let refused = |merged: Merged| -> Vec<_> {
        let refused = merged.refused.into_iter();
        refused
            .map(|(path, why)| (path.display().to_string(), why))
            .collect()
    };
    let why = Refusal::Part(wanted.selection.id());
    // With the whole of another process, in whatever order.
    for files in [[part(1), file(&one(2))], [file(&one(2)), part(1)]] {
        let merged = merge(&MergeRequest::default(), files);
        assert_eq!(merged.profile.trees().recordings, [[2; 16]]);
        assert_eq!(refused(merged)[0].1, why);
    }
    // With another part.
    let other = reread(&merged(&only(&[], &["Thread*"]), &[one(2)]));
    assert_eq!(
        refused(merge(&MergeRequest::default(), [part(1), other])).len(),
        2
    );
    // With its like, by itself or where the same is chosen.
    for (files, wanted) in [
        ([part(1), part(2)], MergeRequest::default()),
        ([part(1), file(&one(2))], wanted.clone()),
        ([part(1), part(2)], wanted.clone()),
    ] {
        let merged = merge(&wanted, files);
        assert_eq!(merged.profile.trees().recordings, [[1; 16], [2; 16]]);
        assert_eq!(display_tree(&merged.profile).whole(), 200);
        assert_eq!(&*merged.profile.trees().selection, "--only-thread=Main*");
        assert_eq!(refused(merged), []);
    }
}

#[test]
fn where_nothing_can_be_chosen_nothing_is() {
    let plain = || {
        ProfFile::Plain(PlainInputs {
            hashes: vec![[7; 16]],
            ..PlainInputs::default()
        })
    };
    let aggregate = || reread(&merged(&MergeRequest::default(), &[one(1), one(2)]));
    let is_refused = |wanted: MergeRequest, file: ProfFile| wanted.of(file).unwrap_err();
    assert_eq!(
        is_refused(wanted(None, &["x"], &[]), plain()),
        SelectionError::Plain
    );
    assert_eq!(
        is_refused(only(&["1"], &[]), aggregate()),
        SelectionError::Aggregate
    );
    let part = || reread(&merged(&only(&[], &["Main*"]), &[one(1)]));
    for other in [wanted(None, &[], &["leaf"]), only(&["2"], &["Main*"])] {
        assert_eq!(
            is_refused(other, part()),
            SelectionError::Part(only(&[], &["Main*"]).selection.id())
        );
    }
    assert!(wanted(None, &["main"], &[]).of(aggregate()).is_ok());
    // What `edbprof run` leaves of one process: its threads are one tree.
    let single = || reread(&merged(&MergeRequest::default(), &[one(1)]));
    assert_eq!(
        is_refused(only(&[], &["Main*"]), single()),
        SelectionError::Aggregate
    );
    assert!(only(&["1"], &[]).of(single()).is_ok());
    assert!(by_only(Some(By::Thread)).of(plain()).is_ok());
}

fn thread_kind(name: &str, threads: u32) -> NodeKind {
    NodeKind::Thread {
        name: name.as_bytes().into(),
        threads,
    }
}

#[test]
fn a_thread_called_like_several_is_one() {
    let mut trees = one(1);
    trees.threads[0].name = b"x, 5 threads"[..].into();
    trees.threads[1].threads = 20;
    let profile = merged(&by_only(Some(By::Thread)), &[trees]);
    let kinds = &profile.trees().kinds;
    assert!(kinds.contains(&thread_kind("x, 5 threads", 1)));
    assert!(kinds.contains(&thread_kind("Thread-1", 20)));
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let names = profile.trees().thread_names.iter();
    assert_eq!(
        Vec::from_iter(names.map(|name| text(name))),
        ["Thread-#", "x, # threads"]
    );
    let shown = display_tree(&profile).functions;
    let shown: Vec<_> = shown.iter().map(|f| text(&f.label.name)).collect();
    for name in ["thread x, 5 threads", "thread Thread-1, 20 threads"] {
        assert!(shown.contains(&name.to_owned()), "{shown:?}");
    }
}

#[test]
fn threads_that_were_merged_before_are_one_group() {
    let by_thread = by_only(Some(By::Thread));
    let single = reread(&merged(&MergeRequest::default(), &[one(1)]));
    let names = |profile: &Profile| -> Vec<_> {
        let groups = profile.trees().kinds.iter().filter(|kind| kind.is_group());
        groups.map(|kind| format!("{kind:?}")).collect()
    };
    let joined = merge(&by_thread, [single]).profile;
    assert_eq!(names(&joined), ["Process(0)", "MergedThreads"]);
    // Unless they were kept apart.
    let apart = merged(&by_thread, &[one(1)]);
    let again = merge(&by_thread, [reread(&apart)]).profile;
    assert_eq!(
        names(&again),
        [
            "Process(0)",
            &format!("{:?}", thread_kind("MainThread", 1)),
            &format!("{:?}", thread_kind("Thread-1", 1)),
        ]
    );
}

#[test]
fn what_was_merged_before_is_one_group() {
    let aggregate = reread(&merged(&MergeRequest::default(), &[one(1), one(2)]));
    let profile = merge(&by_only(Some(By::Thread)), [aggregate, file(&one(3))]).profile;
    let groups = profile.trees().kinds.iter().filter(|kind| kind.is_group());
    assert_eq!(
        Vec::from_iter(groups.cloned()),
        [
            NodeKind::Process(2),
            NodeKind::MergedProcesses,
            thread_kind("MainThread", 1),
            thread_kind("Thread-1", 1),
            NodeKind::MergedThreads,
        ]
    );
    assert_eq!(display_tree(&profile).whole(), 3 * 140);
}

#[test]
fn the_tables_of_a_part_are_those_of_its_trees() {
    let profile = merged(&wanted(Some(By::Thread), &[], &["leaf"]), &[one(1), one(2)]);
    let ProfFile::Exact(trees, _) = reread(&profile) else {
        panic!("not one of ours");
    };
    assert_eq!(rows_text(&rows_of(&trees)), rows_text(&profile.rows()));
    assert_eq!(profile.rows().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_kept_apart_can_be_chosen_later(mut all in recordings(), by_thread in any::<bool>()) {
        for (pid, trees) in (1..).zip(&mut all) {
            trees.processes[0].identity.pid = pid;
            for (number, thread) in trees.threads.iter_mut().enumerate() {
                thread.name = format!("T{}", number % 2).into_bytes().into();
                thread.overflow.clear();
            }
        }
        let apart = merged(&by_only(Some(By::Thread)), &all);
        let choice = match by_thread {
            true => only(&[], &["T0"]),
            false => only(&["1"], &[]),
        };
        let expected = merged(&choice, &all);
        let found = merge(&choice, [reread(&apart)]).profile;
        prop_assert_eq!(stacks_of(&found), stacks_of(&expected));
        prop_assert_eq!(rows_text(&found.rows()), rows_text(&expected.rows()));
        if !by_thread {
            prop_assert_eq!(&found.trees().processes, &expected.trees().processes);
        }
        // It is shown like one that never kept them apart.
        let plain = merged(&by_only(None), &all);
        prop_assert_eq!(apart.regrouped(None).encode(), plain.encode());
    }
}

#[test]
fn nothing_is_chosen_from_what_is_not_kept_apart() {
    let mut all = [one(1), one(2)];
    for by in [None, Some(By::Process)] {
        let aggregate = reread(&merged(&by_only(by), &all));
        let refused = only(&[], &["Main*"]).of(aggregate.clone());
        assert_eq!(refused.unwrap_err(), SelectionError::Aggregate);
        let chosen = only(&["1"], &[]).of(aggregate);
        assert_eq!(chosen.is_ok(), by.is_some());
    }
    all[0].threads[0].overflow.push(OverflowCalls {
        kind: 0,
        calls: 1,
        resumes: 0,
        self_time: 1,
    });
    let aggregate = reread(&merged(&by_only(Some(By::Thread)), &all));
    let refused = only(&["1"], &[]).of(aggregate);
    assert_eq!(refused.unwrap_err(), SelectionError::Aggregate);
}
