//! The merged, immutable value that every report is written from, and what is
//! computed on it.

#![deny(unsafe_code)]

pub mod attribution;
pub mod compensate;
pub mod estimate;
pub mod frames;
pub mod join;
pub mod merge;
mod pair_hash;
mod ran_in;
pub mod rows;
pub mod singledispatch;
pub mod threshold;
mod tree_builder;
pub(crate) mod walk;
