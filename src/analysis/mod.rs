//! The merged, immutable value that every report is written from, and what is
//! computed on it.

#![deny(unsafe_code)]

pub mod attribution;
pub mod compensate;
pub mod estimate;
pub mod frames;
pub mod group;
pub mod join;
mod kind_table;
pub mod merge;
pub mod native_name;
mod occurrences;
pub mod processes;
mod reshape;
pub mod rows;
pub mod select;
pub mod singledispatch;
pub mod threshold;
