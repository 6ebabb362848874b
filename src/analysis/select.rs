//! Patterns that choose processes, threads and functions.

use std::collections::BTreeSet;
use std::fmt;

use wildmatch::WildMatch;

use super::native_name::short_name;
use crate::model::{Function, Process, Trees};

/// The longest end of a path that is matched, bytes: `PATH_MAX` of Linux. Without a limit,
/// matching takes time quadratic in the length of the path.
const LONGEST_END: usize = 4096;

/// Processes, threads and functions of interest. The default is all of them.
///
/// Several patterns of one kind mean any of them; all kinds that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Processes, by pid or by what their command lines match.
    pub processes: Vec<Pattern>,
    /// Threads, by name.
    pub threads: Vec<Pattern>,
    /// Only stacks in which one of these functions occurs.
    pub include: Vec<Pattern>,
    /// Functions that are taken out of the stacks.
    pub exclude: Vec<Pattern>,
}

impl Selection {
    /// Returns what tells this selection from others.
    pub fn id(&self) -> SelectionId {
        let kinds = [
            ("--only-process", &self.processes),
            ("--only-thread", &self.threads),
            ("--include", &self.include),
            ("--exclude", &self.exclude),
        ];
        let options = kinds.into_iter().flat_map(|(option, patterns)| {
            let patterns = patterns.iter();
            patterns.map(move |pattern| format!("{option}={pattern}"))
        });
        let options = BTreeSet::from_iter(options);
        SelectionId(Vec::from_iter(options).join(" ").into())
    }

    /// Returns the options, as they are written, that choose functions and match none of
    /// `functions`.
    pub fn without_match(&self, functions: &[Function]) -> BTreeSet<String> {
        let include = self.include.iter().map(|pattern| ("--include", pattern));
        let exclude = self.exclude.iter().map(|pattern| ("--exclude", pattern));
        let is_without = |pattern: &Pattern| {
            !functions
                .iter()
                .any(|function| pattern.is_function(function))
        };
        include
            .chain(exclude)
            .filter(|(_, pattern)| is_without(pattern))
            .map(|(option, pattern)| format!("{option}={pattern}"))
            .collect()
    }

    pub(super) fn has_process(&self, process: &Process) -> bool {
        let pid = process.identity.pid.to_string();
        let command = process.argv.join(&b' ');
        any(&self.processes, |pattern| {
            pattern.text == pid
                || pattern.is_path_end(&command)
                || process.argv.iter().any(|word| pattern.is_path_end(word))
        })
    }

    pub(super) fn has_thread(&self, name: &[u8]) -> bool {
        any(&self.threads, |pattern| pattern.is(name))
    }

    pub(super) fn includes(&self, function: &Function) -> bool {
        any(&self.include, |pattern| pattern.is_function(function))
    }

    pub(super) fn excludes(&self, function: &Function) -> bool {
        !self.exclude.is_empty() && any(&self.exclude, |pattern| pattern.is_function(function))
    }
}

/// Tells selections from each other: the text of their options, in whatever order these
/// were given. Files may be merged if they hold what one selection has chosen. The default
/// is of a selection of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SelectionId(Box<str>);

impl SelectionId {
    /// Returns the id of the selection that has chosen `trees`.
    pub fn of(trees: &Trees) -> Self {
        SelectionId(trees.selection.clone())
    }

    /// Returns true if everything is chosen.
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_text(self) -> Box<str> {
        self.0
    }
}

impl fmt::Display for SelectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_debug().fmt(f)
    }
}

/// Returns true if there is no pattern, or one that `matches`.
fn any(patterns: &[Pattern], matches: impl Fn(&Pattern) -> bool) -> bool {
    patterns.is_empty() || patterns.iter().any(matches)
}

/// A text in which `*` matches any characters and `?` matches one.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: WildMatch,
}

impl Pattern {
    /// Returns the pattern that is written like this.
    pub fn new(text: &str) -> Self {
        Pattern {
            text: text.to_owned(),
            glob: WildMatch::new(text),
        }
    }

    fn is(&self, text: &[u8]) -> bool {
        self.glob.matches(&String::from_utf8_lossy(text))
    }

    /// Returns true if it matches `path` or an end of it that begins a file or directory name
    /// and is no longer than [`LONGEST_END`].
    fn is_path_end(&self, path: &[u8]) -> bool {
        let path = String::from_utf8_lossy(path);
        if self.glob.matches(&path) {
            return true;
        }
        // With `*` in front it matches no end of what it doesn't match.
        !self.text.starts_with('*')
            && path
                .rmatch_indices(['/', '\\'])
                .map(|(slash, _)| &path[slash + 1..])
                .take_while(|end| end.len() <= LONGEST_END)
                .any(|end| self.glob.matches(end))
    }

