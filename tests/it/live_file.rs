//! Live files put together by hand, of a process that does not run.

#![allow(dead_code)]

use edbprof::model::ProcessIdentity;

/// A live file's header and directory, and behind it what `segments` are: whether it
/// is a log, and its bytes.
pub(crate) fn live_file(id: u8, segments: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    bytes[..8].copy_from_slice(b"edblive\0");
    bytes[8] = 2;
    bytes[12] = 77;
    bytes[20] = 3;
    bytes[24..40].copy_from_slice(&[id; 16]);
    bytes[112..120].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    for (number, (is_log, segment)) in segments.iter().enumerate() {
        let at = 256 + 16 * number;
        let start = bytes.len() as u64;
        let len = segment.len() as u64 | u64::from(*is_log);
        bytes[at..at + 8].copy_from_slice(&start.to_le_bytes());
        bytes[at + 8..at + 16].copy_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(segment);
    }
    bytes
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

pub(crate) fn record(kind: u32, payload: Vec<u8>) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

pub(crate) fn node(key: u64, parent: u32, calls: u64, total: i64) -> Vec<u8> {
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.extend(parent.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(calls.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(total.to_le_bytes());
    bytes.resize(64, 0);
    bytes
}

/// One function, called so often; open since tick 10 when the last event was at 1000.
pub(crate) fn killed(id: u8, calls: u64) -> Vec<u8> {
    let function = [
        vec![0; 16],
        3_i64.to_le_bytes().to_vec(),
        text("/app/main.py"),
        text("main"),
        text("main"),
        text(""),
    ];
    let thread = [0_u32.to_le_bytes().to_vec(), text("MainThread")];
    let log = [record(2, function.concat()), record(3, thread.concat())];
    let nodes = [node(0, 0, 1000, 0), node(7, 0, calls, -10)];
    live_file(id, &[(true, log.concat()), (false, nodes.concat())])
}

/// `file`, as if this process had written it.
pub(crate) fn of_process(mut file: Vec<u8>, process: &ProcessIdentity) -> Vec<u8> {
    file[12..16].copy_from_slice(&process.pid.to_le_bytes());
    file[40..56].copy_from_slice(&process.boot_id);
    file[56..64].copy_from_slice(&process.pid_namespace.to_le_bytes());
    file[64..72].copy_from_slice(&process.start.to_le_bytes());
    file[168..176].copy_from_slice(&process.program.to_le_bytes());
    file
}

fn function(name: &str, flags: u32, hidden: bool, generic: Option<&str>) -> Vec<u8> {
    let numbers = [0, flags, u32::from(hidden), u32::from(generic.is_some())];
    let mut payload: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
    let label = |name| [3_i64.to_le_bytes().to_vec(), text("/app/m.py"), text(name)].concat();
    payload.extend(label(name));
    payload.extend([text(name), text("module")].concat());
    payload.extend(generic.map(label).unwrap_or_default());
    record(2, payload)
}

/// All that can be in a live file: facts, hidden and generic functions, two threads,
/// logs and nodes in turn, open calls, overflow calls.
pub(crate) fn several_threads() -> Vec<u8> {
    let thread = |root: u32, name| record(3, [root.to_le_bytes().to_vec(), text(name)].concat());
    let arguments = [2_u32.to_le_bytes().to_vec(), text("python"), text("-m")].concat();
    let facts = [text("CPython 3.13.0"), text("monitoring"), arguments].concat();
    let first_log = [
        record(1, facts),
        function("main", 0, false, None),
        function("wrapper", 1, false, Some("generic")),
        thread(0, "MainThread"),
    ];
    let second_log = [
        function("profiler", 0, true, None),
        function("dispatch", 2, false, None),
        function("implementation", 0, false, None),
        thread(4, "worker"),
    ];
    let numbered = |mut node: Vec<u8>, function: u32| {
        node[12..16].copy_from_slice(&function.to_le_bytes());
        node
    };
    let first_nodes = [
        node(0, 0, 5000, 0),
        numbered(node(7, 0, 3, 4000), 0),
        numbered(node(8, 1, 20, 2000), 1),
        numbered(node(9, 2, 20, 100), 3),
        node(0, 4, 4500, 0),
    ];
    let second_nodes = [
        numbered(node(10, 2, 20, 1500), 4),
        numbered(node(11, 4, 1, -10), 2),
        numbered(node(7, 6, 1, -20), 0),
        numbered(node(12, 7, 2, 60), 99),
        // A counter of the first thread's overflow calls, and one that is to be ignored.
        numbered(node(13, 1 << 31, 9, 700), 4),
        numbered(node(14, 1 << 31 | 4, 9, 700), u32::MAX),
    ];
    let second_nodes = second_nodes.map(|mut node| {
        node[56..64].copy_from_slice(&30_i64.to_le_bytes());
        node
    });
    let mut file = live_file(
        2,
        &[
            (true, first_log.concat()),
            (false, first_nodes.concat()),
            (true, second_log.concat()),
            (false, second_nodes.concat()),
        ],
    );
    // What recording costs: picoseconds of each kind of event.
    let costs = [8, 30_000, 0, 20_000, 9_000, 15_000, 4_000, 30_000, 7_000];
    for (at, number) in (176..).step_by(4).zip(costs) {
        file[at..at + 4].copy_from_slice(&u32::to_le_bytes(number));
    }
    file
}
