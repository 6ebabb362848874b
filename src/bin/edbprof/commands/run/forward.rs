//! Signals for the program: a signal sent to `edbprof run` is meant for the program.

use std::io;
use std::os::raw::c_int;
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Sent};

const FORWARDED: [c_int; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];

/// Forwarding that goes on until it is stopped.
pub(super) struct Forwarding {
    signals: Handle,
    thread: JoinHandle<()>,
}

/// Forwards signals that processes send to this one to the process `to`. The terminal's own
/// (Ctrl-C) reach both anyway. No such signal ends this process before the program.
///
/// # Errors
///
/// The system's.
pub(super) fn to(to: u32) -> io::Result<Forwarding> {
    let mut signals = SignalsInfo::<WithOrigin>::new(FORWARDED)?;
    let handle = signals.handle();
    let thread = thread::spawn(move || {
        let to = i32::try_from(to).ok().and_then(Pid::from_raw);
        for origin in signals.forever() {
            let sent = matches!(
                origin.cause,
                Cause::Sent(Sent::User | Sent::TKill | Sent::Queue)
            );
            if let (true, Some(pid), Some(signal)) =
                (sent, to, Signal::from_named_raw(origin.signal))
            {
                // Fails if the program has just ended.
                let _ = kill_process(pid, signal);
            }
        }
    });
    Ok(Forwarding {
        signals: handle,
        thread,
    })
}

impl Forwarding {
    /// Stops forwarding. Must be called when the program has ended, because another process may
    /// soon have its id.
    pub(super) fn stop(self) {
        self.signals.close();
        // A panic of the thread has printed its own message.
        let _ = self.thread.join();
    }
}
