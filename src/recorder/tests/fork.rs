//! A fork while other threads wait for a recording's lock. The test runs in a process of its own,
//! because fork handlers concern the whole process and can't be removed.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{define, recording};
use crate::recorder::Recording;

#[test]
fn a_lock_that_was_waited_for_at_the_fork_works_in_the_child() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--test-threads=1"])
        .arg("recorder::tests::fork::in_a_process_of_its_own")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

/// The thread that waits for the lock at the fork; 0 before it runs.
static WAITER: AtomicI32 = AtomicI32::new(0);
static LOCKED: AtomicBool = AtomicBool::new(false);

#[test]
#[ignore = "run by the test above"]
fn in_a_process_of_its_own() {
    // Registered before the recorder's handlers, so called after they have taken
    // the locks.
    // SAFETY: a function of this program.
    let status = unsafe { libc::pthread_atfork(Some(while_locked), None, None) };
    assert_eq!(status, 0);
    let recording: &'static Recording = Box::leak(Box::new(recording(100)));
    let waiter = thread::spawn(|| {
        WAITER.store(thread_id(), Ordering::Release);
        while !LOCKED.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
        define(recording, 1, false);
    });
    while WAITER.load(Ordering::Acquire) == 0 {
        thread::yield_now();
    }
    // SAFETY: the child uses nothing that its missing threads may have held but the
    // allocator, which the C library keeps in order.
    match unsafe { libc::fork() } {
        0 => {
            let status = i32::from(!hands_over_the_lock(recording));
            // SAFETY: ends the child without the parent's test harness in it.
            unsafe { libc::_exit(status) }
        }
        child => {
            assert!(child > 0);
            let mut status = -1;
            // SAFETY: `status` is a valid place for the answer.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0);
        }
    }
    waiter.join().unwrap();
    assert!(recording.lock().functions.find(1).is_some());
}

extern "C" fn while_locked() {
    LOCKED.store(true, Ordering::Release);
    wait_until_asleep(WAITER.load(Ordering::Acquire));
}

/// Returns true if a thread that waits for the lock gets it when it becomes free.
fn hands_over_the_lock(recording: &'static Recording) -> bool {
    static SECOND: AtomicI32 = AtomicI32::new(0);
    static DONE: AtomicBool = AtomicBool::new(false);
    let held = recording.lock();
    // The stack has another size than the waiter's, so that this thread does not get the waiter's
    // stack. The values there would be right by chance.
    let builder = thread::Builder::new().stack_size(32 << 20);
    let spawned = builder.spawn(|| {
        SECOND.store(thread_id(), Ordering::Release);
        define(recording, 2, false);
        DONE.store(true, Ordering::Release);
    });
    if spawned.is_err() {
        return false;
    }
    while SECOND.load(Ordering::Acquire) == 0 {
        thread::yield_now();
    }
    wait_until_asleep(SECOND.load(Ordering::Acquire));
    drop(held);
    // Only a defect waits that long.
    let end = Instant::now() + Duration::from_secs(20);
    while !DONE.load(Ordering::Acquire) {
        if Instant::now() > end {
            return false;
        }
        thread::yield_now();
    }
    true
}

fn thread_id() -> i32 {
    // SAFETY: always allowed.
    unsafe { libc::gettid() }
}

/// Waits until `thread` sleeps. Both threads that are waited for sleep for nothing but the lock.
fn wait_until_asleep(thread: i32) {
    loop {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        // The state follows the name, which is in parentheses.
        if stat
            .rsplit(')')
            .next()
            .unwrap()
            .trim_start()
            .starts_with('S')
        {
            return;
        }
        thread::yield_now();
    }
}
