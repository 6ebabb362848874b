//! Address space that is reserved whole and committed from the front.
//!
//! Its content never moves, so a thread can keep pointers into it while another one commits
//! more.

use std::io;
use std::ptr::{self, NonNull};

/// Puts memory of its own under a region that grows.
pub(crate) trait Backing {
    /// Puts memory under the `len` bytes at `start`. Returns false if it did not: then the
    /// system's memory lies there.
    ///
    /// # Safety
    /// * The bytes are whole pages of a reservation, and follow those of the call before.
    /// * Nobody uses them yet.
    unsafe fn extend(&mut self, start: NonNull<u8>, len: usize) -> bool;
}

/// Leaves a region to the system's memory.
pub(crate) struct Unbacked;

impl Backing for Unbacked {
    unsafe fn extend(&mut self, _: NonNull<u8>, _: usize) -> bool {
        false
    }
}

/// Reserved address space; its committed front part is zeroed, readable and
/// writable memory. Released on drop.
#[derive(Debug)]
pub(crate) struct Region {
    base: NonNull<u8>,
    reserved: usize,
    committed: usize,
}

// SAFETY: a Region is plain memory that it owns; nothing in it is tied to a thread.
unsafe impl Send for Region {}

impl Region {
    /// Reserves `bytes` of address space, none of it committed. If the system refuses
    /// (`RLIMIT_AS`), tries half of it, and so on down to `least`.
    ///
    /// # Errors
    /// The system's, when not even `least` bytes can be had.
    pub(crate) fn reserve(bytes: usize, least: usize) -> io::Result<Region> {
        let mut reserved = bytes.max(least);
        loop {
            match address_space(reserved) {
                Ok(base) => {
                    return Ok(Region {
                        base,
                        reserved,
                        committed: 0,
                    });
                }
                Err(error) if reserved <= least => return Err(error),
                Err(_) => reserved = (reserved / 2).max(least),
            }
        }
    }

    /// First byte of the region; aligned to a page.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes of address space.
    pub(crate) fn reserved(&self) -> usize {
        self.reserved
    }

    /// Bytes at the front that are usable.
    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    /// Makes at least the first `bytes` usable, in granules that grow with the region, so that
    /// the number of system calls stays small. `backing` may put memory of its own there.
    ///
    /// # Errors
    /// `OutOfMemory` past the reserved size, else the system's.
    pub(crate) fn commit(&mut self, bytes: usize, backing: &mut impl Backing) -> io::Result<()> {
        const LEAST: usize = 64 << 10;
        // An eighth more at a time keeps the number of pieces small for any size.
        let most = (self.committed / 8).max(4 << 20).next_multiple_of(LEAST);
        if bytes <= self.committed {
            return Ok(());
        }
        if bytes > self.reserved {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let step = self.committed.clamp(LEAST, most);
        let wanted = bytes
            .next_multiple_of(LEAST)
            .max(self.committed.saturating_add(step))
            .min(self.reserved);
        let len = wanted - self.committed;
        let usable = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: [committed, wanted) is in this region's own reservation, and nobody was
        // given access to it before.
        unsafe {
            let start = self.base.add(self.committed);
            if !backing.extend(start, len)
                && libc::mprotect(start.as_ptr().cast(), len, usable) != 0
            {
                return Err(io::Error::last_os_error());
            }
        }
        self.committed = wanted;
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the whole of one mapping, into which the owner that drops it has no pointer
        // any more. The result is ignored: it can only fail for a range that is no mapping.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.reserved) };
    }
}

/// Address space without memory.
fn address_space(bytes: usize) -> io::Result<NonNull<u8>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: a new anonymous mapping at an address of the kernel's choosing touches no
    // existing memory.
    let base = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(base.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_memory_is_zeroed_and_never_moves() {
        let mut region = Region::reserve(8 << 20, 64 << 10).unwrap();
        let base = region.base();
        for size in [1, 70_000, 1 << 20, 8 << 20] {
            region.commit(size, &mut Unbacked).unwrap();
            assert!(region.committed >= size);
            assert_eq!(region.base(), base);
            // SAFETY: byte size-1 has just been committed and nobody else has it.
            unsafe {
                let last = base.add(size - 1);
                assert_eq!(last.read(), 0);
                last.write(7);
            }
        }
    }

    #[test]
    fn committing_more_than_was_reserved_is_an_error() {
        let mut region = Region::reserve(64 << 10, 64 << 10).unwrap();
        let error = region.commit((64 << 10) + 1, &mut Unbacked).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        region.commit(64 << 10, &mut Unbacked).unwrap();
    }

    #[test]
    fn a_refused_reservation_is_halved_until_it_fits() {
        let region = Region::reserve(usize::MAX / 2, 64 << 10).unwrap();
        assert!(region.reserved() >= 64 << 10);
    }
}
