//! The `chrome` format: trace events as JSON, one line an event, for `chrome://tracing` and other
//! viewers.
//!
//! Spans and waits are on tracks of their own, which are threads with numbers that no other one
//! has. <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>

use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::TimelineFormat;
use super::json::{Micros, text};
use super::tracks::{ProcessTrack, ShownFunction, Tracks, beginning_mark, ending_mark, wait_name};
use crate::analysis::timeline::fit::Costs;
use crate::analysis::timeline::replay::Ending;
use crate::analysis::timeline::slices::{Sink, Slice, Window};
use crate::model::FunctionKind;
use crate::model::timeline::{Mark, MarkKind, WaitKind};

/// Added to the number of a thread for its spans, and for its waits.
const SPANS: u64 = 1 << 28;
const WAITS: u64 = 1 << 29;

/// Bytes of both events of a call at most, beside the number of the process, its name and its
/// place.
const CALL: u64 = 150;
/// In addition for tracks of spans and waits, whose numbers are long.
const OWN_TRACK: u64 = 12;
/// Bytes that say how a call begins or ends.
const MARK: u64 = 40;

/// The file of trace events.
#[derive(Clone, Copy, Debug)]
pub struct Chrome {
    /// True for a file in the format of gzip.
    pub is_compressed: bool,
}

impl TimelineFormat for Chrome {
    fn costs(&self, process: &ProcessTrack<'_>) -> Costs {
        let is_own = process.has_spans();
        let pid = 2 * process.pid.to_string().len() as u64;
        let call = |of: &ShownFunction| {
            let texts = (text(&of.name).len() + text(&of.file).len()) as u64;
            let own = match is_own && of.kind == FunctionKind::Native {
                true => OWN_TRACK,
                false => 0,
            };
            CALL + pid + texts + own
        };
        Costs {
            calls: process.functions.iter().map(call).collect(),
            functions: vec![0; process.functions.len()],
            mark: MARK,
            wait: CALL + pid + OWN_TRACK,
        }
    }

    fn write(
        &self,
        tracks: &Tracks<'_>,
        window: &Window,
        remarks: &[String],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if !self.is_compressed {
            let mut out = BufWriter::new(out);
            write(tracks, window, remarks, &mut out)?;
            return out.flush();
        }
        let mut out = BufWriter::new(GzEncoder::new(out, Compression::fast()));
        write(tracks, window, remarks, &mut out)?;
        let compressed = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        compressed.finish().map(drop)
    }
}

fn write(
    tracks: &Tracks<'_>,
    window: &Window,
    remarks: &[String],
    out: &mut impl Write,
) -> io::Result<()> {
    let about = json!({
        "exporter": concat!("edbprof ", env!("CARGO_PKG_VERSION")),
        "start_unix_ns": tracks.axis.start_unix_ns(),
        "remarks": remarks,
    });
    write!(
        out,
        "{{\"displayTimeUnit\":\"ns\",\"otherData\":{about},\n\"traceEvents\":["
    )?;
    let mut events = Events { out, written: 0 };
    for (index, process) in tracks.processes.iter().enumerate() {
        events.metadata(process, 0, "process_name", "name", &*process.name)?;
        events.metadata(process, 0, "process_sort_index", "sort_index", index)?;
        for thread in &process.threads {
            let number = u64::from(thread.number);
            events.metadata(process, number, "thread_name", "name", &*thread.name)?;
            let mut sink = ThreadSink {
                events: &mut events,
                process,
                thread: number,
                thread_name: &thread.name,
                has_spans: process.has_spans(),
                is_named: [false; 2],
            };
            tracks.replay(process, thread, window, &mut sink)?;
        }
    }
    out.write_all(b"\n]}\n")
}

struct Events<'o, W> {
    out: &'o mut W,
    written: u64,
}

impl<W: Write> Events<'_, W> {
    /// Begins an event: all up to its phase.
    fn event(&mut self, process: &ProcessTrack<'_>, thread: u64, phase: char) -> io::Result<()> {
        let comma = match self.written {
            0 => "",
            _ => ",",
        };
        self.written += 1;
        let pid = process.pid;
        write!(
            self.out,
            "{comma}\n{{\"pid\":{pid},\"tid\":{thread},\"ph\":\"{phase}\""
        )
    }

    fn metadata(
        &mut self,
        process: &ProcessTrack<'_>,
        thread: u64,
        name: &str,
        key: &str,
        value: impl Into<serde_json::Value>,
    ) -> io::Result<()> {
        self.event(process, thread, 'M')?;
        let args = json!({ key: value.into() });
        write!(self.out, ",\"name\":\"{name}\",\"args\":{args}}}")
    }
}

