//! Stands in for [`super::blocks_linux`] on systems where live files can't be trusted yet.

use std::fs::File;
use std::io;
use std::path::Path;

/// Live files are not made here. That is not reported, because users can't change it.
pub(crate) const SUPPORTED: bool = false;

/// # Errors
/// Always.
pub(crate) fn reserve_blocks(_: &File, _: u64, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always.
pub(crate) fn lengthen(_: &File, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always.
pub(crate) fn check_free(_: &Path, _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always.
pub(crate) fn free_space(_: &Path) -> io::Result<(Option<u64>, bool)> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_reserved() {
        const { assert!(!SUPPORTED) };
        let file = tempfile::tempfile().unwrap();
        let error = reserve_blocks(&file, 0, 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}
