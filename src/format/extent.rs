//! Finds out where a profile ends inside its file. A reader takes the beginning of a file first,
//! and asks here if the rest is worth its memory.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::live::{self, at};
use super::marshal::Reader;
use super::prof;
use super::read_error::{ReadError, Reason};
use super::sidecar;

/// Returns true if `head`, the beginning of a file, is part of a longer `.prof` or live file.
/// Returns false if reading more can't change the result.
pub fn profile_goes_on(head: &[u8]) -> bool {
    if head.starts_with(&live::MAGIC) {
        return head.len() < live_end(head);
    }
    let mut reader = Reader::new(head, 0);
    if let Err(error) = reader.skip() {
        return is_cut_off(&error);
    }
    let rest = head.get(reader.offset()..).unwrap_or_default();
    if rest.len() < prof::MAGIC.len() {
        return prof::MAGIC.starts_with(rest);
    }
    rest.starts_with(prof::MAGIC) && reader.skip().is_err_and(|error| is_cut_off(&error))
}

/// Returns true if `head`, the beginning of a file, is part of a longer sidecar.
pub fn sidecar_goes_on(head: &[u8]) -> bool {
    sidecar::decode(head).is_err_and(|error| is_cut_off(&error))
}

fn is_cut_off(error: &ReadError) -> bool {
    // The size of the file limits how far references may unfold.
    matches!(error.reason, Reason::Truncated | Reason::Expansion)
}

/// End of the last segment of the live file that begins with `head`.
fn live_end(head: &[u8]) -> usize {
    let Some(directory) = head.get(at::DIRECTORY..live::HEADER) else {
        return usize::MAX;
    };
    let ends = directory.chunks_exact(16).map(|segment| {
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .rfold(0, |sum, &byte| sum << 8 | u64::from(byte))
        };
        let (start, length) = segment.split_at(8);
        (number(start), number(length) & !live::CONTENT)
    });
    let ends = ends.take_while(|&(_, length)| length != 0);
    let end = ends
        .map(|(start, length)| start.saturating_add(length))
        .max();
    usize::try_from(end.unwrap_or_default()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::prof::PlainInputs;
    use crate::model::{DispatchCounts, Rows, Trees};

    #[test]
    fn each_part_of_a_profile_goes_on_and_the_whole_does_not() {
        let ours = prof::encode(&Rows::default(), &Trees::default(), &PlainInputs::default());
        for end in 0..ours.len() {
            assert!(profile_goes_on(&ours[..end]), "{end}");
        }
        assert!(!profile_goes_on(&ours));
        let zeros = [0; 100];
        assert!(!profile_goes_on(&[&ours[..], &zeros].concat()));
        assert!(!profile_goes_on(&[&b"{0"[..], &zeros].concat()));
        assert!(!profile_goes_on(&zeros));
        assert!(!profile_goes_on(b"#!/bin/sh"));
    }

    #[test]
    fn a_live_file_goes_on_to_the_end_of_its_segments() {
        let mut file = vec![0; live::HEADER + 100];
        file[..8].copy_from_slice(&live::MAGIC);
        assert!(!profile_goes_on(&file));
        let segment = at::DIRECTORY;
        file[segment..segment + 8].copy_from_slice(&4096_u64.to_le_bytes());
        file[segment + 8..segment + 16].copy_from_slice(&103_u64.to_le_bytes());
        assert!(!profile_goes_on(&file), "its lowest bits are no length");
        file[segment + 8] = 104;
        assert!(profile_goes_on(&file));
        assert!(profile_goes_on(&file[..300]));
        file[segment..segment + 16].fill(0xff);
        assert!(profile_goes_on(&file));
    }

    #[test]
    fn each_part_of_a_sidecar_goes_on() {
        let sidecar = sidecar::encode(&DispatchCounts::new());
        for end in 0..sidecar.len() {
            assert!(sidecar_goes_on(&sidecar[..end]), "{end}");
        }
        assert!(!sidecar_goes_on(&[&sidecar[..], &[0; 100]].concat()));
        assert!(!sidecar_goes_on(&[0; 100]));
    }
}
