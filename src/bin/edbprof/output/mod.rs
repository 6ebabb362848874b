//! The way from a merged profile to files: formats, places, and care for files already there.

pub(crate) mod browser;
pub(crate) mod formats;
pub(crate) mod overwrite_guard;
pub(crate) mod targets;
mod view;

pub(crate) use view::with_view;
