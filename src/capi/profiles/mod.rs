//! Profiles as data: the second part of the C ABI, in a library of its own.
//!
//! Recorders run in programs of others, so their library must not grow. This part reads files,
//! merges them and gives their figures as columns. A host of it links the library that is built
//! with the feature `profiles`, which has all of the recorder's functions too.
//!
//! | module | content |
//! |---|---|
//! | `failure` | reasons why something can't be read |
//! | `source` | reading and merging files |
//! | `column` | the columns, and how they cross the boundary |
//! | `data` | columns of a profile |
//! | `compared` | columns of two profiles that are compared |
//! | `functions` | what hosts call |

mod column;
mod compared;
mod data;
mod failure;
mod functions;
mod source;

pub use column::*;
pub use failure::*;
pub use functions::*;
pub use source::*;