    /// Returns true if it matches the function's name, as recorded or as shown
    /// (`list.append`), its file, or both with a colon between.
    fn is_function(&self, function: &Function) -> bool {
        let file = &function.label.file;
        let shown = short_name(&function.label.name);
        let names = [&function.label.name, &function.qualified_name, &*shown];
        let names = names.into_iter().filter(|name| !name.is_empty());
        (file.as_ref() != b"~" && self.is_path_end(file))
            || names
                .into_iter()
                .any(|name| self.is(name) || self.is_path_end(&[file, &b":"[..], name].concat()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FunctionKind, Label, ProcessIdentity};

    fn function(file: &str, name: &str, qualified_name: &str) -> Function {
        Function {
            kind: FunctionKind::Python,
            flags: 0,
            label: Label {
                file: file.as_bytes().into(),
                line: 1,
                name: name.as_bytes().into(),
            },
            qualified_name: qualified_name.as_bytes().into(),
            module: Box::default(),
            generic: None,
        }
    }

    #[test]
    fn functions_go_by_file_name_or_both() {
        let feed = function("/app/json/parse.py", "feed", "Parser.feed");
        for pattern in [
            "feed",
            "Parser.feed",
            "Parser.*",
            "parse.py",
            "json/parse.py",
            "/app/*",
            "json/*",
            "parse.py:feed",
            "json/*:Parser.f??d",
            "*",
        ] {
            assert!(Pattern::new(pattern).is_function(&feed), "{pattern}");
        }
        for pattern in ["fee", "son/parse.py", "app", "parse.py:read", "", "Parser"] {
            assert!(!Pattern::new(pattern).is_function(&feed), "{pattern}");
        }
        let len = function("~", "<built-in method builtins.len>", "");
        assert!(Pattern::new("*builtins.len*").is_function(&len));
        assert!(Pattern::new("~:*").is_function(&len));
        assert!(!Pattern::new("~").is_function(&len));
        assert!(Pattern::new("builtins.len").is_function(&len));
        let append = function("~", "<method 'append' of 'list' objects>", "");
        assert!(Pattern::new("list.*").is_function(&append));
        assert!(Pattern::new("*'append' of*").is_function(&append));
        assert!(!Pattern::new("append").is_function(&append));
        let odd = function("/a/\u{fffd}.py", "f", "");
        let mut bytes = odd.clone();
        bytes.label.file = b"/a/\xff.py"[..].into();
        assert!(Pattern::new("?.py:f").is_function(&bytes));
    }

    /// By all ends of it this would take minutes.
    #[test]
    fn of_a_long_path_the_last_directories_may_stand_alone() {
        let path = "/first".to_owned() + &"/a".repeat(1_000_000) + "/z";
        let is_end = |pattern: &str| Pattern::new(pattern).is_path_end(path.as_bytes());
        for pattern in ["*first*", "/first/*", "z", "a/a/z", "*/z", "a/?"] {
            assert!(is_end(pattern), "{pattern}");
        }
        for pattern in ["*importlib*", "first/*", "b", "b/?"] {
            assert!(!is_end(pattern), "{pattern}");
        }
    }

    #[test]
    fn processes_go_by_pid_and_command_line() {
        let process = Process {
            identity: ProcessIdentity {
                pid: 4711,
                ..ProcessIdentity::default()
            },
            argv: ["/usr/bin/python3", "/srv/worker.py", "--queue=a"]
                .map(|word| word.as_bytes().into())
                .into(),
            ..Process::default()
        };
        let has = |pattern: &str| {
            let processes = vec![Pattern::new(pattern)];
            let selection = Selection {
                processes,
                ..Selection::default()
            };
            selection.has_process(&process)
        };
        for pattern in [
            "4711",
            "worker.py",
            "worker.py --queue=?",
            "*queue*",
            "python3 *",
        ] {
            assert!(has(pattern), "{pattern}");
        }
        for pattern in ["471", "worker", "47?1", "queue"] {
            assert!(!has(pattern), "{pattern}");
        }
    }

    #[test]
    fn the_order_of_options_says_nothing() {
        let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text)).collect();
        let one = Selection {
            exclude: patterns(&["b", "a", "b"]),
            threads: patterns(&["Main*"]),
            ..Selection::default()
        };
        let text = "--exclude=a --exclude=b --only-thread=Main*";
        assert_eq!(one.id().to_string(), text);
        assert_eq!(Selection::default().id(), SelectionId::default());
    }
}
