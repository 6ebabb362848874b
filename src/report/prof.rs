//! The `.prof` report: the merged profile itself, for pstats and its friends and for
//! further merging.

use super::{Error, Report, View};

/// The merged profile.
#[derive(Clone, Copy, Debug)]
pub struct Prof;

impl Report for Prof {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        Ok(Some(view.profile.encode_with(&view.rows)))
    }
}
