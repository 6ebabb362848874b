//! The `perfetto` format: track events in protocol buffers, for <https://ui.perfetto.dev>.
//!
//! A file is a series of packets. Each thread has a sequence of packets for its calls, one for its
//! spans and one for its waits. A sequence has a track, its own names and its own clock, which
//! counts the nanoseconds since the packet before. The numbers of the fields:
//! <https://github.com/google/perfetto/tree/main/protos/perfetto/trace>

mod field;
mod packets;
mod sequence;
mod thread;

use std::collections::HashMap;
use std::io::{self, Write};

use super::TimelineFormat;
use super::protobuf::length;
use super::tracks::{ProcessTrack, Tracks};
use crate::analysis::timeline::fit::Costs;
use crate::analysis::timeline::slices::Window;
use packets::Packets;
use thread::ThreadSink;

/// Largest size of the two events of a call, bytes, without the numbers of its name and place. Each
/// event must be less than 268 ms after the one before.
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
        let mut packets = Packets::new(out, tracks.axis.start_unix_ns());
        packets.wall_clock()?;
        packets.remarks(window.from, remarks)?;
        for process in &tracks.processes {
            let process_id = packets.process(process)?;
            let mut mark_tracks = HashMap::new();
            for thread in &process.threads {
                let thread_id = packets.thread(process, thread, process_id)?;
                let mut sink = ThreadSink::new(
                    &mut packets,
                    process,
                    process_id,
                    thread_id,
                    &mut mark_tracks,
                );
                tracks.replay(process, thread, window, &mut sink)?;
            }
        }
        packets.flush()
    }
}
