//! Collects the damage that readers find in a timeline's file.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Damage at a place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// So many bytes are behind the end of the timeline.
    Behind(u64),
    /// A process can't be read.
    Process,
    /// So many blocks of a process can't be read.
    Blocks(u64),
    /// Words of a block are no events, or not those that were written.
    Words,
}

/// All known damage of a file. Blocks are read late, so more may be found at any time.
#[derive(Debug, Default)]
pub(super) struct Damages {
    /// By offset, so that each place counts once.
    places: Mutex<BTreeMap<u64, Damage>>,
}

impl Damages {
    /// Notes damage at `offset`.
    pub(super) fn add(&self, offset: u64, damage: Damage) {
        let places = self.places.lock();
        let mut places = places.unwrap_or_else(std::sync::PoisonError::into_inner);
        places.insert(offset, damage);
    }

    /// Returns the damage known so far, for a file in which so many processes and blocks can be
    /// read.
    pub(super) fn found(&self, processes: u64, blocks: u64) -> FileDamage {
        let mut found = FileDamage {
            processes,
            blocks,
            ..FileDamage::default()
        };
        let places = self.places.lock();
        let places = places.unwrap_or_else(std::sync::PoisonError::into_inner);
        for (&offset, &damage) in &*places {
            if let Damage::Behind(bytes) = damage {
                found.behind = Some((offset, bytes));
                continue;
            }
            found.first = Some(found.first.unwrap_or(offset));
            found.places += 1;
            match damage {
                Damage::Process => found.processes_left_out += 1,
                Damage::Blocks(blocks) => found.blocks_left_out += blocks,
                Damage::Words => found.blocks_cut += 1,
                Damage::Behind(_) => {}
            }
        }
        found
    }
}

/// Damage of a timeline's file, as far as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileDamage {
    /// Offset and number of bytes that follow the timeline's end.
    pub behind: Option<(u64, u64)>,
    /// Offset of the first place that is damaged.
    pub first: Option<u64>,
    /// Number of such places.
    pub places: u64,
    /// Number of processes that can be read.
    pub processes: u64,
    /// Number of those that can't.
    pub processes_left_out: u64,
    /// Number of blocks of the processes that can be read.
    pub blocks: u64,
    /// Number of further blocks that can't be read.
    pub blocks_left_out: u64,
    /// Number of blocks whose events are left out from a damaged byte on, or altogether.
    pub blocks_cut: u64,
}

impl FileDamage {
    /// Returns true if something of the timeline is lost.
    pub fn is_loss(&self) -> bool {
        self.places > 0
    }
}
