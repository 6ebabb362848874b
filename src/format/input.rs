//! Gives readers the bytes of a file, but none beyond its end. Also limits the size of the data to
//! which references in the file may expand.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::read_error::{ReadError, Reason};

/// A file's bytes and a place in them.
#[derive(Clone, Debug)]
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    /// Offset of the next byte.
    pub(super) at: usize,
    expansion_left: usize,
}

impl<'a> Input<'a> {
    /// Reads `bytes` from `at` on. References may unfold to `expansion` times their size.
    pub(super) fn new(bytes: &'a [u8], at: usize, expansion: usize) -> Self {
        /// Small files may always unfold to this many bytes.
        const AT_LEAST: usize = 64 << 10;
        Self {
            bytes,
            at,
            expansion_left: bytes.len().saturating_mul(expansion).max(AT_LEAST),
        }
    }

    /// Returns the bytes that are still to be taken.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.from(self.at)
    }

    /// All from `offset` on.
    #[inline]
    pub(super) fn from(&self, offset: usize) -> &'a [u8] {
        self.bytes.get(offset..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], ReadError> {
        let taken = self.rest().get(..len).ok_or_else(|| self.truncated())?;
        self.at += len;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn truncated(&self) -> ReadError {
        ReadError::new(self.bytes.len(), Reason::Truncated)
    }

    /// Notes that the reference at `offset`, or an object that is read once more because of it,
    /// takes `bytes` of memory.
    pub(super) fn expand(&mut self, offset: usize, bytes: usize) -> Result<(), ReadError> {
        self.expansion_left = self
            .expansion_left
            .checked_sub(bytes)
            .ok_or_else(|| ReadError::new(offset, Reason::Expansion))?;
        Ok(())
    }
}
