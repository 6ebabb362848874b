//! Merged profiles that keep processes and threads apart for later questions, while reports show
//! them together.

use std::fs;

use crate::cli::args::{ByOption, SelectionOptions};
use crate::input::Input;

/// Bytes of recordings up to which processes and threads are kept apart. The merged profile has
/// about that size then; see docs/measurements/processes-apart.md.
const MOST: u64 = 64 << 20;

/// Returns true if a merged profile that keeps the processes and threads of `inputs` apart is not
/// too large.
pub(super) fn is_small_enough(inputs: &[Input]) -> bool {
    let sizes = inputs.iter().map(|input| fs::metadata(&input.path));
    let bytes = sizes.map(|metadata| metadata.map_or(0, |metadata| metadata.len()));
    bytes.fold(0_u64, u64::saturating_add) <= MOST
}

/// Returns `options` with threads kept apart.
pub(super) fn by_thread(options: &SelectionOptions) -> SelectionOptions {
    SelectionOptions {
        by: Some(ByOption::Thread),
        ..options.clone()
    }
}
