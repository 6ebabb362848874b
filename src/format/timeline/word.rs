//! The words of a block: see the table of [`timeline`](super).

use crate::model::timeline::{CallEnd, Event, Happening, Mark, MarkKind, WaitKind};

/// High halves of words, for all kinds of events but starts and resumes.
pub(crate) mod code {
    pub(crate) const RETURN: u32 = u32::MAX;
    pub(crate) const RAISE: u32 = u32::MAX - 1;
    pub(crate) const SUSPEND: u32 = u32::MAX - 2;
    pub(crate) const END_TO: u32 = u32::MAX - 3;
    pub(crate) const SWITCH_TO: u32 = u32::MAX - 4;
    pub(crate) const LATER: u32 = u32::MAX - 5;
    pub(crate) const BLOCKED: u32 = u32::MAX - 6;
    pub(crate) const GIL: u32 = u32::MAX - 7;
    pub(crate) const PREEMPTED: u32 = u32::MAX - 8;
    pub(crate) const EXCLUDED: u32 = u32::MAX - 9;
    pub(crate) const COROUTINE: u32 = u32::MAX - 10;
    pub(crate) const CLASS_CALL: u32 = u32::MAX - 11;
    pub(crate) const INSTANT: u32 = u32::MAX - 12;
    pub(crate) const COUNTER: u32 = u32::MAX - 13;
    pub(crate) const BEGIN: u32 = u32::MAX - 14;
    pub(crate) const END: u32 = u32::MAX - 15;
    /// From here on high halves are no nodes.
    pub(crate) const FIRST: u32 = u32::MAX - 255;
    /// Added to the index of a node that continues.
    pub(crate) const RESUMED: u32 = 1 << 31;
}

/// The code of a mark.
pub(crate) fn code_of_mark(kind: MarkKind) -> u32 {
    match kind {
        MarkKind::Instant => code::INSTANT,
        MarkKind::Counter => code::COUNTER,
        MarkKind::Begin => code::BEGIN,
        MarkKind::End => code::END,
    }
}

/// Largest number of ticks that fits into the low half of a word.
pub(crate) const MOST_TICKS: u64 = u32::MAX as u64;

/// The word of an event `ticks` after the one before, of which there are at most [`MOST_TICKS`].
#[inline]
pub(crate) fn word(code: u32, ticks: u64) -> u64 {
    debug_assert!(code != 0 && ticks <= MOST_TICKS);
    u64::from(code) << 32 | ticks
}

/// Adds the words of an event `ticks` after the one before.
pub fn encode(what: Happening, ticks: u64, words: &mut Vec<u64>) {
    let (code, second) = match what {
        Happening::Start(node) => (node, None),
        Happening::Resume(node) => (node | code::RESUMED, None),
        Happening::End(CallEnd::Returned) => (code::RETURN, None),
        Happening::End(CallEnd::Raised) => (code::RAISE, None),
        Happening::End(CallEnd::Suspended) => (code::SUSPEND, None),
        Happening::EndTo(node) => (code::END_TO, Some(node.into())),
        Happening::SwitchTo(node) => (code::SWITCH_TO, Some(node.into())),
        Happening::Waited(WaitKind::Blocked, ns) => (code::BLOCKED, Some(ns)),
        Happening::Waited(WaitKind::Gil, ns) => (code::GIL, Some(ns)),
        Happening::Waited(WaitKind::Preempted, ns) => (code::PREEMPTED, Some(ns)),
        Happening::Coroutine(number) => (code::COROUTINE, Some(number)),
        Happening::Excluded(ticks) => (code::EXCLUDED, Some(ticks)),
        Happening::ClassCall => (code::CLASS_CALL, None),
        Happening::Mark(mark) => (code_of_mark(mark.kind), Some(mark.function.into())),
    };
    // The excluded ones are in their second word.
    let ticks = match what {
        Happening::Excluded(excluded) => ticks.saturating_sub(excluded),
        _ => ticks,
    };
    if ticks > MOST_TICKS {
        words.extend([word(code::LATER, 0), ticks]);
    }
    words.push(word(code, if ticks > MOST_TICKS { 0 } else { ticks }));
    words.extend(second);
    if let Happening::Mark(mark) = what {
        words.push(mark.value);
    }
}

