//! Reading timeline files: the directory at once, blocks when they are needed.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::fmt;
use std::io;
use std::sync::Arc;

use super::process::{Block, MOST_WORDS, TimelineNode, TimelineProcess, TimelineThread};
use super::source::Source;
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

/// Reads the processes of a timeline file, without the words of their blocks.
///
/// # Errors
/// The system's; a file that is none, is cut off, or contradicts itself.
pub fn read(source: Source) -> Result<Vec<TimelineProcess>, TimelineError> {
    let len = source.len()?;
    let mut header = [0; HEADER];
    if len < HEADER as u64 {
        return Err(truncated(len).into());
    }
    source.read_at(0, &mut header)?;
    if !header.starts_with(&MAGIC) {
        return Err(ReadError::invalid(0, "no timeline").into());
    }
    let version = u32_at(&header, at::VERSION);
    if version > VERSION {
        return Err(ReadError::new(at::VERSION, Reason::Version(version.into())).into());
    }
    let start = u64_at(&header, at::DIRECTORY);
    let end = u64_at(&header, at::DIRECTORY_END);
    if start < HEADER as u64 || end < start || end - start > MOST_DIRECTORY {
        return Err(ReadError::invalid(at::DIRECTORY, "a timeline that was not completed").into());
    }
    if end > len {
        return Err(truncated(len).into());
    }
    let mut directory = vec![0; (end - start) as usize];
    source.read_at(start, &mut directory)?;
    let source = Arc::new(source);
    let mut processes = Vec::new();
    let mut rest = directory.as_slice();
    while let Some((entry_len, after)) = rest.split_first_chunk::<8>() {
        let entry_len = usize::try_from(u64::from_le_bytes(*entry_len)).unwrap_or(usize::MAX);
        let entry = after.get(..entry_len).ok_or_else(|| truncated(len))?;
        processes.push(read_entry(entry, &source, start)?);
        rest = after.get(entry_len..).unwrap_or_default();
    }
    Ok(processes)
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
}

/// Reads one process; what it has lies before `end` in the file.
fn read_entry(
    entry: &[u8],
    source: &Arc<Source>,
    end: u64,
) -> Result<TimelineProcess, TimelineError> {
    let mut extents = Extents::default();
    let mut rate = 0;
    let mut of = TimelineProcess::new(Process::default(), [0; 16]);
    of.source = Arc::clone(source);
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
            b"functions" => of.functions = reader.list(read_function)?,
            b"threads" => of.threads = reader.list(read_thread)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    of.clock.rate = TickRate::from_bits(rate)
        .ok_or_else(|| ReadError::invalid(0, "a timeline without a rate of its clock"))?;
    of.nodes = read_nodes(source, &extents, end)?;
    of.blocks = read_blocks(source, &extents, end)?;
    if !of.is_sound() {
        return Err(ReadError::invalid(0, "a timeline of nodes that are not there").into());
    }
    Ok(of)
}

fn read_thread(reader: &mut Reader<'_>) -> Result<TimelineThread, ReadError> {
    reader.tuple(2, "a thread's tuple of two", |reader| {
        Ok(TimelineThread {
            root: read_number(reader)?,
            name: read_text(reader)?,
        })
    })
}

fn read_nodes(
    source: &Source,
    extents: &Extents,
    end: u64,
) -> Result<Vec<TimelineNode>, TimelineError> {
    let room = end.saturating_sub(extents.nodes_at) / 8;
    if extents.nodes > room {
        return Err(truncated(end).into());
    }
    let mut words = vec![0; extents.nodes as usize];
    source.read_words(extents.nodes_at, &mut words)?;
    let nodes = words.into_iter().map(|word| TimelineNode {
        parent: word as u32,
        function: (word >> 32) as u32,
    });
    Ok(nodes.collect())
}

fn read_blocks(source: &Source, extents: &Extents, end: u64) -> Result<Vec<Block>, TimelineError> {
    let mut blocks = Vec::new();
    let mut at = extents.blocks_at;
    for _ in 0..extents.blocks {
        let mut header = [0; BLOCK_HEADER];
        let words_at = at.saturating_add(BLOCK_HEADER as u64);
        if words_at > end {
            return Err(truncated(end).into());
        }
        source.read_at(at, &mut header)?;
        let block = block_of(&header, u32_at(&header, block::WORDS), words_at);
        at = at.saturating_add(block.len());
        if block.words > MOST_WORDS || at > end {
            return Err(truncated(end).into());
        }
        blocks.push(block);
    }
    blocks.sort_by_key(|block| block.number);
    Ok(blocks)
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
            }],
            blocks: vec![block(1, 0), block(2, 2)],
            source: Arc::new(Source::Bytes(Vec::new())),
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

    #[test]
    fn no_damaged_byte_makes_the_reader_panic() {
        let bytes = file();
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let Ok(processes) = read(Source::Bytes(damaged)) else {
                    continue;
                };
                let mut words = Vec::new();
                for of in &processes {
                    for block in &of.blocks {
                        if of.read(block, &mut words).is_ok() {
                            assert!(of.events(block, &words).count() <= words.len());
                        }
                    }
                }
            }
        }
    }
}
