//! The `.singledispatch` report: which caller reached which implementation through
//! which generic function. Made only where there is a generic function.

use super::{Error, Report, View};
use crate::format::sidecar;

/// The sidecar of the merged profile.
#[derive(Clone, Copy, Debug)]
pub struct SingleDispatch;

impl Report for SingleDispatch {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let calls = view.profile.dispatch_counts();
        Ok((!calls.is_empty()).then(|| sidecar::encode(&calls)))
    }
}
