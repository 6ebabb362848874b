//! Reads files with a bound: a file takes no more memory than the profile that it begins with.

use std::io::{self, Read};

/// Returns true if the given beginning of a file is part of something longer.
pub type GoesOn = fn(&[u8]) -> bool;

/// Size of the beginning that shows what a file is. Of a file without a size, like those in
/// `/proc`, nothing more is read.
const HEAD: u64 = 64 << 10;
/// Size at which a file is checked once more. Nearly all profiles are smaller.
const LARGE: u64 = 16 << 20;

/// Reads the first `len` bytes of `file`, while what has been read `goes_on`.
///
/// # Errors
///
/// The operating system's; there is too little memory.
pub fn read_bounded(file: impl Read, len: u64, goes_on: GoesOn) -> io::Result<Vec<u8>> {
    read_bounded_into(Vec::new(), file, len, goes_on)
}

/// Reads like [`read_bounded`], into the memory that `bytes` has.
///
/// # Errors
///
/// Like those of [`read_bounded`].
pub fn read_bounded_into(
    mut bytes: Vec<u8>,
    mut file: impl Read,
    len: u64,
    goes_on: GoesOn,
) -> io::Result<Vec<u8>> {
    let len = if len == 0 { HEAD } else { len };
    bytes.clear();
    let mut wanted = HEAD;
    loop {
        let end = wanted.min(len);
        let more = end - bytes.len() as u64;
        bytes
            .try_reserve_exact(usize::try_from(more).unwrap_or(usize::MAX))
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        file.by_ref().take(more).read_to_end(&mut bytes)?;
        let has_ended = end == len || (bytes.len() as u64) < end;
        if has_ended || !goes_on(&bytes) {
            return Ok(bytes);
        }
        wanted = wanted.saturating_mul(4).max(LARGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of bytes that are read of endless zeros.
    fn read(len: u64, goes_on: GoesOn) -> u64 {
        let bytes = read_bounded(io::repeat(0), len, goes_on).unwrap();
        assert_eq!(bytes.capacity(), bytes.len());
        bytes.len() as u64
    }

    #[test]
    fn no_more_is_read_than_goes_on() {
        assert_eq!(read(8 << 30, |_| false), HEAD);
        assert_eq!(read(8 << 30, |head| head.len() < 100_000), LARGE);
        assert_eq!(read(LARGE + 1, |_| true), LARGE + 1);
        assert_eq!(read(7, |_| true), 7);
        assert_eq!(read(0, |_| true), HEAD);
    }

    #[test]
    fn a_file_that_has_shrunk_is_read_to_its_end() {
        let bytes = read_bounded(&[1; 100_000][..], 1 << 20, |_| true).unwrap();
        assert_eq!(bytes, [1; 100_000]);
    }
}
