//! Signals on their way to the program: who sends one to `edbprof run` means it.

use std::io;
use std::os::raw::c_int;
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::iterator::{Handle, SignalsInfo};
use signal_hook::low_level::siginfo::{Cause, Sent};

const FORWARDED: [c_int; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];

/// Stops forwarding.
pub(super) struct Forwarding {
    signals: Handle,
    thread: JoinHandle<()>,
}

/// From now on signals that some process sends to this one go on to the process `to`.
/// What the terminal sends (Ctrl-C) goes to both by itself. None of them ends this
/// process: it lives until the program has ended.
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
                // It may just have ended.
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
    /// To be called when the program has ended: its process id may soon be another's.
    pub(super) fn stop(self) {
        self.signals.close();
        // A panic in there was told already.
        let _ = self.thread.join();
    }
}
