//! Shows differences for `edbprof diff`: as text, as JSON and as a picture.

mod json;
mod names;
mod picture;
mod sentence;
mod text;
mod tree;

pub use json::{json, limits};
pub use names::Names;
pub use picture::picture;
pub use text::{
    Limits, broken, functions, head, left_out, neighbours, over_budget, renamed, unknown,
};
pub use tree::tree;
