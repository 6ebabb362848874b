//! The `speedscope` format in the order of time: a profile for each thread, and one for its waits.
//!
//! The format is that of [`speedscope`](crate::report::speedscope). The frames follow the
//! profiles, because only then it is known which ones there are.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use serde_json::{Value, json};

use super::TimelineFormat;
use super::json::text;
use super::tracks::{ProcessTrack, ShownFunction, ThreadTrack, Tracks, wait_name};
use crate::analysis::timeline::fit::Costs;
use crate::analysis::timeline::replay::Ending;
use crate::analysis::timeline::slices::{Sink, Slice, Window};
use crate::model::FunctionKind;
use crate::model::timeline::WaitKind;

/// Bytes of both events of a call at most.
const CALL: u64 = 104;
/// Bytes of a frame, beside its texts.
const FRAME: u64 = 60;

/// The file for speedscope.
#[derive(Clone, Copy, Debug)]
pub struct SpeedscopeTimeline;

impl TimelineFormat for SpeedscopeTimeline {
    fn costs(&self, process: &ProcessTrack<'_>) -> Costs {
        let frame = |of: &ShownFunction| FRAME + (text(&of.name).len() + of.file.len()) as u64;
        Costs {
            calls: vec![CALL; process.functions.len()],
            functions: process.functions.iter().map(frame).collect(),
            mark: 0,
            wait: CALL,
        }
    }

    fn write(
        &self,
        tracks: &Tracks<'_>,
        window: &Window,
        remarks: &[String],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        let mut title = vec!["edbprof".to_owned()];
        title.extend_from_slice(remarks);
        write!(
            out,
            "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\
             \"exporter\":\"edbprof {}\",\"name\":{},\"activeProfileIndex\":0,\n\"profiles\":[",
            env!("CARGO_PKG_VERSION"),
            text(&title.join("; ")),
        )?;
        let mut file = File {
            out: &mut out,
            frames: Frames::default(),
            profiles: 0,
            window,
        };
        for process in &tracks.processes {
            for thread in &process.threads {
                if file.profile(tracks, process, thread, false)? {
                    file.profile(tracks, process, thread, true)?;
                }
            }
        }
        let frames = Value::from(std::mem::take(&mut file.frames.list));
        write!(out, "],\n\"shared\":{{\"frames\":{frames}}}}}\n")?;
        out.flush()
    }
}

struct File<'o, W> {
    out: &'o mut W,
    frames: Frames,
    profiles: u64,
    window: &'o Window,
}

/// Frames that were used.
#[derive(Default)]
struct Frames {
    ids: HashMap<ShownFunction, usize>,
    list: Vec<Value>,
}

impl Frames {
    fn id(&mut self, function: &ShownFunction) -> usize {
        if let Some(&id) = self.ids.get(function) {
            return id;
        }
        let id = self.list.len();
        self.ids.insert(function.clone(), id);
        self.list.push(match function.file.is_empty() {
            true => json!({ "name": function.name }),
            false => json!({
                "name": function.name,
                "file": function.file,
                "line": function.line,
            }),
        });
        id
    }
}

impl<W: Write> File<'_, W> {
    /// Writes the profile of a thread's calls, or of its waits. Returns true if it has waited.
    fn profile(
        &mut self,
        tracks: &Tracks<'_>,
        process: &ProcessTrack<'_>,
        thread: &ThreadTrack,
        of_waits: bool,
    ) -> io::Result<bool> {
        let what = match of_waits {
            true => ": waits",
            false => "",
        };
        let name = format!("{} {} ({})", process.pid, thread.name, process.name);
        let comma = match self.profiles {
            0 => "",
            _ => ",",
        };
        self.profiles += 1;
        write!(
            self.out,
            "{comma}\n{{\"type\":\"evented\",\"name\":{},\"unit\":\"nanoseconds\",\
             \"startValue\":{},\"events\":[",
            text(&(name + what)),
            self.window.from,
        )?;
        let mut sink = ThreadSink {
            out: self.out,
            frames: &mut self.frames,
            process,
            of_waits,
            ids: vec![None; process.functions.len()],
            is_first: true,
            has_waited: false,
        };
        tracks.replay(process, thread, self.window, &mut sink)?;
        let has_waited = sink.has_waited;
        let end = self.window.to.min(tracks.axis.end()).max(self.window.from);
        write!(self.out, "],\"endValue\":{end}}}")?;
        Ok(has_waited)
    }
}

/// Writes the events of one thread.
struct ThreadSink<'w, 'p, W> {
    out: &'w mut W,
    frames: &'w mut Frames,
    process: &'w ProcessTrack<'p>,
    of_waits: bool,
    /// Frames of the process's functions.
    ids: Vec<Option<usize>>,
    is_first: bool,
    has_waited: bool,
}

impl<W: Write> ThreadSink<'_, '_, W> {
    fn event(&mut self, kind: char, frame: usize, at: u64) -> io::Result<()> {
        let comma = match std::mem::replace(&mut self.is_first, false) {
            true => "",
            false => ",",
        };
        write!(
            self.out,
            "{comma}{{\"type\":\"{kind}\",\"frame\":{frame},\"at\":{at}}}"
        )
    }

    fn frame(&mut self, function: u32) -> usize {
        let at = function as usize;
        if let Some(Some(id)) = self.ids.get(at) {
            return *id;
        }
        let Some(shown) = self.process.functions.get(at) else {
            return 0;
        };
        let id = self.frames.id(shown);
        self.ids[at] = Some(id);
        id
    }
}

impl<W: Write> Sink for ThreadSink<'_, '_, W> {
    fn begin(&mut self, slice: &Slice) -> io::Result<()> {
        if self.of_waits {
            return Ok(());
        }
        let frame = self.frame(slice.function);
        self.event('O', frame, slice.begin)
    }

    fn end(&mut self, slice: &Slice, end: u64, _: Ending) -> io::Result<()> {
        if self.of_waits {
            return Ok(());
        }
        let frame = self.frame(slice.function);
        self.event('C', frame, end)
    }

    fn wait(&mut self, kind: WaitKind, from: u64, to: u64) -> io::Result<()> {
        self.has_waited = true;
        if !self.of_waits {
            return Ok(());
        }
        let frame = self.frames.id(&ShownFunction {
            name: wait_name(kind).to_owned(),
            file: String::new(),
            line: 0,
            kind: FunctionKind::Native,
        });
        self.event('O', frame, from)?;
        self.event('C', frame, to)
    }
}
