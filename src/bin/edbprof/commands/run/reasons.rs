//! Reasons why nothing of a program was recorded.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edbprof::report::summary::path_text;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::execute::VARIABLE;
use super::program::Program;
use super::recordings::ROOM;
use super::started::Started;
use super::unrecorded::UnrecordedProcesses;
use crate::input::script;

/// Reason why there is no recording at all.
pub(super) struct Reason {
    pub(super) text: String,
    /// True if there should be one, and it could not be written.
    pub(super) is_failure: bool,
}

/// Seconds after which a Python that does not list its packages is no longer waited for.
const LIMIT: i64 = 2;

/// Pythons that are asked, of those that recorded processes have started.
const MOST_ASKED: usize = 16;

/// Prints if the package is there, and if Python looks for it when it starts.
const QUESTION: &str = "
import importlib.util, os, platform, site
spec = importlib.util.find_spec('edbprof_native')
places = site.getsitepackages() + [site.getusersitepackages()] * bool(site.ENABLE_USER_SITE)
files = ('edbprof_native.pth', 'edbprof_native.start')
is_started = any(os.path.isfile(os.path.join(p, f)) for p in places for f in files)
print(platform.python_version(), int(spec is not None), int(is_started))
";

impl Reason {
    /// Returns the reason `text` for recordings that should exist, but could not be written.
    pub(super) fn failure(text: &str) -> Reason {
        Reason {
            text: text.to_owned(),
            is_failure: true,
        }
    }

    fn no_failure(text: String) -> Reason {
        Reason {
            text,
            is_failure: false,
        }
    }

    /// Returns the reason why `program` has recorded nothing into `directory`.
    pub(super) fn of(
        program: &Program,
        directory: &Path,
        unrecorded: &UnrecordedProcesses,
    ) -> Reason {
        if !unrecorded.is_empty() {
            return Reason {
                text: unrecorded.lines().collect::<Vec<_>>().join("; "),
                is_failure: unrecorded.have_failures(),
            };
        }
        let no_room = check_room(directory).err().map(|error| {
            let directory = path_text(directory);
            format!("there is no room for recordings in {directory}: {error}")
        });
        let because = match program.python() {
            Some(python) => of_python(program, &python),
            None => Because::NoPython(of_other(program)),
        };
        match (because, no_room) {
            (Because::Unknown(_), Some(no_room)) => Reason::failure(&no_room),
            (Because::NoPython(text), Some(no_room)) => {
                Reason::no_failure(format!("{text}; {no_room}"))
            }
            (Because::Known(text) | Because::NoPython(text) | Because::Unknown(text), _) => {
                Reason::no_failure(text)
            }
        }
    }
}

enum Because {
    /// This Python would not record in any case.
    Known(String),
    /// It is no Python, but may have started some.
    NoPython(String),
    /// It would have recorded.
    Unknown(String),
}

fn of_other(program: &Program) -> String {
    let name = path_text(&program.path);
    let cleared = match clears_environment(program) {
        true => format!(", and it takes the variable {VARIABLE} from those that it starts"),
        false => ", and no process that it started was recorded".to_owned(),
    };
    format!("{name} is neither a Python nor a script that names one{cleared}")
}

/// Reasons why Pythons that recorded processes have started are not recorded.
#[derive(Default)]
pub(super) struct ReasonsOfStarted {
    /// Answers of Pythons, by the programs and options with which they were asked.
    answers: HashMap<(PathBuf, Vec<OsString>), Option<Answer>>,
}

impl ReasonsOfStarted {
    /// Returns the cause, if the program is a Python that runs a program.
    pub(super) fn cause(&mut self, started: &Started) -> Option<&'static str> {
        let python = script::python_of(&started.path)?;
        let flags = flags(&started.path, &started.arguments, &python);
        if runs_no_program(&flags) {
            return None;
        }
        if flags.iter().any(|flag| flag == "-S") {
            return Some("no-site");
        }
        let room = self.answers.len() < MOST_ASKED;
        let known = self.answers.entry((python, flags));
        let answer =
            known.or_insert_with_key(|(python, flags)| room.then(|| ask(python, flags))?);
        Some(match answer {
            Some(answer) if !answer.is_installed => "not-installed",
            Some(answer) if !answer.is_started => "no-pth",
            _ => "unknown",
        })
    }
}

