//! Measures the time in which a thread was on no processor, at the event that follows.
//!
//! The clocks that show waits are slow, so they are read only if a wait is likely:
//! * The gap since the thread's latest event is longer than [`Gaps::least`]. Shorter waits don't
//!   matter.
//! * The kernel says that it may have taken the thread off its processor ([`rseq`]), or can't be
//!   asked.
//! * The kernel has counted a switch, or the reading before is older than [`FRESH_NS`].
//!
//! The thread has waited for wall time less processor time since the reading before. The wait is
//! counted in the call that was open in the gap. A short wait without a reading right after it is
//! counted in a later call. The sum over all calls is exact.
//!
//! The system counts switches from the thread to others. After voluntary switches alone, the thread
//! was waiting. After involuntary ones alone, it was preempted. After both, it was preempted for as
//! long as it was ready to run.

use std::cell::Cell;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use super::{Home, Mode, Thread};
use crate::clock::{self, Clock, Switches, ThreadUsage, run_delay_ns, run_delay_of};
use crate::model::timeline::WaitKind;
use crate::recorder::node::NodeIndex;
use crate::recorder::rseq;

/// Age in nanoseconds from which on a reading is replaced even if no switch was counted. Interrupts
/// and hypervisors take some of a thread's time, which must not appear in its next wait.
const FRESH_NS: u64 = 10_000_000;

/// Time between two events of a thread, in ticks of its clock.
#[derive(Clone, Copy)]
struct Gaps {
    /// Up to this gap no wait is looked for: a few microseconds.
    least: u64,
    /// From this gap on, the counts are read without asking a newer kernel first: some twenty
    /// microseconds, of which the reading takes a hundredth.
    most: u64,
}

impl Gaps {
    /// `None` for clocks that count no waits, or not in real time.
    fn of(clock: Clock) -> Option<Gaps> {
        match clock {
            Clock::Tsc => Some(Gaps {
                least: clock::counter_ticks_in_us(5),
                most: clock::counter_ticks_in_us(20),
            }),
            Clock::Monotonic => Some(Gaps {
                least: 5_000,
                most: 20_000,
            }),
            Clock::Cpu | Clock::Host => None,
        }
    }
}

/// A wait, as far as the thread itself knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Nanoseconds in which the thread waited for something.
    pub(crate) voluntary: u64,
    /// Nanoseconds in which it was ready to run.
    pub(crate) preempted: u64,
    /// True if other threads of the process have used a processor meanwhile.
    pub(crate) others_ran: bool,
    /// True if both parts are estimated from the numbers of switches.
    pub(crate) is_estimated: bool,
}

/// Time of a thread since its latest reading, in nanoseconds, as another thread can measure it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SinceReading {
    pub(crate) ran: u64,
    /// Time in which the thread had no processor.
    pub(crate) waited: u64,
    /// The part of `waited` in which it was ready to run, if the reading is its first; otherwise 0.
    pub(crate) preempted: u64,
}

/// The latest reading of a thread's clocks, for other threads.
#[derive(Debug, Default)]
pub(super) struct LatestReading {
    /// The system's number of the thread; 0 as long as there is no reading.
    os_thread: AtomicU32,
    cpu_ns: AtomicU64,
    monotonic_ns: AtomicU64,
    /// Time in which it was ready to run; [`NOT_READ`] after later readings, which lack it.
    run_delay_ns: AtomicU64,
}

const NOT_READ: u64 = u64::MAX;

impl LatestReading {
    /// Makes it the first reading of a thread.
    fn begin(&self, os_thread: u32, usage: &ThreadUsage, run_delay_ns: Option<u64>) {
        self.set(usage);
        self.run_delay_ns
            .store(run_delay_ns.unwrap_or(NOT_READ), Relaxed);
        self.os_thread.store(os_thread, Release);
    }

    fn set(&self, usage: &ThreadUsage) {
        self.monotonic_ns.store(0, Relaxed);
        self.run_delay_ns.store(NOT_READ, Relaxed);
        self.cpu_ns.store(usage.cpu_ns, Release);
        self.monotonic_ns.store(usage.monotonic_ns, Release);
    }

    /// Returns the time since the reading. `None` if the thread takes another reading meanwhile, or
    /// has ended.
    pub(super) fn until_now(&self) -> Option<SinceReading> {
        let os_thread = self.os_thread.load(Acquire);
        let began = self.monotonic_ns.load(Acquire);
        let before = self.cpu_ns.load(Acquire);
        let delay = self.run_delay_ns.load(Acquire);
        if os_thread == 0 || began == 0 {
            return None;
        }
        let (cpu, now) = clock::usage_of(os_thread)?;
        let ran = cpu.saturating_sub(before);
        let waited = now.saturating_sub(began).saturating_sub(ran);
        let preempted = match delay {
            NOT_READ => 0,
            delay => run_delay_of(os_thread).map_or(0, |now| now.saturating_sub(delay)),
        };
        (self.monotonic_ns.load(Acquire) == began).then_some(SinceReading {
            ran,
            waited,
            preempted: preempted.min(waited),
        })
    }
}

