//! Histories of a few words, replayed.

use super::*;
use crate::format::live::COUNTER;
use crate::format::timeline::word::{code, word};
use crate::format::timeline::{Source, TimelineClock, TimelineFile, TimelineThread};
use crate::model::{Function, Process};

/// Nodes: 0 root, 1 f, 2 f > hidden, 3 f > hidden > g, 4 h, 5 counter of f.
fn process(blocks: &[(u32, u32, &[u64])]) -> TimelineProcess {
    let node = |parent, function| TimelineNode { parent, function };
    let mut bytes = Vec::new();
    let mut of = TimelineProcess {
        process: Process::default(),
        recording: [1; 16],
        clock: TimelineClock::of_nanoseconds(),
        end: 1000,
        complete_from: 1,
        complete_to: u64::MAX,
        suspended_ns: 0,
        functions: ["f", "g", "h"].map(Function::stand_in).into(),
        nodes: vec![
            node(0, NO_FUNCTION),
            node(0, 0),
            node(1, NO_FUNCTION),
            node(2, 1),
            node(0, 2),
            node(COUNTER, 0),
        ],
        threads: Vec::new(),
        blocks: Vec::new(),
        file: TimelineFile::new(Source::Bytes(Vec::new())),
    };
    for (number, &(node, overflow, words)) in blocks.iter().enumerate() {
        of.blocks.push(Block {
            number: number as u64 + 1,
            start: 100 * (number as u64 + 1),
            node,
            root: 0,
            thread: 1,
            overflow,
            words: words.len() as u32,
            offset: bytes.len() as u64,
            checksum: None,
        });
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
    of.file = TimelineFile::new(Source::Bytes(bytes));
    of
}

/// The calls in the order of their ends: path, beginning and end, and how.
#[derive(Default)]
struct Ends(Vec<(String, u64, u64, Beginning, Ending)>);

impl Visitor for Ends {
    fn end(&mut self, open: &[Call], tick: u64, ending: Ending) -> ControlFlow<()> {
        let name = |call: &Call| match call.function {
            FORKED => "forked",
            function => ["f", "g", "h"][function as usize],
        };
        let path: Vec<_> = open.iter().map(name).collect();
        let call = open[open.len() - 1];
        let row = (path.join(">"), call.began, tick, call.beginning, ending);
        self.0.push(row);
        ControlFlow::Continue(())
    }
}

fn ends(blocks: &[(u32, u32, &[u64])]) -> Vec<(String, u64, u64, Beginning, Ending)> {
    ends_of(&process(blocks))
}

fn ends_of(process: &TimelineProcess) -> Vec<(String, u64, u64, Beginning, Ending)> {
    let threads = threads(process);
    let mut ends = Ends::default();
    replay(process, &threads[0].blocks, process.end, &mut ends).unwrap();
    ends.0
}

use Beginning::{Before, Called, Continued, Cut, Inherited, Resumed};
use Ending::{Open, Raised, Returned, Suspended, WithCaller};

#[test]
fn calls_begin_and_end_and_hidden_ones_are_not_seen() {
    let words = [
        word(1, 1),
        word(2, 1),
        word(3, 1),
        word(code::RAISE, 5),
        word(code::RETURN, 1),
        word(code::RETURN, 1),
        word(code::RESUMED | 4, 1),
    ];
    let expected = [
        ("f>g".to_owned(), 103, 108, Called, Raised),
        ("f".to_owned(), 101, 110, Called, Returned),
        ("h".to_owned(), 111, 1000, Resumed, Open),
    ];
    assert_eq!(ends(&[(0, 0, &words)]), expected);
}

#[test]
fn a_block_goes_on_where_the_one_before_has_ended() {
    let first = [word(1, 1), word(2, 0), word(3, 0)];
    let second = [word(code::END_TO, 7), 1, word(code::RETURN, 1)];
    let expected = [
        ("f>g".to_owned(), 101, 207, Called, WithCaller),
        ("f".to_owned(), 101, 208, Called, Returned),
    ];
    assert_eq!(ends(&[(0, 0, &first), (3, 0, &second)]), expected);
    // Without the first block both are known from the header.
    let expected = [
        ("f>g".to_owned(), 100, 107, Before, WithCaller),
        ("f".to_owned(), 100, 108, Before, Returned),
    ];
    assert_eq!(ends(&[(3, 0, &second)]), expected);
}

#[test]
fn a_greenlet_suspends_what_is_not_its_own() {
    let words = [
        word(1, 1),
        word(code::SWITCH_TO, 1),
        4,
        word(code::SWITCH_TO, 1),
        1,
        word(code::END_TO, 1),
        0,
    ];
    let expected = [
        ("f".to_owned(), 101, 102, Called, Suspended),
        ("h".to_owned(), 102, 103, Continued, Suspended),
        ("f".to_owned(), 103, 104, Continued, WithCaller),
    ];
    assert_eq!(ends(&[(0, 0, &words)]), expected);
}

#[test]
fn overflow_calls_stay_open_over_the_end_of_a_block() {
    let first = [word(4, 1), word(5, 1), word(5, 1)];
    let second = [
        word(5, 0),
        word(5, 0),
        word(code::RETURN, 1),
        word(code::RETURN, 1),
        word(code::RETURN, 1),
    ];
    let expected = [
        ("h>f>f".to_owned(), 103, 201, Called, Returned),
        ("h>f".to_owned(), 102, 202, Called, Returned),
        ("h".to_owned(), 101, 203, Called, Returned),
    ];
    assert_eq!(ends(&[(0, 0, &first), (4, 2, &second)]), expected);
    let expected = [
        ("h>f>f".to_owned(), 100, 101, Before, Returned),
        ("h>f".to_owned(), 100, 102, Before, Returned),
        ("h".to_owned(), 100, 103, Before, Returned),
    ];
    assert_eq!(ends(&[(4, 2, &second)]), expected);
}

#[test]
fn the_blocks_of_a_window_begin_before_it() {
    let process = process(&[(0, 0, &[]), (0, 0, &[]), (0, 0, &[])]);
    let thread = &threads(&process)[0];
    let numbers = |from, to| -> Vec<u64> {
        let blocks = thread.between(from, to).iter();
        blocks.map(|block| block.number).collect()
    };
    assert_eq!(numbers(0, 1000), [1, 2, 3]);
    assert_eq!(numbers(150, 200), [1]);
    assert_eq!(numbers(200, 201), [2]);
    assert_eq!(numbers(250, 1000), [2, 3]);
    assert!(numbers(0, 50).is_empty());
}

/// Whatever the words, nothing panics, and what begins ends.
#[test]
fn senseless_words_are_replayed_too() {
    let words = [
        word(code::RETURN, 1),
        word(99, 1),
        word(code::RESUMED | 5, 1),
        word(code::END_TO, 1),
        99,
        word(code::SWITCH_TO, 1),
        5,
        word(3, 1),
        word(code::SUSPEND, 1),
    ];
    assert!(!ends(&[(3, 7, &words), (4, 1, &words)]).is_empty());
}

#[test]
fn calls_on_both_sides_of_a_missing_block_are_cut() {
    let first = [word(1, 1), word(2, 0), word(3, 0)];
    let expected = [
        ("f>g".to_owned(), 101, 200, Called, Ending::Cut),
        ("f".to_owned(), 101, 200, Called, Ending::Cut),
        ("h".to_owned(), 200, 201, Cut, Returned),
    ];
    let second = [word(code::RETURN, 1)];
    assert_eq!(ends(&[(0, 0, &first), (4, 0, &second)]), expected);
}

/// A process that was forked in `f > g`.
fn forked(blocks: &[(u32, u32, &[u64])]) -> TimelineProcess {
    let mut of = process(blocks);
    of.threads.push(TimelineThread {
        root: 0,
        name: Box::default(),
        inherited: Some(3),
    });
    of
}

#[test]
fn calls_of_a_forked_child_lie_in_it_beside_those_of_its_parent() {
    // The child returns from `g` into `f`, and from there.
    let words = [
        word(code::RETURN, 1),
        word(code::RETURN, 2),
        word(code::RETURN, 3),
        word(4, 1),
        word(code::RETURN, 1),
    ];
    let expected = [
        ("forked>g".to_owned(), 100, 101, Inherited, Returned),
        ("forked>f".to_owned(), 101, 106, Inherited, Returned),
        ("forked>h".to_owned(), 107, 108, Called, Returned),
        ("forked".to_owned(), 100, 1000, Inherited, Open),
    ];
    assert_eq!(ends_of(&forked(&[(3, 0, &words)])), expected);
    // It goes to `h` at once, and no call of the parent's has any time.
    let expected = [
        ("forked>g".to_owned(), 100, 101, Inherited, WithCaller),
        ("forked".to_owned(), 100, 1000, Inherited, Open),
    ];
    let words = [word(code::END_TO, 1), 0];
    assert_eq!(ends_of(&forked(&[(3, 0, &words)])), expected);
}
