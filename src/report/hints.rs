//! Suggests commands that look further into a result, in the syntax of a shell.

use std::collections::BTreeMap;
use std::path::Path;

use super::View;
use super::cells::cells;
use super::display::{function_name, short_name};
use super::paths::{CodeOrigin, origin};
use super::sort_order::SortOrder;
use super::top::is_wait;
use crate::model::{Counts, Label, Process};

/// Returns commands for `profile`, the file of the merged profile that `view` shows. `program` is
/// the word by which the user calls edbprof; `is_apart` says that the file keeps processes apart.
pub fn hints(view: &View<'_>, program: &str, profile: &Path, is_apart: bool) -> Vec<String> {
    let Some(profile) = file_word(profile) else {
        return Vec::new();
    };
    let profile = quoted(&profile);
    let tree = match tests(view) {
        Some(pattern) => format!("tree --include={}", quoted(&pattern)),
        None => "tree".to_owned(),
    };
    let callers = costliest(view).map(|name| format!("top --callers={}", quoted(&name)));
    let is_apart = is_apart && view.figures.processes > 1;
    let processes = is_apart.then(|| "tree --by=process".to_owned());
    let program = quoted(program);
    [Some(tree), callers, processes]
        .into_iter()
        .flatten()
        .map(|command| format!("{program} {command} {profile}"))
        .collect()
}

/// Returns the command that shows the single calls of one of the program's own functions. It has
/// the most time among those that processes call several times.
pub fn calls_hint(view: &View<'_>, program: &str, timeline: &Path) -> Option<String> {
    let order: SortOrder = "cumulative".parse().ok()?;
    let processes = view.figures.processes as i128;
    let sorted = order.sorted(&view.rows);
    let repeated = sorted.into_iter().find(|(label, counts)| {
        origin(label) == CodeOrigin::Program && counts.nc > processes && !label.name.ends_with(b">")
    });
    let name = name_of(view, repeated?.0)?;
    let timeline = quoted(&file_word(timeline)?);
    Some(format!(
        "{} calls {} {timeline}",
        quoted(program),
        quoted(&name)
    ))
}

/// Returns `command` on lines of at most `width` cells that a shell joins. Lines are broken between
/// words or, if a word is longer, within it. Lines that begin with a word, but for the first, are
/// indented by `indent` cells.
pub fn continued(command: &str, width: usize, indent: usize) -> String {
    let width = match width < indent + NARROWEST {
        true => usize::MAX,
        false => width,
    };
    let mut text = String::new();
    let mut used = indent;
    let mut words = words(command).peekable();
    while let Some(word) = words.next() {
        // A line that others follow ends in a space and a backslash.
        let end = if words.peek().is_some() { 2 } else { 0 };
        if !text.is_empty() {
            if used + 1 + cells(word) + end > width {
                text.push_str(&format!(" \\\n{:indent$}", ""));
                used = indent;
            } else {
                text.push(' ');
                used += 1;
            }
        }
        let mut rest = word.to_owned();
        while used + cells(&rest) + end > width {
            let (piece, behind) = broken(&rest, width - used - 1);
            text.push_str(&format!("{piece}\\\n"));
            rest = behind;
            used = 0;
        }
        text.push_str(&rest);
        used += cells(&rest);
    }
    text
}

/// Fewest cells beside the indentation in which commands are broken.
const NARROWEST: usize = 8;

/// Breaks `word`, quoted for a shell: the longest beginning of it that takes at most `room` cells,
/// and its rest, each quoted.
fn broken(word: &str, room: usize) -> (String, String) {
    let word = unquoted(word);
    let ends = word.char_indices().map(|(at, _)| at).skip(1);
    let fits = |&end: &usize| cells(&quoted(&word[..end])) <= room;
    let first = word.chars().next().map_or(0, char::len_utf8);
    let end = ends.take_while(fits).last().unwrap_or(first);
    (quoted(&word[..end]), quoted(&word[end..]))
}

/// Reverses [`quoted`].
fn unquoted(word: &str) -> String {
    let mut text = String::new();
    let mut is_quoted = false;
    let mut characters = word.chars();
    while let Some(c) = characters.next() {
        match c {
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted => text.extend(characters.next()),
            c => text.push(c),
        }
    }
    text
}

/// The words of `command`, quoted as they are.
fn words(command: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    command.split(move |c: char| {
        let is_end = c == ' ' && !is_quoted && !is_escaped;
        is_quoted ^= c == '\'' && !is_escaped;
        is_escaped = c == '\\' && !is_quoted && !is_escaped;
        is_end
    })
}

