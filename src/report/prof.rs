//! The `.prof` report: the merged profile itself, for pstats, for tools that read its files, and
//! for further merging.

use super::{Error, Report, Streamed, View, rendered};

/// The merged profile.
#[derive(Clone, Copy, Debug)]
pub struct Prof;

impl Report for Prof {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        rendered(self.streamed(view))
    }

    fn streamed<'v>(&'v self, view: &'v View<'_>) -> Option<Streamed<'v>> {
        Some(Box::new(|out| view.profile.write_to(out, &view.rows)))
    }
}
