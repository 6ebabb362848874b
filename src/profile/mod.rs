//! The merged, immutable value that every report is written from, and what is
//! computed on it.

#![deny(unsafe_code)]

pub mod frames;
pub mod rows;
pub mod singledispatch;
mod walk;
