//! Timelines in the formats of other tools have every call, span and wait, at its time.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use edbprof::analysis::timeline::slices::Window;
use edbprof::format::timeline::TimelineProcess;
use edbprof::model::FunctionKind;
use edbprof::model::timeline::{CallEnd, WaitKind};
use edbprof::report::timeline::chrome::Chrome;
use edbprof::report::timeline::firefox::Firefox;
use edbprof::report::timeline::perfetto::Perfetto;
use edbprof::report::timeline::speedscope::SpeedscopeTimeline;
use edbprof::report::timeline::tracks::Tracks;
use edbprof::report::timeline::{TimelineFormat, export};
use serde_json::Value;

use crate::timeline::{Program, processes};

/// Calls of a thread: name, beginning and end.
type Calls = Vec<(String, u64, u64)>;

/// Content of a format: calls by process, thread and track.
type Found = BTreeMap<(u64, u64, &'static str), Calls>;

const ALL: u64 = u64::MAX;
const NAMES: [&str; 5] = ["main", "a\"</script>\\\u{1}", "gen", "len", "span"];
const SPAN: usize = 4;
/// Nanoseconds since the Unix epoch.
const START: u64 = 1_790_000_000_000_000_000;

fn shown(at: usize) -> String {
    NAMES[at].replace('\u{1}', "\\x01")
}

/// A thread that does this and that; what of it is expected by track.
fn run(program: &mut Program, name: &str, seed: u64, events: usize) -> [Calls; 3] {
    let thread = program.thread(name);
    let mut state = seed * 2 + 1;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        (state >> 33) % below
    };
    let mut found = [vec![], vec![], vec![]];
    let mut open: Vec<(usize, u64)> = Vec::new();
    let mut at = 1;
    for _ in 0..events {
        if random(400) == 0 {
            // The recorder's own time is in no call's.
            let excluded = 1 + random(500);
            at += excluded;
            program.exclude(thread, at, excluded);
            for (function, began) in &mut open {
                let part = (shown(*function), *began, at - excluded);
                found[usize::from(*function == SPAN)].push(part);
                *began = at;
            }
        }
        let scale = 1 + random(20);
        let ticks = 1 + random(1 << scale);
        if random(10) == 0 {
            let kinds = [WaitKind::Blocked, WaitKind::Gil, WaitKind::Preempted];
            let names = ["blocked", "waiting for the GIL", "preempted"];
            let kind = random(3) as usize;
            program.wait(thread, kinds[kind], ticks);
            found[2].push((names[kind].to_owned(), at, at + ticks));
        }
        at += ticks;
        let how = random(8);
        if open.is_empty() || how < 4 && open.len() < 30 {
            let function = random(NAMES.len() as u64) as usize;
            match open.len() > 20 {
                true => program.overflow(thread, at, NAMES[function]),
                false => program.begin(thread, at, NAMES[function], how == 1),
            }
            open.push((function, at));
            continue;
        }
        let (function, began) = open.pop().unwrap();
        let end = match how {
            0..5 => CallEnd::Returned,
            5 => CallEnd::Raised,
            _ => CallEnd::Suspended,
        };
        program.end(thread, at, end);
        found[usize::from(function == SPAN)].push((shown(function), began, at));
    }
    for (function, began) in open.into_iter().rev() {
        program.returns(thread, at);
        found[usize::from(function == SPAN)].push((shown(function), began, at));
    }
    found
}

/// Two processes of two threads, the second a microsecond later, and what they did.
fn program(events: usize) -> (Vec<TimelineProcess>, Found) {
    let mut found = Found::new();
    let mut programs = Vec::new();
    for number in [0, 1] {
        let later = u64::from(number) * 1_000;
        let mut program = Program::new(number, START + later);
        for (name, thread) in [("MainThread", 1), ("worker", 2)] {
            let seed = u64::from(number) * 10 + thread;
            let tracks = run(&mut program, name, seed, events);
            for (track, calls) in ["calls", "spans", "waits"].into_iter().zip(tracks) {
                let on_axis = |(name, begin, end)| (name, begin + later, end + later);
                let calls = calls.into_iter().map(on_axis).collect();
                found.insert((u64::from(number) + 1000, thread, track), calls);
            }
        }
        for function in &mut program.of.functions {
            let name = function.label.name.clone();
            if *name == *NAMES[SPAN].as_bytes() {
                function.kind = FunctionKind::Native;
            } else if *name == *b"len" {
                function.kind = FunctionKind::Builtin;
                function.label.file = (*b"~").into();
            }
        }
        programs.push(program);
    }
    let programs: Vec<_> = programs.iter().collect();
    (processes(&programs), sorted(found))
}