/// Writes the events of one thread.
struct ThreadSink<'w, 'o, 't, W> {
    events: &'w mut Events<'o, W>,
    process: &'w ProcessTrack<'t>,
    thread: u64,
    thread_name: &'w str,
    has_spans: bool,
    /// True if the tracks of spans and waits have their names.
    is_named: [bool; 2],
}

impl<W: Write> ThreadSink<'_, '_, '_, W> {
    /// The track that has the calls of a function.
    fn track(&mut self, function: u32) -> io::Result<u64> {
        match self.has_spans && self.process.is_span(function) {
            true => self.own_track(0, SPANS, "spans"),
            false => Ok(self.thread),
        }
    }

    fn own_track(&mut self, index: usize, offset: u64, what: &str) -> io::Result<u64> {
        let track = self.thread + offset;
        if !std::mem::replace(&mut self.is_named[index], true) {
            let name = format!("{}: {what}", self.thread_name);
            self.events
                .metadata(self.process, track, "thread_name", "name", name)?;
        }
        Ok(track)
    }
}

impl<W: Write> Sink for ThreadSink<'_, '_, '_, W> {
    fn begin(&mut self, slice: &Slice) -> io::Result<()> {
        let track = self.track(slice.function)?;
        let Some(function) = self.process.functions.get(slice.function as usize) else {
            return Ok(());
        };
        self.events.event(self.process, track, 'B')?;
        let out = &mut *self.events.out;
        let (ts, name) = (Micros(slice.begin), text(&function.name));
        let category = function.category();
        write!(out, ",\"ts\":{ts},\"name\":{name},\"cat\":\"{category}\"")?;
        let begins = beginning_mark(slice.beginning);
        let place = (!function.file.is_empty()).then(|| text(&function.place()));
        match (place, begins) {
            (None, None) => write!(out, "}}"),
            (Some(place), None) => write!(out, ",\"args\":{{\"place\":{place}}}}}"),
            (None, Some(begins)) => write!(out, ",\"args\":{{\"begins\":\"{begins}\"}}}}"),
            (Some(place), Some(begins)) => {
                write!(
                    out,
                    ",\"args\":{{\"place\":{place},\"begins\":\"{begins}\"}}}}"
                )
            }
        }
    }

    fn end(&mut self, slice: &Slice, end: u64, ending: Ending) -> io::Result<()> {
        let track = self.track(slice.function)?;
        self.events.event(self.process, track, 'E')?;
        let ts = Micros(end);
        let Some(ends) = ending_mark(ending) else {
            return write!(self.events.out, ",\"ts\":{ts}}}");
        };
        write!(
            self.events.out,
            ",\"ts\":{ts},\"args\":{{\"ends\":\"{ends}\"}}}}"
        )
    }

    fn wait(&mut self, kind: WaitKind, from: u64, to: u64) -> io::Result<()> {
        let track = self.own_track(1, WAITS, "waits")?;
        let name = wait_name(kind);
        self.events.event(self.process, track, 'B')?;
        let from = Micros(from);
        write!(
            self.events.out,
            ",\"ts\":{from},\"name\":\"{name}\",\"cat\":\"wait\"}}"
        )?;
        self.events.event(self.process, track, 'E')?;
        write!(self.events.out, ",\"ts\":{}}}", Micros(to))
    }

    fn mark(&mut self, mark: Mark, at: u64) -> io::Result<()> {
        let Some(function) = self.process.functions.get(mark.function as usize) else {
            return Ok(());
        };
        let phase = match mark.kind {
            MarkKind::Instant => 'i',
            MarkKind::Counter => 'C',
            MarkKind::Begin => 'b',
            MarkKind::End => 'e',
        };
        self.events.event(self.process, self.thread, phase)?;
        let out = &mut *self.events.out;
        let (ts, name) = (Micros(at), text(&function.name));
        write!(out, ",\"ts\":{ts},\"name\":{name},\"cat\":\"mark\"")?;
        match mark.kind {
            MarkKind::Instant => write!(out, ",\"s\":\"t\"}}"),
            MarkKind::Counter => {
                let value = json!(f64::from_bits(mark.value));
                write!(out, ",\"args\":{{\"value\":{value}}}}}")
            }
            // Events of one name and number belong together.
            MarkKind::Begin | MarkKind::End => write!(out, ",\"id\":\"{:x}\"}}", mark.value),
        }
    }
}
