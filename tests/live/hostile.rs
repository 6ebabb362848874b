//! Live files that someone has changed: whatever is in them, what is read is well
//! formed, and no more than the file could hold.

use std::sync::OnceLock;

use edbprof::format::live::{self, Now};
use proptest::prelude::*;

use super::model::{self, Event, Program};
use super::recorder::{Recorder, check_form, only_live};

/// A real one, of a few hundred calls.
fn real() -> &'static [u8] {
    static REAL: OnceLock<Vec<u8>> = OnceLock::new();
    REAL.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(directory.path());
        for (number, event) in (0..600).zip(Program::new(3)) {
            match event {
                Event::Enter(key) => recorder.enter(key, model::tick(number)),
                Event::Leave(key) => recorder.leave(key, model::tick(number)),
            }
        }
        let bytes = std::fs::read(only_live(directory.path())).unwrap();
        recorder.free();
        bytes
    })
}

fn check(bytes: &[u8]) {
    for now in [Now::Running, Now::Gone] {
        if let Ok(trees) = live::read(bytes, now) {
            check_form(&trees);
            let nodes: usize = trees.threads.iter().map(|thread| thread.nodes.len()).sum();
            // And each with overflow calls has one more.
            assert!(nodes <= bytes.len() / 32);
        }
    }
}

/// Places where something stands: the header, the directory, the log, nodes.
fn place() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..160_usize,
        256..320_usize,
        256..4096_usize,
        4096..8192_usize,
        (16_384..40_000_usize),
    ]
}

/// Callers of nodes, and threads of overflow calls.
fn parent() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 0..300_u32, 1 => (0..3_u32).prop_map(|root| 1 << 31 | root)]
}

/// Values that matter more than others.
fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..100_000_u64,
        Just(u64::MAX),
        Just(i64::MIN as u64),
        Just(u64::from(u32::MAX)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn changed_anywhere(changes in prop::collection::vec((place(), value(), 1..=8_usize), 1..40)) {
        let mut bytes = real().to_vec();
        for (place, value, len) in changes {
            bytes[place..place + len].copy_from_slice(&value.to_le_bytes()[..len]);
        }
        check(&bytes);
    }

    #[test]
    fn every_field_of_the_directory(entries in prop::collection::vec((value(), value()), 240)) {
        let mut bytes = real().to_vec();
        for (entry, (start, len)) in entries.into_iter().enumerate() {
            let at = 256 + 16 * entry;
            bytes[at..at + 8].copy_from_slice(&start.to_le_bytes());
            bytes[at + 8..at + 16].copy_from_slice(&len.to_le_bytes());
        }
        check(&bytes);
    }

    #[test]
    fn nodes_that_are_anything(nodes in prop::collection::vec((value(), parent(), any::<u32>(), value(), value(), value(), value()), 200)) {
        let mut bytes = real().to_vec();
        for (index, (key, parent, function, calls, resumes, total, overflow)) in nodes.into_iter().enumerate() {
            let node = &mut bytes[16_384 + 64 * index..][..64];
            node[..8].copy_from_slice(&key.to_le_bytes());
            node[8..12].copy_from_slice(&parent.to_le_bytes());
            node[12..16].copy_from_slice(&(function % 50).to_le_bytes());
            node[16..24].copy_from_slice(&calls.to_le_bytes());
            node[24..32].copy_from_slice(&resumes.to_le_bytes());
            node[32..40].copy_from_slice(&total.to_le_bytes());
            node[56..64].copy_from_slice(&overflow.to_le_bytes());
        }
        check(&bytes);
    }

    #[test]
    fn cut_off(len in 0..80_000_usize) {
        let bytes = real();
        check(&bytes[..len.min(bytes.len())]);
    }
}

#[test]
fn the_real_one_is_read_whole() {
    let trees = live::read(real(), Now::Gone).unwrap();
    model::check(&model::figures_of(&trees), 3, 600);
}

#[test]
fn what_is_no_live_file_says_so() {
    assert!(live::read(b"", Now::Gone).is_err());
    let mut later = real().to_vec();
    later[8] = 3;
    let error = live::read(&later, Now::Gone).unwrap_err();
    assert!(
        error.to_string().contains("later edbprof (format 3)"),
        "{error}"
    );
    let mut other = real().to_vec();
    other[0] = b'x';
    assert!(live::facts(&other).is_err());
}
