//! The `perfetto` format: track events in protocol buffers, for <https://ui.perfetto.dev>.
//!
//! A file is a series of packets. Each thread has a sequence of packets for its calls, one for
//! its spans and one for its waits, each with a track, its own names and its own clock, which
//! counts the nanoseconds since the packet before. The numbers of the fields:
//! <https://github.com/google/perfetto/tree/main/protos/perfetto/trace>

use std::collections::HashMap;
use std::io::{self, Write};

use super::TimelineFormat;
use super::protobuf::{Message, length};
use super::tracks::{ProcessTrack, ThreadTrack, Tracks, beginning_mark, ending_mark};
use crate::analysis::timeline::fit::Costs;
use crate::analysis::timeline::replay::Ending;
use crate::analysis::timeline::slices::{Sink, Slice, Window};
use crate::model::timeline::{Mark, MarkKind, WaitKind};

/// Numbers of fields, by message.
mod field {
    pub(super) mod trace {
        pub(crate) const PACKET: u32 = 1;
    }
    pub(super) mod packet {
        pub(crate) const CLOCK_SNAPSHOT: u32 = 6;
        pub(crate) const TIMESTAMP: u32 = 8;
        pub(crate) const SEQUENCE: u32 = 10;
        pub(crate) const TRACK_EVENT: u32 = 11;
        pub(crate) const INTERNED: u32 = 12;
        pub(crate) const FLAGS: u32 = 13;
        pub(crate) const CLOCK: u32 = 58;
        pub(crate) const DEFAULTS: u32 = 59;
        pub(crate) const TRACK: u32 = 60;
    }
    pub(super) mod clock_snapshot {
        pub(crate) const CLOCK: u32 = 1;
    }
    pub(super) mod clock {
        pub(crate) const ID: u32 = 1;
        pub(crate) const TIMESTAMP: u32 = 2;
        pub(crate) const IS_INCREMENTAL: u32 = 3;
    }
    pub(super) mod track {
        pub(crate) const ID: u32 = 1;
        pub(crate) const NAME: u32 = 2;
        pub(crate) const PROCESS: u32 = 3;
        pub(crate) const THREAD: u32 = 4;
        pub(crate) const PARENT: u32 = 5;
        pub(crate) const COUNTER: u32 = 8;
    }
    pub(super) mod process {
        pub(crate) const PID: u32 = 1;
        pub(crate) const COMMAND: u32 = 2;
        pub(crate) const NAME: u32 = 6;
    }
    pub(super) mod thread {
        pub(crate) const PID: u32 = 1;
        pub(crate) const TID: u32 = 2;
        pub(crate) const NAME: u32 = 5;
    }
    pub(super) mod event {
        pub(crate) const CATEGORY: u32 = 3;
        pub(crate) const ANNOTATION: u32 = 4;
        pub(crate) const TYPE: u32 = 9;
        pub(crate) const NAME: u32 = 10;
        pub(crate) const TRACK: u32 = 11;
        pub(crate) const CATEGORY_TEXT: u32 = 22;
        pub(crate) const NAME_TEXT: u32 = 23;
        pub(crate) const SOURCE: u32 = 34;
        pub(crate) const FLOAT_VALUE: u32 = 44;
    }
    pub(super) mod annotation {
        pub(crate) const NAME: u32 = 1;
        pub(crate) const VALUE: u32 = 17;
    }
    pub(super) mod interned {
        pub(crate) const CATEGORIES: u32 = 1;
        pub(crate) const EVENT_NAMES: u32 = 2;
        pub(crate) const ANNOTATION_NAMES: u32 = 3;
        pub(crate) const SOURCES: u32 = 4;
        pub(crate) const ANNOTATION_VALUES: u32 = 29;
    }
    /// Of all kinds of entries.
    pub(super) mod entry {
        pub(crate) const ID: u32 = 1;
        pub(crate) const TEXT: u32 = 2;
        pub(crate) const LINE: u32 = 4;
    }
}

/// `TrackEvent.Type`.
const SLICE_BEGIN: u64 = 1;
const SLICE_END: u64 = 2;
const INSTANT: u64 = 3;
const COUNTER: u64 = 4;
/// `SequenceFlags`: nothing of the sequence was before, and something is needed that was.
const STATE_CLEARED: u64 = 1;
const NEEDS_STATE: u64 = 2;
/// `BuiltinClock`.
const REALTIME: u64 = 1;
const BOOTTIME: u64 = 6;
/// The first clock that belongs to a sequence.
const OF_SEQUENCE: u64 = 64;

/// Words that calls and waits are marked with, by their numbers less one.
const CATEGORIES: [&str; 4] = ["python", "builtin", "span", "wait"];
const ANNOTATION_NAMES: [&str; 2] = ["begins", "ends"];
const BEGINS: u64 = 1;
const ENDS: u64 = 2;
const ANNOTATION_VALUES: [&str; 7] = [
    "resumed",
    "open before",
    "raised",
    "suspended",
    "with its caller",
    "open",
    "cut",
];

