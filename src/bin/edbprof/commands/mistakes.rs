//! Recognizes mistakes in command lines: a script without `run`, or a mistyped command.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use edbprof::report::hints::quoted;
use edbprof::report::similar::similar;
use edbprof::report::summary::path_text;
use which::which_global;

use crate::cli::args::Options;
use crate::cli::exit::Error;
use crate::cli::ui::own_command;
use crate::input::script::{is_for_python, python_of};

/// Commands of other profilers, and the commands of edbprof for the same purpose.
const OF_OTHERS: [(&str, &str); 17] = [
    ("record", "run"),
    ("exec", "run"),
    ("profile", "run"),
    ("start", "run"),
    ("trace", "run"),
    ("show", "tree"),
    ("view", "tree"),
    ("report", "tree"),
    ("stat", "top"),
    ("stats", "top"),
    ("list", "top"),
    ("convert", "export"),
    ("dump", "export"),
    ("remove", "clean"),
    ("compare", "diff"),
    ("flamegraph", "view"),
    ("print", "top"),
];

/// Returns an error if `words` were meant to have a command. They are a command line without the
/// program's name, which names `paths` and no command.
pub(crate) fn check(words: &[OsString], paths: &[PathBuf]) -> Result<(), Error> {
    match paths
        .first()
        .and_then(|first| meant(words, first.as_os_str()))
    {
        None => Ok(()),
        Some(meant) => Err(Error::Usage(meant)),
    }
}

/// Returns an explanation for `words`, which were refused with `error`; `None` if that is enough.
pub(crate) fn explain(words: &[OsString], error: &clap::Error) -> Option<Error> {
    let first = words.first()?;
    let is_command = Options::command()
        .get_subcommands()
        .any(|command| *first == *command.get_name());
    let lacks_program = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(lacking)) => lacking.iter().any(|of| of.contains("PROGRAM")),
        _ => false,
    };
    if first == "run" && error.kind() == ErrorKind::MissingRequiredArgument && lacks_program {
        let message = "edbprof run wants a program: a script, -m MODULE, -c CODE or another \
                       program, with its arguments";
        return Some(Error::Usage(message.to_owned()));
    }
    let is_help = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind());
    match is_command || is_help {
        true => None,
        false => meant(words, first).map(Error::Usage),
    }
}

/// Returns a text that says what `words` may mean. `first` is the first of them that is no option.
fn meant(words: &[OsString], first: &OsStr) -> Option<String> {
    let path = Path::new(first);
    let text = first.to_str()?;
    let run = || Some(line("run", words));
    let (what, meant) = if text == "-m" || text == "-c" {
        (format!("{text} is an option of edbprof run"), run())
    } else if text.starts_with('-') {
        return None;
    } else if path.is_file() {
        if !is_program(path) {
            return None;
        }
        (
            format!("{} is a program, not a profile", path_text(path)),
            run(),
        )
    } else if path.exists() {
        return None;
    } else {
        let what = format!("there is no file, directory or command {}", path_text(path));
        (
            what,
            command(text).map(|command| line(&command, words.get(1..).unwrap_or_default())),
        )
    };
    let is_program_on_path = || {
        let found = which_global(first).ok()?;
        let is_shim = found.parent().is_some_and(|place| place.ends_with("shims"));
        (is_shim || python_of(&found).is_some()).then(run)?
    };
    // A word before a program was meant as a command.
    let is_before_program = || {
        let rest = words.get(1..)?;
        let is_word = !text.contains(['.', '/']);
        (is_word && is_program(Path::new(rest.first()?))).then(|| line("run", rest))
    };
    let meant = match is_before_program() {
        Some(program) => is_program_on_path().or(Some(program)),
        None => meant.or_else(is_program_on_path),
    }?;
    // Without a question mark, which a shell would take for a part of the command.
    Some(format!("{what}; did you mean {meant}"))
}

/// Returns the command that may be meant by `word`.
fn command(word: &str) -> Option<String> {
    let all = Options::command();
    let shown = all
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let of_others = OF_OTHERS.iter().find(|(name, _)| *name == word);
    of_others
        .map(|(_, ours)| *ours)
        .or_else(|| similar(word, shown.map(|command| command.get_name())))
        .map(str::to_owned)
}

/// Returns true for scripts and programs of Python.
fn is_program(path: &Path) -> bool {
    let is_executable = which::which(Path::new(".").join(path)).is_ok();
    is_for_python(path) || is_executable && python_of(path).is_some()
}

/// Returns a command line for a shell.
fn line(command: &str, words: &[OsString]) -> String {
    let words = words.iter().map(|word| quoted(&path_text(Path::new(word))));
    let mut line = vec![quoted(&own_command()), command.to_owned()];
    line.extend(words);
    line.join(" ")
}
