//! Merging recordings into one value, and computing the values that reports show.
//!
//! | module | content |
//! |---|---|
//! | [`merge_request`] | the part of a file that is merged, in groups by process or thread |
//! | [`select`] | what patterns choose |
//! | [`by_label`] | functions, and figures of nodes, by the labels of pstats rows |
//! | [`merge`] | many files as one [`merge::Profile`] |
//! | [`compensate`] | times without the cost of recording |
//! | [`diff`] | two profiles compared |
//! | `limits` | rules and budgets that figures must keep |
//! | [`display_tree`] | the tree that reports show; [`singledispatch`] and [`estimate`] help |
//! | [`merge_siblings`], [`prune`], [`invert`] | other forms of that tree |
//! | [`tasks`] | coroutines below those that await them |
//! | [`processes`], [`process_text`] | which recordings are of one process, and its facts |
//! | [`timeline`] | single calls, in their order |
//! | [`interval`] | what was recorded between two readings |
//! | [`runs`] | which processes are of one run |

#![deny(unsafe_code)]
#![cfg_attr(
    not(feature = "report"),
    allow(dead_code, reason = "some of it serves reports only")
)]

mod apply_selection;
pub mod by_label;
pub mod compensate;
mod costed_tree;
pub mod diff;
pub mod display_tree;
pub mod estimate;
mod group_roots;
pub mod interval;
pub mod invert;
mod kind_table;
#[cfg(feature = "report")]
pub mod limits;
pub mod merge;
pub mod merge_request;
pub mod merge_siblings;
mod occurrences;
pub mod process_text;
pub mod processes;
pub mod prune;
pub mod rows;
pub mod runs;
pub mod select;
pub mod singledispatch;
mod subtree;
pub mod tasks;
pub mod timeline;