/// State of a thread that looks for waits, or does not.
pub(super) struct Watch {
    gaps: Option<Gaps>,
    latest: Cell<ThreadUsage>,
    /// Time in which the thread was ready to run, less the part that was returned before.
    run_delay: Cell<Option<u64>>,
}

impl Watch {
    /// A state that looks for waits once it has begun; without `is_wanted` it never does.
    pub(super) fn new(clock: Clock, is_wanted: bool) -> Watch {
        Watch {
            gaps: Gaps::of(clock).filter(|_| is_wanted),
            latest: Cell::default(),
            run_delay: Cell::new(None),
        }
    }

    /// Counts waits of the calling thread from now on.
    pub(super) fn begin(&self, reading: &LatestReading) {
        if self.gaps.is_some() {
            // These calls take longest, so they come first. A wait in them is then before the
            // reading.
            let (os_thread, run_delay) = (clock::os_thread(), run_delay_ns());
            self.run_delay.set(run_delay);
            rseq::watch();
            let usage = ThreadUsage::now();
            self.latest.set(usage);
            reading.begin(os_thread, &usage, run_delay);
        }
    }

    /// Counts waits of another thread from now on. `os_thread` is the system's number of it.
    fn begin_for(&self, os_thread: u32, reading: &LatestReading) {
        let usage = ThreadUsage::of(os_thread).filter(|_| self.gaps.is_some());
        reading.os_thread.store(0, Release);
        if let Some(mut usage) = usage {
            // Its switch into the present wait was counted before, and the wait counts no other
            // switch.
            usage.switches.voluntary = usage.switches.voluntary.saturating_sub(1);
            self.latest.set(usage);
            self.run_delay.set(run_delay_of(os_thread));
            reading.begin(os_thread, &usage, self.run_delay.get());
        }
    }

    /// Continues to count waits of the calling thread, which another thread has begun to do.
    fn go_on(&self, reading: &LatestReading) {
        let os_thread = clock::os_thread();
        if os_thread == 0 || reading.os_thread.load(Acquire) != os_thread {
            self.begin(reading);
        }
    }

    /// Gap from which on an event has to look for a wait; 0 if the clock is not the counter.
    pub(super) fn gap_limit(&self, clock: Clock) -> u64 {
        match (clock, self.gaps) {
            (Clock::Tsc, Some(gaps)) => gaps.least + 1,
            (Clock::Tsc, None) => 1 << 63,
            _ => 0,
        }
    }

    /// Takes a reading at an event after such a gap, if the thread may have waited. Returns the
    /// figures of the reading before and of this one.
    fn read_after(&self, gap: u64, reading: &LatestReading) -> Option<(ThreadUsage, ThreadUsage)> {
        let gaps = self.gaps?;
        if gap <= gaps.least {
            return None;
        }
        let is_told = gap <= gaps.most || rseq::tells_of_system_calls();
        if is_told && rseq::has_run_since() {
            return None;
        }
        // A switch from here on counts for the next event.
        rseq::watch();
        let before = self.latest.get();
        if Switches::now() == before.switches
            && clock::monotonic_ns() < before.monotonic_ns.saturating_add(FRESH_NS)
        {
            return None;
        }
        let usage = ThreadUsage::now();
        self.latest.set(usage);
        reading.set(&usage);
        Some((before, usage))
    }

    fn split(&self, before: &ThreadUsage, now: &ThreadUsage) -> Option<Wait> {
        let since = |now: u64, before: u64| now.saturating_sub(before);
        let cpu = since(now.cpu_ns, before.cpu_ns);
        let waited = since(now.monotonic_ns, before.monotonic_ns).saturating_sub(cpu);
        let voluntary = since(now.switches.voluntary, before.switches.voluntary);
        let involuntary = since(now.switches.involuntary, before.switches.involuntary);
        let (preempted, is_estimated) = match (voluntary, involuntary) {
            // Interrupts or a hypervisor took the time, on which the program has no influence.
            (0, 0) => return None,
            (0, _) => (waited, false),
            (_, 0) => (0, false),
            _ => self.ready_of(waited, voluntary, involuntary),
        };
        if let (0, Some(delay)) = (voluntary, self.run_delay.get()) {
            self.run_delay.set(Some(delay.saturating_add(preempted)));
        }
        let voluntary = waited - preempted;
        let others = since(now.process_cpu_ns, before.process_cpu_ns).saturating_sub(cpu);
        Some(Wait {
            voluntary,
            preempted,
            // The two clocks are not read at one moment.
            others_ran: others > 2_000 && others > voluntary / 16,
            is_estimated,
        })
    }