fn write(
    processes: &[TimelineProcess],
    format: &dyn TimelineFormat,
    window: Window,
    max_size: u64,
) -> (Vec<u8>, Vec<String>) {
    let mut bytes = Vec::new();
    let tracks = Tracks::new(processes);
    let mut remarks = Vec::new();
    export(format, &tracks, &window, max_size, &mut remarks, &mut bytes).unwrap();
    (bytes, remarks)
}

fn unzipped(bytes: &[u8]) -> Value {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(bytes);
    decoder.read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Nanoseconds of a number with up to six decimals of the unit that has so many.
fn ns(value: &Value, unit: f64) -> u64 {
    (value.as_f64().unwrap() * unit).round() as u64
}

fn sorted(mut found: Found) -> Found {
    found.values_mut().for_each(|calls| calls.sort());
    found.retain(|_, calls| !calls.is_empty());
    found
}

fn of_chrome(file: &Value) -> Found {
    let mut found = Found::new();
    let mut open: HashMap<(u64, u64), Vec<(String, u64)>> = HashMap::new();
    for event in file["traceEvents"].as_array().unwrap() {
        let number = |key: &str| event[key].as_u64().unwrap();
        let (pid, tid) = (number("pid"), number("tid"));
        let open = open.entry((pid, tid)).or_default();
        match event["ph"].as_str().unwrap() {
            "B" => {
                let name = event["name"].as_str().unwrap().to_owned();
                open.push((name, ns(&event["ts"], 1e3)));
            }
            "E" => {
                let (name, begin) = open.pop().unwrap();
                let track = ["calls", "spans", "waits"][(tid >> 28) as usize];
                let thread = (pid, tid & 0xff, track);
                let call = (name, begin, ns(&event["ts"], 1e3));
                found.entry(thread).or_default().push(call);
            }
            phase => assert_eq!(phase, "M"),
        }
    }
    assert!(open.values().all(Vec::is_empty));
    sorted(found)
}

fn of_speedscope(file: &Value) -> Found {
    let mut found = Found::new();
    let mut last = 0;
    for profile in file["profiles"].as_array().unwrap() {
        let name = profile["name"].as_str().unwrap();
        let pid = name.split(' ').next().unwrap().parse().unwrap();
        let (track, number) = match name.ends_with(": waits") {
            true => ("waits", last),
            false => ("calls", last % 2 + 1),
        };
        last = number;
        let mut open = Vec::new();
        let mut at = profile["startValue"].as_u64().unwrap();
        for event in profile["events"].as_array().unwrap() {
            let now = event["at"].as_u64().unwrap();
            assert!(now >= at);
            at = now;
            let frame = &file["shared"]["frames"][event["frame"].as_u64().unwrap() as usize];
            let name = frame["name"].as_str().unwrap().to_owned();
            match event["type"].as_str().unwrap() {
                "O" => open.push((name, at)),
                _ => {
                    let (opened, begin) = open.pop().unwrap();
                    assert_eq!(opened, name);
                    found
                        .entry((pid, number, track))
                        .or_default()
                        .push((name, begin, at));
                }
            }
        }
        assert!(open.is_empty() && profile["endValue"].as_u64().unwrap() >= at);
    }
    sorted(found)
}

/// The same with spans among the calls.
fn with_spans_among_calls(found: &Found) -> Found {
    let mut joined = Found::new();
    for (&(pid, thread, track), calls) in found {
        let track = if track == "spans" { "calls" } else { track };
        let joined = joined.entry((pid, thread, track)).or_default();
        joined.extend(calls.iter().cloned());
    }
    sorted(joined)
}

fn all_formats(processes: &[TimelineProcess], window: Window, max_size: u64) -> [Found; 3] {
    let (chrome, _) = write(
        processes,
        &Chrome {
            is_compressed: true,
        },
        window,
        max_size,
    );
    let (speedscope, _) = write(processes, &SpeedscopeTimeline, window, max_size);
    let (perfetto, _) = write(processes, &Perfetto, window, max_size);
    [
        of_chrome(&unzipped(&chrome)),
        of_speedscope(&serde_json::from_slice(&speedscope).unwrap()),
        of_perfetto(&perfetto, START),
    ]
}

#[test]
fn calls_spans_and_waits_are_at_their_times() {
    let (processes, expected) = program(3_000);
    let [chrome, speedscope, perfetto] = all_formats(&processes, Window::default(), ALL);
    assert_eq!(expected.len(), 12);
    assert_eq!(chrome, expected);
    assert_eq!(perfetto, expected);
    assert_eq!(speedscope, with_spans_among_calls(&expected));
}

#[test]
fn a_window_cuts_what_is_open_at_its_ends() {
    let (processes, all) = program(3_000);
    let ends = all.values().flatten().map(|call| call.2);
    let end = ends.max().unwrap();
    let window = Window {
        from: end / 3,
        to: end / 2,
        min_duration: 20_000,
    };
    let mut expected = all;
    for calls in expected.values_mut() {
        calls.retain_mut(|(_, begin, end)| {
            *begin = window.from.max(*begin);
            *end = window.to.min(*end);
            *begin < *end && *end - *begin >= window.min_duration
        });
    }
    let expected = sorted(expected);
    assert!(expected.values().map(Vec::len).sum::<usize>() > 100);
    let [chrome, speedscope, perfetto] = all_formats(&processes, window, ALL);
    assert_eq!(chrome, expected);
    assert_eq!(perfetto, expected);
    assert_eq!(speedscope, with_spans_among_calls(&expected));
}

#[test]
fn a_file_that_would_be_too_large_lacks_the_shortest_calls_and_says_so() {
    let (processes, all) = program(30_000);
    let chrome = Chrome {
        is_compressed: false,
    };
    let formats: [(&dyn TimelineFormat, bool); 4] = [
        (&chrome, false),
        (&SpeedscopeTimeline, false),
        (&Perfetto, false),
        (&Firefox, true),
    ];
    for (format, is_compressed) in formats {
        let (whole, remarks) = write(&processes, format, Window::default(), ALL);
        assert!(remarks.is_empty());
        let max_size = 400_000;
        let (bytes, remarks) = write(&processes, format, Window::default(), max_size);
        let size = match is_compressed {
            true => unzipped(&bytes).to_string().len(),
            false => bytes.len(),
        };
        assert!(
            whole.len() > bytes.len() && size as u64 <= max_size,
            "{size}"
        );
        // Two estimates of what a call takes are too high: that of its times and of its marks.
        assert!(size as u64 > max_size / 4, "{size}");
        let [remark] = remarks.as_slice() else {
            panic!("{remarks:?}");
        };
        let number = all.values().map(Vec::len).sum::<usize>();
        let of = edbprof::report::numbers::count(number as i128);
        assert!(
            remark.contains(&format!("of {of} calls and waits")),
            "{remark}"
        );
        assert!(
            remark.ends_with("so that the file has at most 400 kB"),
            "{remark}"
        );
        let text = match is_compressed {
            true => unzipped(&bytes).to_string(),
            false => String::from_utf8_lossy(&bytes).into_owned(),
        };
        assert!(text.contains(remark.as_str()));
    }
    let (bytes, _) = write(&processes, &Perfetto, Window::default(), 100_000);
    let found = of_perfetto(&bytes, START);
    let durations = |found: &Found| -> Vec<u64> {
        let calls = found.values().flatten();
        let mut durations: Vec<_> = calls.map(|call| call.2 - call.1).collect();
        durations.sort();
        durations
    };
    let shown = durations(&found);
    let longest = durations(&all);
    assert_eq!(shown[..], longest[longest.len() - shown.len()..]);
}

#[test]
fn self_and_total_times_of_the_firefox_profiler_are_exact() {
    let (processes, all) = program(3_000);
    let (bytes, _) = write(&processes, &Firefox, Window::default(), ALL);
    let profile = unzipped(&bytes);
    let threads = profile["threads"].as_array().unwrap();
    let names: Vec<_> = threads.iter().map(|of| (&of["pid"], &of["tid"])).collect();
    assert_eq!(format!("{names:?}").matches("1000-1").count(), 1);
    for (thread, key) in threads
        .iter()
        .zip([(1000, 1), (1000, 2), (1001, 1), (1001, 2)])
    {
        let column = |table: &str, name: &str| thread[table][name].as_array().unwrap().clone();
        for (table, width) in [
            ("samples", 3),
            ("stackTable", 2),
            ("frameTable", 9),
            ("funcTable", 7),
            ("markers", 6),
        ] {
            let table = thread[table].as_object().unwrap();
            let columns: Vec<_> = table.values().filter_map(Value::as_array).collect();
            assert_eq!(columns.len(), width);
            let is_whole = |of: &&Vec<Value>| of.len() as u64 == table["length"];
            assert!(columns.iter().all(is_whole));
        }
        let stacks = column("stackTable", "prefix");
        let frames = column("stackTable", "frame");
        let funcs = column("frameTable", "func");
        let function_names = column("funcTable", "name");
        let texts = thread["stringArray"].as_array().unwrap();
        let name = |stack: usize| {
            let func = &funcs[frames[stack].as_u64().unwrap() as usize];
            let text = &function_names[func.as_u64().unwrap() as usize];
            texts[text.as_u64().unwrap() as usize]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        let mut whole = 0;
        let weights = column("samples", "weight");
        for (stack, weight) in column("samples", "stack").iter().zip(&weights) {
            let mut stack = stack.as_u64();
            whole += stack.map_or(0, |_| ns(weight, 1e6));
            while let Some(at) = stack {
                *totals.entry(name(at as usize)).or_default() += ns(weight, 1e6);
                let prefix = &stacks[at as usize];
                assert!(prefix.is_null() || prefix.as_u64() < stack);
                stack = prefix.as_u64();
            }
        }
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        let calls = ["calls", "spans"].map(|track| &all[&(key.0, key.1, track)]);
        for (name, begin, end) in calls.into_iter().flatten() {
            *expected.entry(name.clone()).or_default() += end - begin;
        }
        assert_eq!(totals, expected);
        let main: u64 = whole;
        let deltas = column("samples", "timeDeltas");
        let end: u64 = deltas.iter().map(|delta| ns(delta, 1e6)).sum();
        assert!(main > 0 && end + ns(weights.last().unwrap(), 1e6) >= main);
        let times = column("markers", "startTime")
            .into_iter()
            .zip(column("markers", "endTime"));
        let waits: Vec<_> = times
            .map(|(from, to)| (ns(&from, 1e6), ns(&to, 1e6)))
            .collect();
        let mut expected: Vec<_> = all[&(key.0, key.1, "waits")]
            .iter()
            .map(|wait| (wait.1, wait.2))
            .collect();
        expected.sort();
        assert_eq!(waits, expected);
    }
}

/// Fields of a message of protocol buffers: numbers, or the bytes of texts and messages.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let end = bytes.iter().position(|&byte| byte < 0x80).unwrap();
        let (number, rest) = bytes.split_at(end + 1);
        *bytes = rest;
        let bits = number.iter().enumerate();
        bits.map(|(at, &byte)| u64::from(byte & 0x7f) << (7 * at))
            .sum()
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let value = varint(&mut bytes);
        let text = match tag & 7 {
            0 => &b""[..],
            kind => {
                assert_eq!(kind, 2);
                let (text, rest) = bytes.split_at(value as usize);
                bytes = rest;
                text
            }
        };
        fields.push((tag >> 3, value, text));
    }
    fields
}

