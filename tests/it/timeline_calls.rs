//! Compares the single calls of a function with the calls that the test has put into the history.

use edbprof::analysis::timeline::axis::Axis;
use edbprof::analysis::timeline::call_tree::compare;
use edbprof::analysis::timeline::calls::{Calls, Request, calls};
use edbprof::analysis::timeline::replay::{Beginning, Ending};
use edbprof::format::timeline::TimelineProcess;
use edbprof::model::Pattern;
use edbprof::model::timeline::{CallEnd, WaitKind};
use proptest::prelude::*;

use crate::timeline::{Program, processes};
use crate::timeline_windows::{Told, histories, run};

fn find(processes: &[TimelineProcess], window: std::ops::Range<u64>, most: usize) -> Calls {
    let request = Request {
        function: &Pattern::new("f"),
        window,
        slowest: most,
        earliest: most,
    };
    calls(processes, &Axis::new(processes), &request).unwrap()
}

/// A call as it was told: start, duration, waiting, and true for a step.
type Expected = (u64, u64, u64, bool);

/// The outermost calls of `f` that begin in the window, and the number of those within.
fn expected(told: &[(u64, Told)], window: &std::ops::Range<u64>, end: u64) -> (Vec<Expected>, u64) {
    let mut calls = Vec::new();
    let mut nested = 0;
    let mut open: Vec<&str> = Vec::new();
    let mut current: Option<Expected> = None;
    let is_f = |name: &&&str| **name == "f";
    let finish = |call: &mut Option<Expected>, tick: u64, is_step: bool| {
        call.take().map(|(start, less, waiting, is_resumed)| {
            (start, tick - start - less, waiting, is_resumed || is_step)
        })
    };
    for &(tick, what) in told {
        match what {
            Told::Begins { name, is_resumed } => {
                if name == "f" && open.iter().any(|name| is_f(&name)) {
                    nested += u64::from(current.is_some() && !is_resumed);
                } else if name == "f" && window.contains(&tick) {
                    current = Some((tick, 0, 0, is_resumed));
                }
                open.push(name);
            }
            Told::Ends(how) => {
                open.pop();
                if !open.iter().any(|name| is_f(&name)) {
                    calls.extend(finish(&mut current, tick, how == CallEnd::Suspended));
                }
            }
            Told::Excluded(ticks) => current.iter_mut().for_each(|call| call.1 += ticks),
            Told::Waited(ns) => current.iter_mut().for_each(|call| call.2 += ns),
        }
    }
    calls.extend(finish(&mut current, end, false));
    (calls, nested)
}

proptest! {
    #[test]
    fn every_call_is_found_once(
        histories in histories(),
        words_in_block in 1..12_usize,
        from in 0..60_u64,
        len in prop_oneof![0..100_u64, Just(u64::MAX / 2)],
    ) {
        let window = from..from + len;
        let mut program = Program::new(0, 0);
        program.words_in_block = words_in_block;
        let mut told = Vec::new();
        for steps in &histories {
            let thread = program.thread("t");
            told.push(run(&mut program, thread, steps, &mut []));
        }
        let end = program.of.end;
        let processes = processes(&[&program]);
        let found = find(&processes, window.clone(), 10_000);
        let of_threads: Vec<_> = told.iter().map(|told| expected(told, &window, end)).collect();
        let nested: u64 = of_threads.iter().map(|(_, nested)| nested).sum();
        let mut calls: Vec<Expected> = of_threads.into_iter().flat_map(|(calls, _)| calls).collect();
        calls.sort_unstable();
        let mut shown: Vec<Expected> = found
            .earliest
            .iter()
            .map(|call| {
                let is_step = call.beginning == Beginning::Resumed
                    || call.ending == Ending::Suspended;
                (call.start_ns, call.duration_ns, call.waiting.total(), is_step)
            })
            .collect();
        prop_assert!(shown.is_sorted_by_key(|call| call.0));
        shown.sort_unstable();
        prop_assert_eq!(&shown, &calls);
        prop_assert_eq!(found.nested, nested);
        prop_assert_eq!(found.steps, calls.iter().filter(|call| call.3).count() as u64);
        prop_assert_eq!(found.waiting.total(), calls.iter().map(|call| call.2).sum::<u64>());
        let mut durations: Vec<u64> = calls.iter().map(|call| call.1).collect();
        let slowest: Vec<u64> = found.slowest.iter().map(|call| call.duration_ns).collect();
        durations.sort_unstable();
        let median = durations.get(durations.len().div_ceil(2).saturating_sub(1));
        prop_assert_eq!(found.median.map(|call| call.duration_ns), median.copied());
        prop_assert_eq!(found.durations.total(), durations.iter().sum::<u64>());
        durations.reverse();
        prop_assert_eq!(slowest, durations);
        // Of a call alone, the paths are those of its tree, and the first is itself.
        for call in &found.slowest {
            let paths = compare(&processes, &found, [Some(call), None]).unwrap();
            prop_assert_eq!(paths[0].parent, None);
            if call.duration_ns > 0 {
                prop_assert_eq!(paths[0].sides[0].total_ns, call.duration_ns);
            }
        }
    }
}

