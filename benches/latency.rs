//! Measures the time of single events while the disk is busy. Nodes are in memory, in a live file
//! on disk, and in one on a tmpfs, side by side. First nothing else runs, then another process
//! writes and syncs all the time. Then another thread saves the recording all the time, and each
//! thousandth call has a new path.
//!
//!     cargo bench --bench latency -- [SECONDS [DISK [TMPFS]]]
//!
//! Each part takes SECONDS (10). By default, DISK is the temporary directory and TMPFS is /dev/shm.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use edbprof::capi::edbprof_status::*;
use edbprof::capi::*;

/// Callers, and callees of each: 12 MiB of nodes, all of them warm.
const CALLERS: u64 = 200;
const CALLEES: u64 = 1000;
/// A turn of each recording before it is another's.
const TURN: Duration = Duration::from_millis(250);

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [command, directory] = arguments.as_slice()
        && command == "write"
    {
        write_and_sync(Path::new(directory));
    }
    let argument = |number: usize| arguments.get(number).cloned();
    let seconds = argument(0).map_or(10, |text| text.parse().expect("SECONDS is a number"));
    let disk = argument(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let tmpfs = argument(2).map_or_else(|| PathBuf::from("/dev/shm"), PathBuf::from);
    let places = [
        ("in memory", PathBuf::new()),
        ("in a live file on disk", disk.clone()),
        ("in a live file on tmpfs", tmpfs),
    ];
    println!("{CALLERS} x {CALLEES} contexts, at random; {seconds} s each; nanoseconds");
    for beside in [
        "in peace",
        "while another process writes and syncs",
        "while another thread saves, with new paths",
    ] {
        let _writer = beside.contains("syncs").then(|| Writer::start(&disk));
        let is_saved = beside.contains("saves");
        let mut recorders = places
            .each_ref()
            .map(|(name, place)| Recorder::new(name, place));
        let turns = Duration::from_secs(seconds).as_millis() / TURN.as_millis();
        for _ in 0..turns {
            // In turns from either end, because pages of the file on disk are written back during
            // the next turn, and delay its events.
            recorders.reverse();
            for recorder in &mut recorders {
                if is_saved {
                    recorder.record_while_saved_for(TURN);
                } else {
                    recorder.record_for(TURN);
                }
            }
        }
        println!("\n{beside}");
        println!(
            "{:26}{:>12}{:>9}{:>9}{:>10}{:>12}{:>12}",
            "", "events", "median", "99 %", "99.99 %", "99.9999 %", "worst"
        );
        for (name, _) in &places {
            let of_place = recorders.iter().find(|recorder| recorder.name == *name);
            of_place.into_iter().for_each(Recorder::print);
        }
    }
}

/// Ends when it is killed.
fn write_and_sync(directory: &Path) -> ! {
    let path = directory.join("edbprof-bench-latency.tmp");
    let block = vec![7; 1 << 20];
    loop {
        let mut file = File::create(&path).expect("the disk can be written to");
        for _ in 0..32 {
            file.write_all(&block).expect("there is room");
        }
        file.sync_all().expect("the disk works");
        // SAFETY: always allowed. Writes back the pages of live files too.
        unsafe { libc::sync() };
    }
}

struct Writer {
    child: Child,
    file: PathBuf,
}

impl Writer {
    fn start(disk: &Path) -> Writer {
        let child = Command::new(std::env::current_exe().expect("it is known"))
            .arg("write")
            .arg(disk)
            .spawn()
            .expect("it can be started");
        let file = disk.join("edbprof-bench-latency.tmp");
        Writer { child, file }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.file);
    }
}

fn text(bytes: &[u8]) -> edbprof_str {
    edbprof_str {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    }
}

const NOTHING: edbprof_str = edbprof_str {
    data: ptr::null(),
    len: 0,
};

/// A recording, and how long its events took.
struct Recorder {
    name: &'static str,
    recording: *mut edbprof_recording,
    thread: *mut edbprof_thread,
    random: u64,
    has_new_paths: bool,
    latencies: Histogram,
}

impl Recorder {
    /// `live_dir`: empty for none.
    fn new(name: &'static str, live_dir: &Path) -> Recorder {
        let options = edbprof_options {
            struct_size: size_of::<edbprof_options>(),
            clock: EDBPROF_CLOCK_WALL,
            max_nodes: 0,
            host_tick_ns: 0.0,
            directory: NOTHING,
            prefix: NOTHING,
            suffix: NOTHING,
            host: NOTHING,
            hook: NOTHING,
            live_dir: text(live_dir.as_os_str().as_encoded_bytes()),
            flags: 0,
            timeline_bytes: 0,
            timeline_disk_floor: 0,
            timeline_memory_floor: 0,
            chosen: NOTHING,
        };
        let mut recording = ptr::null_mut();
        // SAFETY: pointers to what is valid.
        let status = unsafe { edbprof_recording_new(&options, &mut recording) };
        assert_eq!(status, EDBPROF_OK);
        let mut thread = ptr::null_mut();
        // SAFETY: as above.
        let status = unsafe { edbprof_recording_attach(recording, text(b"main"), &mut thread) };
        assert_eq!(status, EDBPROF_OK);
        let mut recorder = Recorder {
            name,
            recording,
            thread,
            random: 1,
            has_new_paths: false,
            latencies: Histogram::default(),
        };
        for caller in 1..=CALLERS {
            for callee in 1..=CALLEES {
                recorder.call(caller, CALLERS + callee);
            }
        }
        // SAFETY: a recording that is not freed.
        let status = unsafe { edbprof_recording_check(recording) };
        assert_eq!(status, EDBPROF_OK, "{name} is not to be had here");
        recorder.latencies = Histogram::default();
        recorder
    }

