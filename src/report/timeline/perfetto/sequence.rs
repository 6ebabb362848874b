//! Events of one track, with times that count from one to the next and names that are written once.

use std::io;

use super::super::protobuf::Message;
use super::super::tracks::ProcessTrack;
use super::field;
use super::packets::{BOOTTIME, Packets};

/// Words that calls and waits are marked with, by their numbers less one.
pub(super) const CATEGORIES: [&str; 4] = ["python", "builtin", "span", "wait"];
const ANNOTATION_NAMES: [&str; 2] = ["begins", "ends"];
pub(super) const ANNOTATION_VALUES: [&str; 7] = [
    "resumed",
    "open before",
    "raised",
    "suspended",
    "with its caller",
    "open",
    "cut",
];

/// `SequenceFlags`: the sequence begins, and a packet needs those before it.
const STATE_CLEARED: u64 = 1;
const NEEDS_STATE: u64 = 2;
/// The first clock that belongs to a sequence.
const OF_SEQUENCE: u64 = 64;

/// The packets of one track.
pub(super) struct Sequence {
    id: u64,
    /// Time of the latest packet on the axis; `None` before the first.
    at: Option<u64>,
    /// Functions whose names were written.
    pub(super) is_named: Vec<bool>,
}

impl Sequence {
    pub(super) fn new(id: u64, process: &ProcessTrack<'_>) -> Sequence {
        Sequence {
            id,
            at: None,
            is_named: vec![false; process.functions.len()],
        }
    }

    /// Writes an event. `interned` adds the texts that it needs.
    pub(super) fn event(
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
