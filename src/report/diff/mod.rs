//! What `edbprof diff` shows: differences as text and as JSON.

mod json;
mod names;
mod sentence;
mod text;
mod tree;

pub use json::json;
pub use names::Names;
pub use text::{Limits, broken, functions, head, left_out, neighbours, over_budget, renamed};
pub use tree::tree;
