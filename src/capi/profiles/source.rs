//! Sources of profiles, read in parallel and merged.

use std::path::Path;
use std::slice;
use std::thread::available_parallelism;

use rayon::prelude::*;

use super::failure::Failure;
use crate::analysis::merge::{Merged, Merger, Profile};
use crate::analysis::merge_request::{By, MergeRequest};
use crate::analysis::select::SelectionId;
use crate::capi::edbprof_str;
use crate::format::bounded::read_bounded;
use crate::format::extent::{profile_goes_on, sidecar_goes_on};
use crate::format::live::{self, Now};
use crate::format::prof::{self, PlainInputs, ProfFile};
use crate::format::pstats::Entries;
use crate::format::regular_file::open_regular;
use crate::format::{foreign, sidecar, timeline};
use crate::model::{Labels, Process};

/// A profile to read: the path of a file, or its content.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct edbprof_source {
    /// Path of a file. If it is NULL, `content` is read instead.
    pub path: edbprof_str,
    /// Content of a file.
    pub content: edbprof_str,
}

/// A source that can't change while it is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    File(&'a Path),
    Content(&'a [u8]),
}

impl<'a> Source<'a> {
    /// Returns the sources that the host gave.
    ///
    /// # Errors
    /// A path has a NUL byte.
    ///
    /// # Safety
    /// * `len` sources can be read at `sources`, or it is NULL.
    /// * They, and what they point to, do not change while the result is used.
    pub(super) unsafe fn all(
        sources: *const edbprof_source,
        len: usize,
    ) -> Result<Vec<Source<'a>>, Failure> {
        if sources.is_null() || len == 0 {
            return Ok(Vec::new());
        }
        // SAFETY: not NULL, so `len` of them can be read (contract).
        let sources: &'a [edbprof_source] = unsafe { slice::from_raw_parts(sources, len) };
        let sources = sources.iter().enumerate().map(|(at, source)| {
            // SAFETY: both strings can be read and don't change (contract).
            unsafe {
                match source.path.data.is_null() {
                    true => Ok(Source::Content(source.content.bytes())),
                    false => match source.path.path() {
                        Ok(path) => Ok(Source::File(Path::new(path))),
                        Err(error) => Err(Failure::unreadable(error).of(at)),
                    },
                }
            }
        });
        sources.collect()
    }
}

/// A thread of a recorder's file.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    /// The process, if that is known.
    pub(super) process: Option<Process>,
    pub(super) name: Box<[u8]>,
    /// Number of threads that have recorded, one after the other.
    pub(super) threads: u32,
    /// Time of the calls that no other made, nanoseconds.
    pub(super) total_ns: u64,
}

/// Result of reading.
pub(super) struct Read {
    pub(super) profile: Profile,
    pub(super) threads: Vec<Thread>,
}

/// Limits of a batch, whose files are in memory at once.
const BYTES_PER_BATCH: usize = 16 << 20;
const FILES_PER_BATCH: usize = 128;

