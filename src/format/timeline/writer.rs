//! Writes timeline files.

use std::io::{self, Seek, SeekFrom, Write};

use super::checksum;
use super::process::{Block, TimelineNode, TimelineProcess};
use super::word::used_words;
use super::{BLOCK_HEADER, HEADER, MAGIC, VERSION, at, block};
use crate::format::marshal::Writer;
use crate::format::trees::{write_function, write_number, write_process};

/// Writes a timeline file, one process after the other, in any order.
#[derive(Debug)]
pub struct TimelineWriter<W> {
    out: W,
    /// Bytes written.
    len: u64,
    /// One marshal object for each process.
    directory: Vec<Vec<u8>>,
}

impl<W: Write + Seek> TimelineWriter<W> {
    /// Begins a file at the beginning of `out`, which is empty.
    ///
    /// # Errors
    /// The system's.
    pub fn new(mut out: W) -> io::Result<TimelineWriter<W>> {
        out.write_all(&[0; HEADER])?;
        Ok(TimelineWriter {
            out,
            len: HEADER as u64,
            directory: Vec::new(),
        })
    }

    /// Adds a process, whose blocks are copied one by one from the file that they are in.
    ///
    /// # Errors
    /// Those of reading and writing.
    pub fn process(&mut self, process: &TimelineProcess) -> io::Result<()> {
        self.process_with(process, |block, words| process.read(block, words))
    }

    /// Adds a process. `read` puts the words of a block into an empty vector.
    ///
    /// # Errors
    /// Those of writing and of `read`.
    pub fn process_with(
        &mut self,
        process: &TimelineProcess,
        mut read: impl FnMut(&Block, &mut Vec<u64>) -> io::Result<()>,
    ) -> io::Result<()> {
        let blocks_at = self.len;
        let mut words = Vec::new();
        for block in &process.blocks {
            words.clear();
            read(block, &mut words)?;
            words.truncate(used_words(&words));
            self.write(&header_of(block, &words))?;
            self.write_words(&words)?;
        }
        let nodes_at = self.len;
        let nodes: Vec<u64> = process.nodes.iter().map(word_of_node).collect();
        self.write_words(&nodes)?;
        let extents = Extents {
            blocks_at,
            nodes_at,
            nodes_checksum: checksum::of_words(nodes.iter().copied()),
        };
        self.directory.push(entry(process, &extents));
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> io::Result<W> {
        let start = self.len;
        for entry in std::mem::take(&mut self.directory) {
            self.write(&(entry.len() as u64).to_le_bytes())?;
            self.write(&checksum::of_bytes(&entry).to_le_bytes())?;
            self.write(&entry)?;
        }
        let mut header = [0; HEADER];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &MAGIC);
        put(at::VERSION, &VERSION.to_le_bytes());
        put(at::DIRECTORY, &start.to_le_bytes());
        put(at::DIRECTORY_END, &self.len.to_le_bytes());
        let sum = checksum::of_bytes(&header[..at::CHECKSUM]);
        header[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn write_words(&mut self, words: &[u64]) -> io::Result<()> {
        const AT_ONCE: usize = 1024;
        let mut bytes = [0; 8 * AT_ONCE];
        for part in words.chunks(AT_ONCE) {
            for (bytes, word) in bytes.chunks_exact_mut(8).zip(part) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            self.write(&bytes[..8 * part.len()])?;
        }
        Ok(())
    }
}

fn header_of(of: &Block, words: &[u64]) -> [u8; BLOCK_HEADER] {
    let mut header = [0; BLOCK_HEADER];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(block::NUMBER, &of.number.to_le_bytes());
    put(block::START, &of.start.to_le_bytes());
    put(block::NODE, &of.node.to_le_bytes());
    put(block::ROOT, &of.root.to_le_bytes());
    put(block::THREAD, &of.thread.to_le_bytes());
    put(block::OVERFLOW, &of.overflow.to_le_bytes());
    put(block::WORDS, &(words.len() as u32).to_le_bytes());
    put(
        block::CHECKSUM,
        &checksum::of_words(words.iter().copied()).to_le_bytes(),
    );
    let sum = checksum::of_bytes(&header[..block::HEADER_CHECKSUM]);
    header[block::HEADER_CHECKSUM..][..8].copy_from_slice(&sum.to_le_bytes());
    header
}

fn word_of_node(node: &TimelineNode) -> u64 {
    u64::from(node.function) << 32 | u64::from(node.parent)
}

/// Places of a process's blocks and nodes.
struct Extents {
    blocks_at: u64,
    nodes_at: u64,
    nodes_checksum: u64,
}

/// The process's dict in the directory.
fn entry(process: &TimelineProcess, extents: &Extents) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.dict();
    writer.text(b"process");
    write_process(&mut writer, &process.process);
    writer.text(b"recording");
    writer.bytes(&process.recording);
    for (key, value) in [
        (&b"rate"[..], process.clock.rate.to_bits()),
        (b"zero_monotonic_ns", process.clock.zero_monotonic_ns),
        (b"zero_unix_ns", process.clock.zero_unix_ns),
        (b"end", process.end),
        (b"complete_from", process.complete_from),
        (b"complete_to", process.complete_to),
        (b"suspended_ns", process.suspended_ns),
        (b"blocks_at", extents.blocks_at),
        (b"blocks", process.blocks.len() as u64),
        (b"nodes_at", extents.nodes_at),
        (b"nodes", process.nodes.len() as u64),
        (b"nodes_checksum", extents.nodes_checksum),
    ] {
        write_number(&mut writer, key, value);
    }
    writer.text(b"functions");
    writer.list(process.functions.len());
    for function in &process.functions {
        write_function(&mut writer, function);
    }
    writer.text(b"threads");
    writer.list(process.threads.len());
    for thread in &process.threads {
        writer.tuple(3);
        writer.int(thread.root.into());
        writer.text(&thread.name);
        writer.int(
            thread
                .inherited
                .map_or(0, |inherited| i128::from(inherited) + 1),
        );
    }
    writer.end_dict();
    writer.finish()
}