    /// Records while another thread saves again and again.
    fn record_while_saved_for(&mut self, time: Duration) {
        let is_over = AtomicBool::new(false);
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("x.prof");
        let recording = self.recording.expose_provenance();
        self.has_new_paths = true;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let path = text(path.as_os_str().as_encoded_bytes());
                    let recording = ptr::with_exposed_provenance_mut(recording);
                    // SAFETY: a recording that is not freed, and a readable path.
                    let status = unsafe { edbprof_recording_save_as(recording, path, 0) };
                    assert_eq!(status, EDBPROF_OK);
                }
            });
            self.record_for(time);
            is_over.store(true, Ordering::Relaxed);
        });
    }

    fn record_for(&mut self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            for _ in 0..1000 {
                // xorshift64*
                self.random ^= self.random >> 12;
                self.random ^= self.random << 25;
                self.random ^= self.random >> 27;
                let random = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 20;
                let (caller, callee) = (random % CALLERS, random / CALLERS % CALLEES);
                self.call(1 + caller, 1 + CALLERS + callee);
            }
            if self.has_new_paths {
                let others = (self.random >> 30) % CALLEES;
                self.enter(1 + self.random % CALLERS);
                self.call(
                    1 + CALLERS + others,
                    1 + CALLERS + (self.random >> 45) % CALLEES,
                );
                self.leave(1 + self.random % CALLERS);
            }
        }
    }

    /// A call and another in it, each event timed.
    fn call(&mut self, caller: u64, callee: u64) {
        self.enter(caller);
        self.enter(callee);
        self.leave(callee);
        self.leave(caller);
    }

    fn enter(&mut self, key: u64) {
        // SAFETY: a handle of this thread's, of a recording that is not freed.
        let enter = |thread| unsafe { edbprof_enter(thread, key) };
        let begun = Instant::now();
        let status = enter(self.thread);
        self.latencies.add(begun.elapsed());
        if status == EDBPROF_UNKNOWN_FUNCTION {
            self.define(key);
            assert_eq!(enter(self.thread), EDBPROF_OK);
        }
    }

    fn leave(&mut self, key: u64) {
        let begun = Instant::now();
        // SAFETY: as in `enter`.
        let status = unsafe { edbprof_leave(self.thread, key) };
        self.latencies.add(begun.elapsed());
        debug_assert_eq!(status, EDBPROF_OK);
    }

    fn define(&self, key: u64) {
        let name = key.to_string();
        let function = edbprof_function {
            struct_size: size_of::<edbprof_function>(),
            kind: EDBPROF_NATIVE,
            flags: 0,
            file: text(b"file"),
            line: 1,
            name: text(name.as_bytes()),
            qualified_name: NOTHING,
            module: NOTHING,
            generic_name: NOTHING,
            generic_file: NOTHING,
            generic_line: 0,
        };
        // SAFETY: a recording that is not freed, strings that are readable.
        let status = unsafe { edbprof_recording_define(self.recording, key, &function) };
        assert_eq!(status, EDBPROF_OK);
    }

    fn print(&self) {
        let of = |share| self.latencies.percentile(share);
        println!(
            "{:26}{:12}{:9}{:9}{:10}{:12}{:12}",
            self.name,
            self.latencies.count,
            of(0.5),
            of(0.99),
            of(0.9999),
            of(0.999_999),
            self.latencies.worst
        );
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // SAFETY: made in `new`, not used again.
        unsafe { edbprof_recording_free(self.recording) };
    }
}

/// How often which time was measured, to 1/32.
struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    worst: u64,
}

/// Buckets for a doubling.
const STEPS: u64 = 32;

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            buckets: vec![0; 64 * STEPS as usize],
            count: 0,
            worst: 0,
        }
    }
}

impl Histogram {
    fn add(&mut self, time: Duration) {
        let time = time.as_nanos() as u64;
        let bucket = if time < STEPS {
            time
        } else {
            let shift = time.ilog2() - STEPS.ilog2();
            u64::from(shift) * STEPS + (time >> shift)
        };
        self.buckets[bucket as usize] += 1;
        self.count += 1;
        self.worst = self.worst.max(time);
    }

    /// The least time that so large a share of all did not exceed.
    fn percentile(&self, share: f64) -> u64 {
        let mut left = (self.count as f64 * share).ceil() as u64;
        for (bucket, &count) in (0..).zip(&self.buckets) {
            left = left.saturating_sub(count);
            if left == 0 {
                let shift = (bucket / STEPS).saturating_sub(1);
                return (bucket - shift * STEPS) << shift;
            }
        }
        self.worst
    }
}
