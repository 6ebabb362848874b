//! Measures the time and memory for reading the history of a large run:
//!
//!     cargo bench --bench timeline            100 million events in 16 processes
//!     cargo bench --bench timeline -- 10      10 million
//!
//! With `--write=PAGE.html`, it also writes the page of `edbprof view`, which benches/open_pages.py
//! opens in a browser.
//!
//! The program reads one file that is made up: servers whose requests walk some 1,000 call paths.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use edbprof::format::timeline::{
    Block, NO_FUNCTION, TimelineNode, TimelineProcess, TimelineThread, TimelineWriter, encode,
};
use edbprof::model::timeline::{CallEnd, Happening};
use edbprof::model::{Function, FunctionKind, Label, Process, ProcessIdentity};

const PROCESSES: u32 = 16;
/// Words of a block, some less than fit.
const WORDS: usize = 8_000;
/// Calls below a request at most.
const DEPTH: usize = 12;
/// Nodes, of which the first are the root, `main` and `handle_request`.
const NODES: u32 = 1_000;
const ROUNDS: usize = 3;

fn main() {
    let named = std::env::args().find_map(|argument| argument.parse().ok());
    let millions: u64 = named.unwrap_or(100);
    let directory = tempfile::tempdir().expect("there is a temporary directory");
    let path = directory.path().join("run.timeline");
    let (events, end) = write(&path, millions * 1_000_000 / u64::from(PROCESSES));
    let bytes = path.metadata().expect("it is there").len();
    println!(
        "{events} events, {} MB, {:.2} bytes an event, {:.1} s of time",
        bytes / 1_000_000,
        bytes as f64 / events as f64,
        end as f64 / 1e9
    );
    let [from, to] = [4, 6].map(|tenths| end / 10 * tenths);
    let window = [format!("--from={from}ns"), format!("--to={to}ns")];
    let file = path.to_str().expect("a path of ASCII");
    for arguments in [
        &["calls", "handle_request", file][..],
        &["calls", "f_17", file],
        &["calls", "f_*", "--json", file],
        &["tree", "--from=0", file],
        &["tree", &window[0], &window[1], file],
        &["top", "--during=handle_request#1000", file],
        &["export", "--format=perfetto", &window[0], &window[1], file],
        &["export", "--format=perfetto", file],
    ] {
        report(arguments);
    }
    let page = std::env::args().find_map(|word| Some(word.strip_prefix("--write=")?.to_owned()));
    if let Some(page) = page {
        // The page shows a profile, beside which the timeline lies.
        let profile = path.with_extension("prof");
        let profile = profile.to_str().expect("a path of ASCII");
        report(&["export", "--format=prof", "--from=0", "-o", profile, file]);
        report(&["view", "--no-open", "-o", &page, profile]);
    }
}

/// Measures a command and says what it took.
fn report(arguments: &[&str]) {
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| measure(arguments)).collect();
    rounds.sort_by(f64::total_cmp);
    let shown = arguments.iter().filter(|word| !word.contains('/'));
    let shown: Vec<_> = shown.copied().collect();
    println!(
        "edbprof {:40}  {:5.2} s  {:4} MB at most so far",
        shown.join(" "),
        rounds[ROUNDS / 2],
        most_memory() / 1000
    );
}

/// Returns the seconds that the program took.
fn measure(arguments: &[&str]) -> f64 {
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_edbprof"))
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success());
    start.elapsed().as_secs_f64()
}

/// Returns the most memory that any child had, kB.
fn most_memory() -> i64 {
    // SAFETY: all zeros are a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for writing.
    let error = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    assert_eq!(error, 0);
    usage.ru_maxrss
}

