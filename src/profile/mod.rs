//! The merged, immutable value that every report is written from, and what is
//! computed on it.

pub mod frames;
