//! Reasons to leave a file out of a merge.

use std::fmt;

use crate::analysis::select::SelectionId;
use crate::model::MAX_NODES;

/// Reason why a readable file was left out of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is an aggregate of which a part is counted already.
    Overlap {
        /// Number of its inputs that are counted.
        counted: usize,
        /// Number of its inputs.
        inputs: usize,
    },
    /// It can't be compared with an aggregate that is counted. One of the two has inputs of which
    /// only the hash of version 1 is known, and the other one lacks these hashes.
    Incomparable,
    /// The merged tree would become larger than a file can hold.
    TooLarge,
    /// It has only the part that this selection has chosen, and other inputs are whole or other
    /// parts.
    Part(SelectionId),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Overlap { counted, inputs } => write!(
                f,
                "{counted} of the {inputs} inputs merged in it are counted already and can't be \
                 taken out; give either it or the files that it was made from"
            ),
            Refusal::Incomparable => f.write_str(
                "an earlier edbprof made it, or another aggregate, and from what they list it \
                 can't be told if both have the same inputs; give the files that they were \
                 made from",
            ),
            Refusal::TooLarge => write!(f, "the merged call tree would exceed {MAX_NODES} nodes"),
            Refusal::Part(selection) => write!(
                f,
                "it holds only what {selection} has chosen and can't be merged with anything \
                 else; give the files that it was made from",
            ),
        }
    }
}

impl std::error::Error for Refusal {}
