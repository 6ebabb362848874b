//! Waits for the program's end, forwards signals to it, and stops when it stops.

use std::io;
use std::os::raw::c_int;

use rustix::process::{WaitOptions, WaitStatus, wait};

use super::endings::Endings;
use super::group_probe::GroupProbe;
use super::os::{Arrivals, Arrived, SignalSet, stop_self, take};
use super::process_state::state_of;

/// Signals that stop processes, and can be blocked.
const STOPS: [c_int; 3] = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Waits for the program's end, and returns its status.
///
/// # Errors
///
/// The system's.
pub(super) fn until_end(
    program: libc::pid_t,
    probe: &mut Option<GroupProbe>,
    endings: &mut Endings,
) -> io::Result<WaitStatus> {
    let arrivals = Arrivals::new();
    loop {
        // This comes before this process waits for the program, because its processor time is known
        // only until then.
        endings.look();
        if let Some(status) = look_at_children(program, probe)? {
            return Ok(status);
        }
        let signal = arrivals.next(endings.as_fd())?;
        if let Some(signal) = signal.filter(|signal| is_for_program(signal, probe)) {
            signal.send_on(program);
        }
    }
}

/// Makes the probe forget the signals that the system has cancelled here. SIGCONT cancels stops
/// that were not taken yet, and a stop cancels SIGCONT.
fn forget_cancelled(signal: c_int, probe: &mut Option<GroupProbe>) {
    let cancelled = match signal {
        libc::SIGCONT => &STOPS[..],
        _ if STOPS.contains(&signal) => &[libc::SIGCONT],
        _ => return,
    };
    if let Some(probe) = probe {
        for &signal in cancelled {
            if !SignalSet::pending().has(signal) {
                probe.forget(signal);
            }
        }
    }
}

fn is_for_program(signal: &Arrived, probe: &mut Option<GroupProbe>) -> bool {
    if signal.is_of_child() {
        return false;
    }
    forget_cancelled(signal.number, probe);
    match probe {
        Some(probe) => !probe.has_got(signal),
        // The terminal sends signals to the group.
        None => signal.is_sent(),
    }
}

/// Handles all children that have ended or stopped; returns the program's status if it has ended.
fn look_at_children(
    program: libc::pid_t,
    probe: &mut Option<GroupProbe>,
) -> io::Result<Option<WaitStatus>> {
    settle(probe);
    while let Some((pid, status)) = wait(WaitOptions::NOHANG | WaitOptions::UNTRACED)? {
        let pid = pid.as_raw_pid();
        if pid == program {
            match status.stopping_signal() {
                Some(signal) => stop_like(program, signal, probe),
                None => return Ok(Some(status)),
            }
        } else if let Some(probe) = probe.as_mut().filter(|probe| probe.pid == pid) {
            if status.stopped() {
                probe.continue_it();
            }
        }
        // Other children come from before this process became edbprof, or were inherited by it as
        // the first process of a container.
    }
    Ok(None)
}

fn settle(probe: &Option<GroupProbe>) {
    if let Some(probe) = probe {
        probe.settle();
    }
}

/// Stops this process by `signal`, which has stopped the program, so that the shell sees it.
/// Returns when this process is continued.
fn stop_like(program: libc::pid_t, signal: c_int, probe: &mut Option<GroupProbe>) {
    // SIGCONT may have arrived already. A stop here would cancel it.
    while let Some(end) = take(&SignalSet::of(&[libc::SIGCONT])) {
        if is_for_program(&end, probe) {
            return end.send_on(program);
        }
    }
    // If the process is still stopped, or the system does not say, this process stops, too.
    if state_of(program.unsigned_abs()).is_some_and(|state| state != b'T') {
        return;
    }
    for stop in STOPS {
        if take(&SignalSet::of(&[stop])).is_some() {
            if let Some(probe) = probe {
                probe.forget(stop);
            }
        }
    }
    stop_self(signal);
}
