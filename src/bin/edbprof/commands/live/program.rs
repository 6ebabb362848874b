//! The program of `edbprof run --live`: another `edbprof run`, without a view.
//!
//! While the view has the terminal, standard output and error of the program are a second one, if
//! they would be the terminal. Output to it is kept, and printed when the view is closed.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use edbprof::report::numbers::counted;
use edbprof::report::summary::path_text;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, tcgetwinsize, tcsetattr, tcsetwinsize};
use tempfile::SpooledTempFile;

use super::screen::Screen;
use crate::cli::exit::Error;
use crate::commands::run::os::{Arrivals, Arrived, SignalSet, take};

/// Bytes of output that are kept in memory; the rest goes to a file without a name.
const IN_MEMORY: usize = 1 << 20;

/// The program, and what it has written.
pub(super) struct Program {
    child: Child,
    status: Option<ExitStatus>,
    /// This process's side of its terminal; `None` if it writes elsewhere.
    terminal: Option<OwnedFd>,
    output: SpooledTempFile,
    lines: usize,
}

impl Program {
    /// Starts the command line of this process, without the view.
    ///
    /// # Errors
    ///
    /// When it can't be started.
    pub(super) fn start(screen: &Screen) -> Result<Program, Error> {
        let not_started = |error: io::Error| {
            Error::NotStarted(format!("can't start the program of the view: {error}"))
        };
        let mut words = std::env::args_os();
        let name = words.next().unwrap_or_else(|| OsString::from("edbprof"));
        let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| name.into()));
        // `run` comes first.
        command.args(words.next()).arg("--in-view").args(words);
        let (out, error) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let mut terminal = None;
        if out || error {
            let (ours, programs) = pair(screen).map_err(not_started)?;
            if out {
                command.stdout(programs.try_clone().map_err(not_started)?);
            }
            if error {
                command.stderr(programs.try_clone().map_err(not_started)?);
            }
            terminal = Some(ours);
        }
        let child = command.spawn().map_err(not_started)?;
        Ok(Program {
            child,
            status: None,
            terminal,
            output: SpooledTempFile::new(IN_MEMORY),
            lines: 0,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the descriptor from which output can be read.
    pub(super) fn output(&self) -> Option<BorrowedFd<'_>> {
        self.terminal.as_ref().map(OwnedFd::as_fd)
    }

    /// Returns a text that says how much output is kept until the view is closed.
    pub(super) fn output_text(&self) -> String {
        match self.lines {
            0 => String::new(),
            lines => format!("({} of output)", counted(lines, "line", "lines")),
        }
    }

    /// Keeps what the program has written.
    pub(super) fn take_output(&mut self) {
        let mut bytes = [0; 1 << 16];
        while let Some(written) = self.read_some(&mut bytes) {
            self.lines += written.iter().filter(|&&byte| byte == b'\n').count();
            // Without room for it, output is lost and the program continues.
            let _ = self.output.write_all(written);
        }
    }

    /// Returns output that can be read now; `None` if there is none.
    fn read_some<'b>(&mut self, bytes: &'b mut [u8]) -> Option<&'b [u8]> {
        let terminal = self.terminal.as_ref()?;
        match rustix::io::read(terminal, &mut *bytes) {
            Ok(read) if read > 0 => bytes.get(..read),
            Err(Errno::AGAIN | Errno::INTR) => None,
            // All processes have closed it.
            Ok(_) | Err(_) => {
                self.terminal = None;
                None
            }
        }
    }

    /// Gives the program's terminal the size of the real one.
    pub(super) fn resize(&self, screen: &Screen) {
        if let (Some(terminal), Ok(size)) = (&self.terminal, tcgetwinsize(screen.as_fd())) {
            let _ = tcsetwinsize(terminal, size);
        }
    }

    /// Forwards a signal that only this process got. Returns true if the program has ended.
    pub(super) fn signal(&mut self, signal: &Arrived) -> bool {
        if signal.number == libc::SIGCHLD {
            return self.has_ended();
        }
        // The terminal sends signals to the whole group, which the program belongs to.
        if signal.is_sent() {
            if let Ok(pid) = libc::pid_t::try_from(self.child.id()) {
                signal.send_on(pid);
            }
        }
        false
    }

    fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap_or(None);
        }
        self.status.is_some()
    }

    /// Prints the output that was kept, and all further output until the program ends. Returns its
    /// status.
    ///
    /// # Errors
    ///
    /// When it can't be waited for.
    pub(super) fn pass_on(&mut self) -> Result<ExitStatus, Error> {
        self.take_output();
        if self.output.rewind().is_ok() {
            let mut kept = Vec::new();
            // Copied by hand, because a closed terminal is no error here.
            while let Ok(1..) = (&mut self.output).take(1 << 16).read_to_end(&mut kept) {
                print(&kept);
                kept.clear();
            }
        }
        let arrivals = Arrivals::new();
        while !self.has_ended() {
            let mut polled: Vec<_> = [arrivals.as_fd(), self.output()]
                .into_iter()
                .flatten()
                .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
                .collect();
            let waited = poll(&mut polled, None);
            if let Err(error) = waited {
                if error != Errno::INTR {
                    return Err(Error::SomeFailed(format!("can't wait: {error}")));
                }
            }
            while let Some(signal) = take(&SignalSet::all()) {
                if super::events::is_stop(signal.number) {
                    crate::commands::run::os::stop_self(signal.number);
                }
                self.signal(&signal);
            }
            self.print_output();
        }
        self.print_output();
        self.status
            .ok_or_else(|| Error::SomeFailed("the program's end was not seen".to_owned()))
    }

    fn print_output(&mut self) {
        let mut bytes = [0; 1 << 16];
        while let Some(written) = self.read_some(&mut bytes) {
            print(written);
        }
    }
}

/// Prints to the terminal that the program would have written to.
fn print(bytes: &[u8]) {
    let written = match io::stdout().is_terminal() {
        true => {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        false => io::stderr().write_all(bytes),
    };
    // A terminal that was closed shows nothing.
    let _ = written;
}

/// Returns this process's side and the program's side of a new terminal like the real one.
fn pair(screen: &Screen) -> io::Result<(OwnedFd, File)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let programs = rustix::fs::open(&*name, flags, rustix::fs::Mode::empty())?;
    let mut modes = screen.modes().clone();
    // The real terminal does this once more.
    modes.output_modes -= OutputModes::OPOST;
    tcsetattr(&programs, OptionalActions::Now, &modes)?;
    if let Ok(size) = tcgetwinsize(screen.as_fd()) {
        tcsetwinsize(&programs, size)?;
    }
    fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
    Ok((ours, File::from(programs)))
}

/// Returns the command line of the program.
pub(super) fn title(words: &[OsString]) -> String {
    let words = words.iter().map(|word| path_text(Path::new(word)));
    let words: Vec<_> = words.map(|word| word.to_string()).collect();
    words.join(" ")
}
