//! System calls that fail, at the first event or when the file is to grow: made to fail
//! by a filter of the kernel's, seccomp, in a process of its own.

use std::io;

use edbprof::capi::edbprof_status::EDBPROF_OK;

use super::failures::{EVENTS, check_saved, check_told_once, run};
use super::in_a_process_of_its_own;
use super::recorder::{Recorder, files, only_live, read};

/// Lets `call` fail with `error` in this thread from now on; if there is a mask, then
/// only where an argument of that number has one of its bits.
fn refuse(call: i64, argument: Option<(u32, i32)>, error: i32) {
    let load = |offset| instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0);
    let give = |result| instruction(libc::BPF_RET | libc::BPF_K, result, 0, 0);
    // Offsets in struct seccomp_data; of an argument, the half that has the mask.
    let (offset, mask) = argument.map_or((0, -1), |(number, mask)| (16 + 8 * number, mask));
    let mut program = [
        load(0),
        instruction(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            call as u32,
            0,
            3,
        ),
        load(offset),
        instruction(
            libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K,
            mask as u32,
            0,
            1,
        ),
        give(libc::SECCOMP_RET_ERRNO | error as u32),
        give(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: a valid program, which the kernel copies and checks.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program)
    };
    assert_eq!(failed, 0, "{}", io::Error::last_os_error());
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

/// Refuses after `before` events. What the file has by then stays in it.
fn check(before: u64, call: i64, argument: Option<(u32, i32)>, error: i32) {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    run(&recorder, 0..before);
    refuse(call, argument, error);
    run(&recorder, before..EVENTS);
    let text = io::Error::from_raw_os_error(error).to_string();
    check_told_once(&recorder, &text);
    if before == 0 {
        assert!(files(directory.path(), "").is_empty());
    } else {
        let trees = read(&only_live(directory.path()));
        assert!(trees.threads[0].nodes.calls().iter().sum::<u64>() >= before / 4);
    }
    check_saved(&recorder, directory.path());
    recorder.free();
    assert!(files(directory.path(), ".live").is_empty());
}

/// A test of a call that fails at once, when the file is made, or later, when it grows.
macro_rules! refused {
    ($($name:ident, $call:expr, $argument:expr, $error:expr, $before:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn is_no_harm() {
                in_a_process_of_its_own(concat!("refused::", stringify!($name), "::is_no_harm_here"));
            }

            #[test]
            #[ignore = "run by the test above: the filter stays"]
            fn is_no_harm_here() {
                check($before, $call, $argument, $error);
            }
        }
    )*};
}

const AT_ONCE: u64 = 0;
const LATER: u64 = 100;

refused! {
    // A file system that can't be mapped, shared.
    mapping, libc::SYS_mmap, Some((3, libc::MAP_SHARED)), libc::ENODEV, AT_ONCE;
    mapping_without_memory, libc::SYS_mmap, Some((3, libc::MAP_SHARED)), libc::ENOMEM, AT_ONCE;
    // The last step of all.
    mapping_over_the_nodes, libc::SYS_mmap, Some((3, libc::MAP_FIXED)), libc::EPERM, AT_ONCE;
    // A disk that became full after it was asked; one that can't reserve.
    reserving_on_a_full_disk, libc::SYS_fallocate, None, libc::ENOSPC, AT_ONCE;
    reserving, libc::SYS_fallocate, None, libc::EOPNOTSUPP, AT_ONCE;
    asking_for_the_file_system, libc::SYS_fstatfs, None, libc::ENOSYS, AT_ONCE;
    making_it_longer, libc::SYS_ftruncate, None, libc::EFBIG, AT_ONCE;
    mapping_more, libc::SYS_mremap, None, libc::ENOMEM, LATER;
    moving_what_is_mapped, libc::SYS_mremap, Some((3, libc::MREMAP_FIXED)), libc::EPERM, LATER;
    // MADV_POPULATE_WRITE.
    giving_pages_blocks, libc::SYS_madvise, Some((2, 16)), libc::ENOMEM, LATER;
}

#[test]
fn a_kernel_before_5_14_gives_blocks_page_by_page() {
    in_a_process_of_its_own("refused::a_kernel_before_5_14_here");
}

#[test]
#[ignore = "run by the test above: the filter stays"]
fn a_kernel_before_5_14_here() {
    let directory = tempfile::tempdir().unwrap();
    refuse(libc::SYS_madvise, Some((2, 16)), libc::EINVAL);
    let recorder = Recorder::new(directory.path());
    run(&recorder, 0..EVENTS);
    let trees = read(&only_live(directory.path()));
    assert_eq!(
        super::model::figures_of(&trees),
        super::model::figures_after(4, EVENTS)
    );
    recorder.free();
}

/// Nothing of what a growing file needs can be had any more: neither descriptors nor the path.
#[test]
fn a_file_grows_without_being_opened() {
    in_a_process_of_its_own("refused::a_file_grows_without_being_opened_here");
}

#[test]
#[ignore = "run by the test above: the filter stays"]
fn a_file_grows_without_being_opened_here() {
    let directory = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(directory.path());
    run(&recorder, 0..100);
    let live = only_live(directory.path());
    refuse(libc::SYS_openat, Some((2, libc::O_RDWR)), libc::EACCES);
    run(&recorder, 100..EVENTS);
    assert_eq!(recorder.check(), EDBPROF_OK);
    let trees = read(&live);
    assert_eq!(
        super::model::figures_of(&trees),
        super::model::figures_after(4, EVENTS)
    );
    recorder.free();
}