/// Bytes of the two events of a call at most, beside the numbers of its name and place, if each is
/// less than 268 ms after the one before.
const CALL: u64 = 37;
/// Bytes of a wait.
const WAIT: u64 = 56;
/// Bytes of an annotation.
const MARK: u64 = 8;
/// Bytes of the entries of a function, beside its texts.
const FUNCTION: u64 = 32;

/// The file for Perfetto.
#[derive(Clone, Copy, Debug)]
pub struct Perfetto;

impl TimelineFormat for Perfetto {
    fn costs(&self, process: &ProcessTrack<'_>) -> Costs {
        let functions = process.functions.iter();
        let texts = functions.map(|at| (at.name.len() + at.file.len()) as u64 + FUNCTION);
        let ids = 1..=process.functions.len() as u64;
        Costs {
            calls: ids.map(|id| CALL + 2 * length(id)).collect(),
            functions: texts.collect(),
            mark: MARK,
            wait: WAIT,
        }
    }

    fn write(
        &self,
        tracks: &Tracks<'_>,
        window: &Window,
        remarks: &[String],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut packets = Packets {
            out,
            message: Message::default(),
            zero: tracks.axis.start_unix_ns(),
            ids: 0,
        };
        packets.wall_clock()?;
        packets.remarks(window.from, remarks)?;
        for process in &tracks.processes {
            let process_id = packets.process(process)?;
            let mut mark_tracks = HashMap::new();
            for thread in &process.threads {
                let thread_id = packets.thread(process, thread, process_id)?;
                let mut sink = ThreadSink {
                    process,
                    has_spans: process.has_spans(),
                    thread_id,
                    calls: Sequence::new(thread_id, process),
                    spans: None,
                    waits: None,
                    process_id,
                    mark_tracks: &mut mark_tracks,
                    packets: &mut packets,
                };
                tracks.replay(process, thread, window, &mut sink)?;
            }
        }
        packets.flush()
    }
}

/// The file, packet by packet.
struct Packets<'o> {
    out: &'o mut dyn Write,
    /// Packets that are not written yet.
    message: Message,
    /// Clock where the axis begins.
    zero: u64,
    /// Number of tracks, each of which has its number as id and as that of its sequence.
    ids: u64,
}

impl Packets<'_> {
    fn packet(&mut self, fill: impl FnOnce(&mut Message)) -> io::Result<()> {
        self.message.message(field::trace::PACKET, fill);
        match self.message.bytes().len() > 1 << 16 {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(self.message.bytes())?;
        self.message.clear();
        Ok(())
    }

    /// Says that the clock of the file is that of the wall.
    fn wall_clock(&mut self) -> io::Result<()> {
        let zero = self.zero;
        self.packet(|packet| {
            packet.message(field::packet::CLOCK_SNAPSHOT, |snapshot| {
                for clock in [BOOTTIME, REALTIME] {
                    snapshot.message(field::clock_snapshot::CLOCK, |at| {
                        at.number(field::clock::ID, clock);
                        at.number(field::clock::TIMESTAMP, zero);
                    });
                }
            });
        })
    }

    /// Writes an instant for each remark, on a track for all processes.
    fn remarks(&mut self, from: u64, remarks: &[String]) -> io::Result<()> {
        if remarks.is_empty() {
            return Ok(());
        }
        let id = self.track(|track| track.text(field::track::NAME, "edbprof"))?;
        let at = self.zero + from;
        for remark in remarks {
            self.event_at(at, id, "edbprof", INSTANT, |event| {
                event.text(field::event::NAME_TEXT, remark);
            })?;
        }
        Ok(())
    }

    /// Writes an event of a track at a time of the file's clock.
    fn event_at(
        &mut self,
        at: u64,
        track: u64,
        category: &str,
        what: u64,
        fill: impl FnOnce(&mut Message),
    ) -> io::Result<()> {
        self.packet(|packet| {
            packet.number(field::packet::TIMESTAMP, at);
            packet.number(field::packet::SEQUENCE, track);
            packet.message(field::packet::TRACK_EVENT, |event| {
                event.text(field::event::CATEGORY_TEXT, category);
                event.number(field::event::TYPE, what);
                event.number(field::event::TRACK, track);
                fill(event);
            });
        })
    }

    /// Writes a track, and returns its id.
    fn track(&mut self, fill: impl FnOnce(&mut Message)) -> io::Result<u64> {
        self.ids += 1;
        let id = self.ids;
        self.packet(|packet| {
            packet.message(field::packet::TRACK, |track| {
                track.number(field::track::ID, id);
                fill(track);
            });
        })?;
        Ok(id)
    }

    fn process(&mut self, process: &ProcessTrack<'_>) -> io::Result<u64> {
        self.track(|track| {
            track.message(field::track::PROCESS, |of| {
                of.number(field::process::PID, process.pid.into());
                for word in &process.of.process.argv {
                    let word = String::from_utf8_lossy(word);
                    of.text(field::process::COMMAND, &word);
                }
                of.text(field::process::NAME, &process.name);
            });
        })
    }

    fn thread(
        &mut self,
        process: &ProcessTrack<'_>,
        thread: &ThreadTrack,
        parent: u64,
    ) -> io::Result<u64> {
        self.track(|track| {
            track.number(field::track::PARENT, parent);
            track.message(field::track::THREAD, |of| {
                of.number(field::thread::PID, process.pid.into());
                of.number(field::thread::TID, thread.number.into());
                of.text(field::thread::NAME, &thread.name);
            });
        })
    }

    /// Writes the track of a counter.
    fn counter(&mut self, process: u64, name: &str) -> io::Result<u64> {
        self.track(|track| {
            track.number(field::track::PARENT, process);
            track.text(field::track::NAME, name);
            track.message(field::track::COUNTER, |_| {});
        })
    }

    /// Writes a track below that of a thread or process.
    fn below(&mut self, thread: u64, name: &str) -> io::Result<u64> {
        self.track(|track| {
            track.number(field::track::PARENT, thread);
            track.text(field::track::NAME, name);
        })
    }
}