/// Two calls of `f`: a quick one, and one that waits in `read` and calls `parse` three times.
fn two_calls() -> Vec<TimelineProcess> {
    let mut program = Program::new(0, 1_000);
    let main = program.thread("MainThread");
    program.call(main, 100, "main");
    program.call(main, 110, "f");
    program.call(main, 112, "parse");
    program.returns(main, 118);
    program.returns(main, 120);
    program.call(main, 200, "f");
    for start in [210, 220, 230] {
        program.call(main, start, "parse");
        program.returns(main, start + 5);
    }
    program.call(main, 240, "read");
    program.wait(main, WaitKind::Blocked, 500);
    program.returns(main, 800);
    program.end(main, 900, CallEnd::Raised);
    processes(&[&program])
}

#[test]
fn a_slow_call_is_beside_the_median_one() {
    let processes = two_calls();
    let found = find(&processes, 0..u64::MAX, 3);
    assert_eq!(found.durations.calls(), 2);
    let [slow, quick] = &found.slowest[..] else {
        panic!("{found:?}")
    };
    assert_eq!((slow.duration_ns, quick.duration_ns), (700, 10));
    assert_eq!((slow.ending, slow.start_ns), (Ending::Raised, 200));
    assert_eq!((slow.waiting.blocked, found.median), (500, Some(*quick)));
    let paths = compare(&processes, &found, [Some(slow), found.median.as_ref()]).unwrap();
    let shown: Vec<_> = paths
        .iter()
        .map(|path| {
            let name = String::from_utf8_lossy(&path.function.label.name).into_owned();
            let [slow, median] = path.sides;
            (
                name,
                path.parent,
                [slow.calls, median.calls],
                [slow.total_ns, median.total_ns],
            )
        })
        .collect();
    let expected = [
        ("f".to_owned(), None, [1, 1], [700, 10]),
        ("parse".to_owned(), Some(0), [3, 1], [15, 6]),
        ("read".to_owned(), Some(0), [1, 0], [560, 0]),
    ];
    assert_eq!(shown, expected);
    assert_eq!(paths[2].sides[0].waiting.blocked, 500);
}

