//! Selected processes, threads and functions: in one step, or from files that keep them separate.

use edbprof::analysis::display_tree::display_tree;
use edbprof::analysis::merge::{Merged, Refusal};
use edbprof::analysis::merge_request::{By, MergeRequest, SelectionError};
use edbprof::format::prof::{PlainInputs, ProfFile};
use edbprof::model::{Calibration, CallKind, Cost, FunctionKind, NodeKind, OverflowCalls, rows_of};
use proptest::prelude::*;

use crate::generate::rows_text;
use crate::requests::*;

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