/// Returns true for programs that change the user, and so hide the run.
fn clears_environment(program: &Program) -> bool {
    let words = program.arguments.iter().skip(1);
    let mut options = words.map_while(|word| word.to_str().filter(|word| word.starts_with('-')));
    match program.path.file_name().and_then(OsStr::to_str) {
        Some("sudo") => {
            !options.any(|option| option == "-E" || option.starts_with("--preserve-env"))
        }
        Some("doas") => true,
        _ => false,
    }
}

fn of_python(program: &Program, python: &Path) -> Because {
    let name = path_text(python);
    let flags = flags(&program.path, &program.arguments, python);
    if runs_no_program(&flags) {
        let text = format!("{name} was asked for its version or help, and runs no program then");
        return Because::Known(text);
    }
    if flags.iter().any(|flag| flag == "-S") {
        let text = format!("{name} was started with -S, and reads no .pth files then");
        return Because::Known(text);
    }
    let Some(answer) = ask(python, &flags) else {
        let text = format!("{name} does not say whether edbprof is installed there");
        return Because::Unknown(text);
    };
    let by_script = match program.path == *python {
        true => String::new(),
        false => format!(", which {} is run by", path_text(&program.path)),
    };
    let name = format!("{name} (Python {}){by_script}", answer.version);
    if !answer.is_installed {
        return Because::Known(format!("edbprof is not installed for {name}"));
    }
    if !answer.is_started {
        return Because::Known(format!(
            "edbprof is installed for {name}, but edbprof_native.pth is not where Python reads \
             .pth files"
        ));
    }
    Because::Unknown(format!(
        "edbprof is installed for {name}, but the process ended before it recorded anything, \
         had no variable {VARIABLE}, or has itself reported what failed"
    ))
}

/// Returns the options of Python that decide which modules it imports at its start.
fn flags(path: &Path, arguments: &[OsString], python: &Path) -> Vec<OsString> {
    let mut flags = Vec::new();
    if path != python {
        return flags;
    }
    for word in arguments.iter().skip(1) {
        let Some(letters) = word.to_str().and_then(|word| word.strip_prefix('-')) else {
            break;
        };
        // After these letters, the rest of the word is their argument.
        let end = letters.find(['c', 'm', 'W', 'X']).unwrap_or(letters.len());
        let known = letters[..end]
            .chars()
            .filter(|letter| "EIsSPVh?".contains(*letter));
        flags.extend(known.map(|letter| format!("-{letter}").into()));
        match letters[end..].chars().next() {
            Some('c' | 'm') => break,
            _ if letters.starts_with("-version") => flags.push("-V".into()),
            _ if letters.starts_with("-help") => flags.push("-h".into()),
            _ if letters.starts_with('-') => break,
            _ => {}
        }
    }
    flags
}

/// Returns true if `flags` make Python only print something about itself.
fn runs_no_program(flags: &[OsString]) -> bool {
    let only_print = ["-V", "-h", "-?"];
    flags
        .iter()
        .any(|flag| only_print.iter().any(|only| flag == only))
}

/// Answer of a Python.
struct Answer {
    version: String,
    is_installed: bool,
    /// True if this Python looks for edbprof when it starts.
    is_started: bool,
}

/// Asks a Python if it would record.
fn ask(python: &Path, flags: &[OsString]) -> Option<Answer> {
    let mut child = Command::new(python)
        .args(flags)
        .args(["-c", QUESTION])
        .env(VARIABLE, "")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    let limit = Timespec {
        tv_sec: LIMIT,
        tv_nsec: 0,
    };
    let mut polled = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
    let mut text = String::new();
    match poll(&mut polled, Some(&limit)) {
        Ok(1) => drop(stdout.read_to_string(&mut text)),
        _ => drop(child.kill()),
    }
    let _ = child.wait();
    let mut words = text.split_ascii_whitespace();
    Some(Answer {
        version: words.next()?.to_owned(),
        is_installed: words.next()? == "1",
        is_started: words.next()? == "1",
    })
}

/// Checks that there is room for a recording.
fn check_room(directory: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(directory)?;
    file.write_all(&vec![0; ROOM])
}
