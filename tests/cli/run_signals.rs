//! `edbprof run` and signals: each reaches the program once, and both end and stop alike.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use libc::{SIGCONT, SIGKILL, SIGRTMIN, SIGSTOP, SIGTERM, SIGTSTP, SIGUSR2};

use crate::sandbox::Sandbox;

/// Tells each signal that arrives, in their order, until the last one.
const TELL_SIGNALS: &str = r#"
import os, signal
reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, lambda *_: None)
print("ready", flush=True)
number = 0
while number != signal.SIGRTMAX:
    number = os.read(reader, 1)[0]
    print(int(number), flush=True)
"#;

/// Path of a Python: a wrapper on PATH may do with signals what it likes.
fn python() -> String {
    let code = "import sys; print(sys.executable, end='')";
    let output = Command::new("python3").args(["-c", code]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// A command that runs, in a process group of its own.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> Running {
        command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        Running {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn run(sandbox: &Sandbox, words: &[&str]) -> Running {
        let mut command = sandbox.command();
        command.args(["run", "--quiet"]).args(words);
        Running::start(command)
    }

    fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn send(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    fn send_to_group(&self, signal: i32) {
        kill(-self.pid(), signal);
    }

    /// The signal that stops it; waits for that.
    fn stopped(&self) -> Option<i32> {
        let mut status = 0;
        // SAFETY: the call writes the status.
        let pid = unsafe { libc::waitpid(self.pid(), &mut status, libc::WUNTRACED) };
        assert_eq!(pid, self.pid());
        ExitStatus::from_raw(status).stopped_signal()
    }
}

fn kill(pid: i32, signal: i32) {
    // SAFETY: the process is a child that was not waited for.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

impl Drop for Running {
    /// Ends all of it, after a test that has failed.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.send_to_group(SIGKILL);
            let _ = self.child.wait();
        }
    }
}

fn signals() -> impl Iterator<Item = i32> {
    // The first two real-time ones are the C library's.
    (1..=64).filter(|number| ![SIGKILL, SIGSTOP, 32, 33].contains(number))
}

#[test]
fn each_signal_arrives_once() {
    let sandbox = Sandbox::new();
    let mut program = Running::run(&sandbox, &[&python(), "-c", TELL_SIGNALS]);
    assert_eq!(program.line(), "ready");
    // The last to be sent on: when it has arrived, so have all before it.
    let marker = 63;
    for number in signals().filter(|number| *number != 64) {
        for (to, send) in [
            ("the group", Running::send_to_group as fn(&Running, i32)),
            ("edbprof", Running::send),
        ] {
            send(&program, number);
            assert_eq!(program.line(), number.to_string(), "to {to}");
            program.send(marker);
            assert_eq!(program.line(), marker.to_string(), "{number} to {to}");
        }
    }
    program.send(64);
    assert_eq!(program.line(), "64");
    assert_eq!(program.line(), "");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

/// As pkill and systemd do, here with much to do between two processes.
#[test]
fn one_that_is_sent_to_each_process_arrives_once() {
    let sandbox = Sandbox::new();
    let mut program = Running::run(&sandbox, &[&python(), "-c", TELL_SIGNALS]);
    assert_eq!(program.line(), "ready");
    let code = "
import os, sys, time
edbprof = int(sys.argv[1])
with open(f'/proc/{edbprof}/task/{edbprof}/children') as children:
    processes = [edbprof, *map(int, children.read().split())]
for process in processes:
    os.kill(process, 15)
    end = time.monotonic() + 0.005
    while time.monotonic() < end:
        pass
";
    for _ in 0..3 {
        let mut sender = Command::new(python());
        sender.args(["-c", code, &program.pid().to_string()]);
        assert!(sender.status().unwrap().success());
        assert_eq!(program.line(), "15");
        program.send(63);
        assert_eq!(program.line(), "63");
    }
    program.send(64);
    assert_eq!(program.line(), "64");
    program.child.wait().unwrap();
}

#[test]
fn the_value_of_a_signal_is_sent_on() {
    let sandbox = Sandbox::new();
    let code = "
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
print('ready', flush=True)
info = signal.sigwaitinfo([signal.SIGRTMIN])
print(info.si_code, info.si_pid)
";
    let mut program = Running::run(&sandbox, &[&python(), "-c", code]);
    assert_eq!(program.line(), "ready");
    let value = libc::sigval {
        sival_ptr: std::ptr::null_mut(),
    };
    // SAFETY: the process is a child that was not waited for.
    let sent = unsafe { libc::sigqueue(program.pid(), SIGRTMIN(), value) };
    assert_eq!(sent, 0);
    let sender = format!("{} {}", libc::SI_QUEUE, std::process::id());
    assert_eq!(program.line(), sender);
    program.child.wait().unwrap();
}

#[test]
fn both_end_alike() {
    let sandbox = Sandbox::new();
    let stops = [SIGSTOP, SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
    for number in signals()
        .chain([SIGKILL])
        .filter(|number| !stops.contains(number))
    {
        let code = format!("ulimit -c 0; kill -{number} $$; exit 9");
        let end = |mut command: Command| {
            let status = command.stderr(Stdio::null()).status().unwrap();
            (status.code(), status.signal())
        };
        let mut plain = Command::new("sh");
        plain.args(["-c", &code]);
        let mut run = sandbox.command();
        run.args(["run", "sh", "-c", &code]);
        assert_eq!(end(run), end(plain), "signal {number}");
    }
}

#[test]
fn one_that_was_there_before_the_program_is_the_program_s() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    let code = "import signal; print(int(signal.sigwait([signal.SIGTERM])))";
    command.args(["run", "--quiet", &python(), "-c", code]);
    // Blocked and sent before edbprof starts: it has arrived when edbprof looks for the first time.
    // SAFETY: system calls, which write a set of signals.
    unsafe {
        command.pre_exec(|| {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            libc::sigaddset(&mut set, SIGTERM);
            libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            libc::kill(libc::getpid(), SIGTERM);
            Ok(())
        });
    }
    let mut program = Running::start(command);
    assert_eq!(program.line(), "15");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn both_stop_and_go_on_alike() {
    let sandbox = Sandbox::new();
    let code = "echo ready; read line; kill -STOP $$; echo on; read line; exit 5";
    let mut program = Running::run(&sandbox, &["sh", "-c", code]);
    assert_eq!(program.line(), "ready");
    for _ in 0..2 {
        // From the terminal: to the group.
        program.send_to_group(SIGTSTP);
        assert_eq!(program.stopped(), Some(SIGTSTP));
        program.send_to_group(SIGCONT);
        // And to edbprof alone.
        program.send(SIGTSTP);
        assert_eq!(program.stopped(), Some(SIGTSTP));
        program.send(SIGCONT);
    }
    // The program stops itself.
    program.stdin.write_all(b"\n").unwrap();
    assert_eq!(program.stopped(), Some(SIGSTOP));
    program.send(SIGCONT);
    assert_eq!(program.line(), "on");
    // All of the group stops, edbprof goes on alone: signals still arrive.
    program.send_to_group(SIGSTOP);
    assert_eq!(program.stopped(), Some(SIGSTOP));
    program.send(SIGCONT);
    program.send(SIGUSR2);
    assert_eq!(program.child.wait().unwrap().signal(), Some(SIGUSR2));
}

#[test]
fn a_program_that_stops_again_at_once() {
    let sandbox = Sandbox::new();
    let code = "
import os, signal, sys
left = 3
def stop(*_):
    global left
    if left:
        left -= 1
        os.kill(os.getpid(), signal.SIGSTOP)
signal.signal(signal.SIGCONT, stop)
stop()
sys.exit(5)
";
    let mut program = Running::run(&sandbox, &[&python(), "-c", code]);
    for send in [
        Running::send_to_group as fn(&Running, i32),
        Running::send,
        Running::send_to_group,
    ] {
        assert_eq!(program.stopped(), Some(SIGSTOP));
        send(&program, SIGCONT);
    }
    assert_eq!(program.child.wait().unwrap().code(), Some(5));
}

#[test]
fn the_program_dies_with_edbprof() {
    let sandbox = Sandbox::new();
    let mut program = Running::run(&sandbox, &["sh", "-c", "echo ready; read line"]);
    assert_eq!(program.line(), "ready");
    program.send(SIGKILL);
    // The program has the other end of it.
    let mut rest = String::new();
    program.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(program.child.wait().unwrap().signal(), Some(SIGKILL));
}
