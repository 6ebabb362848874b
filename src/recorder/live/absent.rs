//! Stands in for the live file on systems that have none yet.

#[allow(
    dead_code,
    reason = "only live files read it, which this system has not"
)]
#[path = "origin.rs"]
mod origin;
#[allow(
    dead_code,
    reason = "only live files read it, which this system has not"
)]
#[path = "records.rs"]
mod records;

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

pub(crate) use origin::{NodeMemory, Origin};
pub(crate) use records::Record;

use super::recording::Identity;
use crate::clock::TickRate;
use crate::model::Calibration;

/// Whether this machine has live files. Nothing is told where they are missing: nobody
/// can do anything about it.
pub(crate) const SUPPORTED: bool = false;

#[derive(Debug)]
pub(crate) struct LiveFile(Infallible);

impl LiveFile {
    /// # Safety
    /// * None: nothing is done.
    pub(crate) unsafe fn create(
        _: PathBuf,
        _: &Identity,
        _: &Origin,
        _: &[Record],
        _: NodeMemory,
    ) -> io::Result<LiveFile> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn set_rate(&self, _: TickRate) {
        match self.0 {}
    }

    pub(crate) fn set_calibration(&self, _: Calibration) {
        match self.0 {}
    }

    pub(crate) fn set_saved(&self, _: bool) {
        match self.0 {}
    }

    pub(crate) fn write(&mut self, _: &Record) -> io::Result<()> {
        match self.0 {}
    }

    /// # Safety
    /// * None: nothing is done.
    pub(crate) unsafe fn back(&mut self, _: NonNull<u8>, _: usize) -> io::Result<bool> {
        match self.0 {}
    }

    pub(crate) fn remove(&mut self) {
        match self.0 {}
    }

    pub(crate) fn path(&self) -> &Path {
        match self.0 {}
    }

    pub(crate) fn detach(&mut self) {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::clock::ClockSample;

    #[test]
    fn there_is_none() {
        const { assert!(!SUPPORTED) };
        let origin = Origin {
            clock: Clock::Host,
            epoch: 0,
            begin: 0,
            started: ClockSample::now(),
            rate: TickRate::NANOSECOND,
        };
        let nodes = NodeMemory {
            base: NonNull::dangling(),
            committed: 0,
            used: 0,
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let records = [Record::facts(b"host", b"hook")];
        // SAFETY: nothing is done.
        let made =
            unsafe { LiveFile::create(path.clone(), &Identity::new(), &origin, &records, nodes) };
        assert_eq!(made.unwrap_err().kind(), io::ErrorKind::Unsupported);
        assert!(!path.exists());
    }
}
