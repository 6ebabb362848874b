//! Reads timeline files: the directory at once, blocks when they are needed.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::fmt;
use std::io;
use std::sync::Arc;

use super::checksum;
use super::damage::Damage;
use super::process::{Block, MOST_WORDS, TimelineNode, TimelineProcess, TimelineThread};
use super::source::{Source, TimelineFile};
use super::{BLOCK_HEADER, HEADER, MAGIC, VERSION, at, block};
use crate::clock::TickRate;
use crate::format::marshal::Reader;
use crate::format::read_error::{ReadError, Reason};
use crate::format::trees::{read_function, read_id, read_number, read_process, read_text};
use crate::model::Process;

/// Reason why a timeline could not be read.
#[derive(Debug)]
pub enum TimelineError {
    /// The system's.
    Io(io::Error),
    /// The file is no timeline, or damaged.
    Read(ReadError),
}

impl fmt::Display for TimelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimelineError::Io(error) => error.fmt(f),
            TimelineError::Read(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TimelineError {}

impl From<io::Error> for TimelineError {
    fn from(error: io::Error) -> TimelineError {
        TimelineError::Io(error)
    }
}

impl From<ReadError> for TimelineError {
    fn from(error: ReadError) -> TimelineError {
        TimelineError::Read(error)
    }
}

/// Bytes of a directory that are read at most: names of a hundred million functions.
const MOST_DIRECTORY: u64 = 1 << 32;

/// Reads the processes of a timeline file, without the words of their blocks. Leaves out damaged
/// parts, which the [file](TimelineProcess::file) then names.
///
/// # Errors
/// The system's; or the file is no timeline, is cut off, or has no process that can be read.
pub fn read(source: Source) -> Result<Vec<TimelineProcess>, TimelineError> {
    let file = TimelineFile::new(source);
    let len = file.len()?;
    let mut header = [0; HEADER];
    if len < HEADER as u64 {
        return Err(truncated(len).into());
    }
    file.read_at(0, &mut header)?;
    if !header.starts_with(&MAGIC) {
        return Err(ReadError::invalid(0, "no timeline").into());
    }
    let version = u32_at(&header, at::VERSION);
    if version > VERSION {
        return Err(ReadError::new(at::VERSION, Reason::Version(version.into())).into());
    }
    let sum = header.get(..at::CHECKSUM).map(checksum::of_bytes);
    if sum != Some(u64_at(&header, at::CHECKSUM)) {
        return Err(ReadError::invalid(0, "the timeline's header is damaged").into());
    }
    let start = u64_at(&header, at::DIRECTORY);
    let end = u64_at(&header, at::DIRECTORY_END);
    if start < HEADER as u64 || end < start || end - start > MOST_DIRECTORY {
        return Err(ReadError::invalid(at::DIRECTORY, "a timeline that was not completed").into());
    }
    if end > len {
        return Err(truncated(len).into());
    }
    if len > end {
        file.damaged(end, Damage::Behind(len - end));
    }
    let mut directory = vec![0; (end - start) as usize];
    file.read_at(start, &mut directory)?;
    read_directory(&directory, &file, start)
}

/// Reads the processes of a directory at `start`.
fn read_directory(
    directory: &[u8],
    file: &Arc<TimelineFile>,
    start: u64,
) -> Result<Vec<TimelineProcess>, TimelineError> {
    let mut processes = Vec::new();
    let mut first_damage = None;
    let mut rest = directory;
    while let Some((head, after)) = rest.split_first_chunk::<16>() {
        let at = start + (directory.len() - rest.len()) as u64;
        let entry_len = usize::try_from(u64_at(head, 0)).unwrap_or(usize::MAX);
        let entry = after.get(..entry_len);
        let is_sound = entry.map(checksum::of_bytes) == Some(u64_at(head, 8));
        let read = match entry.filter(|_| is_sound) {
            Some(entry) => read_entry(entry, file, start),
            None => Err(ReadError::invalid(at as usize, "its directory is damaged").into()),
        };
        match read {
            Ok(process) => processes.push(process),
            Err(TimelineError::Read(error)) => {
                file.damaged(at, Damage::Process);
                first_damage.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
        rest = after.get(entry_len..).unwrap_or_default();
    }
    match first_damage {
        Some(error) if processes.is_empty() => Err(error.into()),
        _ => Ok(processes),
    }
}

pub(super) fn truncated(len: u64) -> ReadError {
    ReadError::new(len as usize, Reason::Truncated)
}

/// Places of an entry's blocks and nodes.
#[derive(Default)]
struct Extents {
    blocks_at: u64,
    blocks: u64,
    nodes_at: u64,
    nodes: u64,
    nodes_checksum: u64,
}

/// Reads one process, whose data ends before `end` in the file.
fn read_entry(
    entry: &[u8],
    file: &Arc<TimelineFile>,
    end: u64,
) -> Result<TimelineProcess, TimelineError> {
    let mut extents = Extents::default();
    let mut rate = 0;
    let mut of = TimelineProcess::new(Process::default(), [0; 16]);
    of.file = Arc::clone(file);
    let mut reader = Reader::new(entry, 0);
    reader.dict(|reader| {
        match reader.string()? {
            b"process" => of.process = read_process(reader)?,
            b"recording" => of.recording = read_id(reader)?,
            b"rate" => rate = read_number(reader)?,
            b"zero_monotonic_ns" => of.clock.zero_monotonic_ns = read_number(reader)?,
            b"zero_unix_ns" => of.clock.zero_unix_ns = read_number(reader)?,
            b"end" => of.end = read_number(reader)?,
            b"complete_from" => of.complete_from = read_number(reader)?,
            b"complete_to" => of.complete_to = read_number(reader)?,
            b"suspended_ns" => of.suspended_ns = read_number(reader)?,
            b"blocks_at" => extents.blocks_at = read_number(reader)?,
            b"blocks" => extents.blocks = read_number(reader)?,
            b"nodes_at" => extents.nodes_at = read_number(reader)?,
            b"nodes" => extents.nodes = read_number(reader)?,
            b"nodes_checksum" => extents.nodes_checksum = read_number(reader)?,
            b"functions" => of.functions = reader.list(read_function)?,
            b"threads" => of.threads = reader.list(read_thread)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    of.clock.rate = TickRate::from_bits(rate)
        .ok_or_else(|| ReadError::invalid(0, "a timeline without a rate of its clock"))?;
    of.nodes = read_nodes(file, &extents, end)?;
    of.blocks = read_blocks(file, &extents, end)?;
    if !of.is_sound() {
        return Err(ReadError::invalid(0, "a timeline of nodes that are not there").into());
    }
    file.count(of.blocks.len());
    Ok(of)
}

fn read_thread(reader: &mut Reader<'_>) -> Result<TimelineThread, ReadError> {
    reader.tuple(3, "a thread's tuple of three", |reader| {
        Ok(TimelineThread {
            root: read_number(reader)?,
            name: read_text(reader)?,
            inherited: read_number::<u32>(reader)?.checked_sub(1),
        })
    })
}

fn read_nodes(
    file: &TimelineFile,
    extents: &Extents,
    end: u64,
) -> Result<Vec<TimelineNode>, TimelineError> {
    let room = end.saturating_sub(extents.nodes_at) / 8;
    if extents.nodes > room {
        return Err(truncated(end).into());
    }
    let mut words = vec![0; extents.nodes as usize];
    file.read_words(extents.nodes_at, &mut words)?;
    if checksum::of_words(words.iter().copied()) != extents.nodes_checksum {
        let at = extents.nodes_at as usize;
        return Err(ReadError::invalid(at, "its nodes are damaged").into());
    }
    let nodes = words.into_iter().map(|word| TimelineNode {
        parent: word as u32,
        function: (word >> 32) as u32,
    });
    Ok(nodes.collect())
}

/// Reads the headers of blocks. Each header says where the next block is, so blocks behind a
/// damaged header are left out.
fn read_blocks(
    file: &TimelineFile,
    extents: &Extents,
    end: u64,
) -> Result<Vec<Block>, TimelineError> {
    let mut blocks = Vec::new();
    let mut at = extents.blocks_at;
    for number in 0..extents.blocks {
        let Some(block) = read_block(file, at, end)? else {
            file.damaged(at, Damage::Blocks(extents.blocks - number));
            break;
        };
        at = at.saturating_add(block.len());
        blocks.push(block);
    }
    blocks.sort_by_key(|block| block.number);
    Ok(blocks)
}

/// Reads the header of the block at `at`, which ends before `end`; `None` if it is damaged.
fn read_block(file: &TimelineFile, at: u64, end: u64) -> io::Result<Option<Block>> {
    let mut header = [0; BLOCK_HEADER];
    let words_at = at.saturating_add(BLOCK_HEADER as u64);
    if words_at > end {
        return Ok(None);
    }
    file.read_at(at, &mut header)?;
    let sum = header.get(..block::HEADER_CHECKSUM).map(checksum::of_bytes);
    let is_sound = sum == Some(u64_at(&header, block::HEADER_CHECKSUM));
    let mut block = block_of(&header, u32_at(&header, block::WORDS), words_at);
    block.checksum = Some(u64_at(&header, block::CHECKSUM));
    let fits = block.words <= MOST_WORDS && at.saturating_add(block.len()) <= end;
    Ok((is_sound && fits).then_some(block))
}

/// The block with that header, whose words are at an offset.
pub(super) fn block_of(header: &[u8; BLOCK_HEADER], words: u32, offset: u64) -> Block {
    Block {
        number: u64_at(header, block::NUMBER),
        start: u64_at(header, block::START),
        node: u32_at(header, block::NODE),
        root: u32_at(header, block::ROOT),
        thread: u32_at(header, block::THREAD),
        overflow: u32_at(header, block::OVERFLOW).min(words),
        words,
        offset,
        checksum: None,
    }
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |&field| u32::from_le_bytes(field))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |&field| u64::from_le_bytes(field))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::damage::FileDamage;
    use super::super::process::{NO_FUNCTION, TimelineClock};
    use super::super::word::{code, word};
    use super::super::writer::TimelineWriter;
    use super::*;
    use crate::model::Function;
    use crate::model::timeline::{CallEnd, Happening};

    /// A process of two blocks in which a function is called at each of two threads.
    fn process() -> (TimelineProcess, [Vec<u64>; 2]) {
        let words = [
            vec![word(1, 5), word(code::RETURN, 7)],
            vec![
                word(3, 1),
                word(code::LATER, 0),
                1 << 33,
                word(code::END_TO, 0),
                0,
            ],
        ];
        let block = |number, root| Block {
            number,
            start: 10,
            node: root,
            root,
            thread: number as u32,
            overflow: 0,
            words: 0,
            offset: 0,
            checksum: None,
        };
        let node = |parent, function| TimelineNode { parent, function };
        let of = TimelineProcess {
            process: Process {
                host: (*b"a host").into(),
                ..Process::default()
            },
            recording: [7; 16],
            clock: TimelineClock {
                rate: TickRate::from_ns_per_tick(0.4).unwrap(),
                zero_monotonic_ns: 1 << 50,
                zero_unix_ns: 1 << 60,
            },
            end: 1 << 34,
            complete_from: 1,
            complete_to: u64::MAX,
            suspended_ns: 3,
            functions: vec![Function::stand_in("f")],
            nodes: vec![
                node(0, NO_FUNCTION),
                node(0, 0),
                node(2, NO_FUNCTION),
                node(2, 0),
            ],
            threads: vec![TimelineThread {
                root: 2,
                name: (*b"worker").into(),
                inherited: Some(1),
            }],
            blocks: vec![block(1, 0), block(2, 2)],
            file: TimelineFile::new(Source::Bytes(Vec::new())),
        };
        (of, words)
    }

    fn file() -> Vec<u8> {
        let (of, words) = process();
        let mut writer = TimelineWriter::new(Cursor::new(Vec::new())).unwrap();
        for _ in 0..2 {
            let read = |block: &Block, to: &mut Vec<u64>| {
                to.extend(&words[block.number as usize - 1]);
                Ok(())
            };
            writer.process_with(&of, read).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_file_has_what_was_written_and_can_be_copied() {
        let mut bytes = file();
        for _ in 0..2 {
            let processes = read(Source::Bytes(bytes)).unwrap();
            assert_eq!(processes.len(), 2);
            let (expected, _) = process();
            let mut writer = TimelineWriter::new(Cursor::new(Vec::new())).unwrap();
            for of in &processes {
                assert_eq!(of.process, expected.process);
                assert_eq!(of.threads, expected.threads);
                assert_eq!(of.forked_in().as_deref(), Some(&b"f"[..]));
                assert_eq!((of.clock, of.end), (expected.clock, expected.end));
                assert_eq!(
                    (&of.nodes, &of.functions),
                    (&expected.nodes, &expected.functions)
                );
                assert_eq!(
                    (of.thread_name(2), of.thread_name(0)),
                    (&b"worker"[..], &b""[..])
                );
                let mut words = Vec::new();
                of.read(&of.blocks[0], &mut words).unwrap();
                let happened: Vec<_> = of.events(&of.blocks[0], &words).collect();
                assert_eq!(happened[0].tick, 15);
                assert_eq!(happened[0].what, Happening::Start(1));
                assert_eq!(happened[1].what, Happening::End(CallEnd::Returned));
                assert_eq!(happened.len(), 2);
                writer.process(of).unwrap();
            }
            bytes = writer.finish().unwrap().into_inner();
        }
        assert_eq!(bytes, file());
    }

    #[test]
    fn every_part_of_a_file_is_refused() {
        let bytes = file();
        for len in 0..bytes.len() {
            assert!(read(Source::Bytes(bytes[..len].to_vec())).is_err(), "{len}");
        }
    }

    /// Reads all of a file, and returns the damage of it.
    fn damage_of(bytes: Vec<u8>) -> Option<FileDamage> {
        let processes = read(Source::Bytes(bytes)).ok()?;
        let mut words = Vec::new();
        for of in &processes {
            for block in &of.blocks {
                of.read(block, &mut words).unwrap();
                assert!(of.events(block, &words).count() <= words.len());
            }
        }
        Some(processes[0].file().damage())
    }

    #[test]
    fn each_damaged_byte_is_noticed() {
        let bytes = file();
        assert!(!damage_of(bytes.clone()).unwrap().is_loss());
        let mut unnoticed = 0;
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x81;
            let is_noticed = damage_of(damaged).is_none_or(|of| of.is_loss());
            assert!(is_noticed || bytes[at] == 0, "byte {at}");
            unnoticed += usize::from(!is_noticed);
        }
        // Zeros behind the checksums of the file's header and of four blocks' headers.
        let behind_blocks = BLOCK_HEADER - block::HEADER_CHECKSUM - 8;
        assert_eq!(unnoticed, HEADER - at::CHECKSUM - 8 + 4 * behind_blocks);
    }

    #[test]
    fn bytes_behind_the_end_are_counted() {
        let bytes = file();
        let longer = [&bytes[..], b"rubbish"].concat();
        let damage = damage_of(longer).unwrap();
        assert_eq!(damage.behind, Some((bytes.len() as u64, 7)));
        assert!(!damage.is_loss());
        assert_eq!((damage.processes, damage.blocks), (2, 4));
    }

    #[test]
    fn of_a_damaged_file_the_rest_is_read() {
        let bytes = file();
        let damaged = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            damage_of(bytes).unwrap()
        };
        // The first block's words, its header, and the second process's entry.
        let of_words = damaged(HEADER + BLOCK_HEADER + 3);
        assert_eq!((of_words.blocks_cut, of_words.processes_left_out), (1, 0));
        assert_eq!(of_words.first, Some((HEADER + BLOCK_HEADER) as u64));
        let of_header = damaged(HEADER + 3);
        assert_eq!((of_header.blocks, of_header.blocks_left_out), (2, 2));
        let of_entry = damaged(bytes.len() - 2);
        assert_eq!((of_entry.processes, of_entry.processes_left_out), (1, 1));
        // A damaged length leaves out the rest of the directory.
        let directory = u64_at(&bytes, at::DIRECTORY) as usize;
        let mut none = bytes.clone();
        none[directory + 5] = 1;
        assert!(damage_of(none).is_none());
    }
}
