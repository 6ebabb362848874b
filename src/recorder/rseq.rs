//! Finds out, with one load, if the kernel may have taken the calling thread off its processor.
//!
//! The C library registers an area for each thread in which the thread may announce a *restartable
//! sequence*. The kernel clears the announcement when it switches to another thread. We announce a
//! sequence that no instruction belongs to. If that is still there, the thread has run all the
//! while. Any other value proves nothing, because a program may have announced sequences of its
//! own.
//!
//! From Linux 6.19 on the announcement also survives a system call that blocked, if the thread
//! continued on the same processor. So callers look at the time as well.

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod area {
    use std::ptr::{self, NonNull};
    use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

    use once_cell::sync::OnceCell;

    /// The kernel's `struct rseq_cs`, version 0, and what its addresses point to.
    #[repr(C, align(32))]
    pub(super) struct Sequence {
        version: u32,
        flags: u32,
        start: *const u8,
        len: u64,
        abort: *const u8,
        /// Number before the abort address, and a word in the place of instructions.
        signature: [u32; 2],
    }

    // SAFETY: it never changes, and its addresses are the kernel's to use.
    unsafe impl Sync for Sequence {}
    // SAFETY: as above.
    unsafe impl Send for Sequence {}

    /// The number by which the C library has registered the areas. The kernel ends a process
    /// whose announcement has another one.
    #[cfg(target_arch = "x86_64")]
    const SIGNATURE: u32 = 0x5305_3053;
    #[cfg(target_arch = "aarch64")]
    const SIGNATURE: u32 = 0xd428_bc00;

    /// Returns the sequence that is announced: addresses 16 to 31, where no program has
    /// instructions. It is never freed, because the kernel may read it as long as any thread lives,
    /// even if the library is unloaded.
    fn nothing() -> &'static Sequence {
        static NOTHING: OnceCell<&Sequence> = OnceCell::new();
        NOTHING.get_or_init(|| {
            let sequence = Box::leak(Box::new(Sequence {
                version: 0,
                flags: 0,
                start: ptr::without_provenance(16),
                len: 16,
                abort: ptr::null(),
                signature: [SIGNATURE, 0],
            }));
            sequence.abort = (&raw const sequence.signature[1]).cast();
            sequence
        })
    }

    /// Distance from the thread pointer to the area. `None` if the C library has registered
    /// none, or does not know of them.
    fn offset() -> Option<isize> {
        static OFFSET: OnceCell<Option<isize>> = OnceCell::new();
        *OFFSET.get_or_init(|| {
            // SAFETY: strings that end in NUL. The symbols are glibc's, from 2.35 on: a
            // `const unsigned int` and a `const ptrdiff_t`.
            unsafe {
                let size = libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_size".as_ptr());
                let offset = libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_offset".as_ptr());
                let is_registered = !size.is_null() && size.cast::<u32>().read() > 0;
                (is_registered && !offset.is_null()).then(|| offset.cast::<isize>().read())
            }
        })
    }

    fn thread_pointer() -> *mut u8 {
        let pointer: *mut u8;
        // SAFETY: reads a register, or the word that the ABI keeps a copy of it in.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            std::arch::asm!("mov {}, fs:0", out(reg) pointer, options(nostack, readonly, pure));
            #[cfg(target_arch = "aarch64")]
            std::arch::asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, nomem, pure));
        }
        pointer
    }

    /// The announcement of the calling thread: `rseq_cs` of its area.
    fn announcement() -> Option<NonNull<AtomicPtr<Sequence>>> {
        const RSEQ_CS: usize = 8;
        let area = thread_pointer().wrapping_offset(offset()?);
        NonNull::new(area.wrapping_add(RSEQ_CS).cast())
    }

    pub(super) fn announce() {
        if let Some(announcement) = announcement() {
            // SAFETY: the area lives as long as the thread. No sequence of the program's is under
            // way, because the thread executes this code.
            unsafe { announcement.as_ref() }.store(ptr::from_ref(nothing()).cast_mut(), Relaxed);
        }
    }

    pub(super) fn is_announced() -> bool {
        let is_ours = |announcement: NonNull<AtomicPtr<Sequence>>| {
            // SAFETY: as in `announce`.
            let announced = unsafe { announcement.as_ref() }.load(Relaxed);
            ptr::eq(announced, nothing())
        };
        announcement().is_some_and(is_ours)
    }

    /// Returns true if the kernel is older than 6.19. A kernel of unknown version counts as newer.
    pub(super) fn tells_of_system_calls() -> bool {
        static TELLS: OnceCell<bool> = OnceCell::new();
        *TELLS.get_or_init(|| {
            // SAFETY: texts only, for which zeros are values, and a valid place for the answer.
            let system = unsafe {
                let mut system: libc::utsname = std::mem::zeroed();
                libc::uname(&mut system);
                system
            };
            let release: Vec<u8> = system.release.iter().map(|&byte| byte as u8).collect();
            is_before_6_19(&release)
        })
    }

    fn is_before_6_19(release: &[u8]) -> bool {
        let text = String::from_utf8_lossy(release);
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (6_u32, 19_u32),
            _ => false,
        }
    }

    #[cfg(test)]
    pub(super) fn is_there() -> bool {
        offset().is_some()
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (release, is_before) in [
            ("5.4.0-150-generic", true),
            ("6.2", true),
            ("6.18.44-fc-v657", true),
            ("6.19.0", false),
            ("6.100.1", false),
            ("7.0-rc1", false),
            ("", false),
            ("unknown", false),
        ] {
            assert_eq!(is_before_6_19(release.as_bytes()), is_before, "{release}");
        }
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod area {
    pub(super) fn announce() {}

    pub(super) fn is_announced() -> bool {
        false
    }

    pub(super) fn tells_of_system_calls() -> bool {
        false
    }

    #[cfg(test)]
    pub(super) fn is_there() -> bool {
        false
    }
}

/// Begins to watch the calling thread, for [`has_run_since`].
pub(crate) fn watch() {
    area::announce();
}

/// Returns true if the calling thread has run since its last [`watch`], as far as the kernel
/// says. Returns false where the kernel can't be asked.
pub(crate) fn has_run_since() -> bool {
    area::is_announced()
}

/// Returns true if the kernel also clears the announcement in system calls that block.
pub(crate) fn tells_of_system_calls() -> bool {
    area::tells_of_system_calls()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_sleep_is_seen_and_so_is_another_thread_s_state() {
        std::thread::spawn(|| assert!(!has_run_since()))
            .join()
            .unwrap();
        // A busy machine may take the processor at any time: once in a while it does not.
        let has_run = (0..1000).any(|_| {
            watch();
            has_run_since()
        });
        assert_eq!(has_run, area::is_there());
        watch();
        // Long enough for others to be scheduled. Under later kernels the time alone shows a sleep.
        std::thread::sleep(Duration::from_millis(2));
        watch();
    }
}
