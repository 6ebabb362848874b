//! The merged, immutable value that every report is written from, and what is
//! computed on it.

#![deny(unsafe_code)]

pub mod attribution;
pub mod compensate;
pub mod estimate;
pub mod frames;
#[cfg(feature = "report")]
pub mod group;
pub mod join;
pub mod merge;
pub mod native_name;
#[cfg(feature = "report")]
pub mod processes;
mod ran_in;
#[cfg(feature = "report")]
mod reshape;
pub mod rows;
#[cfg(feature = "report")]
pub mod select;
pub mod singledispatch;
pub mod threshold;
mod tree_builder;
pub(crate) mod walk;
