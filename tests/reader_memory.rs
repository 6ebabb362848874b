//! What readers take of memory is bounded by the file: the worst that anyone could think
//! of, and what real files take. The allocator is the whole program's, so this test has
//! one to itself.

#[path = "it/live_file.rs"]
mod live_file;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use edbprof::format::extent::{profile_goes_on, sidecar_goes_on};
use edbprof::format::foreign;
use edbprof::format::live::{self, Now};
use edbprof::format::prof;
use edbprof::format::pstats;
use edbprof::format::sidecar;
use edbprof::model::{Counts, Label, Labels, Rows};

/// The system's allocator; knows what the calling thread holds and has held at most.
struct Measuring;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn held(change: isize) {
    let now = HELD.get() + change;
    HELD.set(now);
    MOST.set(MOST.get().max(now));
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Measuring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        held(layout.size() as isize);
        // SAFETY: by the contract of this function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        held(-(layout.size() as isize));
        // SAFETY: by the contract of this function.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new are there at once, while one is copied to the other.
        held(size as isize);
        held(-(layout.size() as isize));
        // SAFETY: by the contract of this function.
        unsafe { System.realloc(start, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Measuring = Measuring;

/// How many times the size of `bytes` `read` took at most.
fn share<T>(bytes: &[u8], read: impl FnOnce(&[u8]) -> T) -> f64 {
    let before = HELD.get();
    MOST.set(before);
    drop(read(bytes));
    (MOST.get() - before) as f64 / bytes.len() as f64
}

fn number(i: u32) -> Vec<u8> {
    [&b"i"[..], &i.to_le_bytes()].concat()
}

fn label(i: u32) -> Vec<u8> {
    [&b")\x03z\0"[..], &number(i), b"z\0"].concat()
}

const COUNT: u32 = 20_000;

/// Files that are small for what is in them.
fn marshal_files() -> Vec<(&'static str, Vec<u8>)> {
    let all = |entry: &dyn Fn(u32) -> Vec<u8>| (0..COUNT).flat_map(entry).collect::<Vec<u8>>();
    let dict = |contents: Vec<u8>| [b"{".to_vec(), contents, b"0".to_vec()].concat();
    let row = |callers: &[u8]| [b")\x05FFFF", callers].concat();
    // A file name of 1,000 bytes that each function refers to.
    let long = [b"\xf3\xe8\x03\0\0".to_vec(), vec![b'x'; 1000]].concat();
    let long_names = all(&|i| {
        let file = if i == 0 {
            long.clone()
        } else {
            b"r\0\0\0\0".to_vec()
        };
        [b")\x03", &file[..], &number(i), b"z\0", &row(b"{0")].concat()
    });
    // Callers that many functions share.
    let shared = all(&|i| {
        let callers = if i == 0 {
            let callers = (0..100).flat_map(|i| [label(i), b"T".to_vec()].concat());
            [b"\xfb".to_vec(), callers.collect(), b"0".to_vec()].concat()
        } else {
            b"r\0\0\0\0".to_vec()
        };
        [label(i), row(&callers)].concat()
    });
    vec![
        (
            "empty rows",
            dict(all(&|i| [label(i), row(b"{0")].concat())),
        ),
        (
            "callers alone",
            dict(
                [
                    label(0),
                    row(&dict(all(&|i| [label(i), b"T".to_vec()].concat()))),
                ]
                .concat(),
            ),
        ),
        (
            "a caller for each function",
            dict(all(&|i| {
                [label(i), row(&dict([label(i + 1), b"T".to_vec()].concat()))].concat()
            })),
        ),
        ("long names", dict(long_names)),
        ("shared callers", dict(shared)),
        (
            "numbered labels",
            dict(all(&|i| {
                let mut label = label(i);
                label[0] |= 0x80;
                [label, row(b"{0")].concat()
            })),
        ),
        ("depth", b"{".repeat(COUNT as usize)),
        (
            "a list of nothing",
            [&b"[\xff\xff\0\0"[..], &b"N".repeat(0xffff)].concat(),
        ),
    ]
}

/// A file of ours whose second object ends in `key` and `items` of one kind.
fn exact_file(key: &str, item: &[u8]) -> Vec<u8> {
    let mut bytes = prof::encode(
        &Default::default(),
        &Default::default(),
        &Default::default(),
    );
    bytes.pop();
    bytes.extend([b'z', key.len() as u8]);
    bytes.extend(key.bytes());
    bytes.extend(
        [
            b"[",
            &COUNT.to_le_bytes()[..],
            &item.repeat(COUNT as usize),
            b"0",
        ]
        .concat(),
    );
    bytes
}

fn exact_files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "functions",
            exact_file("functions", b")\x08FFz\0Fz\0z\0z\0N"),
        ),
        ("processes", exact_file("processes", b"{z\x03pidF0")),
        ("threads", exact_file("threads", b"{z\x07processF0")),
        (
            "recordings",
            exact_file("recordings", b"s\x10\0\0\0abcdefghijklmnop"),
        ),
    ]
}

fn live_files() -> Vec<(&'static str, Vec<u8>)> {
    let many = |record: &dyn Fn(u32) -> Vec<u8>| (0..COUNT).flat_map(record).collect::<Vec<u8>>();
    let log = |records| live_file::live_file(1, &[(true, records)]);
    let thread = live_file::record(3, [vec![0; 4], live_file::text("")].concat());
    let nodes = many(&|i| live_file::node(u64::from(i), 0, 1, 1));
    let arguments = [COUNT.to_le_bytes().to_vec(), vec![0; 4 * COUNT as usize]].concat();
    vec![
        (
            "unreadable functions",
            log(many(&|_| live_file::record(2, vec![9]))),
        ),
        ("live threads", log(many(&|_| thread.clone()))),
        (
            "arguments",
            log(live_file::record(1, [vec![0; 8], arguments].concat())),
        ),
        (
            "nodes",
            live_file::live_file(1, &[(true, thread.clone()), (false, nodes)]),
        ),
    ]
}

