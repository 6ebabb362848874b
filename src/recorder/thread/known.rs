//! Functions that a thread has made nodes of, found without the recording's lock.

use std::cell::Cell;

/// Number of places for functions: 4 KiB. Each function has only one place. If another function has
/// taken it, the function is found in the recording's table.
const PLACES: usize = 256;

/// Numbers of functions by their keys. A key means one function for the whole recording.
#[derive(Debug)]
pub(super) struct KnownFunctions(Box<[Cell<(u64, u32)>]>);

impl Default for KnownFunctions {
    fn default() -> KnownFunctions {
        KnownFunctions(vec![Cell::default(); PLACES].into())
    }
}

impl KnownFunctions {
    fn place(&self, key: u64) -> Option<&Cell<(u64, u32)>> {
        const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
        // The product's high bits depend on all bits of the key.
        self.0.get((key.wrapping_mul(MULTIPLIER) >> 56) as usize)
    }

    /// Number of the function `key`, which is not 0.
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        let (known, number) = self.place(key)?.get();
        (known == key).then_some(number)
    }

    /// Notes the number of the function `key`.
    pub(super) fn note(&self, key: u64, number: u32) {
        if let Some(place) = self.place(key) {
            place.set((key, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_or_another_has_its_place() {
        let known = KnownFunctions::default();
        for key in 1..10_000_u64 {
            assert_eq!(known.find(16 * key), None);
            known.note(16 * key, key as u32);
            assert_eq!(known.find(16 * key), Some(key as u32));
        }
        let found = (1..10_000_u64).filter_map(|key| Some((key, known.find(16 * key)?)));
        let found: Vec<_> = found.collect();
        assert!(found.len() <= PLACES && found.len() > PLACES / 2);
        assert!(found.iter().all(|(key, number)| *key == u64::from(*number)));
    }
}
