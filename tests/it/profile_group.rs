//! Compares profiles of separate processes and threads, and of selected functions, with figures
//! that are computed from each stack.

use edbprof::analysis::display_tree::display_tree;
use edbprof::analysis::merge::Profile;
use edbprof::analysis::merge_request::{By, MergeRequest};
use edbprof::model::{Function, NO_PARENT, NodeKind, NodeRow, ThreadTree, Trees};
use proptest::prelude::*;

use crate::generate::rows_text;
use crate::requests::*;

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
