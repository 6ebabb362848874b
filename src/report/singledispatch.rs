//! The `.singledispatch` report: how often each caller reached each implementation of a generic
//! function. It is made only if there is a generic function.

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
