//! Names of call trees in which several threads have recorded, one after the other.
//!
//! A process that starts thousands of threads has few kinds of them, whose names differ in digits
//! only. Threads of one kind may share a tree.

/// Name of a tree whose threads have unlike names.
pub(crate) const VARIOUS: &[u8] = b"various";

/// The parts of a name: its runs of digits (as `#`) and the bytes between them.
fn parts(name: &[u8]) -> impl Iterator<Item = u8> {
    let mut in_digits = false;
    name.iter().filter_map(move |byte| {
        let goes_on = in_digits;
        in_digits = byte.is_ascii_digit();
        match in_digits {
            false => Some(*byte),
            true => (!goes_on).then_some(b'#'),
        }
    })
}

/// The name with `#` for each run of digits: `Thread-# (worker)`.
pub(crate) fn without_digits(name: &[u8]) -> Box<[u8]> {
    parts(name).collect()
}

/// Returns true if two names differ in digits only.
pub(crate) fn are_alike(one: &[u8], other: &[u8]) -> bool {
    parts(one).eq(parts(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_digits_only_are_alike() {
        for (one, other) in [
            ("Thread-17 (worker)", "Thread-933 (worker)"),
            ("ThreadPoolExecutor-0_3", "ThreadPoolExecutor-12_0"),
            ("7", "1234"),
            ("same", "same"),
            ("", ""),
        ] {
            assert!(are_alike(one.as_bytes(), other.as_bytes()), "{one}");
        }
        for (one, other) in [
            ("Thread-17 (worker)", "Thread-17 (walker)"),
            ("worker", "worker1"),
            ("1-1", "11"),
            ("a1", "1a"),
        ] {
            assert!(!are_alike(one.as_bytes(), other.as_bytes()), "{one}");
        }
        assert_eq!(
            *without_digits(b"Thread-17 (worker 4)"),
            *b"Thread-# (worker #)"
        );
    }
}
