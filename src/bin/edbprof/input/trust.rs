//! Trust in files by their owners: the user's own and root's are read, a stranger's only if
//! the user has named them or asked for them.

use std::fs::{self, File, Metadata, OpenOptions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Input;
use super::bounded::{GoesOn, read_bounded};
use super::read_error::ReadError;
use crate::cli::names::SIDECAR_SUFFIX;

/// Owners whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owners {
    /// The user and root.
    Trusted,
    /// Anyone.
    Any,
    /// Anyone, but no links are followed: a stranger could have made them lead anywhere.
    AnyWithoutLinks,
}

/// Returns true if someone besides the user and root can create files in `directory`.
pub(super) fn others_may_write(directory: &Metadata) -> bool {
    directory.mode() & 0o022 != 0 || !is_trusted(directory.uid())
}

/// Stranger who owns `path`, either the link itself or the file that it leads to.
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

/// Reads `path` if it is a regular file of one of `owners`; of its content only what `goes_on`
/// wants.
///
/// # Errors
///
/// When it can't be read, or must not be.
pub(crate) fn read_trusted(
    path: &Path,
    owners: Owners,
    goes_on: GoesOn,
) -> Result<Vec<u8>, ReadError> {
    let (file, metadata) = open_trusted(path, owners)?;
    Ok(read_bounded(file, metadata.len(), goes_on)?)
}

/// Opens `path` if it is a regular file of one of `owners`. The owner is checked on the open file,
/// because another file may have taken the name since the search.
///
/// # Errors
///
/// When it can't be opened, or must not be.
pub(super) fn open_trusted(path: &Path, owners: Owners) -> Result<(File, Metadata), ReadError> {
    let (metadata, flags) = match owners {
        Owners::AnyWithoutLinks => (fs::symlink_metadata(path)?, libc::O_NOFOLLOW),
        Owners::Any | Owners::Trusted => (fs::metadata(path)?, 0),
    };
    // Checked before, too, because opening a device may have an effect.
    check_is_file(&metadata)?;
    // Without O_NONBLOCK, opening a FIFO would wait for a writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | flags)
        .open(path)?;
    let metadata = file.metadata()?;
    check_is_file(&metadata)?;
    if owners == Owners::Trusted && !is_trusted(metadata.uid()) {
        return Err(ReadError::Stranger(metadata.uid()));
    }
    Ok((file, metadata))
}

fn check_is_file(metadata: &Metadata) -> Result<(), ReadError> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(ReadError::NotAFile(kind(metadata))),
    }
}

fn kind(metadata: &Metadata) -> &'static str {
    let file_type = metadata.file_type();
    if file_type.is_symlink() {
        "a link"
    } else if file_type.is_dir() {
        "a directory"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Path of the sidecar of `path`.
pub(crate) fn sidecar_beside(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(SIDECAR_SUFFIX);
    path.into()
}

/// Sidecar of `input`, if it exists and may be read.
pub(super) fn sidecar(input: &Input) -> Option<PathBuf> {
    let path = sidecar_beside(&input.path);
    let may_be_read =
        path.exists() && (input.owners != Owners::Trusted || stranger(&path).is_none());
    may_be_read.then_some(path)
}
