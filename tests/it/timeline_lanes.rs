//! Compares the slices of threads with the calls that the test has put into the history.

use edbprof::analysis::timeline::lanes::{Lane, lane};
use edbprof::analysis::timeline::replay::{Beginning, threads};
use edbprof::format::timeline::TimelineProcess;
use edbprof::model::timeline::WaitKind;

use crate::timeline::{Program, processes};

/// Name, first tick, ticks and beginning of a slice.
type Shown = (String, u64, u64, Beginning);
/// Name, first tick, ticks and nanoseconds of a wait.
type Wait = (String, u64, u64, u64);

fn name(process: &TimelineProcess, node: u32) -> String {
    let function = process.nodes[node as usize].function;
    let label = &process.functions[function as usize].label;
    String::from_utf8_lossy(&label.name).into_owned()
}

/// Returns the slices of the only thread, and its waits.
fn shown(program: &Program, least: u64) -> (Vec<Shown>, Vec<Wait>) {
    let [process] = &processes(&[program])[..] else {
        panic!("there is one process");
    };
    let [thread] = &threads(process)[..] else {
        panic!("there is one thread");
    };
    let Lane { slices, waits } = lane(process, thread, least, least).unwrap();
    let slices = slices.iter().map(|slice| {
        let name = name(process, slice.node);
        (name, slice.begin, slice.ticks, slice.beginning)
    });
    let waits = waits.iter();
    let waits = waits.map(|wait| (name(process, wait.node), wait.begin, wait.ticks, wait.ns));
    (slices.collect(), waits.collect())
}

fn slice(name: &str, begin: u64, ticks: u64, beginning: Beginning) -> Shown {
    (name.to_owned(), begin, ticks, beginning)
}

/// Two calls within each other, while which the recorder takes ticks 40 to 50 for itself.
fn interrupted(words_in_block: usize) -> Program {
    let mut program = Program::new(0, 0);
    program.words_in_block = words_in_block;
    let thread = program.thread("MainThread");
    program.call(thread, 10, "main");
    program.call(thread, 20, "f");
    program.exclude(thread, 50, 10);
    program.returns(thread, 60);
    program.returns(thread, 90);
    program
}

#[test]
fn slices_are_cut_where_the_recorder_took_time() {
    let expected = [
        slice("main", 10, 30, Beginning::Called),
        slice("f", 20, 20, Beginning::Called),
        slice("main", 50, 40, Beginning::Cut),
        slice("f", 50, 10, Beginning::Cut),
    ];
    assert_eq!(shown(&interrupted(1000), 0).0, expected);
}

#[test]
fn blocks_make_no_difference() {
    for words_in_block in 1..6 {
        let program = interrupted(words_in_block);
        assert_eq!(shown(&program, 0), shown(&interrupted(1000), 0));
    }
}

#[test]
fn short_slices_and_waits_are_left_out() {
    let mut program = interrupted(1000);
    let slices = |program: &Program, least| shown(program, least).0.len();
    assert_eq!(
        [10, 11, 31, 41].map(|least| slices(&program, least)),
        [4, 3, 1, 0]
    );
    program.call(0, 100, "f");
    program.wait(0, WaitKind::Blocked, 7);
    program.returns(0, 140);
    assert_eq!([7, 8].map(|least| shown(&program, least).1.len()), [1, 0]);
}

#[test]
fn waits_are_in_the_innermost_call_that_has_a_node() {
    let mut program = Program::new(0, 0);
    let thread = program.thread("MainThread");
    program.call(thread, 10, "main");
    program.overflow(thread, 20, "f");
    program.wait(thread, WaitKind::Gil, 5);
    program.returns(thread, 30);
    program.call(thread, 40, "g");
    program.wait(thread, WaitKind::Blocked, 8);
    program.returns(thread, 60);
    program.returns(thread, 70);
    let (slices, waits) = shown(&program, 0);
    let names: Vec<_> = slices.iter().map(|slice| &*slice.0).collect();
    assert_eq!(names, ["main", "g"]);
    let expected = [("main".to_owned(), 20, 10, 5), ("g".to_owned(), 40, 20, 8)];
    assert_eq!(waits, expected);
}

#[test]
fn what_continues_and_what_stays_open_is_told() {
    let mut program = Program::new(0, 0);
    let thread = program.thread("MainThread");
    program.call(thread, 10, "main");
    program.begin(thread, 20, "squares", true);
    program.of.end = 100;
    let expected = [
        slice("main", 10, 90, Beginning::Called),
        slice("squares", 20, 80, Beginning::Resumed),
    ];
    assert_eq!(shown(&program, 0).0, expected);
}