#[test]
fn calls_of_a_function_by_itself_are_on_one_path() {
    let mut program = Program::new(0, 0);
    let main = program.thread("MainThread");
    program.call(main, 100, "f");
    program.call(main, 110, "walk");
    program.call(main, 120, "walk");
    program.call(main, 130, "visit");
    program.call(main, 140, "walk");
    for tick in [150, 160, 180, 200, 300] {
        program.returns(main, tick);
    }
    let processes = processes(&[&program]);
    let found = find(&processes, 0..u64::MAX, 1);
    let paths = compare(&processes, &found, [found.slowest.first(), None]).unwrap();
    let shown: Vec<_> = paths
        .iter()
        .map(|path| (path.parent, path.sides[0].calls, path.sides[0].total_ns))
        .collect();
    let expected = [
        (None, 1, 200),
        (Some(0), 2, 90),
        (Some(1), 1, 30),
        (Some(2), 1, 10),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn calls_that_the_history_has_a_part_of_say_so() {
    let mut program = Program::new(0, 0);
    program.words_in_block = 2;
    let main = program.thread("MainThread");
    program.call(main, 100, "f");
    program.call(main, 110, "g");
    program.returns(main, 300);
    program.returns(main, 400);
    program.call(main, 500, "f");
    program.of.end = 600;
    // The first block was given up.
    program.of.blocks.remove(0);
    program.of.complete_from = 110;
    let found = find(&processes(&[&program]), 0..u64::MAX, 3);
    let calls: Vec<_> = found
        .slowest
        .iter()
        .map(|call| (call.duration_ns, call.ending))
        .collect();
    assert_eq!(calls, [(290, Ending::Returned), (100, Ending::Open)]);
    assert_eq!((found.cut, found.open), (1, 1));
    // What a forked child has from its parent is no call of its own.
    program.of.complete_from = 1;
    let found = find(&processes(&[&program]), 0..u64::MAX, 3);
    assert_eq!((found.durations.calls(), found.cut), (1, 0));
}

#[test]
fn processes_are_on_one_axis() {
    let programs: Vec<Program> = (0..3)
        .map(|number| {
            let mut program = Program::new(number, 1_000_000 * u64::from(number));
            let main = program.thread("MainThread");
            program.call(main, 10, "f");
            program.returns(main, 20 + u64::from(number));
            program
        })
        .collect();
    let processes = processes(&programs.iter().collect::<Vec<_>>());
    let found = find(&processes, 0..u64::MAX, 2);
    let starts = |calls: &[edbprof::analysis::timeline::single::SingleCall]| -> Vec<u64> {
        calls.iter().map(|call| call.start_ns).collect()
    };
    assert_eq!(starts(&found.earliest), [10, 1_000_010]);
    assert_eq!(starts(&found.slowest), [2_000_010, 1_000_010]);
    let found = find(&processes, 1_000_000..1_500_000, 2);
    assert_eq!(starts(&found.slowest), [1_000_010]);
    assert_eq!(found.functions.len(), 1);
}

/// Three coroutines of `f`. The first is resumed by another thread, the second is never, and the
/// third has the number of the first.
fn coroutines() -> Vec<TimelineProcess> {
    let mut program = Program::new(0, 0);
    let main = program.thread("MainThread");
    let other = program.thread("other");
    program.step(main, 100, "f", (7, false));
    program.call(main, 110, "g");
    program.returns(main, 115);
    program.end(main, 120, CallEnd::Suspended);
    program.step(main, 200, "f", (8, false));
    program.end(main, 230, CallEnd::Suspended);
    program.step(other, 300, "f", (7, true));
    program.call(other, 310, "g");
    program.returns(other, 340);
    program.end(other, 350, CallEnd::Raised);
    program.step(main, 400, "f", (7, false));
    program.returns(main, 401);
    program.call(main, 500, "g");
    program.returns(main, 600);
    processes(&[&program])
}

#[test]
fn steps_of_a_coroutine_are_one_call() {
    let processes = coroutines();
    let found = find(&processes, 0..u64::MAX, 9);
    let shown: Vec<_> = found
        .earliest
        .iter()
        .map(|call| {
            let of_call = (call.start_ns, call.duration_ns, call.running_ns);
            (of_call, call.steps(), call.ending)
        })
        .collect();
    let expected = [
        ((100, 250, 70), 2, Ending::Raised),
        ((200, 400, 30), 1, Ending::Open),
        ((400, 1, 1), 1, Ending::Returned),
    ];
    assert_eq!(shown, expected);
    let figures = (found.coroutines, found.steps, found.open, found.awaiting_ns);
    assert_eq!(figures, (3, 0, 1, 180 + 370));
    let paths = compare(&processes, &found, [found.earliest.first(), None]).unwrap();
    let shown: Vec<_> = paths
        .iter()
        .map(|path| (path.parent, path.sides[0].calls, path.sides[0].total_ns))
        .collect();
    assert_eq!(shown, [(None, 2, 70), (Some(0), 2, 35)]);
}

#[test]
fn a_coroutine_that_begins_in_a_window_has_its_end() {
    let processes = coroutines();
    let found = find(&processes, 90..110, 9);
    let shown: Vec<_> = found.slowest.iter().map(|call| call.duration_ns).collect();
    assert_eq!(shown, [250]);
    assert!(find(&processes, 290..310, 9).slowest.is_empty());
}
