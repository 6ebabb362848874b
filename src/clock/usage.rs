//! Reads the processor time of threads, and the numbers of their switches to other threads.

#[cfg(test)]
use std::cell::Cell;
use std::fs::{self, File};
use std::io::Read;

use super::system;

/// Switches from the calling thread to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Switches {
    /// Number of times that the thread gave its processor up, to wait.
    pub(crate) voluntary: u64,
    /// Number of times that its processor was taken from it.
    pub(crate) involuntary: u64,
}

/// Figures of the calling thread, and of its process, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ThreadUsage {
    pub(crate) monotonic_ns: u64,
    pub(crate) cpu_ns: u64,
    /// Processor time of all threads of the process.
    pub(crate) process_cpu_ns: u64,
    pub(crate) switches: Switches,
}

#[cfg(test)]
thread_local! {
    /// Time for which a test makes the calling thread wait in each reading of its figures.
    pub(crate) static SLOW_READING: Cell<std::time::Duration> =
        const { Cell::new(std::time::Duration::ZERO) };
}

impl ThreadUsage {
    /// The figures now. Reading processor time makes Linux notice that the thread has used up its
    /// time slice, so the thread often loses its processor here. The switches are read last, so
    /// that they include that switch, as the clocks do.
    pub(crate) fn now() -> ThreadUsage {
        let process_cpu_ns = system::process_cpu_ns();
        let cpu_ns = system::thread_cpu_ns();
        #[cfg(test)]
        if !SLOW_READING.get().is_zero() {
            std::thread::sleep(SLOW_READING.get());
        }
        ThreadUsage {
            process_cpu_ns,
            cpu_ns,
            monotonic_ns: system::monotonic_ns(),
            switches: Switches::now(),
        }
    }
}

impl ThreadUsage {
    /// The figures of another thread of this process. `None` if the system does not have them, or
    /// if there is no such thread.
    pub(crate) fn of(os_thread: u32) -> Option<ThreadUsage> {
        let switches = Switches::of(os_thread)?;
        let (cpu_ns, monotonic_ns) = usage_of(os_thread)?;
        Some(ThreadUsage {
            monotonic_ns,
            cpu_ns,
            process_cpu_ns: system::process_cpu_ns(),
            switches,
        })
    }
}

/// The system's monotonic clock.
pub(crate) fn monotonic_ns() -> u64 {
    system::monotonic_ns()
}

/// Number by which the system knows the calling thread; 0 where [`usage_of`] knows none.
pub(crate) fn os_thread() -> u32 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: always allowed.
    return unsafe { libc::syscall(libc::SYS_gettid) } as u32;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return 0;
}

/// CPU time that another thread of this process has used by now, and the monotonic time.
pub(crate) fn usage_of(os_thread: u32) -> Option<(u64, u64)> {
    let cpu_ns = system::cpu_ns_of(os_thread)?;
    Some((cpu_ns, system::monotonic_ns()))
}

impl Switches {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn now() -> Switches {
        // SAFETY: rusage is integers only, for which zeros are values, and a valid place for
        // the answer.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
            usage
        };
        Switches {
            voluntary: usage.ru_nvcsw as u64,
            involuntary: usage.ru_nivcsw as u64,
        }
    }

    /// Reports one more voluntary switch at each reading, because this system does not count them.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn now() -> Switches {
        use std::sync::atomic::{AtomicU64, Ordering};
        static READINGS: AtomicU64 = AtomicU64::new(0);
        Switches {
            voluntary: READINGS.fetch_add(1, Ordering::Relaxed),
            involuntary: 0,
        }
    }
}

impl Switches {
    /// The switches of another thread of this process, from a file of the system's.
    fn of(os_thread: u32) -> Option<Switches> {
        let text = fs::read_to_string(format!("/proc/self/task/{os_thread}/status")).ok()?;
        let number = |name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse().ok()
        };
        Some(Switches {
            voluntary: number("voluntary_ctxt_switches:")?,
            involuntary: number("nonvoluntary_ctxt_switches:")?,
        })
    }
}

/// Nanoseconds in which the calling thread was ready to run and had no processor. Opens a file and
/// keeps no descriptor; takes microseconds. `None` where the kernel does not count them.
pub(crate) fn run_delay_ns() -> Option<u64> {
    run_delay_in("/proc/thread-self/schedstat")
}

/// Returns the run delay of another thread of this process.
pub(crate) fn run_delay_of(os_thread: u32) -> Option<u64> {
    run_delay_in(&format!("/proc/self/task/{os_thread}/schedstat"))
}

fn run_delay_in(path: &str) -> Option<u64> {
    let mut text = [0; 64];
    let mut file = File::open(path).ok()?;
    let len = file.read(&mut text).ok()?;
    let text = std::str::from_utf8(text.get(..len)?).ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_no_processor_time() {
        let before = ThreadUsage::now();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let after = ThreadUsage::now();
        let wall = after.monotonic_ns - before.monotonic_ns;
        let cpu = after.cpu_ns - before.cpu_ns;
        assert!(wall >= 20_000_000);
        assert!(cpu < wall);
        assert!(after.switches.voluntary > before.switches.voluntary);
        assert!(after.process_cpu_ns >= after.cpu_ns);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_wait_in_a_reading_is_in_its_clocks_and_in_its_switches() {
        let before = ThreadUsage::now();
        SLOW_READING.set(std::time::Duration::from_millis(20));
        let slow = ThreadUsage::now();
        SLOW_READING.set(std::time::Duration::ZERO);
        assert!(slow.monotonic_ns - before.monotonic_ns >= 20_000_000);
        assert!(slow.switches.voluntary > before.switches.voluntary);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn another_thread_s_figures_are_those_that_it_has_itself() {
        let here = os_thread();
        let (before, delay) = (ThreadUsage::now(), run_delay_ns());
        let told = std::thread::spawn(move || (ThreadUsage::of(here), run_delay_of(here)));
        let (told, told_delay) = told.join().unwrap();
        let (after, told) = (ThreadUsage::now(), told.unwrap());
        assert!((before.cpu_ns..=after.cpu_ns).contains(&told.cpu_ns));
        assert!((before.monotonic_ns..=after.monotonic_ns).contains(&told.monotonic_ns));
        let switches = before.switches.voluntary..=after.switches.voluntary;
        assert!(switches.contains(&told.switches.voluntary));
        assert!(told_delay >= delay);
        assert!(ThreadUsage::of(0).is_none() && ThreadUsage::of(1 << 30).is_none());
    }
}
