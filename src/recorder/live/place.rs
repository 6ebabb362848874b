//! The place of a live file, which the program may move or remove.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::recorder::descriptors::with_descriptor;

/// Path of a file, and the numbers that identify the file.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
}

impl Place {
    pub(crate) fn new(path: PathBuf, metadata: &Metadata) -> Place {
        Place {
            path,
            file: (metadata.dev(), metadata.ino()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file, if it still is the one at its path.
    pub(crate) fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = with_descriptor(|| options.open(&self.path))?;
        match self.is(&file.metadata()?) {
            true => Ok(file),
            false => Err(replaced()),
        }
    }

    /// Returns true if the path leads to the file.
    pub(crate) fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|metadata| self.is(&metadata))
    }

    fn is(&self, metadata: &Metadata) -> bool {
        (metadata.dev(), metadata.ino()) == self.file
    }

    /// Follows the file, which is mapped at `address`, to where its directory was moved.
    ///
    /// # Errors
    /// The file was removed or replaced. If the process can't find that out, the file counts as
    /// there.
    pub(crate) fn follow(&mut self, address: usize) -> io::Result<()> {
        let error = match fs::symlink_metadata(&self.path) {
            Ok(metadata) if self.is(&metadata) => return Ok(()),
            Ok(_) => return Err(replaced()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => error,
            Err(_) => return Ok(()),
        };
        let Some(path) = path_of(address) else {
            return Ok(());
        };
        if fs::symlink_metadata(&path).is_ok_and(|metadata| self.is(&metadata)) {
            self.path = path;
            return Ok(());
        }
        match path.as_os_str().as_bytes().ends_with(b" (deleted)") {
            true => Err(error),
            false => Ok(()),
        }
    }
}

fn replaced() -> io::Error {
    io::Error::other("it was replaced by another file")
}

/// Path of the file that is mapped at `address`, if the system has it.
fn path_of(address: usize) -> Option<PathBuf> {
    let maps = with_descriptor(|| fs::read("/proc/self/maps")).ok()?;
    let start = format!("{address:x}-");
    let mut lines = maps.split(|&byte| byte == b'\n');
    let line = lines.find(|line| line.starts_with(start.as_bytes()))?;
    let path = line.iter().position(|&byte| byte == b'/')?;
    Some(OsStr::from_bytes(line.get(path..)?).into())
}
