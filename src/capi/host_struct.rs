//! Structs that hosts fill, of any version of the ABI from the first on.

use std::mem::MaybeUninit;
use std::ptr;

use super::entry::Attempt;
use super::{EDBPROF_BAD_STRUCT_SIZE, EDBPROF_NULL_POINTER};

/// A struct that begins with its size, so that later versions of the ABI can append fields.
///
/// # Safety
/// * It is `repr(C)`, and `struct_size: usize` is its first field.
/// * Zeros are a valid value of every field, and mean the default.
/// * `MIN_SIZE` is at least the size of `usize` and at most that of the struct.
pub(super) unsafe trait HostStruct: Copy {
    /// Size of the struct in the first version of the ABI. It never changes.
    const MIN_SIZE: usize;

    /// Copies a host's struct: fields that the host does not know are zero, and fields that
    /// this library does not know are ignored.
    ///
    /// # Errors
    /// `EDBPROF_NULL_POINTER`, `EDBPROF_BAD_STRUCT_SIZE`.
    ///
    /// # Safety
    /// * `given` is NULL, or aligned and readable as far as its `struct_size` says.
    unsafe fn copied(given: *const Self) -> Attempt<Self> {
        debug_assert!(given.is_aligned());
        if given.is_null() {
            return Err(EDBPROF_NULL_POINTER);
        }
        // SAFETY: the size is the first field of every version (contract of the trait).
        let size = unsafe { given.cast::<usize>().read() };
        if size < Self::MIN_SIZE {
            return Err(EDBPROF_BAD_STRUCT_SIZE);
        }
        let mut copy = MaybeUninit::<Self>::zeroed();
        // SAFETY: the host's struct has `size` bytes, and the copy those of this version.
        unsafe {
            ptr::copy_nonoverlapping(
                given.cast::<u8>(),
                copy.as_mut_ptr().cast::<u8>(),
                size.min(size_of::<Self>()),
            );
        }
        // SAFETY: zeros are valid, and so are the host's values over them.
        Ok(unsafe { copy.assume_init() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    /// A struct to which the second version of an ABI has added two fields.
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Grown {
        struct_size: usize,
        first: u64,
        second: u64,
        third: u32,
    }

    // SAFETY: the size comes first, zeros are numbers, and `first` ends within the struct.
    unsafe impl HostStruct for Grown {
        const MIN_SIZE: usize = offset_of!(Grown, second);
    }

    /// Memory that ends where a struct of that size ends.
    fn given(struct_size: usize) -> Box<[u64]> {
        let mut words = vec![7; struct_size.div_ceil(8).max(1)];
        words[0] = struct_size as u64;
        words.into()
    }

    fn copied(struct_size: usize) -> Attempt<Grown> {
        let words = given(struct_size);
        // SAFETY: as many bytes are there.
        unsafe { Grown::copied(words.as_ptr().cast()) }
    }

    #[test]
    fn fields_that_an_older_host_does_not_know_are_zero() {
        let expected = Grown {
            struct_size: 16,
            first: 7,
            second: 0,
            third: 0,
        };
        assert_eq!(copied(16), Ok(expected));
        let expected = Grown {
            struct_size: 24,
            second: 7,
            ..expected
        };
        assert_eq!(copied(24), Ok(expected));
    }

    #[test]
    fn fields_of_a_newer_host_are_ignored() {
        for size in [size_of::<Grown>(), size_of::<Grown>() + 8, 4096] {
            let expected = Grown {
                struct_size: size,
                first: 7,
                second: 7,
                third: 7,
            };
            assert_eq!(copied(size), Ok(expected));
        }
    }

    #[test]
    fn a_struct_that_is_smaller_than_the_first_version_is_refused() {
        for size in 0..Grown::MIN_SIZE {
            assert_eq!(copied(size), Err(EDBPROF_BAD_STRUCT_SIZE));
        }
        // SAFETY: NULL.
        let copied = unsafe { Grown::copied(ptr::null()) };
        assert_eq!(copied, Err(EDBPROF_NULL_POINTER));
    }
}
