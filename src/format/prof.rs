//! The `.prof` file: two marshal objects, one after the other.
//!
//! 1. The [`pstats`] dictionary. Python's `marshal.load` and everything built on
//!    it read this one and ignore what follows.
//! 2. A dict with the exact call trees. It begins with the bytes [`MAGIC`] and
//!    `version`. Anything else that follows the first object is ignored.
//!
//! | key | value |
//! |---|---|
//! | `magic` | `'edbprof'` |
//! | `version` | 2 |
//! | `recordings` `processes` `functions` `kinds` `threads` | see [`trees`] |
//! | `rows_less_ns` | only in aggregates made by `--compensate`: int, nanoseconds of recording's cost that the rows of the first object are short of. The trees are as recorded, so what is merged from this file is too |
//! | `plain` | only in aggregates, and only where there were inputs without call trees: a dict |
//! | `plain` / `inputs` | list of bytes, 16 each: the inputs' [`ContentHash`]es |
//! | `plain` / `inputs_of_version_1` | only where there are some: the same for inputs of which only the hash of version 1 is known, because an aggregate of version 1 was merged |
//! | `plain` / `rows` | the sum of the inputs, as the first object is built. Missing if `functions` is empty, because the first object is that sum then |
//! | `plain` / `sidecar` | bytes: the sum of their sidecars, as [`sidecar`] files are built |
//!
//! In such an aggregate the first object is the rows of the trees plus the plain rows. They are
//! kept apart so that merging is associative.
//!
//! Anyone can read it in Python:
//!
//! ```python
//! import array, marshal
//! with open('edbprof_1.prof', 'rb') as f:
//!     rows, exact = marshal.load(f), marshal.load(f)
//! thread = exact['threads'][0]
//! names = [exact['functions'][function][4] for function in array.array('I', thread['function'])]
//! parents = array.array('I', thread['parent'])
//! ```
//!
//! If you change this format or [`trees`] so that earlier readers would misread it, increase
//! [`VERSION`], keep reading earlier versions, and add golden files of the new one
//! (`tests/golden/make_edbprof.py`). Readers skip unknown keys, so a new key that may be
//! ignored needs no new version.

use std::io;

use super::content_hash::{ContentHash, content_hash, version1_hash};
use super::marshal::{DICT, Reader, Writer};
use super::pstats::Entries;
use super::read_error::{ReadError, Reason};
use super::{pstats, sidecar, trees};
use crate::model::{DispatchCounts, Labels, Rows, Trees};

/// First bytes of the second object: a dict whose first key is `magic`.
pub const MAGIC: &[u8] = b"{\xfa\x05magic\xfa\x07edbprof";

/// The version of the format. Files of later versions are refused.
pub const VERSION: i128 = 2;

/// The part of an aggregate that came from inputs without call trees.
#[derive(Clone, Debug, Default)]
pub struct PlainInputs<R = Rows> {
    /// The inputs, sorted; equal files that were both counted occur twice.
    pub hashes: Vec<ContentHash>,
    /// Hashes of inputs of which only the hash of version 1 is known, sorted in the same way. For a
    /// plain file that was read, its own hash of version 1.
    pub version1_hashes: Vec<ContentHash>,
    /// Their sum.
    pub rows: R,
    /// The sum of their sidecars.
    pub sidecar: DispatchCounts,
}

impl<R> PlainInputs<R> {
    /// The number of inputs of an aggregate.
    pub fn inputs(&self) -> usize {
        self.hashes.len() + self.version1_hashes.len()
    }
}

/// Content of a `.prof` file.
// Few values exist at a time, and the larger variant is the one that must be fast.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum ProfFile<R = Rows> {
    /// A file of edbprof. Its first object follows from these values, and is not kept.
    Exact(Trees, PlainInputs),
    /// A plain file: a pstats dictionary without edbprof's object behind it. The one hash is that
    /// of its bytes; its sidecar is a file of its own.
    Plain(PlainInputs<R>),
}

