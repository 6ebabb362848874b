//! The header of a live file: what it is made from, and its mapped page.

use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Relaxed, Release},
};

use super::mapping::Mapping;
use crate::clock::{Clock, ClockSample, TickRate};
use crate::format::calibration;
use crate::format::live::{
    HEADER, IS_RESULT, MAGIC, MOST_COSTS, SEGMENTS, SUPERSEDED, VERSION, at,
};
use crate::model::{Calibration, ProcessIdentity, RecordingId};

/// Facts of the header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveHeader {
    pub(crate) id: RecordingId,
    pub(crate) pid: u32,
    pub(crate) start_unix_ns: u64,
    /// Processor time of the process when recording began; 0 if waiting is not recorded.
    pub(crate) processor_before_ns: u64,
    pub(crate) anchor: ClockAnchor,
}

/// Ties the ticks of a recording to the system's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockAnchor {
    pub(crate) clock: Clock,
    /// Reading of the clock at tick 0.
    pub(crate) epoch: u64,
    /// Tick at which recording began.
    pub(crate) begin: u64,
    pub(crate) started: ClockSample,
    pub(crate) rate: TickRate,
}

/// Relation of a live file to the `.prof`.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum Saved {
    /// More may come.
    NotYet = 0,
    /// Saved for the last time.
    AtExit = 1,
    /// The file counts for nothing.
    Superseded = SUPERSEDED,
    /// There is no `.prof`, and the file has all.
    IsResult = IS_RESULT,
}

/// The memory of the nodes that are there already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeMemory {
    pub(crate) base: NonNull<u8>,
    /// Bytes that may be written, in whole pages.
    pub(crate) committed: usize,
    /// Bytes at the front that may hold nodes; zeros follow.
    pub(crate) used: usize,
}

/// The header of a file, in memory.
#[derive(Debug)]
pub(super) struct MappedHeader {
    page: Mapping,
    segments: usize,
}

impl MappedHeader {
    pub(super) fn new(page: Mapping) -> MappedHeader {
        debug_assert!(page.len() >= HEADER);
        MappedHeader { page, segments: 0 }
    }

    /// Address of its first byte.
    pub(super) fn address(&self) -> usize {
        self.page.start().addr().get()
    }

    pub(super) fn write(&self, header: &LiveHeader) {
        let anchor = &header.anchor;
        let own = ProcessIdentity::own();
        self.store_u32(at::VERSION, VERSION);
        self.store_u32(at::PID, header.pid);
        self.store_u32(at::PARENT_PID, std::os::unix::process::parent_id());
        let clock = match anchor.clock {
            Clock::Tsc => 0,
            Clock::Monotonic => 1,
            Clock::Cpu => 2,
            Clock::Host => 3,
        };
        self.store_u32(at::CLOCK, clock);
        self.store_16(at::ID, header.id);
        self.store_16(at::BOOT_ID, own.boot_id);
        self.store_u64(at::PID_NAMESPACE, own.pid_namespace);
        self.store_u64(at::PROCESS_START, own.start);
        self.store_u64(at::PROGRAM, own.program);
        self.store_u64(at::START_UNIX_NS, header.start_unix_ns);
        self.store_u64(at::PROCESSOR_BEFORE_NS, header.processor_before_ns);
        self.store_u64(at::EPOCH, anchor.epoch);
        self.store_u64(at::BEGIN, anchor.begin);
        self.store_u64(at::MOMENT_TSC, anchor.started.tsc);
        self.store_u64(at::MOMENT_NS, anchor.started.monotonic_ns);
        self.store_u64(at::MOMENT_SUSPENDED, anchor.started.suspended_ns);
        self.set_rate(anchor.rate);
        let resolution = match anchor.clock {
            Clock::Tsc | Clock::Host => 0.0,
            clock => clock.resolution_ns(anchor.rate),
        };
        self.store_u64(at::RESOLUTION, resolution.to_bits());
    }

    /// Marks the file as complete.
    pub(super) fn finish(&self) {
        self.store_u64(0, u64::from_le_bytes(MAGIC));
    }

    pub(super) fn set_rate(&self, rate: TickRate) {
        self.store_u64(at::RATE, rate.to_bits());
    }

    pub(super) fn set_saved(&self, saved: Saved) {
        self.store_u32(at::SAVED, saved as u32);
    }

    pub(super) fn set_unsaved_calls(&self, calls: u64) {
        self.store_u64(at::UNSAVED_CALLS, calls);
    }

    pub(super) fn set_unnoticed_entries(&self, entries: u32) {
        self.store_u32(at::UNNOTICED_ENTRIES, entries);
    }

    pub(super) fn set_estimated_waits(&self, waits: u32) {
        self.store_u32(at::ESTIMATED_WAITS, waits);
    }

    pub(super) fn set_calibration(&self, calibration: Calibration) {
        let numbers = calibration::numbers(&calibration);
        const { assert!(calibration::NUMBERS <= MOST_COSTS) };
        for (place, number) in (0..).zip(numbers) {
            self.store_u32(at::COSTS + 4 * place, number);
        }
        self.store_u32(at::COST_COUNT, numbers.len() as u32);
    }

    /// Returns true if the directory has room for another segment.
    pub(super) fn has_room(&self) -> bool {
        self.segments < SEGMENTS
    }

    pub(super) fn add_segment(&mut self, offset: u64, len: u64) {
        if self.has_room() {
            let at = at::DIRECTORY + 16 * self.segments;
            self.store_u64(at, offset);
            self.store_u64(at + 8, len);
            self.segments += 1;
        }
    }

    /// Number of forked children that could make no file and have saved nothing.
    pub(super) fn unsaved_children(&self) -> &AtomicU32 {
        self.u32_at(at::UNSAVED_CHILDREN)
    }

    fn u32_at(&self, at: usize) -> &AtomicU32 {
        debug_assert!(at % 4 == 0 && at + 4 <= HEADER);
        // SAFETY: an aligned place in the mapped header, whose fields all processes touch
        // through atomics alone.
        unsafe { AtomicU32::from_ptr(self.page.start().add(at).cast().as_ptr()) }
    }

    fn store_u32(&self, at: usize, value: u32) {
        self.u32_at(at).store(value, Relaxed);
    }

    fn store_u64(&self, at: usize, value: u64) {
        debug_assert!(at % 8 == 0 && at + 8 <= HEADER);
        // SAFETY: as in `u32_at`. Released, so that what a field announces is there.
        unsafe { AtomicU64::from_ptr(self.page.start().add(at).cast().as_ptr()) }
            .store(value, Release);
    }

    fn store_16(&self, at: usize, bytes: [u8; 16]) {
        let value = u128::from_le_bytes(bytes);
        self.store_u64(at, value as u64);
        self.store_u64(at + 8, (value >> 64) as u64);
    }
}
