//! The `firefox` format: processed profiles in JSON and gzip, for
//! <https://profiler.firefox.com>.
//!
//! A sample has the time from one change of the stack to the next. So self and total times are
//! exact, but nothing counts calls. Waits are markers. The format, version 55:
//! <https://github.com/firefox-devtools/profiler/blob/main/docs-developer/CHANGELOG-formats.md>
//!
//! The crate fxprof-processed-profile is not used. Its weights are whole milliseconds, it has no
//! place for files and lines, and it keeps the whole profile in memory.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::TimelineFormat;
use super::json::{Millis, text};
use super::tracks::{ProcessTrack, ShownFunction, ThreadTrack, Tracks, wait_name};
use crate::analysis::timeline::fit::Costs;
use crate::analysis::timeline::replay::Ending;
use crate::analysis::timeline::slices::{Sink, Slice, Window};
use crate::model::FunctionKind;
use crate::model::timeline::WaitKind;

const VERSION: u32 = 55;

/// Bytes of the two samples of a call at most, and of a stack of its own, before compression.
const CALL: u64 = 80;
/// Bytes of a marker.
const WAIT: u64 = 90;
/// Bytes of a function and its frame, beside its texts.
const FUNCTION: u64 = 100;

/// Names and colours of the categories.
const CATEGORIES: [(&str, &str); 5] = [
    ("Other", "grey"),
    ("Python", "yellow"),
    ("Builtin", "lightblue"),
    ("Span", "green"),
    ("Wait", "orange"),
];
const WAIT_CATEGORY: usize = 4;

/// The file for the Firefox Profiler.
#[derive(Clone, Copy, Debug)]
pub struct Firefox;

