//! What the fuzzers and `tests/it/fuzz_readers.rs` do with bytes: read them, and use what
//! a reader lets pass as the program would.

#![allow(dead_code)]

use std::io::Cursor;

use edbprof::analysis::display_tree::display_tree;
use edbprof::analysis::estimate::estimate;
use edbprof::analysis::merge::{Merger, Profile};
use edbprof::analysis::singledispatch::rows::reattribute_callers;
use edbprof::format::extent::{profile_goes_on, sidecar_goes_on};
use edbprof::format::foreign::recognise;
use edbprof::format::live::{self, Now};
use edbprof::format::marshal::Reader;
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::format::pstats;
use edbprof::format::read_error::Reason;
use edbprof::format::sidecar;
use edbprof::format::timeline::{self, Source, TimelineWriter, read_recorded};
use edbprof::model::{Counts, DispatchCounts, Label, Rows};

/// Marshal, and in it the pstats dictionary.
pub(crate) fn marshal(bytes: &[u8]) {
    let mut reader = Reader::new(bytes, 0);
    while reader.skip().is_ok() {}
    if let Ok(rows) = pstats::decode(bytes) {
        let written = pstats::encode(&rows);
        let again = pstats::decode(&written).expect("what was written can be read");
        assert_same(&again, &rows);
        estimate(&rows);
    }
}

/// Anyone's `.prof` file.
pub(crate) fn prof(bytes: &[u8]) {
    let head = &bytes[..bytes.len() / 2];
    let read = prof::read(bytes);
    if !profile_goes_on(head) {
        // A larger file may have references that unfold to more.
        let unfolds = prof::read(head).is_err_and(|error| error.reason == Reason::Expansion);
        let same = prof::read(head).is_ok() == read.is_ok();
        assert!(same || unfolds, "the rest of the file mattered");
    }
    match read {
        Ok(file) => use_file(file),
        Err(_) => drop(recognise(bytes)),
    }
}

/// A live file, of a process that runs or of one that is gone.
pub(crate) fn live(bytes: &[u8]) {
    profile_goes_on(bytes);
    for now in [Now::Running, Now::Gone] {
        if let Ok(trees) = live::read(bytes, now) {
            use_file(ProfFile::Exact(trees, PlainInputs::default()));
        }
    }
}

/// The history of a process: a number of bytes, the live file of that length, 64 bytes of the
/// history file's header, and what follows its header.
pub(crate) fn history(bytes: &[u8]) {
    const BLOCK: usize = 64 << 10;
    let Some((len, rest)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let len = (u32::from_le_bytes(*len) as usize).min(rest.len());
    let (live, rest) = rest.split_at(len);
    let (header, blocks) = rest.split_at(rest.len().min(64));
    let mut file = header.to_vec();
    file.resize(BLOCK, 0);
    file.extend(blocks);
    file.resize(file.len().next_multiple_of(BLOCK), 0);
    for now in [Now::Running, Now::Gone] {
        let Ok(of) = read_recorded(Source::Bytes(file.clone()), live, now) else {
            continue;
        };
        let mut writer = TimelineWriter::new(Cursor::new(Vec::new())).unwrap();
        writer.process(&of).expect("all blocks are there");
        let written = writer.finish().unwrap().into_inner();
        let again = timeline::read(Source::Bytes(written)).expect("what was written can be read");
        let (mut words, mut words_again) = (Vec::new(), Vec::new());
        assert_eq!(again[0].blocks.len(), of.blocks.len());
        for (block, block_again) in of.blocks.iter().zip(&again[0].blocks) {
            of.read(block, &mut words).unwrap();
            again[0].read(block_again, &mut words_again).unwrap();
            let events = of.events(block, &words);
            assert!(events.eq(again[0].events(block_again, &words_again)));
        }
    }
}

/// A sidecar, and rows whose callers are reattributed by it.
pub(crate) fn sidecar(bytes: &[u8]) {
    sidecar_goes_on(bytes);
    if let Ok(sidecar) = sidecar::decode(bytes) {
        let written = sidecar::encode(&sidecar);
        assert_eq!(sidecar::decode(&written).as_ref(), Ok(&sidecar));
        reattribute_callers(&dispatching(&sidecar), &sidecar);
    }
}

/// The order in which callers stand may differ.
fn assert_same(rows: &Rows, expected: &Rows) {
    // Not by ==: a time may be no number.
    let bits = |counts: &Counts| {
        (
            counts.cc,
            counts.nc,
            counts.tt.to_bits(),
            counts.ct.to_bits(),
        )
    };
    assert_eq!(rows.len(), expected.len());
    for (id, row) in expected.iter() {
        let found = rows.find(expected.label(id)).and_then(|id| rows.row(id));
        let found = found.expect("no row is lost");
        assert_eq!(bits(&found.counts), bits(&row.counts));
        assert_eq!(found.callers.len(), row.callers.len());
        for (&caller, counts) in &row.callers {
            let here = rows
                .find(expected.label(caller))
                .expect("no caller is lost");
            assert_eq!(bits(&found.callers[&here]), bits(counts));
            assert_eq!(found.untimed.contains(&here), row.untimed.contains(&caller));
        }
    }
}

fn use_file(file: ProfFile) {
    let mut profile = merged(file);
    display_tree(&profile);
    let written = profile.encode();
    let again = prof::read(&written).expect("what was written can be read");
    assert_eq!(merged(again).encode(), written);
    profile.compensate();
    display_tree(&profile);
}

fn merged(file: ProfFile) -> Profile {
    let mut merger = Merger::new();
    merger.add("file", file);
    merger.finish().profile
}

/// Rows in which all callers of `sidecar` reach all of its implementations.
fn dispatching(sidecar: &DispatchCounts) -> Rows {
    let counts = Counts {
        cc: 1,
        nc: 2,
        tt: 0.5,
        ct: 1.5,
    };
    let mut rows = Rows::default();
    let wrapper = rows.intern(&Label {
        file: (*b"functools.py").into(),
        line: 1,
        name: (*b"wrapper").into(),
    });
    rows.row_mut(wrapper).counts = counts;
    for (caller, implementations) in sidecar.values().flatten() {
        let caller = rows.intern(caller);
        rows.row_mut(wrapper).callers.insert(caller, counts);
        for implementation in implementations.keys() {
            let implementation = rows.intern(implementation);
            rows.row_mut(implementation).counts = counts;
            rows.row_mut(implementation).callers.insert(wrapper, counts);
        }
    }
    rows
}