    /// Returns the part of `waited` in which the thread was ready to run. If the kernel does not
    /// have that figure, the part is estimated, with the same time for each switch.
    fn ready_of(&self, waited: u64, voluntary: u64, involuntary: u64) -> (u64, bool) {
        let now = run_delay_ns();
        let before = self.run_delay.replace(now);
        match now.zip(before) {
            Some((now, before)) => (now.saturating_sub(before).min(waited), false),
            None => {
                let share = u128::from(waited) * u128::from(involuntary);
                ((share / u128::from(voluntary + involuntary)) as u64, true)
            }
        }
    }
}

impl<H: Home> Thread<H> {
    /// Like [`Thread::now`], for an event: counts the wait before it.
    pub(crate) fn now_of_event(&self) -> u64 {
        self.at(self.reading_of_event())
    }

    /// Reading of the clock for an event: counts the wait before it. The event is after the look
    /// for a wait, because the system often takes the processor away in it.
    pub(super) fn reading_of_event(&self) -> u64 {
        let reading = self.clock.now();
        let gap = self.ticks(reading).saturating_sub(self.last() as i64);
        let read = self
            .watch
            .read_after(gap.max(0) as u64, &self.shared.reading);
        let Some((before, now)) = read else {
            return reading;
        };
        let reading = self.clock.now();
        if let Some(wait) = self.watch.split(&before, &now) {
            if let Some(node) = self.node_that_waited() {
                let waited = self.home().waited(node, self.node(node).function(), wait);
                self.note_waits([
                    (WaitKind::Blocked, waited.blocked),
                    (WaitKind::Gil, waited.gil),
                    (WaitKind::Preempted, waited.preempted),
                ]);
            }
        }
        reading
    }

    /// Counts waits of the calling thread from now on.
    pub(super) fn begin_to_watch(&self) {
        self.watch.begin(&self.shared.reading);
    }

    /// Counts waits of the thread with the system's number `os_thread`, until it adopts the handle.
    pub(super) fn begin_to_watch_for(&self, os_thread: u32) {
        self.watch.begin_for(os_thread, &self.shared.reading);
    }

    /// Continues to count waits of the calling thread, which another thread has begun to do.
    pub(super) fn go_on_to_watch(&self) {
        self.watch.go_on(&self.shared.reading);
    }

    /// The innermost call that is open in the tree.
    fn node_that_waited(&self) -> Option<NodeIndex> {
        let is_call = matches!(self.mode.get(), Mode::Tree) && self.cursor.get() != self.root.get();
        is_call.then(|| self.index_of(self.cursor()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn usage(wall_ms: u64, cpu_ms: u64, voluntary: u64, involuntary: u64) -> ThreadUsage {
        ThreadUsage {
            monotonic_ns: wall_ms * MS,
            cpu_ns: cpu_ms * MS,
            process_cpu_ns: cpu_ms * MS,
            switches: Switches {
                voluntary,
                involuntary,
            },
        }
    }

    fn split(now: ThreadUsage) -> Option<Wait> {
        let watch = Watch::new(Clock::Cpu, true);
        watch.split(&usage(0, 0, 0, 0), &now)
    }

    #[test]
    fn the_kind_of_switches_tells_the_kind_of_a_wait() {
        let wait = |voluntary, preempted| {
            Some(Wait {
                voluntary: voluntary * MS,
                preempted: preempted * MS,
                others_ran: false,
                is_estimated: voluntary == 2,
            })
        };
        assert_eq!(split(usage(10, 4, 0, 0)), None);
        assert_eq!(split(usage(10, 4, 3, 0)), wait(6, 0));
        assert_eq!(split(usage(10, 4, 0, 3)), wait(0, 6));
        // Without the kernel's figures, by their numbers.
        assert_eq!(split(usage(10, 4, 1, 2)), wait(2, 4));
        assert_eq!(split(usage(4, 10, 1, 0)), wait(0, 0));
    }

    #[test]
    fn others_have_run_if_the_process_used_more_than_the_thread() {
        let used = |others_us: u64| {
            let mut now = usage(10, 4, 1, 0);
            now.process_cpu_ns += others_us * 1000;
            split(now).unwrap().others_ran
        };
        assert!(!used(1));
        assert!(!used(100));
        assert!(used(3000));
    }
}
