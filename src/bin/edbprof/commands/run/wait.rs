//! Waits for the program's end, sends it the signals that are meant for it, and stops when it
//! stops.

use std::io;
use std::os::raw::c_int;

use rustix::process::{WaitOptions, WaitStatus, wait};

use super::endings::Endings;
use super::group_probe::GroupProbe;
use super::os::{Arrivals, Arrived, SignalSet, stop_self, take};
use super::process_state::state_of;

/// Signals that stop processes, and can be blocked.
const STOPS: [c_int; 3] = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Returns how the program has ended.
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
        // Before this process waits for the program, because its processor time is known until
        // then.
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

/// Has the probe forget what the system has cancelled here: SIGCONT cancels stops that were not
/// taken yet, and a stop cancels SIGCONT.
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
        // Those of the terminal are for the group.
        None => signal.is_sent(),
    }
}

/// Looks at all children that have changed; returns the program's status if it has ended.
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
        // Others are those that this process had before it became edbprof, or has inherited as
        // the first one of a container.
    }
    Ok(None)
}

fn settle(probe: &Option<GroupProbe>) {
    if let Some(probe) = probe {
        probe.settle();
    }
}

/// Stops this process as `signal` has stopped the program, for the shell to see; returns when
/// it was continued.
fn stop_like(program: libc::pid_t, signal: c_int, probe: &mut Option<GroupProbe>) {
    // The end of the stop may have arrived already. A stop here would cancel it.
    while let Some(end) = take(&SignalSet::of(&[libc::SIGCONT])) {
        if is_for_program(&end, probe) {
            return end.send_on(program);
        }
    }
    // Unless the system says that the process continues.
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
