//! `edbprof run`: a program can't tell that it is there.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;

/// Prints all that a program can see of its start.
const OBSERVE: &str = r#"
grep -E "^(Sig[BCIP]|Shd|Cap|NoNewPrivs|Umask)" /proc/self/status
ls /proc/self/fd
ulimit -a
env -u EDBPROF_RUN | grep -v ^_=
cut -d ' ' -f 5-8 /proc/self/stat
pwd
"#;

/// State in which edbprof is started.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    IgnoredAndBlocked,
    Closed(i32),
}

fn observe(mut command: Command, before: Before) -> String {
    // SAFETY: each is a system call.
    unsafe {
        command.pre_exec(move || {
            match before {
                Before::Nothing => {}
                Before::IgnoredAndBlocked => {
                    for signal in [libc::SIGPIPE, libc::SIGHUP, libc::SIGCHLD, libc::SIGXFSZ] {
                        libc::signal(signal, libc::SIG_IGN);
                    }
                    let mut set = std::mem::zeroed();
                    libc::sigemptyset(&mut set);
                    libc::sigaddset(&mut set, libc::SIGUSR1);
                    libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
                }
                Before::Closed(descriptor) => {
                    libc::close(descriptor);
                }
            }
            Ok(())
        });
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_inherits_what_edbprof_inherits() {
    let sandbox = Sandbox::new();
    for before in [
        Before::Nothing,
        Before::IgnoredAndBlocked,
        Before::Closed(0),
        Before::Closed(2),
    ] {
        let mut plain = Command::new("sh");
        plain
            .current_dir(sandbox.work(""))
            .env("TMPDIR", sandbox.input(""));
        plain.args(["-c", OBSERVE]);
        let mut run = sandbox.command();
        run.args(["run", "--quiet", "sh", "-c", OBSERVE]);
        let plain = observe(plain, before);
        assert!(plain.contains("SigIgn"), "{plain}");
        assert_eq!(observe(run, before), plain);
    }
}

#[test]
fn what_it_closes_is_closed() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command();
    let code = "exec 0<&-; echo closed; exec 1>&-; read line < fifo";
    let fifo = std::ffi::CString::new(sandbox.work("fifo").into_os_string().into_encoded_bytes());
    // SAFETY: the path is a string.
    assert_eq!(unsafe { libc::mkfifo(fifo.unwrap().as_ptr(), 0o600) }, 0);
    command.args(["run", "--quiet", "sh", "-c", code]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdout = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    assert_eq!(stdout, "closed\n");
    let written = child.stdin.take().unwrap().write_all(b"x");
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    std::fs::write(sandbox.work("fifo"), "\n").unwrap();
    child.wait().unwrap();
}