/// Reads and merges `sources`, on all processors that the calling thread may use.
///
/// # Errors
/// A source can't be read, or can't be merged with the others.
pub(super) fn read(
    sources: &[Source<'_>],
    by: Option<By>,
    keeps_threads: bool,
) -> Result<Read, Failure> {
    let threads = available_parallelism().map_or(1, usize::from);
    // A pool of this call alone, because threads of a lasting one are missing in a forked child,
    // which would wait for them forever.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().map_err(Failure::unreadable)?;
    pool.install(|| read_all(sources, by, keeps_threads))
}

fn read_all(sources: &[Source<'_>], by: Option<By>, keeps_threads: bool) -> Result<Read, Failure> {
    let request = MergeRequest {
        by,
        ..MergeRequest::default()
    };
    let mut merger: Option<Merger> = None;
    let mut threads = Vec::new();
    let mut at = 0;
    while at < sources.len() {
        let mut bytes = 0;
        let batch = sources[at..].iter().take(FILES_PER_BATCH);
        let batch = batch.take_while(|source| {
            bytes += size(source);
            bytes <= BYTES_PER_BATCH
        });
        let files = batch.count().max(rayon::current_num_threads());
        let end = sources.len().min(at + files);
        let known = merger.as_ref().map(Merger::known_labels);
        let none = Labels::default();
        let known = known.unwrap_or(&none);
        let files = sources[at..end].par_iter().enumerate();
        let files = files.map(|(number, source)| {
            let file = read_one(source, known).map_err(|failure| failure.of(at + number))?;
            let threads = match keeps_threads {
                true => threads_of(&file),
                false => Vec::new(),
            };
            match request.of(file) {
                Ok(Some(file)) => Ok((file, threads)),
                Ok(None) => Err(Failure::unreadable("nothing is chosen").of(at + number)),
                Err(error) => Err(Failure::unreadable(error).of(at + number)),
            }
        });
        let mut files: Vec<_> = files.collect::<Result<_, Failure>>()?;
        // One tree alone needs no merge, which would only put it into another order.
        let is_one = keeps_threads && sources.len() == 1;
        match files.pop() {
            Some((ProfFile::Exact(trees, plain), threads))
                if is_one && trees.threads.len() <= 1 =>
            {
                let profile = Profile::of_file(trees, plain);
                return Ok(Read { profile, threads });
            }
            last => files.extend(last),
        }
        let merger = merger.get_or_insert_with(|| match files.first() {
            Some((ProfFile::Exact(trees, _), _)) => Merger::of_parts(SelectionId::of(trees)),
            _ => Merger::new(),
        });
        let files = files.into_iter().enumerate().map(|(number, (file, more))| {
            threads.extend(more);
            ((at + number).to_string().into(), file)
        });
        merger.add_all(files);
        at = end;
    }
    let Merged {
        profile, refused, ..
    } = merger.unwrap_or_default().finish();
    match refused.first() {
        None => Ok(Read { profile, threads }),
        Some((source, why)) => {
            let source = source.to_str().and_then(|number| number.parse().ok());
            Err(Failure::unreadable(why).of(source.unwrap_or(usize::MAX)))
        }
    }
}

fn size(source: &Source<'_>) -> usize {
    match source {
        Source::Content(content) => content.len(),
        Source::File(path) => {
            let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            usize::try_from(size).unwrap_or(usize::MAX)
        }
    }
}

fn read_one(source: &Source<'_>, known: &Labels) -> Result<ProfFile<Entries>, Failure> {
    match *source {
        Source::Content(content) => decode(content, Now::Gone, known),
        Source::File(path) => {
            let mut bytes = read_file(path, profile_goes_on)?;
            let mut now = Now::Gone;
            if bytes.starts_with(&live::MAGIC) {
                let facts = live::facts(&bytes).map_err(Failure::unreadable)?;
                match facts.process.has_mapped(path) {
                    true => now = Now::Running,
                    // The process may have recorded until it ended, after the first reading.
                    false => bytes = read_file(path, profile_goes_on)?,
                }
            }
            let mut file = decode(&bytes, now, known)?;
            if let ProfFile::Plain(plain) = &mut file {
                let mut beside = path.as_os_str().to_owned();
                beside.push(".singledispatch");
                let beside = Path::new(&beside);
                if beside.exists() {
                    let bytes = read_file(beside, sidecar_goes_on)?;
                    plain.sidecar = sidecar::decode(&bytes).map_err(|error| {
                        Failure::unreadable(format!("its .singledispatch file: {error}"))
                    })?;
                }
            }
            Ok(file)
        }
    }
}

fn read_file(path: &Path, goes_on: fn(&[u8]) -> bool) -> Result<Vec<u8>, Failure> {
    let (file, metadata) = open_regular(path, true)?;
    Ok(read_bounded(file, metadata.len(), goes_on)?)
}

fn decode(bytes: &[u8], now: Now, known: &Labels) -> Result<ProfFile<Entries>, Failure> {
    if bytes.starts_with(&live::MAGIC) {
        let facts = live::facts(bytes).map_err(Failure::unreadable)?;
        if facts.is_superseded {
            return Err(Failure::unreadable(
                "its process has ended and saved a .prof file: load that",
            ));
        }
        let trees = live::read(bytes, now).map_err(Failure::unreadable)?;
        return Ok(ProfFile::Exact(trees, PlainInputs::default()));
    }
    if timeline::is_timeline(bytes) {
        return Err(Failure::unreadable(
            "it is a timeline: load the .prof file beside it",
        ));
    }
    prof::read_entries(bytes, known).map_err(|error| match foreign::recognise(bytes) {
        Some(foreign) => Failure::unreadable(format!("it is {}", foreign.name)),
        None => Failure::unreadable(error),
    })
}

fn threads_of(file: &ProfFile<Entries>) -> Vec<Thread> {
    let ProfFile::Exact(trees, _) = file else {
        return Vec::new();
    };
    if trees.is_merged() {
        let names = trees.thread_names.iter().map(|name| Thread {
            process: None,
            name: name.clone(),
            threads: 0,
            total_ns: 0,
        });
        return names.collect();
    }
    let threads = trees.threads.iter().map(|thread| {
        let nodes = &thread.nodes;
        let roots = nodes.parents().iter().zip(nodes.totals());
        let roots = roots.filter(|&(&parent, _)| parent == crate::model::NO_PARENT);
        Thread {
            process: trees.processes.get(thread.process as usize).cloned(),
            name: thread.name.clone(),
            threads: thread.threads,
            total_ns: roots.fold(0, |sum, (_, &total)| sum.saturating_add(total)),
        }
    });
    threads.collect()
}
