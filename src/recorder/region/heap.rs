//! Region for Miri: one block of the heap, because Miri knows neither `mprotect` nor mappings at
//! chosen addresses.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::ptr::NonNull;

use super::Backing;

/// Bytes of the largest region, because Miri keeps track of each.
const MOST: usize = 8 << 20;
/// Alignment of the block, which is that of a page.
const PAGE: usize = 4096;

/// Memory like that of the region of other builds: zeroed, and usable up to the committed size.
#[derive(Debug)]
pub(crate) struct Region {
    base: NonNull<u8>,
    layout: Layout,
    committed: usize,
}

// SAFETY: a Region is plain memory that it owns; nothing in it is tied to a thread.
unsafe impl Send for Region {}

impl Region {
    /// A region of `bytes`, but of at most [`MOST`] if `least` is less.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub(crate) fn reserve(bytes: usize, least: usize) -> io::Result<Region> {
        let size = bytes.clamp(least, MOST.max(least));
        let layout = Layout::from_size_align(size, PAGE).map_err(io::Error::other)?;
        // SAFETY: `least` is that of a chunk of nodes, so the size is not 0.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) });
        Ok(Region {
            base: base.ok_or(io::ErrorKind::OutOfMemory)?,
            layout,
            committed: 0,
        })
    }

    /// First byte of the region.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes that it has.
    pub(crate) fn capacity(&self) -> usize {
        self.layout.size()
    }

    /// Bytes at the front that are usable.
    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    /// Makes the first `bytes` usable.
    ///
    /// # Errors
    /// `OutOfMemory` past the region's capacity.
    pub(crate) fn commit(&mut self, bytes: usize, _: &mut impl Backing) -> io::Result<()> {
        if bytes > self.capacity() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.committed = self.committed.max(bytes);
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: a block of this layout, into which the owner that drops it has no pointer.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::super::Unbacked;
    use super::*;

    #[test]
    fn committed_memory_is_zeroed_and_ends_with_the_region() {
        let mut region = Region::reserve(1 << 20, 64 << 10).unwrap();
        region.commit(1 << 20, &mut Unbacked).unwrap();
        // SAFETY: the last committed byte, used here alone.
        assert_eq!(unsafe { region.base().add((1 << 20) - 1).read() }, 0);
        let error = region.commit((1 << 20) + 1, &mut Unbacked).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}
