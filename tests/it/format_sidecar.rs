//! Sidecars: those of real Pythons, ours, hostile ones.

use crate::generate;
use std::fs;
use std::path::Path;

use crate::generate::label_text;
use edbprof::format::read_error::Reason;
use edbprof::format::sidecar;
use edbprof::model::DispatchCounts;
use proptest::prelude::*;

fn text(sidecar: &DispatchCounts) -> String {
    let mut lines = Vec::new();
    for (generic, callers) in sidecar {
        lines.push(format!("{}\n", label_text(generic)));
        for (caller, implementations) in callers {
            for (implementation, calls) in implementations {
                lines.push(format!(
                    "{}  {}  {}  {calls}\n",
                    label_text(generic),
                    label_text(caller),
                    label_text(implementation)
                ));
            }
        }
    }
    lines.sort();
    lines.concat()
}

fn golden() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().contains("sidecar-"))
        .map(|path| fs::read(path).unwrap())
        .collect()
}

#[test]
fn reads_what_pythons_wrote() {
    let expected = include_str!("../golden/sidecar.txt");
    let files = golden();
    // 3.6 and 3.7 write protocols 2 to 4; 3.8 to 3.15 also 5.
    assert_eq!(files.len(), 2 * 3 + 8 * 4);
    for bytes in files {
        assert_eq!(text(&sidecar::decode(&bytes).unwrap()), expected);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for bytes in golden() {
        for len in 0..bytes.len() {
            assert!(sidecar::decode(&bytes[..len]).is_err());
        }
    }
}

#[test]
fn what_would_execute_code_is_refused_by_name() {
    let refused = |bytes: &[u8]| sidecar::decode(bytes).unwrap_err().to_string();
    // pickle.dumps of an object whose __reduce__ is (os.system, ('true',)).
    assert_eq!(
        refused(b"\x80\x03cposix\nsystem\nq\x00X\x04\0\0\0trueq\x01\x85q\x02Rq\x03."),
        "no profile: code 0x63 (GLOBAL) is not allowed (at byte 2)"
    );
    assert_eq!(
        refused(b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."),
        "no profile: code 0x93 (STACK_GLOBAL) is not allowed (at byte 28)"
    );
}

#[test]
fn wrong_shapes_are_refused() {
    for bytes in [
        &b"."[..],
        b"K\x01.",
        b"}K\x01K\x01s.",
        b"(}s.",
        b"}(K\x01u.",
        b"K\x01(u.",
        b"u.",
        b"h\x00.",
        b"\x94.",
        b"(\x94.",
        b"}\x87.",
        b"\x8a\xff.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
    ] {
        assert!(sidecar::decode(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn neither_depth_nor_sharing_costs() {
    assert!(sidecar::decode(&b"}(".repeat(1_000_000)).is_err());
    let label = |i: u32| [b"U\0J", &i.to_le_bytes()[..], b"U\0\x87"].concat();
    // Dicts that hold themselves, or one another.
    let looping = [b"}\x94", &label(1)[..], b"h\0s."].concat();
    assert!(sidecar::decode(&looping).is_err());
    // Callers that two generics share: in few such steps, a file could unfold to anything.
    let callers = [b"}\x94", &label(1)[..], b"}s"].concat();
    let twice = [b"}", &label(2)[..], &callers, b"s", &label(3), b"h\0s."].concat();
    assert!(
        refusal(&twice)
            .unwrap()
            .starts_with("a dict that is in two places")
    );
    // Labels share their texts, which they don't in memory.
    let file = [
        b"}X\x10\x27\0\0",
        &[b'f'; 10_000][..],
        b"\x94K\0U\0\x87K\0s",
    ]
    .concat();
    let labels = b"h\0K\0U\0\x87K\0s".repeat(3000);
    assert_eq!(
        sidecar::decode(&[file, labels].concat())
            .unwrap_err()
            .reason,
        Reason::Expansion
    );
}

#[test]
fn the_densest_that_python_writes_is_read() {
    // As pickle.dump writes {generic: {caller: {implementation: 1}, ...}}, all of them
    // functions that it has written before.
    let label = b"U\0K\0U\0\x87\x94";
    let caller = b"h\0}\x94h\0K\x01s";
    let callers = [b"}\x94(".to_vec(), caller.repeat(20_000), b"us".to_vec()].concat();
    let bytes = [b"}", &label[..], &callers, b"."].concat();
    assert_eq!(refusal(&bytes), None);
}

fn refusal(bytes: &[u8]) -> Option<String> {
    sidecar::decode(bytes).err().map(|error| error.to_string())
}

fn value() -> impl Strategy<Value = DispatchCounts> {
    use proptest::collection::btree_map;
    let label = || generate::label().prop_map(std::sync::Arc::new);
    btree_map(
        label(),
        btree_map(label(), btree_map(label(), any::<u64>(), 0..4), 0..4),
        0..4,
    )
}

proptest! {
    #[test]
    fn sidecars_come_back(value in value()) {
        prop_assert_eq!(sidecar::decode(&sidecar::encode(&value)).unwrap(), value);
    }

    #[test]
    fn broken_sidecars_do_not_panic(
        value in value(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = sidecar::encode(&value);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = sidecar::decode(&bytes);
    }

    #[test]
    fn noise_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = sidecar::decode(&bytes);
    }
}