impl TimelineFormat for Firefox {
    fn costs(&self, process: &ProcessTrack<'_>) -> Costs {
        let function =
            |of: &ShownFunction| FUNCTION + (text(&of.name).len() + of.file.len()) as u64;
        Costs {
            calls: vec![CALL; process.functions.len()],
            functions: process.functions.iter().map(function).collect(),
            mark: 0,
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
        let mut out = BufWriter::new(GzEncoder::new(out, Compression::fast()));
        write!(out, "{{\"meta\":{},\"libs\":[],", meta(tracks, remarks))?;
        write!(out, "\"pages\":[],\"profilerOverhead\":[],\"counters\":[],")?;
        write!(out, "\"threads\":[")?;
        let mut separator = "";
        for process in &tracks.processes {
            for (index, thread) in process.threads.iter().enumerate() {
                out.write_all(separator.as_bytes())?;
                separator = ",";
                let mut samples = Samples::new(process);
                tracks.replay(process, thread, window, &mut samples)?;
                samples.write(tracks, thread, index == 0, &mut out)?;
            }
        }
        write!(out, "]}}")?;
        let compressed = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        compressed.finish().map(drop)
    }
}

fn meta(tracks: &Tracks<'_>, remarks: &[String]) -> Value {
    let names = tracks.processes.iter().map(|of| of.name.as_str());
    let categories = CATEGORIES
        .map(|(name, color)| json!({ "name": name, "color": color, "subcategories": ["Other"] }));
    let remarks = remarks
        .iter()
        .map(|remark| json!({ "label": "Missing", "format": "string", "value": remark }));
    let remarks: Vec<Value> = remarks.collect();
    json!({
        "version": 24,
        "preprocessedProfileVersion": VERSION,
        "product": names.take(1).collect::<String>(),
        "importedFrom": concat!("edbprof ", env!("CARGO_PKG_VERSION")),
        "startTime": tracks.axis.start_unix_ns() as f64 / 1e6,
        "interval": 0.001,
        "processType": 0,
        "debug": false,
        "symbolicated": true,
        "usesOnlyOneStackType": true,
        "sourceCodeIsNotOnSearchfox": true,
        "pausedRanges": [],
        "categories": categories,
        "extensions": { "length": 0, "baseURL": [], "id": [], "name": [] },
        "markerSchema": [{
            "name": "Wait",
            "display": ["marker-chart", "marker-table", "timeline-overview"],
            "fields": [],
        }],
        "extra": match remarks.is_empty() {
            true => json!([]),
            false => json!([{ "label": "edbprof", "entries": remarks }]),
        },
    })
}

/// Samples of one thread.
struct Samples<'w, 't> {
    process: &'w ProcessTrack<'t>,
    /// Functions that have frames, by index.
    frames: Vec<u32>,
    /// Frames of functions.
    frame_of: HashMap<u32, u32>,
    /// Callers' stacks and frames of the stacks.
    stacks: Vec<(Option<u32>, u32)>,
    stack_of: HashMap<(Option<u32>, u32), u32>,
    /// Stacks of the open calls.
    open: Vec<u32>,
    /// Time of the latest change.
    at: u64,
    /// Stacks with the beginnings and the lengths of their times.
    samples: Vec<(Option<u32>, u64, u64)>,
    waits: Vec<(WaitKind, u64, u64)>,
}

impl<'w, 't> Samples<'w, 't> {
    fn new(process: &'w ProcessTrack<'t>) -> Samples<'w, 't> {
        Samples {
            process,
            frames: Vec::new(),
            frame_of: HashMap::new(),
            stacks: Vec::new(),
            stack_of: HashMap::new(),
            open: Vec::new(),
            at: 0,
            samples: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// Ends the sample of the stack that was open until `now`.
    fn change(&mut self, now: u64) {
        let stack = self.open.last().copied();
        let is_first = self.samples.is_empty() && stack.is_none();
        if now > self.at && !is_first {
            self.samples.push((stack, self.at, now - self.at));
        }
        self.at = now;
    }

    fn write(
        &self,
        tracks: &Tracks<'_>,
        thread: &ThreadTrack,
        is_main: bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let process = self.process;
        let (start, end) = tracks.life(process);
        let facts = json!({
            "name": thread.name,
            "isMainThread": is_main,
            "processType": "default",
            "processName": process.name,
            "processStartupTime": start as f64 / 1e6,
            "processShutdownTime": end as f64 / 1e6,
            "registerTime": start as f64 / 1e6,
            "unregisterTime": null,
            "pausedRanges": [],
            "pid": process.pid.to_string(),
            "tid": format!("{}-{}", process.pid, thread.number),
            "showMarkersInTimeline": true,
            "nativeSymbols": {
                "length": 0, "address": [], "functionSize": [], "libIndex": [], "name": [],
            },
            "resourceTable": { "length": 0, "lib": [], "name": [], "host": [], "type": [] },
        });
        let facts = facts.to_string();
        out.write_all(facts.strip_suffix('}').unwrap_or_default().as_bytes())?;
        self.write_functions(out)?;
        write!(out, ",\"stackTable\":{{\"length\":{}", self.stacks.len())?;
        column(out, "prefix", self.stacks.iter().map(|of| optional(of.0)))?;
        column(out, "frame", self.stacks.iter().map(|of| of.1))?;
        let samples = self.samples.iter();
        write!(out, "}},\"samples\":{{\"length\":{}", self.samples.len())?;
        write!(out, ",\"weightType\":\"tracing-ms\"")?;
        column(out, "stack", samples.clone().map(|of| optional(of.0)))?;
        let before = [0].into_iter().chain(samples.clone().map(|of| of.1));
        let deltas = samples.clone().zip(before);
        column(
            out,
            "timeDeltas",
            deltas.map(|(of, before)| Millis(of.1 - before)),
        )?;
        column(out, "weight", samples.map(|of| Millis(of.2)))?;
        write!(out, "}}}}")
    }

    /// Writes the tables of functions and frames, the texts and the markers.
    fn write_functions(&self, out: &mut impl Write) -> io::Result<()> {
        let functions = self.frames.iter();
        let functions = functions.filter_map(|&at| self.process.functions.get(at as usize));
        let functions: Vec<_> = functions.collect();
        let mut texts = Texts::default();
        let mut ids = Vec::new();
        for function in &functions {
            let file = (!function.file.is_empty()).then(|| texts.id(&function.file));
            ids.push((texts.id(&function.name), file));
        }
        let len = functions.len();
        write!(out, ",\"funcTable\":{{\"length\":{len}")?;
        column(out, "name", ids.iter().map(|of| of.0))?;
        column(out, "fileName", ids.iter().map(|of| optional(of.1)))?;
        let lines = functions.iter().zip(&ids);
        let lines = lines.map(|(of, ids)| optional(ids.1.map(|_| of.line)));
        column(out, "lineNumber", lines)?;
        for (name, value) in [
            ("isJS", "false"),
            ("relevantForJS", "false"),
            ("resource", "-1"),
            ("columnNumber", "null"),
        ] {
            column(out, name, std::iter::repeat_n(value, len))?;
        }
        write!(out, "}},\"frameTable\":{{\"length\":{len}")?;
        column(out, "func", 0..len)?;
        column(
            out,
            "category",
            functions.iter().map(|of| category(of.kind)),
        )?;
        for (name, value) in [
            ("address", "-1"),
            ("inlineDepth", "0"),
            ("subcategory", "0"),
            ("nativeSymbol", "null"),
            ("innerWindowID", "0"),
            ("line", "null"),
            ("column", "null"),
        ] {
            column(out, name, std::iter::repeat_n(value, len))?;
        }
        let waits = self.waits.iter();
        write!(out, "}},\"markers\":{{\"length\":{}", self.waits.len())?;
        column(
            out,
            "name",
            waits.clone().map(|of| texts.id(wait_name(of.0))),
        )?;
        column(out, "startTime", waits.clone().map(|of| Millis(of.1)))?;
        column(out, "endTime", waits.clone().map(|of| Millis(of.2)))?;
        column(out, "phase", waits.clone().map(|_| 1))?;
        column(out, "category", waits.clone().map(|_| WAIT_CATEGORY))?;
        column(out, "data", waits.map(|_| "{\"type\":\"Wait\"}"))?;
        write!(out, "}},\"stringArray\":{}", Value::from(texts.list))
    }
}

impl Sink for Samples<'_, '_> {
    fn begin(&mut self, slice: &Slice) -> io::Result<()> {
        self.change(slice.begin);
        let next = self.frames.len() as u32;
        let frame = *self.frame_of.entry(slice.function).or_insert(next);
        if frame == next {
            self.frames.push(slice.function);
        }
        let stack = (self.open.last().copied(), frame);
        let next = self.stacks.len() as u32;
        let id = *self.stack_of.entry(stack).or_insert(next);
        if id == next {
            self.stacks.push(stack);
        }
        self.open.push(id);
        Ok(())
    }

    fn end(&mut self, _: &Slice, end: u64, _: Ending) -> io::Result<()> {
        self.change(end);
        self.open.pop();
        Ok(())
    }

    fn wait(&mut self, kind: WaitKind, from: u64, to: u64) -> io::Result<()> {
        self.waits.push((kind, from, to));
        Ok(())
    }
}

/// Texts, each once.
#[derive(Default)]
struct Texts {
    list: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Texts {
    fn id(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.list.len() as u32;
        self.list.push(text.to_owned());
        self.ids.insert(text.to_owned(), id);
        id
    }
}

fn category(kind: FunctionKind) -> usize {
    match kind {
        FunctionKind::Python => 1,
        FunctionKind::Builtin => 2,
        FunctionKind::Native => 3,
    }
}

fn optional(number: Option<u32>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

/// Writes a column of a table, of values that are JSON as they are shown.
fn column(
    out: &mut impl Write,
    name: &str,
    values: impl Iterator<Item = impl std::fmt::Display>,
) -> io::Result<()> {
    write!(out, ",\"{name}\":[")?;
    let mut separator = "";
    for value in values {
        write!(out, "{separator}{value}")?;
        separator = ",";
    }
    write!(out, "]")
}