/// Reads a `.prof` file of edbprof or of another profiler.
///
/// # Errors
/// `bytes` don't begin with a pstats dictionary, or edbprof's object follows and is damaged.
pub fn read(bytes: &[u8]) -> Result<ProfFile, ReadError> {
    read_as(bytes, pstats::read)
}

/// Like [`read`], for adding up many files. Labels of plain files that are `known` from other files
/// are not built again.
///
/// # Errors
/// Like those of [`read`].
pub fn read_entries(bytes: &[u8], known: &Labels) -> Result<ProfFile<Entries>, ReadError> {
    read_as(bytes, |reader| pstats::read_entries(reader, known))
}

fn read_as<R>(
    bytes: &[u8],
    read_rows: impl FnOnce(&mut Reader<'_>) -> Result<R, ReadError>,
) -> Result<ProfFile<R>, ReadError> {
    // The dictionary of a recorder's file is not needed, and skipping it takes less time. Only such
    // files begin with this byte, because Python numbers the dictionaries that it writes.
    if bytes.first() == Some(&DICT) {
        let mut reader = Reader::new(bytes, 0);
        if reader.skip().is_ok() && is_ours(bytes, reader.offset()) {
            return read_exact(bytes, reader.offset());
        }
    }
    let mut reader = Reader::new(bytes, 0);
    let rows = read_rows(&mut reader);
    if rows.is_err() {
        reader = Reader::new(bytes, 0);
        reader.skip()?;
    }
    if is_ours(bytes, reader.offset()) {
        return read_exact(bytes, reader.offset());
    }
    Ok(ProfFile::Plain(PlainInputs {
        hashes: vec![content_hash(bytes)],
        version1_hashes: vec![version1_hash(bytes)],
        rows: rows?,
        sidecar: DispatchCounts::new(),
    }))
}

/// Returns true if call trees follow at `start`.
fn is_ours(bytes: &[u8], start: usize) -> bool {
    let rest = bytes.get(start..);
    rest.is_some_and(|rest| rest.starts_with(MAGIC))
}

/// Reads the second object, which begins at `start`.
fn read_exact<R>(bytes: &[u8], start: usize) -> Result<ProfFile<R>, ReadError> {
    let mut reader = Reader::new(bytes, start);
    let mut trees = Trees::default();
    let mut plain = PlainInputs::default();
    let mut has_rows = true;
    let mut version = VERSION;
    reader.dict(|reader| {
        let offset = reader.offset();
        match reader.string()? {
            b"version" => {
                version = reader.int()?;
                match version {
                    1..=VERSION => Ok(()),
                    later if later > VERSION => Err(ReadError::new(offset, Reason::Version(later))),
                    _ => Err(ReadError::invalid(offset, "an unknown format version")),
                }
            }
            b"plain" => {
                (plain, has_rows) = read_plain(reader)?;
                Ok(())
            }
            key if trees::read_key(reader, key, &mut trees)? => Ok(()),
            _ => reader.skip(),
        }
    })?;
    if version == 1 {
        trees::upgrade(&mut trees);
        plain.version1_hashes = std::mem::take(&mut plain.hashes);
    }
    trees::number_functions(&mut trees, start)?;
    trees::check(&trees, start)?;
    if !has_rows {
        if !trees.kinds.is_empty() {
            return Err(ReadError::invalid(start, "inputs without their rows"));
        }
        plain.rows = pstats::decode(bytes)?;
    }
    Ok(ProfFile::Exact(trees, plain))
}

/// Returns the plain inputs, and true if their rows are here and not the first object.
fn read_plain(reader: &mut Reader<'_>) -> Result<(PlainInputs, bool), ReadError> {
    let offset = reader.offset();
    let mut plain = PlainInputs::default();
    let mut has_rows = false;
    reader.dict(|reader| {
        match reader.string()? {
            b"inputs" => plain.hashes = reader.list(trees::read_id)?,
            b"inputs_of_version_1" => plain.version1_hashes = reader.list(trees::read_id)?,
            b"rows" => {
                plain.rows = pstats::read(reader)?;
                has_rows = true;
            }
            b"sidecar" => {
                let offset = reader.offset();
                plain.sidecar = sidecar::decode(reader.string()?).map_err(|mut error| {
                    error.offset = offset;
                    error
                })?;
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if plain.inputs() == 0 {
        // Without hashes, readers could not know if the rows were counted already.
        return Err(ReadError::invalid(offset, "rows of no input"));
    }
    Ok((plain, has_rows))
}

/// Returns the bytes of a `.prof` file. `rows` must be the rows of `trees` plus those of `plain`; a
/// recorder's file has no plain inputs.
pub fn encode(rows: &Rows, trees: &Trees, plain: &PlainInputs) -> Vec<u8> {
    let mut writer = Writer::new();
    write(&mut writer, rows, trees, plain, None);
    writer.finish()
}

/// Like [`encode`], written to `out`; the rows may be short of `rows_less_ns`, recording's cost.
///
/// # Errors
///
/// Those of `out`.
pub(crate) fn write_to(
    out: &mut dyn io::Write,
    rows: &Rows,
    trees: &Trees,
    plain: &PlainInputs,
    rows_less_ns: Option<u64>,
) -> io::Result<()> {
    let mut writer = Writer::to(out);
    write(&mut writer, rows, trees, plain, rows_less_ns);
    writer.flush()
}

fn write<'a>(
    writer: &mut Writer<'a>,
    rows: &'a Rows,
    trees: &'a Trees,
    plain: &'a PlainInputs,
    rows_less_ns: Option<u64>,
) {
    pstats::write(writer, rows);
    writer.next_object();
    writer.dict();
    writer.text(b"magic");
    writer.text(b"edbprof");
    writer.text(b"version");
    writer.int(VERSION);
    trees::write(writer, trees);
    if let Some(ns) = rows_less_ns {
        writer.text(b"rows_less_ns");
        writer.int(ns.into());
    }
    if plain.inputs() > 0 {
        writer.text(b"plain");
        writer.dict();
        write_hashes(writer, b"inputs", &plain.hashes);
        if !plain.version1_hashes.is_empty() {
            write_hashes(writer, b"inputs_of_version_1", &plain.version1_hashes);
        }
        if !trees.kinds.is_empty() {
            writer.text(b"rows");
            pstats::write(writer, &plain.rows);
        }
        writer.text(b"sidecar");
        writer.bytes(&sidecar::encode(&plain.sidecar));
        writer.end_dict();
    }
    writer.end_dict();
}

fn write_hashes<'a>(writer: &mut Writer<'a>, key: &'a [u8], hashes: &[ContentHash]) {
    writer.text(key);
    writer.list(hashes.len());
    hashes.iter().for_each(|hash| writer.bytes(hash));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_magic_is_what_the_writer_begins_with() {
        let bytes = encode(&Rows::default(), &Trees::default(), &PlainInputs::default());
        let first = pstats::encode(&Rows::default());
        assert_eq!(bytes[..first.len()], first);
        assert!(bytes[first.len()..].starts_with(MAGIC));
    }

    #[test]
    fn rows_of_plain_inputs_alone_are_written_once() {
        let label = crate::model::Label {
            file: b"a.py".as_slice().into(),
            line: 1,
            name: b"called_once".as_slice().into(),
        };
        let mut rows = Rows::default();
        let id = rows.intern(&label);
        rows.row_mut(id).counts.nc = 7;
        let plain = PlainInputs {
            hashes: vec![[1; 16]],
            rows,
            ..PlainInputs::default()
        };
        let bytes = encode(&plain.rows, &Trees::default(), &plain);
        let names = bytes.windows(label.name.len());
        assert_eq!(names.filter(|name| **name == *label.name).count(), 1);
        match read(&bytes) {
            Ok(ProfFile::Exact(trees, read)) => {
                assert!(trees.kinds.is_empty());
                assert_eq!(pstats::encode(&read.rows), pstats::encode(&plain.rows));
                assert_eq!(encode(&read.rows, &trees, &read), bytes);
            }
            other => panic!("{other:?}"),
        }
    }
}
