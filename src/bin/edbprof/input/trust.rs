//! Decides by their owners which files are read. The user's own and root's are; a stranger's only
//! if the user has named them or asked for them.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use edbprof::format::bounded::{GoesOn, read_bounded_into};
use edbprof::format::regular_file::open_regular;

use super::Input;
use super::read_error::ReadError;
use crate::cli::names::SIDECAR_SUFFIX;

/// Owners whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owners {
    /// The user and root.
    Trusted,
    /// Anyone.
    Any,
    /// Anyone, but links are not followed, because a stranger's link could lead anywhere.
    AnyWithoutLinks,
}

/// Returns true if someone besides the user and root can create files in `directory`.
pub(super) fn others_may_write(directory: &Metadata) -> bool {
    directory.mode() & 0o022 != 0 || !is_trusted(directory.uid())
}

/// Returns the stranger who owns `path`: the link itself, or the file that it leads to.
pub(super) fn stranger(path: &Path) -> Option<u32> {
    let owners = [fs::symlink_metadata(path), fs::metadata(path)];
    owners
        .into_iter()
        .flatten()
        .map(|metadata| metadata.uid())
        .find(|&uid| !is_trusted(uid))
}

fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

/// Reads `path` if it is a regular file of one of `owners`. Of its content, only the part that
/// `goes_on` asks for is read.
///
/// # Errors
///
/// When it can't be read, or isn't allowed.
pub(crate) fn read_trusted(
    path: &Path,
    owners: Owners,
    goes_on: GoesOn,
) -> Result<Vec<u8>, ReadError> {
    read_trusted_into(Vec::new(), path, owners, goes_on)
}

/// Reads like [`read_trusted`], into the memory that `bytes` has.
///
/// # Errors
///
/// Like those of [`read_trusted`].
pub(super) fn read_trusted_into(
    bytes: Vec<u8>,
    path: &Path,
    owners: Owners,
    goes_on: GoesOn,
) -> Result<Vec<u8>, ReadError> {
    let (file, metadata) = open_trusted(path, owners)?;
    Ok(read_bounded_into(bytes, file, metadata.len(), goes_on)?)
}

/// Opens `path` if it is a regular file of one of `owners`. The owner is checked on the open file,
/// because another file may have taken the name since the search.
///
/// # Errors
///
/// When it can't be opened, or isn't allowed.
pub(super) fn open_trusted(path: &Path, owners: Owners) -> Result<(File, Metadata), ReadError> {
    let (file, metadata) = open_regular(path, owners != Owners::AnyWithoutLinks)?;
    if owners == Owners::Trusted && !is_trusted(metadata.uid()) {
        return Err(ReadError::Stranger(metadata.uid()));
    }
    Ok((file, metadata))
}

/// Returns the path of the sidecar of `path`.
pub(crate) fn sidecar_beside(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(SIDECAR_SUFFIX);
    path.into()
}

/// Returns the sidecar of `input`, if it exists and may be read.
pub(super) fn sidecar(input: &Input) -> Option<PathBuf> {
    let path = sidecar_beside(&input.path);
    let may_be_read =
        path.exists() && (input.owners != Owners::Trusted || stranger(&path).is_none());
    may_be_read.then_some(path)
}
