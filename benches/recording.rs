//! Measures the costs of a large recording: memory and disk for each node, and writing its `.prof`.
//!
//!     cargo bench --bench recording
//!
//! 250,000 nodes of 5,000 functions, calls up to 170 deep: as large as a run of sympy or
//! black. They are recorded once in memory alone, and once with the live file.

use std::fs;
use std::path::Path;
use std::ptr;
use std::time::Instant;

use edbprof::capi::*;
use edbprof::format::prof::{self, ProfFile};

const FUNCTIONS: u64 = 5_000;
const NODES: usize = 250_000;
const DEPTH: usize = 170;
const SAVES: usize = 7;

const NOTHING: edbprof_str = edbprof_str {
    data: ptr::null(),
    len: 0,
};

fn main() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    println!("{NODES} nodes, files in {}", directory.path().display());
    let path = directory.path().to_str().expect("its name is text");
    // Both before anything is saved: what that frees would be used again.
    let in_memory = Recording::measured("in memory", NOTHING);
    let live = Recording::measured("with a live file", text(path));
    println!(
        "live file: {:.1} bytes a node on disk",
        per_node(disk_used(directory.path()))
    );
    in_memory.measure_saving(&directory.path().join("in_memory.prof"));
    live.measure_saving(&directory.path().join("live.prof"));
}

/// A recording of one thread with `NODES` nodes. Freed, with its live file, at the end.
struct Recording {
    name: &'static str,
    handle: *mut edbprof_recording,
}

impl Recording {
    fn measured(name: &'static str, directory: edbprof_str) -> Recording {
        let options = edbprof_options {
            struct_size: size_of::<edbprof_options>(),
            clock: EDBPROF_CLOCK_WALL,
            max_nodes: 0,
            host_tick_ns: 0.0,
            directory,
            prefix: NOTHING,
            suffix: text(".prof"),
            host: NOTHING,
            hook: NOTHING,
            live_dir: NOTHING,
            flags: 0,
            timeline_bytes: 0,
            timeline_disk_floor: 0,
            timeline_memory_floor: 0,
            chosen: NOTHING,
        };
        let (mut handle, mut thread) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: pointers to what is valid, a handle as it is made.
        unsafe {
            ok(edbprof_recording_new(&options, &mut handle));
            ok(edbprof_recording_attach(handle, text("main"), &mut thread));
        }
        define_functions(handle);
        let before = resident();
        let begin = Instant::now();
        record(thread);
        let took = begin.elapsed().as_nanos() as f64 / (2 * NODES) as f64;
        let memory = per_node(resident() - before);
        println!("{name}: {memory:.1} bytes a node resident, {took:.0} ns an event");
        Recording { name, handle }
    }

    fn measure_saving(&self, file: &Path) {
        let path = text(file.to_str().expect("its name is text"));
        let mut times = Vec::new();
        for _ in 0..SAVES {
            let begin = Instant::now();
            // SAFETY: the handle is not freed; the path is readable.
            ok(unsafe { edbprof_recording_save_as(self.handle, path, 0) });
            times.push(begin.elapsed().as_millis());
        }
        times.sort();
        let bytes = fs::read(file).expect("it was written");
        let Ok(ProfFile::Exact(trees, _)) = prof::read(&bytes) else {
            panic!("what was written can't be read");
        };
        let nodes: usize = trees.threads.iter().map(|tree| tree.nodes.len()).sum();
        assert_eq!(nodes, NODES);
        println!(
            "{}: .prof written in {} ms, {:.1} bytes a node",
            self.name,
            times[SAVES / 2],
            per_node(bytes.len() as u64)
        );
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // SAFETY: made by this value and not used again.
        unsafe { edbprof_recording_free(self.handle) };
    }
}

fn define_functions(recording: *mut edbprof_recording) {
    for key in 1..=FUNCTIONS {
        let file = format!("/usr/lib/python3/site-packages/package/{}.py", key / 20);
        let name = format!("function_{key}");
        let function = edbprof_function {
            struct_size: size_of::<edbprof_function>(),
            kind: EDBPROF_PYTHON,
            flags: 0,
            file: text(&file),
            line: key as i64,
            name: text(&name),
            qualified_name: text(&name),
            module: text("package.module"),
            generic_name: NOTHING,
            generic_file: NOTHING,
            generic_line: 0,
        };
        // SAFETY: the handle is not freed; the function is readable.
        ok(unsafe { edbprof_recording_define(recording, key, &function) });
    }
}

/// Enters and leaves at random, each time in a new context, until there are `NODES`.
fn record(thread: *mut edbprof_thread) {
    // Key of each open call, and how many calls it has made.
    let mut open: Vec<(u64, u64)> = Vec::with_capacity(DEPTH + 1);
    open.push((0, 0));
    let (mut nodes, mut random) = (0, 1_u64);
    // SAFETY: a handle of this thread's, of a recording that is not freed.
    unsafe {
        while nodes < NODES {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            if open.len() == 1 || open.len() <= DEPTH && (random >> 33) % 100 < 52 {
                let (caller, calls) = open.last_mut().expect("the outermost stays");
                *calls += 1;
                let key = 1 + (*caller * 31 + *calls) % FUNCTIONS;
                ok(edbprof_enter(thread, key));
                open.push((key, 0));
                nodes += 1;
            } else {
                let (key, _) = open.pop().expect("there are two");
                ok(edbprof_leave(thread, key));
            }
        }
        ok(edbprof_leave_all(thread));
    }
}

fn ok(status: edbprof_status) {
    assert_eq!(status, edbprof_status::EDBPROF_OK);
}

fn text(text: &str) -> edbprof_str {
    edbprof_str {
        data: text.as_ptr().cast(),
        len: text.len(),
    }
}

fn per_node(bytes: u64) -> f64 {
    bytes as f64 / NODES as f64
}

/// Bytes of this process that are in memory, as Linux says.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("it is always there");
    let kib = line.trim().trim_end_matches(" kB").parse::<u64>();
    kib.expect("it is a number") * 1024
}

/// Bytes that the files in `directory` have on disk, holes not counted.
fn disk_used(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;

    let files = fs::read_dir(directory).expect("it can be read");
    files
        .map(|file| file.and_then(|file| file.metadata()))
        .map(|metadata| metadata.expect("it is there").blocks() * 512)
        .sum()
}