/// Returns the path of a file as a word that is no option; `None` if no text can name the file in a
/// shell.
fn file_word(path: &Path) -> Option<String> {
    let path = path.to_str()?;
    Some(match path.starts_with('-') {
        true => format!("./{path}"),
        false => path.to_owned(),
    })
}

/// Returns `word` as a shell takes it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=,+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Returns a pattern for the tests that pytest or unittest has run, if it has.
fn tests(view: &View<'_>) -> Option<String> {
    let trees = view.profile.trees();
    if !trees.processes.iter().any(runs_tests) {
        return None;
    }
    let mut directories: BTreeMap<&str, usize> = BTreeMap::new();
    for function in &trees.functions {
        let file = std::str::from_utf8(&function.label.file).unwrap_or_default();
        if origin(&function.label) == CodeOrigin::Program {
            if let Some(directory) = directory_of_tests(file) {
                *directories.entry(directory).or_default() += 1;
            }
        }
    }
    let (directory, _) = directories
        .into_iter()
        .max_by_key(|(_, functions)| *functions)?;
    Some(format!("{directory}/*"))
}

fn runs_tests(process: &Process) -> bool {
    process.argv.iter().any(|word| {
        let word = String::from_utf8_lossy(word);
        let mut parts = word.rsplit('/');
        let name = parts.next().unwrap_or_default();
        let known = |name: &str| ["pytest", "py.test", "unittest"].contains(&name);
        known(name) || name == "__main__.py" && parts.next().is_some_and(known)
    })
}

/// Returns the outermost directory of `file` that is called like tests, or else the innermost,
/// if the file is called like tests.
fn directory_of_tests(file: &str) -> Option<&str> {
    let (directories, name) = file.rsplit_once('/')?;
    if !name.starts_with("test") && !name.ends_with("_test.py") {
        return None;
    }
    let mut outermost = directories
        .split('/')
        .filter(|part| part.starts_with("test"));
    outermost
        .next()
        .or_else(|| directories.rsplit('/').next())
        .filter(|part| !part.is_empty())
}

/// Returns a name of the function with the most time of its own that has a caller. A function that
/// waits is taken only if there is no other.
fn costliest(view: &View<'_>) -> Option<String> {
    let order: SortOrder = "tottime".parse().ok()?;
    let sorted = order.sorted(&view.rows);
    let has_caller = |label: &Label| {
        let row = view.rows.find(label).and_then(|id| view.rows.row(id));
        row.is_some_and(|row| !row.callers.is_empty())
    };
    let mut called = sorted.into_iter().filter(|(label, _)| has_caller(label));
    let is_work = |(label, counts): &(&Label, Counts)| !is_wait(view, label, counts.tt);
    let waiting = called.clone().next();
    let (label, _) = called.find(is_work).or(waiting)?;
    name_of(view, label)
}

/// Returns a name of the function with that label, which patterns match.
fn name_of(view: &View<'_>, label: &Label) -> Option<String> {
    let mut functions = view.profile.trees().functions.iter();
    let name = match functions.find(|function| function.label == *label) {
        Some(function) => function_name(function),
        None => short_name(&label.name),
    };
    // Every module and many lambdas have such a name.
    if name.ends_with('>') && *label.file != *b"~" {
        let file = std::str::from_utf8(&label.file).ok()?;
        let file = file.rsplit('/').next().unwrap_or(file);
        return Some(format!("{file}:{}", label.line));
    }
    Some(name)
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, expected) in [
            ("a.prof", "a.prof"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("tests_x/*", "'tests_x/*'"),
            ("<lambda>", "'<lambda>'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn long_commands_go_on_behind_a_backslash() {
        let command = "edbprof top --callers='a b' 'it'\\''s one'/x.prof";
        assert_eq!(continued(command, 0, 6), command);
        assert_eq!(continued(command, 80, 6), command);
        assert_eq!(
            continued(command, 36, 6),
            "edbprof top --callers='a b' \\\n      'it'\\''s one'/x.prof"
        );
        assert_eq!(
            continued(command, 18, 2),
            "edbprof top \\\n  '--callers=a '\\\nb \\\n  'it'\\''s one/x'\\\n.prof"
        );
    }

    #[test]
    fn tests_are_told_by_their_directories() {
        for (file, expected) in [
            ("/p/tests_x/unit/test_a.py", Some("tests_x")),
            ("/p/pkg/parser_test.py", Some("pkg")),
            ("/p/test_a.py", Some("p")),
            ("/p/tests/conftest.py", None),
            ("/test_a.py", None),
            ("test_a.py", None),
        ] {
            assert_eq!(directory_of_tests(file), expected, "{file}");
        }
    }
}