/// The last of the fields with that number.
fn field<'b>(message: &[(u64, u64, &'b [u8])], number: u64) -> Option<(u64, &'b [u8])> {
    let field = message.iter().rfind(|field| field.0 == number)?;
    Some((field.1, field.2))
}

/// The slices of a Perfetto trace, by the numbers of its protocol.
fn of_perfetto(bytes: &[u8], start: u64) -> Found {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut pids = HashMap::new();
    let mut tracks: HashMap<u64, (u64, u64, &'static str)> = HashMap::new();
    let mut names = HashMap::new();
    let mut clocks = HashMap::new();
    let mut open: HashMap<u64, Vec<(String, u64)>> = HashMap::new();
    let mut found = Found::new();
    for (_, _, packet) in fields(bytes) {
        let packet = fields(packet);
        let sequence = field(&packet, 10).map(|of| of.0).unwrap_or_default();
        if let Some((_, track)) = field(&packet, 60) {
            let track = fields(track);
            let id = field(&track, 1).unwrap().0;
            if let Some((_, process)) = field(&track, 3) {
                pids.insert(id, field(&fields(process), 1).unwrap().0);
            } else if let Some((_, thread)) = field(&track, 4) {
                let thread = fields(thread);
                let [pid, tid] = [1, 2].map(|at| field(&thread, at).unwrap().0);
                assert_eq!(pids[&field(&track, 5).unwrap().0], pid);
                tracks.insert(id, (pid, tid, "calls"));
            } else if let Some((parent, _)) = field(&track, 5) {
                let (pid, tid, _) = tracks[&parent];
                let name = text(field(&track, 2).unwrap().1);
                let name = if name == "spans" { "spans" } else { "waits" };
                tracks.insert(id, (pid, tid, name));
            }
        }
        if let (Some((_, snapshot)), true) = (field(&packet, 6), sequence > 0) {
            let last = fields(snapshot).last().unwrap().2;
            clocks.insert(sequence, field(&fields(last), 2).unwrap().0 - start);
        }
        let interned = field(&packet, 12).map(|of| fields(of.1));
        for (_, _, name) in interned.iter().flatten().filter(|of| of.0 == 2) {
            let name = fields(name);
            let id = (sequence, field(&name, 1).unwrap().0);
            names.insert(id, text(field(&name, 2).unwrap().1));
        }
        let Some((_, event)) = field(&packet, 11) else {
            continue;
        };
        let event = fields(event);
        let kind = field(&event, 9).unwrap().0;
        if kind == 3 {
            continue;
        }
        let clock = clocks.get_mut(&sequence).unwrap();
        *clock += field(&packet, 8).unwrap().0;
        let open = open.entry(sequence).or_default();
        match kind {
            1 => {
                let name = match (field(&event, 10), field(&event, 23)) {
                    (Some((id, _)), None) => names[&(sequence, id)].clone(),
                    (_, name) => text(name.unwrap().1),
                };
                open.push((name, *clock));
            }
            _ => {
                let (name, begin) = open.pop().unwrap();
                found
                    .entry(tracks[&sequence])
                    .or_default()
                    .push((name, begin, *clock));
            }
        }
    }
    sorted(found)
}

/// Words for how the slices of one function begin and end in a file for Chrome.
fn marks(processes: &[TimelineProcess]) -> Vec<(String, Option<String>, Option<String>)> {
    let (bytes, _) = write(
        processes,
        &Chrome {
            is_compressed: false,
        },
        Window::default(),
        ALL,
    );
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    let mut found: Vec<(String, Option<String>, Option<String>)> = Vec::new();
    let mut open = Vec::new();
    for event in file["traceEvents"].as_array().unwrap() {
        let mark = |key: &str| event["args"][key].as_str().map(str::to_owned);
        match event["ph"].as_str().unwrap() {
            "B" => {
                open.push(found.len());
                let name = event["name"].as_str().unwrap().to_owned();
                found.push((name, mark("begins"), None));
            }
            "E" => found[open.pop().unwrap()].2 = mark("ends"),
            _ => {}
        }
    }
    found
}

#[test]
fn a_slice_that_the_recorder_cuts_is_not_called_suspended() {
    let mut program = Program::new(0, START);
    let thread = program.thread("MainThread");
    program.begin(thread, 1, "main", false);
    program.exclude(thread, 100, 50);
    program.end(thread, 200, CallEnd::Suspended);
    let cut = Some("cut".to_owned());
    let expected = [
        ("main".to_owned(), None, cut.clone()),
        ("main".to_owned(), cut, Some("suspended".to_owned())),
    ];
    assert_eq!(marks(&processes(&[&program])), expected);
}

#[test]
fn calls_of_a_forked_child_are_in_its_slice() {
    let mut program = Program::new(0, START);
    let thread = program.thread("MainThread");
    program.inherit(thread, &["main", "fork"]);
    program.begin(thread, 5, "work", false);
    program.returns(thread, 10);
    program.returns(thread, 20);
    program.of.end = 30;
    let processes = processes(&[&program]);
    let before = || Some("open before".to_owned());
    let found = marks(&processes);
    let found: Vec<_> = found
        .iter()
        .map(|(name, begins, _)| (&name[..], begins.clone()))
        .collect();
    let expected = [
        ("forked in main > fork", before()),
        ("fork", before()),
        ("work", None),
        ("main", before()),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for format in [
        &Perfetto as &dyn TimelineFormat,
        &Firefox,
        &SpeedscopeTimeline,
    ] {
        let (bytes, _) = write(&processes, format, Window::default(), ALL);
        assert!(!bytes.is_empty());
    }
    assert_eq!(found, expected);
}
