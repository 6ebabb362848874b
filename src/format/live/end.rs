//! Facts about the end of a process, noted in its live file by a process that saw the end.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::log::Bytes;
use super::{HEADER, MAGIC, VERSION, at};
use crate::clock::ClockSample;

/// Numbers of the clocks that all threads and processes share.
const TSC: u32 = 0;
const MONOTONIC: u32 = 1;

/// Time at which the end of a process was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTime(ClockSample);

impl EndTime {
    /// Returns the time now.
    pub fn now() -> EndTime {
        EndTime(ClockSample::now())
    }

    /// Returns true if all threads and processes share the clock with that number.
    pub(super) fn is_of_all(clock: u32) -> bool {
        matches!(clock, TSC | MONOTONIC)
    }

    /// Returns the reading of the clock with that number, if others than the process itself can
    /// read it.
    pub(super) fn reading(self, clock: u32) -> Option<u64> {
        match clock {
            TSC => Some(self.0.tsc),
            MONOTONIC => Some(self.0.monotonic_ns),
            _ => None,
        }
    }
}

/// Notes in a live file, open for reading and writing, that its process had ended at `time`.
/// Calls that are open in the file last until then. `processor_ns`: processor time of the process,
/// 0 if it is unknown. A time that is there already stays.
///
/// # Errors
/// The file is no live file of this version, or can't be written.
pub fn note_end(
    mut file: impl Read + Write + Seek,
    time: EndTime,
    processor_ns: u64,
) -> io::Result<()> {
    let mut bytes = vec![0; HEADER];
    file.read_exact(&mut bytes)?;
    let header = Bytes(&bytes);
    if header.array(0) != MAGIC || header.u32(at::VERSION) != VERSION {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if header.u64(at::PROCESSOR_NS) == 0 {
        file.seek(SeekFrom::Start(at::PROCESSOR_NS as u64))?;
        file.write_all(&processor_ns.to_le_bytes())?;
    }
    let is_noted = header.u64(at::ENDED) != 0;
    let Some(reading) = time.reading(header.u32(at::CLOCK)).filter(|_| !is_noted) else {
        return Ok(());
    };
    file.seek(SeekFrom::Start(at::ENDED as u64))?;
    file.write_all(&reading.to_le_bytes())
}

/// Notes in a live file, open for writing, that its process has ended by itself. Only a process
/// that saw its exit status knows this, because the file alone looks like that of a killed process.
///
/// # Errors
/// The file can't be written.
pub fn note_exit(mut file: impl Write + Seek) -> io::Result<()> {
    file.seek(SeekFrom::Start(at::SAVED as u64))?;
    file.write_all(&1_u32.to_le_bytes())
}
