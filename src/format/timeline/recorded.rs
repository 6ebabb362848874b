//! Reads the history file of a process that runs or was killed, with its live file.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::io;

use super::checksum;
use super::damage::Damage;
use super::process::{
    Block, MOST_WORDS, TimelineClock, TimelineNode, TimelineProcess, TimelineThread,
};
use super::reader::{TimelineError, block_of, truncated, u32_at, u64_at};
use super::source::{Source, TimelineFile};
use super::{BLOCK, BLOCK_HEADER, HISTORY_HEADER, HISTORY_MAGIC, VERSION, block, history};
use crate::format::live::{Now, Tables, tables};
use crate::format::read_error::{ReadError, Reason};
use crate::model::Ending;

/// Reads a history file, without the words of its blocks. `live` is the content of the live file
/// beside it. Blocks that its nodes don't explain are left out.
///
/// # Errors
/// The system's; or one of the files is of another kind, or they are of two recordings.
pub fn read_recorded(
    source: Source,
    live: &[u8],
    now: Now,
) -> Result<TimelineProcess, TimelineError> {
    let file = TimelineFile::new(source);
    let len = file.len()?;
    let mut header = [0; 64];
    if len < HISTORY_HEADER as u64 {
        return Err(truncated(len).into());
    }
    file.read_at(0, &mut header)?;
    if !header.starts_with(&HISTORY_MAGIC) {
        return Err(ReadError::invalid(0, "no call history").into());
    }
    let version = u32_at(&header, history::VERSION);
    if version > VERSION {
        return Err(ReadError::new(history::VERSION, Reason::Version(version.into())).into());
    }
    let Tables {
        id,
        process,
        rate,
        zero_monotonic_ns,
        zero_unix_ns,
        end,
        functions,
        nodes,
        threads,
    } = tables(live, now)?;
    let own = header.get(history::ID..history::ID + id.len());
    if own != Some(&id) {
        return Err(
            ReadError::invalid(history::ID, "the call history of another recording").into(),
        );
    }
    let complete_to = u64_at(&header, history::COMPLETE_TO);
    let room = len - HISTORY_HEADER as u64;
    let recorded = u64_at(&header, history::BLOCKS);
    let blocks = recorded.min(room / BLOCK as u64);
    if blocks < recorded {
        file.damaged(len, Damage::Blocks(recorded - blocks));
    }
    if room % BLOCK as u64 > 0 && blocks == recorded {
        let behind = room % BLOCK as u64;
        file.damaged(len - behind, Damage::Behind(behind));
    }
    let is_over = process.ending != Ending::Running;
    let given_up = u64_at(&header, history::GIVEN_UP);
    let mut of = TimelineProcess {
        process,
        recording: id,
        clock: TimelineClock {
            rate,
            zero_monotonic_ns,
            zero_unix_ns,
        },
        end,
        complete_from: u64_at(&header, history::COMPLETE_FROM).max(1),
        complete_to: if complete_to == 0 {
            u64::MAX
        } else {
            complete_to
        },
        suspended_ns: 0,
        functions,
        nodes: nodes
            .into_iter()
            .map(|(parent, function)| TimelineNode { parent, function })
            .collect(),
        threads: threads
            .into_iter()
            .map(|(root, name, inherited)| TimelineThread {
                root,
                name,
                inherited,
            })
            .collect(),
        blocks: read_blocks(&file, blocks, (is_over, given_up))?,
        file,
    };
    let unsound = of.leave_out_unsound();
    // A process that continues makes nodes after its live file was read.
    if let (Some(block), true) = (unsound.first(), is_over) {
        let blocks = Damage::Blocks(unsound.len() as u64);
        of.file.damaged(block.offset - BLOCK_HEADER as u64, blocks);
    }
    of.file.count(of.blocks.len());
    Ok(of)
}

/// Reads the headers of blocks. Checks checksums only if the process has ended, because a running
/// one may use a block again meanwhile. `given_up`, counted from 1, is a block that may be about to
/// be used again.
fn read_blocks(
    file: &TimelineFile,
    count: u64,
    (is_over, given_up): (bool, u64),
) -> Result<Vec<Block>, TimelineError> {
    let mut blocks = Vec::new();
    for index in 0..count {
        let at = HISTORY_HEADER as u64 + index * BLOCK as u64;
        let mut header = [0; BLOCK_HEADER];
        file.read_at(at, &mut header)?;
        let mut block = block_of(&header, MOST_WORDS, at + BLOCK_HEADER as u64);
        if !is_over {
            blocks.extend((block.number != 0).then_some(block));
            continue;
        }
        let sum = header.get(..block::CHECKSUM).map(checksum::of_bytes);
        let is_sound = match block.number {
            0 => index + 1 == given_up || is_empty(file, at)?,
            _ => sum == Some(u64_at(&header, block::HEADER_CHECKSUM)),
        };
        if !is_sound {
            file.damaged(at, Damage::Blocks(1));
        } else if block.number != 0 {
            let sum = u64_at(&header, block::CHECKSUM);
            block.checksum = (sum != 0).then_some(sum);
            blocks.push(block);
        }
    }
    blocks.sort_by_key(|block| block.number);
    Ok(blocks)
}

/// Returns true if the block at `at` has zeros alone.
fn is_empty(file: &TimelineFile, at: u64) -> io::Result<bool> {
    let mut bytes = [0; BLOCK];
    file.read_at(at, &mut bytes)?;
    Ok(bytes.iter().all(|&byte| byte == 0))
}
