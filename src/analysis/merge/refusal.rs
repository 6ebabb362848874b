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
    /// The merged tree would become larger than a file can hold.
    TooLarge,
    /// It holds only what this selection has chosen, and others are whole or other parts.
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
