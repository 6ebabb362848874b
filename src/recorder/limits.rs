//! Limits of the process's memory, of which a recording must leave nearly all to the program.

use crate::format::memory_room::{GROUPS, group_limits};

/// Bytes of nodes that a recording may have where address space is limited. With the tables and the
/// log, a recording then takes at most 16 MiB.
const SMALL: usize = 8 << 20;
/// Nodes may take this part of a control group's memory: a 64th.
const SHARE: usize = 64;

/// Returns the largest number of bytes that nodes may take; they take `have` already.
///
/// Address space may be limited at any time, so this function is called at each growth. It asks the
/// control group only for large recordings, because that takes some file reads.
pub(crate) fn most_bytes(have: usize) -> usize {
    if has_limited_address_space() {
        SMALL
    } else if have < SMALL {
        usize::MAX
    } else {
        let limits = group_limits(GROUPS).into_iter().map(|group| group.limit);
        limits
            .min()
            .map_or(usize::MAX, |limit| (limit / SHARE).max(SMALL))
    }
}

/// Returns true if the process has a limit of address space or of private memory.
pub(crate) fn has_limited_address_space() -> bool {
    // Miri knows no `getrlimit`.
    !cfg!(miri)
        && [libc::RLIMIT_AS, libc::RLIMIT_DATA]
            .into_iter()
            .any(|limit| soft_limit(limit).is_some())
}

/// Largest size of a file.
pub(crate) fn file_size() -> Option<u64> {
    soft_limit(libc::RLIMIT_FSIZE)
}

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

fn soft_limit(resource: Resource) -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: a valid place for the answer.
    unsafe { libc::getrlimit(resource, &mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Returns true if the process's limits allow `bytes` more for a moment. An allocation that fails,
/// or that the control group has no room for, would end the program.
pub(crate) fn have_room_for(bytes: usize) -> bool {
    if has_limited_address_space() && !can_map(bytes) {
        return false;
    }
    // Reading files takes longer than saving a small recording.
    bytes < SMALL
        || group_limits(GROUPS)
            .iter()
            .all(|group| bytes <= group.room())
}

fn can_map(bytes: usize) -> bool {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
    // SAFETY: a new mapping at an address that the kernel chose, known here alone.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0);
        start != libc::MAP_FAILED && libc::munmap(start, bytes) == 0
    }
}
