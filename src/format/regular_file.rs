//! Opens files of any kind safely: devices, FIFOs and the like are refused.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Reason why a file was not opened.
#[derive(Debug)]
pub enum OpenError {
    /// The operating system refused.
    System(io::Error),
    /// The path leads to this kind of thing, and to no regular file.
    NotAFile(&'static str),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> OpenError {
        OpenError::System(error)
    }
}

/// Opens `path` if it is a regular file or, if `follows`, a link to one.
///
/// # Errors
///
/// The file can't be opened, or is no regular file.
pub fn open_regular(path: &Path, follows: bool) -> Result<(File, Metadata), OpenError> {
    let (metadata, flags) = match follows {
        false => (fs::symlink_metadata(path)?, libc::O_NOFOLLOW),
        true => (fs::metadata(path)?, 0),
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
    Ok((file, metadata))
}

/// Returns an error unless it is a regular file.
///
/// # Errors
///
/// It is no regular file.
pub fn check_is_file(metadata: &Metadata) -> Result<(), OpenError> {
    match metadata.is_file() {
        true => Ok(()),
        false => Err(OpenError::NotAFile(kind(metadata))),
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
