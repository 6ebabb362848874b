//! The system's memory, committed in steps.

use std::io;
use std::ptr::{self, NonNull};

use super::Backing;
use crate::clock::wall;
use crate::recorder::limits;

/// Address space whose committed front part is zeroed, readable and writable memory. Released
/// on drop.
#[derive(Debug)]
pub(crate) struct Region {
    base: NonNull<u8>,
    /// Bytes that it may grow to.
    capacity: usize,
    committed: usize,
    /// Bytes of address space that it has.
    mapped: usize,
}

// SAFETY: a Region is plain memory that it owns; nothing in it is tied to a thread.
unsafe impl Send for Region {}

/// Bytes that are committed at a time, at least.
const LEAST: usize = 64 << 10;
/// Bytes that are committed at a time, at most, if address space is limited.
const MOST_OF_FEW: usize = 256 << 10;

impl Region {
    /// A region that may grow to `bytes`.
    ///
    /// It begins far from all other mappings, and takes address space only as it grows, because a
    /// program's address space may be limited. If there is no such place, the space is reserved
    /// now. If the system refuses that too, half of it is tried, and so on down to `least`.
    ///
    /// # Errors
    /// The system's, if not even `least` bytes are available.
    pub(crate) fn reserve(bytes: usize, least: usize) -> io::Result<Region> {
        let mut capacity = bytes.max(least);
        if let Some(base) = remote_place(capacity) {
            return Ok(Region {
                base,
                capacity,
                committed: LEAST.min(capacity),
                mapped: LEAST.min(capacity),
            });
        }
        if limits::has_limited_address_space() {
            capacity = capacity.min(limits::most_bytes(0)).max(least);
        }
        loop {
            match map(ptr::null_mut(), capacity, libc::PROT_NONE, 0) {
                Ok(base) => {
                    return Ok(Region {
                        base,
                        capacity,
                        committed: 0,
                        mapped: capacity,
                    });
                }
                Err(error) if capacity <= least => return Err(error),
                Err(_) => capacity = (capacity / 2).max(least),
            }
        }
    }

    /// First byte of the region; aligned to a page.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes that it may grow to.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes at the front that are usable.
    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    /// Makes at least the first `bytes` usable, in granules that grow with the region, so that
    /// the number of system calls stays small. `backing` may put memory of its own there.
    ///
    /// # Errors
    /// `OutOfMemory` past the region's capacity, else the system's. The region is as before.
    pub(crate) fn commit(&mut self, bytes: usize, backing: &mut impl Backing) -> io::Result<()> {
        if bytes <= self.committed {
            return Ok(());
        }
        if bytes > self.capacity {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        // An eighth more at a time keeps the number of pieces small for any size.
        let most = match limits::has_limited_address_space() {
            true => MOST_OF_FEW,
            false => (self.committed / 8).max(1 << 20).next_multiple_of(LEAST),
        };
        let step = self.committed.clamp(LEAST, most);
        let wanted = bytes
            .next_multiple_of(LEAST)
            .max(self.committed.saturating_add(step))
            .min(self.capacity);
        let len = wanted - self.committed;
        // SAFETY: committed <= capacity, which fits the address space.
        let start = unsafe { self.base.add(self.committed) };
        if wanted > self.mapped {
            map_at(start, len)?;
            self.mapped = wanted;
        } else {
            let usable = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: [committed, wanted) is in this region's own reservation, and no code has had
            // access to it before.
            if unsafe { libc::mprotect(start.as_ptr().cast(), len, usable) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: pages of this region that no code has had access to before.
        unsafe { backing.extend(start, len) };
        self.committed = wanted;
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mappings that the region owns whole, into which the owner that drops it has no
        // pointer any more. The result is ignored: it can only fail for a range that is no
        // mapping.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.mapped) };
    }
}

/// Maps the first granule of `bytes` of free address space in a range where the kernel places no
/// mappings by itself. Returns `None` if there is no such place.
fn remote_place(bytes: usize) -> Option<NonNull<u8>> {
    // The range is above programs, and below libraries, stacks and programs in the upper third.
    const ZONE: usize = 1 << 44;
    const TRIES: u64 = 4;
    // ThreadSanitizer has its shadow there.
    if cfg!(any(
        edbprof_tsan,
        not(all(target_os = "linux", target_pointer_width = "64"))
    )) {
        return None;
    }
    let place = |number: u64| {
        let here = ptr::from_ref(&number).addr() as u64;
        let mixed = (wall().now() ^ here ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let place = ZONE + mixed as usize % (2 * ZONE);
        NonNull::new(ptr::without_provenance_mut::<u8>(place & !(LEAST - 1)))
    };
    (0..TRIES).find_map(|number| {
        let start = place(number)?;
        map_at(start, LEAST.min(bytes)).ok()
    })
}

/// Maps memory at `start`, unless something is mapped there.
fn map_at(start: NonNull<u8>, len: usize) -> io::Result<NonNull<u8>> {
    #[cfg(target_os = "linux")]
    const NOT_OVER_OTHERS: libc::c_int = libc::MAP_FIXED_NOREPLACE;
    #[cfg(not(target_os = "linux"))]
    const NOT_OVER_OTHERS: libc::c_int = 0;
    let usable = libc::PROT_READ | libc::PROT_WRITE;
    let mapped = map(start.as_ptr(), len, usable, NOT_OVER_OTHERS)?;
    if mapped.addr() != start.addr() {
        // A kernel before 4.17 takes the place for a hint. SAFETY: just mapped, and known here
        // alone.
        unsafe { libc::munmap(mapped.as_ptr().cast(), len) };
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    Ok(mapped)
}

fn map(
    place: *mut u8,
    len: usize,
    access: libc::c_int,
    flags: libc::c_int,
) -> io::Result<NonNull<u8>> {
    let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: a new anonymous mapping, which replaces none, touches no existing memory.
    let start = unsafe { libc::mmap(place.cast(), len, access, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

#[cfg(test)]
mod tests {
    use super::super::Unbacked;
    use super::*;

    #[test]
    fn committed_memory_is_zeroed_and_never_moves() {
        let mut region = Region::reserve(8 << 20, 64 << 10).unwrap();
        let base = region.base();
        for size in [1, 70_000, 1 << 20, 8 << 20] {
            region.commit(size, &mut Unbacked).unwrap();
            assert!(region.committed >= size);
            assert_eq!(region.base(), base);
            // SAFETY: byte size-1 has just been committed and is used here alone.
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
    fn a_region_takes_no_more_address_space_than_it_uses() {
        let mut region = Region::reserve(1 << 30, 64 << 10).unwrap();
        region.commit(1 << 20, &mut Unbacked).unwrap();
        assert!(region.mapped <= 2 << 20);
    }

    #[test]
    fn a_region_never_grows_over_other_memory() {
        let mut region = Region::reserve(1 << 30, 64 << 10).unwrap();
        // SAFETY: behind the committed part.
        let behind = unsafe { region.base().add(region.committed()) };
        let other = map_at(behind, LEAST).unwrap();
        assert!(
            region
                .commit(region.committed() + 1, &mut Unbacked)
                .is_err()
        );
        // SAFETY: mapped above.
        unsafe { libc::munmap(other.as_ptr().cast(), LEAST) };
        region
            .commit(region.committed() + 1, &mut Unbacked)
            .unwrap();
    }
}
