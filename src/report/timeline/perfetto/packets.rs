//! Packets of a file, one after another, and those that name its tracks.

use std::io::{self, Write};

use super::super::protobuf::Message;
use super::super::tracks::{ProcessTrack, ThreadTrack};
use super::field;

/// `TrackEvent.Type`.
pub(super) const SLICE_BEGIN: u64 = 1;
pub(super) const SLICE_END: u64 = 2;
pub(super) const INSTANT: u64 = 3;
pub(super) const COUNTER: u64 = 4;
/// `BuiltinClock`.
const REALTIME: u64 = 1;
pub(super) const BOOTTIME: u64 = 6;

/// The file, packet by packet.
pub(super) struct Packets<'o> {
    out: &'o mut dyn Write,
    /// Packets that are not written yet.
    message: Message,
    /// Wall-clock time at which the axis begins, nanoseconds since 1970.
    pub(super) zero: u64,
    /// Number of tracks, each of which has its number as id and as that of its sequence.
    ids: u64,
}

impl<'o> Packets<'o> {
    /// Begins a file in which `zero` is the wall-clock time at which the axis begins, nanoseconds.
    pub(super) fn new(out: &'o mut dyn Write, zero: u64) -> Self {
        Packets {
            out,
            message: Message::default(),
            zero,
            ids: 0,
        }
    }

    pub(super) fn packet(&mut self, fill: impl FnOnce(&mut Message)) -> io::Result<()> {
        self.message.message(field::trace::PACKET, fill);
        match self.message.bytes().len() > 1 << 16 {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(self.message.bytes())?;
        self.message.clear();
        Ok(())
    }

    /// States that the clock of the file is the wall clock.
    pub(super) fn wall_clock(&mut self) -> io::Result<()> {
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
    pub(super) fn remarks(&mut self, from: u64, remarks: &[String]) -> io::Result<()> {
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
    pub(super) fn event_at(
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

    pub(super) fn process(&mut self, process: &ProcessTrack<'_>) -> io::Result<u64> {
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

    pub(super) fn thread(
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
    pub(super) fn counter(&mut self, process: u64, name: &str) -> io::Result<u64> {
        self.track(|track| {
            track.number(field::track::PARENT, process);
            track.text(field::track::NAME, name);
            track.message(field::track::COUNTER, |_| {});
        })
    }

    /// Writes a track below that of a thread or process.
    pub(super) fn below(&mut self, thread: u64, name: &str) -> io::Result<u64> {
        self.track(|track| {
            track.number(field::track::PARENT, thread);
            track.text(field::track::NAME, name);
        })
    }
}