/// The packets of one track.
struct Sequence {
    id: u64,
    /// Time of the latest packet on the axis; `None` before the first.
    at: Option<u64>,
    /// Functions whose names were written.
    is_named: Vec<bool>,
}

impl Sequence {
    fn new(id: u64, process: &ProcessTrack<'_>) -> Sequence {
        Sequence {
            id,
            at: None,
            is_named: vec![false; process.functions.len()],
        }
    }

    /// Writes an event. `interned` adds the texts that it needs.
    fn event(
        &mut self,
        packets: &mut Packets<'_>,
        now: u64,
        fill: impl FnOnce(&mut Message),
        interned: Option<impl FnOnce(&mut Message)>,
    ) -> io::Result<()> {
        let before = match self.at {
            Some(before) => before,
            None => {
                self.begin(packets, now)?;
                now
            }
        };
        self.at = Some(now);
        packets.packet(|packet| {
            packet.number(field::packet::TIMESTAMP, now - before);
            packet.number(field::packet::SEQUENCE, self.id);
            packet.message(field::packet::TRACK_EVENT, fill);
            packet.number(field::packet::FLAGS, NEEDS_STATE);
            if let Some(interned) = interned {
                packet.message(field::packet::INTERNED, interned);
            }
        })
    }

    /// Writes the clock and the words of the sequence.
    fn begin(&self, packets: &mut Packets<'_>, now: u64) -> io::Result<()> {
        let time = packets.zero + now;
        packets.packet(|packet| {
            packet.number(field::packet::SEQUENCE, self.id);
            packet.number(field::packet::FLAGS, STATE_CLEARED);
            packet.message(field::packet::DEFAULTS, |defaults| {
                defaults.number(field::packet::CLOCK, OF_SEQUENCE);
                defaults.message(field::packet::TRACK_EVENT, |event| {
                    event.number(field::event::TRACK, self.id);
                });
            });
            packet.message(field::packet::CLOCK_SNAPSHOT, |snapshot| {
                for clock in [BOOTTIME, OF_SEQUENCE] {
                    snapshot.message(field::clock_snapshot::CLOCK, |at| {
                        at.number(field::clock::ID, clock);
                        at.number(field::clock::TIMESTAMP, time);
                        if clock == OF_SEQUENCE {
                            at.number(field::clock::IS_INCREMENTAL, 1);
                        }
                    });
                }
            });
            packet.message(field::packet::INTERNED, |interned| {
                let mut intern = |field: u32, texts: &[&str]| {
                    for (id, text) in (1..).zip(texts) {
                        interned.message(field, |entry| {
                            entry.number(field::entry::ID, id);
                            entry.text(field::entry::TEXT, text);
                        });
                    }
                };
                intern(field::interned::CATEGORIES, &CATEGORIES);
                intern(field::interned::ANNOTATION_NAMES, &ANNOTATION_NAMES);
                intern(field::interned::ANNOTATION_VALUES, &ANNOTATION_VALUES);
            });
        })
    }
}

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
struct ThreadSink<'w, 'o, 't> {
    packets: &'w mut Packets<'o>,
    process: &'w ProcessTrack<'t>,
    has_spans: bool,
    thread_id: u64,
    calls: Sequence,
    spans: Option<Sequence>,
    waits: Option<Sequence>,
    process_id: u64,
    /// Tracks by function: of a counter, and of each asynchronous span by its number. Their events
    /// have absolute times, because several threads have them in common.
    mark_tracks: &'w mut HashMap<(bool, u32, u64), u64>,
}

impl<'o> ThreadSink<'_, 'o, '_> {
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
            event.text(field::event::NAME_TEXT, super::tracks::wait_name(kind));
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
