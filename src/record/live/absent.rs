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

pub(crate) use origin::Origin;
pub(crate) use records::Record;

use super::clock::TickRate;
use super::recording::Identity;
use crate::format::trees::Calibration;

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
        _: NonNull<u8>,
        _: usize,
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
