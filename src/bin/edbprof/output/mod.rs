//! Writes a merged profile to files: chooses formats and paths, and protects files that exist.

pub(crate) mod browser;
pub(crate) mod formats;
pub(crate) mod overwrite_guard;
pub(crate) mod targets;
mod view;

pub(crate) use view::with_view;