fn sidecars() -> Vec<(&'static str, Vec<u8>)> {
    let label = |i: u32| [b"U\0J", &i.to_le_bytes()[..], b"U\0\x87"].concat();
    let dict = |count, value: &[u8]| {
        let entries = (0..count).flat_map(|i| [&label(i), value].concat());
        [b"}(".to_vec(), entries.collect(), b"u".to_vec()].concat()
    };
    // The densest that Python writes: 85 functions that call each other, all noted.
    let noted: Vec<u8> = (0..85)
        .flat_map(|i| [&label(i)[..], &[0x94, b'}', 0x94, b's']].concat())
        .collect();
    let callers = (0..85).flat_map(|i| [b'h', 2 * i + 1, b'}', 0x94, b'h', 1, b'K', 1, b's', b's']);
    let callers: Vec<u8> = callers.collect();
    let generics =
        (0..85).flat_map(|i| [&[b'h', 2 * i + 1, b'}', 0x94][..], &callers, b"s"].concat());
    let dense = [&b"}\x94"[..], &noted, &generics.collect::<Vec<u8>>(), b"."].concat();
    assert!(sidecar::decode(&dense).is_ok());
    let one = [dict(1, b"K\x01"), b"\x94".to_vec()].concat();
    let shared = [&one[..], &dict(COUNT, b"h\0"), b"."].concat();
    vec![
        (
            "a map for each caller",
            [dict(COUNT, &dict(1, &dict(1, b"K\x01"))), b".".to_vec()].concat(),
        ),
        ("dense maps", dense),
        ("shared maps", shared),
        (
            "unused dicts",
            [&b"}".repeat(COUNT as usize)[..], b"."].concat(),
        ),
        (
            "unused notes",
            [&b"}"[..], &b"\x94".repeat(COUNT as usize), b"."].concat(),
        ),
        (
            "unused values",
            [&b"}\x94"[..], &b"h\0".repeat(COUNT as usize), b"."].concat(),
        ),
        (
            "unused labels",
            [(0..COUNT).flat_map(label).collect(), b".".to_vec()].concat(),
        ),
    ]
}

#[test]
fn small_files_take_no_hundredfold() {
    type Read = fn(&[u8]) -> bool;
    // The most that is allowed; what is measured is at most 79, and 30 for sidecars.
    let entries: Read = |bytes| prof::read_entries(bytes, &Labels::default()).is_ok();
    let kinds: [(Vec<_>, Read, f64); 5] = [
        (marshal_files(), |bytes| prof::read(bytes).is_ok(), 50.0),
        (marshal_files(), entries, 50.0),
        (exact_files(), |bytes| prof::read(bytes).is_ok(), 80.0),
        (
            live_files(),
            |bytes| live::read(bytes, Now::Gone).is_ok(),
            45.0,
        ),
        (sidecars(), |bytes| sidecar::decode(bytes).is_ok(), 35.0),
    ];
    for (files, read, most) in kinds {
        for (name, bytes) in files {
            let share = share(&bytes, read);
            eprintln!("{name}: {share:.1} times {} bytes", bytes.len());
            assert!(share <= most, "{name} takes {share} times its size");
        }
    }
}

#[test]
fn looking_at_a_file_takes_no_more_than_reading_it() {
    let numbered = [b"{".to_vec(), b"\xce".repeat(COUNT as usize)].concat();
    let broken = [b"{\r\n\0".to_vec(), vec![b'x'; COUNT as usize]].concat();
    let files = [marshal_files(), exact_files(), live_files(), sidecars()].concat();
    let files = files
        .into_iter()
        .chain([("numbered", numbered), ("broken", broken)]);
    for (name, bytes) in files {
        for look in [profile_goes_on, sidecar_goes_on] {
            let share = share(&bytes, look);
            assert!(share <= 35.0, "{name} takes {share} times its size");
        }
        let share = share(&bytes, foreign::recognise);
        assert!(share <= 65.0, "{name} takes {share} times its size");
    }
}

/// As cProfile writes it: 3,000 functions of 300 files, each with two callers.
#[test]
fn real_files_take_a_small_multiple() {
    let label = |i: usize| Label {
        file: format!(
            "/usr/lib/python3.11/site-packages/package/module_{}.py",
            i % 300
        )
        .into_bytes()
        .into(),
        line: i as i64,
        name: format!("function_{i}").into_bytes().into(),
    };
    let mut rows = Rows::default();
    for i in 0..3000 {
        let id = rows.intern(&label(i));
        let counts = Counts {
            cc: 10,
            nc: 1000,
            tt: 0.1,
            ct: 0.2,
        };
        rows.row_mut(id).counts = counts;
        for caller in [i / 2, i / 3] {
            let caller = rows.intern(&label(caller));
            rows.row_mut(id).add_caller(caller, &counts, false);
        }
    }
    let bytes = pstats::encode(&rows);
    let share = share(&bytes, |bytes| prof::read(bytes).unwrap());
    eprintln!("{share:.1} times {} bytes", bytes.len());
    assert!(share <= 10.0, "{share}");
}
