//! Patterns that choose processes, threads and functions.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::Pattern;
use crate::model::{Function, Process, Trees};

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
    /// Options by which a window of time was chosen, as they are written.
    pub window: Vec<String>,
}

impl Selection {
    /// Returns a text that only an equal selection has.
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
        let window = self.window.iter().cloned();
        let options = BTreeSet::from_iter(options.chain(window));
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

    /// Returns true if the process is chosen.
    pub fn has_process(&self, process: &Process) -> bool {
        let pid = process.identity.pid.to_string();
        let command = process.argv.join(&b' ');
        any(&self.processes, |pattern| {
            pattern.to_string() == pid
                || pattern.is_path_end(&command)
                || process.argv.iter().any(|word| pattern.is_path_end(word))
        })
    }

    /// Returns true if threads of that name are chosen.
    pub fn has_thread(&self, name: &[u8]) -> bool {
        any(&self.threads, |pattern| pattern.is(name))
    }

    pub(super) fn includes(&self, function: &Function) -> bool {
        any(&self.include, |pattern| pattern.is_function(function))
    }

    pub(super) fn excludes(&self, function: &Function) -> bool {
        !self.exclude.is_empty() && any(&self.exclude, |pattern| pattern.is_function(function))
    }
}

/// Text of a selection's options, the same for any order of them. Files may be merged if they hold
/// what one selection has chosen. The default is of a selection of everything.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessIdentity;

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