/// Writes a timeline with so many events a process. Returns the number of all events, and the end
/// in nanoseconds.
fn write(path: &Path, events: u64) -> (u64, u64) {
    let file = BufWriter::with_capacity(1 << 20, File::create(path).expect("it can be made"));
    let mut writer = TimelineWriter::new(file).expect("it can be written");
    let (mut all, mut end) = (0, 0);
    for number in 0..PROCESSES {
        let (mut of, children) = process(number);
        let (mut tick, mut written) = (100, 0);
        let mut words = Vec::new();
        while written < events {
            let block = of.blocks.len() as u64 + 1;
            // Requests are below `main`, which is entered in the first block.
            let innermost = u32::from(block > 1);
            of.blocks.push(Block::new(block, tick, innermost, 0, 1));
            let (ticks, count) = fill(&children, seed(number, block), block == 1, &mut words);
            tick += ticks;
            written += count;
        }
        of.end = tick;
        all += written;
        end = end.max(tick);
        let fill = |block: &Block, words: &mut Vec<u64>| {
            fill(
                &children,
                seed(number, block.number),
                block.number == 1,
                words,
            );
            Ok(())
        };
        writer.process_with(&of, fill).expect("it can be written");
    }
    writer.finish().expect("it can be written");
    (all, end)
}

fn seed(process: u32, block: u64) -> u64 {
    u64::from(process) << 32 | block
}

/// A process without blocks, and the children of each node.
fn process(number: u32) -> (TimelineProcess, Vec<Vec<u32>>) {
    let facts = Process {
        identity: ProcessIdentity {
            pid: 1000 + number,
            ..ProcessIdentity::default()
        },
        argv: [&b"python"[..], b"server.py"].map(Box::from).into(),
        ..Process::default()
    };
    let mut of = TimelineProcess::new(facts, [number as u8 + 1; 16]);
    let function = |name: String| Function {
        kind: FunctionKind::Python,
        flags: 0,
        label: Label {
            file: (*b"/srv/server.py").into(),
            line: 1,
            name: name.clone().into_bytes().into(),
        },
        qualified_name: name.into_bytes().into(),
        module: (*b"server").into(),
        generic: None,
    };
    of.functions
        .extend(["main", "handle_request"].map(|name| function(name.to_owned())));
    of.functions
        .extend((0..100).map(|number| function(format!("f_{number}"))));
    let mut children: Vec<Vec<u32>> = vec![Vec::new(); NODES as usize];
    for index in 0..NODES {
        let (parent, function) = match index {
            0 => (0, NO_FUNCTION),
            1 => (0, 0),
            2 => (1, 1),
            // Each node has four children or none.
            index => (2 + (index - 3) / 4, 2 + index % 100),
        };
        of.nodes.push(TimelineNode { parent, function });
        if index > 0 {
            children[parent as usize].push(index);
        }
    }
    of.threads.push(TimelineThread {
        inherited: None,
        root: 0,
        name: (*b"MainThread").into(),
    });
    (of, children)
}

/// Puts the words of whole requests into a vector. Returns their ticks and number.
fn fill(children: &[Vec<u32>], seed: u64, is_first: bool, words: &mut Vec<u64>) -> (u64, u64) {
    words.clear();
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random >> 20
    };
    let mut ticks = 0;
    let mut put = |what, gap: u64| {
        encode(what, gap, words);
        ticks += gap;
        words.len()
    };
    if is_first {
        put(Happening::Start(1), 1);
    }
    let mut open = Vec::new();
    loop {
        let gap = 20 + next() % 500;
        let is_full = put(Happening::Start(2), gap) > WORDS - 400;
        open.push(2_u32);
        let mut left = 20 + next() % 150;
        while let Some(&innermost) = open.last() {
            let below = &children[innermost as usize];
            let goes_down = left > 0 && open.len() < DEPTH && !below.is_empty() && next() % 5 < 3;
            // One request in a thousand waits for long.
            let gap = match next() % 100_000 {
                0 => 5_000_000,
                gap => 20 + gap % 500,
            };
            if goes_down {
                let child = below[(next() % below.len() as u64) as usize];
                put(Happening::Start(child), gap);
                open.push(child);
                left -= 1;
            } else {
                put(Happening::End(CallEnd::Returned), gap);
                open.pop();
            }
        }
        if is_full {
            break;
        }
    }
    (ticks, words.len() as u64)
}
