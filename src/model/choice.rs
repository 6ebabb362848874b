//! Choice of the functions that a recording is about, made before it begins.

use std::fmt;

use super::{Function, Pattern};

/// Word for the functions of the program itself, in place of a pattern.
pub const MINE: &str = "mine";

/// The functions to record: those that a pattern of one list matches, without those that a pattern
/// of the other list matches.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// All functions if there is none.
    record: Vec<Wanted>,
    no_record: Vec<Wanted>,
    /// Directories of code that is not the program's own, without a slash at the end.
    libraries: Vec<Box<[u8]>>,
}

#[derive(Clone, Debug)]
enum Wanted {
    Mine,
    Matching(Pattern),
}

impl Choice {
    /// Makes a choice from patterns, any of which may be [`MINE`]. `libraries` are directories of
    /// code that is not the program's own.
    pub fn new(record: &[&str], no_record: &[&str], libraries: &[&[u8]]) -> Choice {
        let wanted = |texts: &[&str]| texts.iter().map(|text| Wanted::new(text)).collect();
        let libraries = libraries.iter().map(|path| path.trim_ascii_end());
        let libraries = libraries.map(|path| path.strip_suffix(b"/").unwrap_or(path));
        Choice {
            record: wanted(record),
            no_record: wanted(no_record),
            libraries: libraries
                .filter(|path| !path.is_empty())
                .map(Into::into)
                .collect(),
        }
    }

    /// Returns true if the function is to be recorded. `origin` is for functions without a file of
    /// their own, such as those of `<string>`. It is the file of the module that made the function,
    /// or empty.
    pub fn has(&self, function: &Function, origin: &[u8]) -> bool {
        let any = |wanted: &[Wanted]| {
            wanted.iter().any(|wanted| match wanted {
                Wanted::Mine => self.is_mine(function, origin),
                Wanted::Matching(pattern) => pattern.is_function(function),
            })
        };
        (self.record.is_empty() || any(&self.record)) && !any(&self.no_record)
    }

    /// Returns true if the function is neither of the standard library nor of an installed
    /// package.
    fn is_mine(&self, function: &Function, origin: &[u8]) -> bool {
        let file = &*function.label.file;
        // `namedtuple()` evaluates text in a module of its own, which has no file.
        let is_of_namedtuple = file == b"<string>" && function.module.starts_with(b"namedtuple_");
        if file.starts_with(b"<frozen ") || is_of_namedtuple {
            return false;
        }
        let file = match file.starts_with(b"<") && !origin.is_empty() {
            true => origin,
            false => file,
        };
        let is_below = |library: &[u8]| {
            let rest = file.strip_prefix(library);
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        let is_installed = |part: &[u8]| matches!(part, b"site-packages" | b"dist-packages");
        !self.libraries.iter().any(|library| is_below(library))
            && !file.split(|byte| *byte == b'/').any(is_installed)
    }
}

impl Wanted {
    fn new(text: &str) -> Wanted {
        match text {
            MINE => Wanted::Mine,
            _ => Wanted::Matching(Pattern::new(text)),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Mine => f.write_str(MINE),
            Wanted::Matching(pattern) => pattern.fmt(f),
        }
    }
}

/// Writes the choice as the options of `edbprof run` that make it.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.record.iter().map(|wanted| ("--record", wanted));
        let no_record = self.no_record.iter().map(|wanted| ("--no-record", wanted));
        for (number, (option, wanted)) in record.chain(no_record).enumerate() {
            let space = if number > 0 { " " } else { "" };
            write!(f, "{space}{option}={wanted}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FunctionKind, Label};

    fn function(file: &str, name: &str, module: &str) -> Function {
        Function {
            kind: FunctionKind::Python,
            flags: 0,
            label: Label {
                file: file.as_bytes().into(),
                line: 1,
                name: name.as_bytes().into(),
            },
            qualified_name: name.as_bytes().into(),
            module: module.as_bytes().into(),
            generic: None,
        }
    }

    #[test]
    fn patterns_choose_and_leave_out() {
        let choice = Choice::new(&["app.*", "lib:load"], &["app.tests.*"], &[]);
        let has = |name, module: &str| {
            let file = format!("/src/{}.py", module.replace('.', "/"));
            choice.has(&function(&file, name, module), b"")
        };
        assert!(has("run", "app.main"));
        assert!(has("load", "lib"));
        assert!(!has("store", "lib"));
        assert!(!has("run", "app.tests.unit"));
        let text = "--record=app.* --record=lib:load --no-record=app.tests.*";
        assert_eq!(choice.to_string(), text);
        let all_but = Choice::new(&[], &["lib.*"], &[]);
        assert!(all_but.has(&function("/src/app.py", "run", "app"), b""));
        assert!(!all_but.has(&function("/src/lib.py", "run", "lib"), b""));
    }

    #[test]
    fn mine_is_neither_library_nor_package() {
        let libraries: [&[u8]; 2] = [b"/usr/lib/python3.13", b"/opt/edbprof_native/"];
        let choice = Choice::new(&[MINE], &[], &libraries);
        let is_mine = |file, origin: &str| choice.has(&function(file, "f", "m"), origin.as_bytes());
        assert!(is_mine("/home/me/app.py", ""));
        assert!(is_mine("app.py", ""));
        assert!(is_mine("/usr/lib/python3.13x/app.py", ""));
        assert!(is_mine("<string>", ""));
        assert!(is_mine("<string>", "/home/me/app.py"));
        assert!(!is_mine("<string>", "/usr/lib/python3.13/dataclasses.py"));
        assert!(!is_mine("<frozen importlib._bootstrap>", "/home/me/app.py"));
        assert!(!is_mine("/usr/lib/python3.13/json/decoder.py", ""));
        assert!(!is_mine("/venv/lib/python3.13/site-packages/x.py", ""));
        assert!(!is_mine("/usr/lib/python3/dist-packages/x.py", ""));
        assert!(!is_mine("/opt/edbprof_native/_profile.py", ""));
        let of_namedtuple = function("<string>", "<lambda>", "namedtuple_Point");
        assert!(!choice.has(&of_namedtuple, b""));
        let others = Choice::new(&[], &[MINE], &libraries);
        assert!(!others.has(&function("/home/me/app.py", "f", "m"), b""));
        assert_eq!(others.to_string(), "--no-record=mine");
    }
}
