//! Tests of the library through its public items, and of documents in the repository. They are
//! one program, so that the library is linked once.

#![cfg(feature = "report")]

mod build;
mod c_layers;
mod cycles;
#[cfg(target_os = "linux")]
#[path = "../../fuzz/events.rs"]
mod events;
mod format_prof;
mod format_sidecar;
#[cfg(target_os = "linux")]
mod fuzz_events;
mod fuzz_readers;
mod generate;
mod golden_files;
mod header;
mod header_page;
mod layers;
mod live_file;
#[cfg(target_os = "linux")]
#[path = "../../fuzz/naive.rs"]
mod naive;
mod pictures;
mod profile_compensate;
mod profile_diff;
mod profile_forked;
mod profile_frames;
mod profile_group;
mod profile_merge;
mod profile_processes;
mod profile_rows;
mod profile_select;
mod profile_singledispatch;
mod profile_trees;
mod program_tree;
mod pstats_text;
#[path = "../../fuzz/readers.rs"]
mod readers;
mod requests;
mod summary;
mod tasks;
mod terminal_tree;
mod third_party;
#[path = "../support/timeline.rs"]
mod timeline;
mod timeline_calls;
mod timeline_exports;
mod timeline_lanes;
mod timeline_windows;
mod unfinished;