/// Number of words that events take, up to the first that is none.
pub(crate) fn used_words(words: &[u64]) -> usize {
    let mut events = Events::new(words, 0);
    while events.next().is_some() {}
    words.len() - events.left
}

/// Returns true if `rest`, the words behind the events of a block, are those of a thread that has
/// not completed its next event.
pub(crate) fn is_unfinished(mut rest: &[u64]) -> bool {
    while let [first, _, more @ ..] = rest {
        if (first >> 32) as u32 != code::LATER {
            break;
        }
        rest = more;
    }
    // The second word of an event is stored before the first one.
    let is_stored = |(index, &word): (usize, &u64)| index != 1 && word != 0;
    !rest.iter().enumerate().any(is_stored)
}

/// The events of a block's words, with their ticks. Ends before a word that is no event.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    words: std::slice::Iter<'a, u64>,
    tick: u64,
    /// Words behind the latest event.
    left: usize,
}

impl<'a> Events<'a> {
    /// The events of `words`, the first of which is so many ticks later than `start`.
    pub fn new(words: &'a [u64], start: u64) -> Events<'a> {
        Events {
            words: words.iter(),
            tick: start,
            left: words.len(),
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    #[inline]
    fn next(&mut self) -> Option<Event> {
        loop {
            let word = *self.words.next()?;
            self.tick = self.tick.saturating_add(word & MOST_TICKS);
            let code = (word >> 32) as u32;
            let what = match code {
                0 => return None,
                code::RETURN => Happening::End(CallEnd::Returned),
                code::RAISE => Happening::End(CallEnd::Raised),
                code::SUSPEND => Happening::End(CallEnd::Suspended),
                code::END_TO => Happening::EndTo(*self.words.next()? as u32),
                code::SWITCH_TO => Happening::SwitchTo(*self.words.next()? as u32),
                code::LATER => {
                    self.tick = self.tick.saturating_add(*self.words.next()?);
                    continue;
                }
                code::EXCLUDED => {
                    let ticks = *self.words.next()?;
                    self.tick = self.tick.saturating_add(ticks);
                    Happening::Excluded(ticks)
                }
                code::BLOCKED => Happening::Waited(WaitKind::Blocked, *self.words.next()?),
                code::GIL => Happening::Waited(WaitKind::Gil, *self.words.next()?),
                code::PREEMPTED => Happening::Waited(WaitKind::Preempted, *self.words.next()?),
                code::COROUTINE => Happening::Coroutine(*self.words.next()?),
                code::CLASS_CALL => Happening::ClassCall,
                code::INSTANT | code::COUNTER | code::BEGIN | code::END => Happening::Mark(Mark {
                    kind: match code {
                        code::INSTANT => MarkKind::Instant,
                        code::COUNTER => MarkKind::Counter,
                        code::BEGIN => MarkKind::Begin,
                        _ => MarkKind::End,
                    },
                    function: *self.words.next()? as u32,
                    value: *self.words.next()?,
                }),
                code::FIRST.. => return None,
                code if code & code::RESUMED != 0 => Happening::Resume(code & !code::RESUMED),
                node => Happening::Start(node),
            };
            self.left = self.words.len();
            return Some(Event {
                tick: self.tick,
                what,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(kind: MarkKind, value: u64) -> Happening {
        Happening::Mark(Mark {
            kind,
            function: 3,
            value,
        })
    }

    fn events(words: &[u64]) -> Vec<(u64, Happening)> {
        Events::new(words, 100)
            .map(|event| (event.tick, event.what))
            .collect()
    }

    #[test]
    fn words_are_events_with_the_sum_of_their_ticks() {
        let words = [
            word(7, 1),
            word(code::RESUMED | 8, 2),
            word(code::LATER, 0),
            1 << 40,
            word(code::SUSPEND, 3),
            word(code::BLOCKED, 0),
            5_000,
            word(code::END_TO, MOST_TICKS),
            1,
            word(code::SWITCH_TO, 0),
            9,
            word(code::RAISE, 4),
            word(code::EXCLUDED, 0),
            50,
            word(code::RETURN, 0),
            0,
            word(7, 1),
        ];
        let later = 103 + (1 << 40) + 3;
        let end = later + MOST_TICKS;
        let expected = [
            (101, Happening::Start(7)),
            (103, Happening::Resume(8)),
            (later, Happening::End(CallEnd::Suspended)),
            (later, Happening::Waited(WaitKind::Blocked, 5_000)),
            (end, Happening::EndTo(1)),
            (end, Happening::SwitchTo(9)),
            (end + 4, Happening::End(CallEnd::Raised)),
            (end + 54, Happening::Excluded(50)),
            (end + 54, Happening::End(CallEnd::Returned)),
        ];
        assert_eq!(events(&words), expected);
    }

    #[test]
    fn what_is_encoded_is_read_again() {
        let happened = [
            (1, Happening::Start(7)),
            (1 << 40, Happening::Resume(8)),
            (0, Happening::End(CallEnd::Returned)),
            (3, Happening::Waited(WaitKind::Gil, 5)),
            (2, Happening::Coroutine(u64::MAX)),
            (0, Happening::ClassCall),
            (MOST_TICKS, Happening::Excluded(50)),
            (50, Happening::Excluded(50)),
            (MOST_TICKS + 1, Happening::SwitchTo(0)),
            (5, mark(MarkKind::Instant, 0)),
            (MOST_TICKS + 1, mark(MarkKind::Counter, 1.5_f64.to_bits())),
            (0, mark(MarkKind::Begin, u64::MAX)),
            (1, mark(MarkKind::End, u64::MAX)),
        ];
        let mut words = Vec::new();
        let mut tick = 100;
        let mut expected = Vec::new();
        for (ticks, what) in happened {
            encode(what, ticks, &mut words);
            tick += ticks;
            expected.push((tick, what));
        }
        assert_eq!(events(&words), expected);
    }

    #[test]
    fn the_last_event_keeps_its_second_word() {
        assert_eq!(used_words(&[word(1, 5), word(code::END_TO, 1), 0, 0, 0]), 3);
        assert_eq!(used_words(&[word(1, 5), word(code::LATER, 1), 0, 0]), 1);
        assert_eq!(used_words(&[]), 0);
    }

    #[test]
    fn words_behind_the_events_are_those_of_the_next_event_or_damage() {
        let later = word(code::LATER, 0);
        for rest in [
            &[][..],
            &[0],
            &[0, 0, 0],
            &[0, 7, 0],
            &[later, 7, 0],
            &[later, 7, 0, 9, 0],
        ] {
            assert!(is_unfinished(rest), "{rest:?}");
        }
        for rest in [
            &[1][..],
            &[word(code::FIRST, 0), 0],
            &[0, 7, 1],
            &[later, 7, 1],
            &[0, 0, 0, 0, word(1, 1)],
        ] {
            assert!(!is_unfinished(rest), "{rest:?}");
        }
    }

    #[test]
    fn unknown_and_cut_off_words_end_a_block() {
        assert_eq!(events(&[word(code::FIRST, 0), word(1, 0)]), []);
        assert_eq!(events(&[word(code::LATER, 0)]), []);
        assert_eq!(events(&[word(code::GIL, 9)]), []);
        let endless = [word(code::LATER, 1), u64::MAX, word(1, 1)];
        assert_eq!(events(&endless), [(u64::MAX, Happening::Start(1))]);
    }
}
