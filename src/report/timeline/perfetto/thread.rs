//! Tracks of one thread: its calls, its spans and its waits.

use std::collections::HashMap;
use std::io;

use super::super::protobuf::Message;
use super::super::tracks::{ProcessTrack, beginning_mark, ending_mark, wait_name};
use super::field;
use super::packets::{COUNTER, INSTANT, Packets, SLICE_BEGIN, SLICE_END};
use super::sequence::{ANNOTATION_VALUES, CATEGORIES, Sequence};
use crate::analysis::timeline::replay::Ending;
use crate::analysis::timeline::slices::{Sink, Slice};
use crate::model::timeline::{Mark, MarkKind, WaitKind};

/// Numbers in `ANNOTATION_NAMES`.
const BEGINS: u64 = 1;
const ENDS: u64 = 2;

/// Tracks of a process by kind, function and number: one for each counter, one for each
/// asynchronous span. Several threads share them, so their events have absolute times.
pub(super) type MarkTracks = HashMap<(bool, u32, u64), u64>;

/// Number of a word among `words`.
fn number_of(word: &str, words: &[&str]) -> u64 {
    let at = words.iter().position(|of| *of == word);
    at.map_or(0, |at| at as u64 + 1)
}

fn annotate(event: &mut Message, name: u64, value: &str) {
    event.message(field::event::ANNOTATION, |annotation| {
        annotation.number(field::annotation::NAME, name);
        let value = number_of(value, &ANNOTATION_VALUES);
        annotation.number(field::annotation::VALUE, value);
    });
}

/// Writes the slices of one thread.
pub(super) struct ThreadSink<'w, 'o, 't> {
    packets: &'w mut Packets<'o>,
    process: &'w ProcessTrack<'t>,
    has_spans: bool,
    thread_id: u64,
    calls: Sequence,
    spans: Option<Sequence>,
    waits: Option<Sequence>,
    process_id: u64,
    mark_tracks: &'w mut MarkTracks,
}

impl<'w, 'o, 't> ThreadSink<'w, 'o, 't> {
    pub(super) fn new(
        packets: &'w mut Packets<'o>,
        process: &'w ProcessTrack<'t>,
        process_id: u64,
        thread_id: u64,
        mark_tracks: &'w mut MarkTracks,
    ) -> Self {
        ThreadSink {
            packets,
            process,
            has_spans: process.has_spans(),
            thread_id,
            calls: Sequence::new(thread_id, process),
            spans: None,
            waits: None,
            process_id,
            mark_tracks,
        }
    }

    /// The sequence that has the calls of a function.
    fn sequence(&mut self, function: u32) -> io::Result<(&mut Packets<'o>, &mut Sequence)> {
        if !(self.has_spans && self.process.is_span(function)) {
            return Ok((self.packets, &mut self.calls));
        }
        let spans = match self.spans.take() {
            Some(spans) => spans,
            None => Sequence::new(self.packets.below(self.thread_id, "spans")?, self.process),
        };
        Ok((self.packets, self.spans.insert(spans)))
    }
}

impl Sink for ThreadSink<'_, '_, '_> {
    fn begin(&mut self, slice: &Slice) -> io::Result<()> {
        let Some(function) = self.process.functions.get(slice.function as usize) else {
            return Ok(());
        };
        let (packets, sequence) = self.sequence(slice.function)?;
        let is_named = &mut sequence.is_named[slice.function as usize];
        let name = (!std::mem::replace(is_named, true)).then_some(function);
        let id = u64::from(slice.function) + 1;
        let fill = |event: &mut Message| {
            let category = number_of(function.category(), &CATEGORIES);
            event.number(field::event::CATEGORY, category);
            event.number(field::event::NAME, id);
            event.number(field::event::TYPE, SLICE_BEGIN);
            if !function.file.is_empty() {
                event.number(field::event::SOURCE, id);
            }
            if let Some(mark) = beginning_mark(slice.beginning) {
                annotate(event, BEGINS, mark);
            }
        };
        let interned = name.map(|function| {
            move |interned: &mut Message| {
                interned.message(field::interned::EVENT_NAMES, |entry| {
                    entry.number(field::entry::ID, id);
                    entry.text(field::entry::TEXT, &function.name);
                });
                if !function.file.is_empty() {
                    interned.message(field::interned::SOURCES, |entry| {
                        entry.number(field::entry::ID, id);
                        entry.text(field::entry::TEXT, &function.file);
                        entry.number(field::entry::LINE, function.line.into());
                    });
                }
            }
        });
        sequence.event(packets, slice.begin, fill, interned)
    }

    fn end(&mut self, slice: &Slice, end: u64, ending: Ending) -> io::Result<()> {
        let (packets, sequence) = self.sequence(slice.function)?;
        let fill = |event: &mut Message| {
            event.number(field::event::TYPE, SLICE_END);
            if let Some(mark) = ending_mark(ending) {
                annotate(event, ENDS, mark);
            }
        };
        sequence.event(packets, end, fill, None::<fn(&mut Message)>)
    }

    fn wait(&mut self, kind: WaitKind, from: u64, to: u64) -> io::Result<()> {
        let mut waits = match self.waits.take() {
            Some(waits) => waits,
            None => Sequence::new(self.packets.below(self.thread_id, "waits")?, self.process),
        };
        let fill = |event: &mut Message| {
            event.number(field::event::CATEGORY, number_of("wait", &CATEGORIES));
            event.number(field::event::TYPE, SLICE_BEGIN);
            event.text(field::event::NAME_TEXT, wait_name(kind));
        };
        let none = None::<fn(&mut Message)>;
        waits.event(self.packets, from, fill, none)?;
        let fill = |event: &mut Message| event.number(field::event::TYPE, SLICE_END);
        waits.event(self.packets, to, fill, none)?;
        self.waits = Some(waits);
        Ok(())
    }

    fn mark(&mut self, mark: Mark, at: u64) -> io::Result<()> {
        let Some(function) = self.process.functions.get(mark.function as usize) else {
            return Ok(());
        };
        let (packets, name) = (&mut *self.packets, &function.name);
        let at = packets.zero + at;
        let (is_counter, number) = match mark.kind {
            MarkKind::Instant => {
                let fill = |event: &mut Message| event.text(field::event::NAME_TEXT, name);
                return packets.event_at(at, self.thread_id, "mark", INSTANT, fill);
            }
            MarkKind::Counter => (true, 0),
            MarkKind::Begin | MarkKind::End => (false, mark.value),
        };
        let key = (is_counter, mark.function, number);
        let known = self.mark_tracks.get(&key).copied();
        let track = match known {
            Some(track) => track,
            None if is_counter => packets.counter(self.process_id, name)?,
            None => packets.below(self.process_id, name)?,
        };
        self.mark_tracks.insert(key, track);
        let (what, value) = match mark.kind {
            MarkKind::Begin => (SLICE_BEGIN, None),
            MarkKind::End => (SLICE_END, None),
            _ => (COUNTER, Some(f64::from_bits(mark.value))),
        };
        packets.event_at(at, track, "mark", what, |event| match value {
            Some(value) => event.float(field::event::FLOAT_VALUE, value),
            None => event.text(field::event::NAME_TEXT, name),
        })
    }
}
