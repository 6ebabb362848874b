//! The fuzzers' entry points (`fuzz/readers.rs`) on their seeds and on some thousand
//! mutations of these, always the same. `make fuzz` continues with more mutations: for it, the
//! seeds are written to the directory in `EDBPROF_FUZZ_SEEDS`.

use crate::generate;
use crate::live_file;
use crate::readers;
use std::fs;
use std::path::Path;

use edbprof::format::prof::{self, PlainInputs};
use edbprof::format::pstats;
use edbprof::format::sidecar;
use edbprof::format::timeline::HISTORY_MAGIC;
use edbprof::model::rows_of;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

type Seeds = Vec<Vec<u8>>;

/// Files that real Pythons wrote, by what their names begin with.
fn golden(prefixes: &[&str]) -> Seeds {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "txt"))
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            prefixes.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn generated<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    let values = std::iter::repeat_with(|| strategy.new_tree(&mut runner).unwrap().current());
    values.take(count).collect()
}

fn marshal_seeds() -> Seeds {
    let generated = generated(generate::rows(), 10);
    let mut seeds: Seeds = generated.iter().map(pstats::encode).collect();
    seeds.extend(golden(&["cprofile-", "profile-", "stats-", "versions-"]));
    seeds
}

fn prof_seeds() -> Seeds {
    let files = (generate::trees(), proptest::option::of(generate::rows()));
    let mut seeds: Seeds = generated(files, 20)
        .into_iter()
        .map(|(trees, plain)| {
            let plain = plain.map_or_else(PlainInputs::default, |rows| PlainInputs {
                hashes: vec![[7; 16], [8; 16]],
                version1_hashes: vec![],
                rows,
                sidecar: edbprof::model::dispatch_counts(&trees),
            });
            prof::encode(&rows_of(&trees), &trees, &plain)
        })
        .collect();
    seeds.extend(golden(&["cprofile-3.13", "profile-2.7"]));
    seeds.extend(of_every_version(&[
        "recorder.prof",
        "by_thread.prof",
        "included.prof",
    ]));
    seeds
}

fn live_seeds() -> Seeds {
    let mut seeds = of_every_version(&["killed.live"]);
    seeds.extend([
        live_file::killed(1, 500),
        live_file::several_threads(),
        live_file::live_file(3, &[]),
    ]);
    seeds
}

/// Live files, each with a history of one block: see [`readers::history`].
fn history_seeds() -> Seeds {
    let seeds = [live_file::killed(1, 500), live_file::several_threads()];
    let seeds = seeds.into_iter().map(|live| {
        let mut header = [0; 64];
        header[..8].copy_from_slice(&HISTORY_MAGIC);
        header[8] = 1;
        header[16..32].copy_from_slice(&live[24..40]);
        header[32] = 1;
        let mut block = [0; 64];
        // Its number, its first tick, the thread's number.
        (block[0], block[8], block[24]) = (1, 50, 1);
        let mut seed = (live.len() as u32).to_le_bytes().to_vec();
        seed.extend(&live);
        seed.extend(header);
        seed.extend(block);
        const CODES: u64 = u32::MAX as u64;
        // A call, a long gap, a resumed call, its suspension, a wait, and the end of all calls.
        for (code, ticks, second) in [
            (1_u64, 5_u64, None),
            (CODES - 5, 0, Some(1_u64 << 33)),
            (1 << 31 | 2, 1, None),
            (CODES - 2, 7, None),
            (CODES - 6, 0, Some(1000)),
            (CODES - 3, 3, Some(0)),
        ] {
            seed.extend((code << 32 | ticks).to_le_bytes());
            seed.extend(second.into_iter().flat_map(u64::to_le_bytes));
        }
        seed
    });
    seeds.collect()
}

/// Files of every version of edbprof's own formats.
fn of_every_version(names: &[&str]) -> Seeds {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let directories = (1..=prof::VERSION).map(|version| golden.join(format!("edbprof-{version}")));
    let paths =
        directories.flat_map(|directory| names.iter().map(move |name| directory.join(name)));
    paths.map(|path| fs::read(path).unwrap()).collect()
}

fn sidecar_seeds() -> Seeds {
    let sidecars = generated(generate::trees(), 10);
    let sidecars = sidecars.iter().map(edbprof::model::dispatch_counts);
    let mut seeds: Seeds = sidecars.map(|value| sidecar::encode(&value)).collect();
    seeds.extend(golden(&["sidecar-"]));
    seeds
}

/// Feeds `target` with its seeds and `rounds` mutations; in a directory that the
/// environment names it leaves the seeds for the fuzzer of that name.
fn smoke(name: &str, target: fn(&[u8]), seeds: &Seeds, rounds: usize) {
    if let Some(directory) = std::env::var_os("EDBPROF_FUZZ_SEEDS") {
        let directory = Path::new(&directory).join(name);
        fs::create_dir_all(&directory).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(directory.join(format!("seed-{number}")), seed).unwrap();
        }
    }
    seeds.iter().for_each(|seed| target(seed));
    let mut dice = Dice(1);
    for _ in 0..rounds {
        let mut bytes = dice.one_of(seeds).clone();
        for _ in 0..=dice.below(4) {
            mutate(&mut bytes, seeds, &mut dice);
        }
        target(&bytes);
    }
}

/// Numbers that are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`, or 0.
    fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }

    fn one_of<'v, T>(&mut self, values: &'v [T]) -> &'v T {
        &values[self.below(values.len())]
    }

    /// A few bytes somewhere in `bytes`.
    fn part<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let start = self.below(bytes.len());
        let len = self.below((bytes.len() - start).min(64) + 1);
        &bytes[start..start + len]
    }
}

fn mutate(bytes: &mut Vec<u8>, seeds: &Seeds, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(6) {
        0 => bytes.truncate(at),
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        2 => {
            // Lengths and counts: the largest, the smallest, some.
            let value = [
                u64::MAX,
                i64::MAX as u64,
                0,
                1,
                dice.next(),
                dice.next() % 300,
            ];
            let value = dice.one_of(&value).to_le_bytes();
            let len = (bytes.len() - at).min(1 << dice.below(4));
            bytes[at..at + len].copy_from_slice(&value[..len]);
        }
        3 => {
            let from = dice.one_of(seeds);
            let part = dice.part(from).to_vec();
            bytes.splice(at..at, part);
        }
        4 => {
            let again = dice.part(bytes).to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let end = (at + dice.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}

#[test]
fn marshal() {
    smoke("marshal", readers::marshal, &marshal_seeds(), 3000);
}

#[test]
fn prof_files() {
    smoke("prof", readers::prof, &prof_seeds(), 3000);
}

#[test]
fn live_files() {
    smoke("live", readers::live, &live_seeds(), 3000);
}

#[test]
fn sidecars() {
    smoke("sidecar", readers::sidecar, &sidecar_seeds(), 3000);
}

#[test]
fn histories() {
    smoke("history", readers::history, &history_seeds(), 1000);
}
