//! Patterns for functions, processes and threads. This module alone decides what matches.
//!
//! `*` matches any characters and `?` one, as in a shell, but `*` crosses slashes. So does `…`, by
//! which reports cut long names. Matching takes time in proportion to the length of the text. It
//! keeps the set of all places in the pattern and never returns to earlier text.

use std::fmt;

use super::Function;
use super::native_name::short_name;

/// Text in which `*` and `…` match any characters, and `?` matches one.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    /// Characters to match, `None` for any one.
    characters: Vec<Option<char>>,
    /// For each place before, between and after them: true if any characters may be there.
    gaps: Vec<bool>,
}

/// Places in a pattern that the text up to here may have reached.
#[derive(Clone)]
struct Places {
    reached: Vec<bool>,
    /// End of the reached ones.
    end: usize,
}

impl Pattern {
    /// Makes a pattern from its text.
    pub fn new(text: &str) -> Self {
        let mut pattern = Pattern {
            text: text.to_owned(),
            characters: Vec::new(),
            gaps: vec![false],
        };
        // Shells complete names of files with `./`.
        for c in text.strip_prefix("./").unwrap_or(text).chars() {
            if let '*' | '…' = c {
                pattern.gaps[pattern.characters.len()] = true;
            } else {
                pattern.characters.push((c != '?').then_some(c));
                pattern.gaps.push(false);
            }
        }
        pattern
    }

    /// Returns true if it matches all of `text`.
    pub(crate) fn is(&self, text: &[u8]) -> bool {
        let mut places = self.start();
        self.advance(&mut places, text, &[]);
        self.is_end(&places)
    }

    /// Returns true if it matches `path`, or an end of it that begins a file or directory name.
    pub(crate) fn is_path_end(&self, path: &[u8]) -> bool {
        let mut places = self.start();
        self.advance(&mut places, path, &['/', '\\']);
        self.is_end(&places)
    }

    /// Returns true if it matches the function by one of these:
    ///
    /// - its name, as recorded or as shown: `encode`, `list.append`;
    /// - its qualified name: `JSONEncoder.encode`;
    /// - either behind the module and a dot or colon: `json.encoder.JSONEncoder.encode`;
    /// - its file: `json/encoder.py`;
    /// - the file with name, line or both: `encoder.py:encode`, `encoder.py:183`,
    ///   `encoder.py:183(encode)`;
    /// - for the code of a module, its import: `import json.encoder`.
    ///
    /// Leading directories and packages may be left out. The module is the recorded one, or the one
    /// that the file would have.
    pub fn is_function(&self, function: &Function) -> bool {
        let label = &function.label;
        let shown = short_name(&label.name);
        let names = [&*label.name, &*function.qualified_name, &*shown];
        let names = || names.into_iter().filter(|name| !name.is_empty());
        if names().any(|name| self.is(name)) {
            return true;
        }
        let named_after = |places: &Places, mark: &[u8]| {
            names().any(|name| {
                let mut places = places.clone();
                self.advance(&mut places, mark, &[]);
                self.advance(&mut places, name, &[]);
                self.is_end(&places)
            })
        };
        let is_module = *label.name == *b"<module>";
        // The module that the file would have is another one for what runs as `__main__`.
        let modules = [&*function.module, &*module_of(&label.file)];
        for module in modules.into_iter().filter(|module| !module.is_empty()) {
            let mut places = self.start();
            self.advance(&mut places, module, &['.']);
            if named_after(&places, b".") || named_after(&places, b":") {
                return true;
            }
            if is_module && self.is_import(module) {
                return true;
            }
        }
        let mut places = self.start();
        self.advance(&mut places, &label.file, &['/', '\\']);
        let is_file = *label.file != *b"~";
        let line = format!(":{}", label.line);
        let has_line = |mut places: Places| {
            self.advance(&mut places, line.as_bytes(), &[]);
            let with_name = [b"(", &*label.name, b")"].concat();
            self.is_end(&places) || {
                self.advance(&mut places, &with_name, &[]);
                self.is_end(&places)
            }
        };
        is_file && self.is_end(&places) || named_after(&places, b":") || is_file && has_line(places)
    }

    /// Returns true if it matches the import of `module`, whose packages may be left out.
    fn is_import(&self, module: &[u8]) -> bool {
        let dots = module.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let starts = [0].into_iter().chain(dots.map(|(dot, _)| dot + 1));
        let mut names = starts.map(|start| &module[start..]);
        names.any(|name| self.is(&[b"import ", name].concat()))
    }

    fn start(&self) -> Places {
        let mut reached = vec![false; self.characters.len() + 1];
        reached[0] = true;
        Places { reached, end: 1 }
    }

    fn is_end(&self, places: &Places) -> bool {
        places.reached[self.characters.len()]
    }

    /// Advances `places` by `text`. The pattern may also begin after each of `separators`.
    fn advance(&self, places: &mut Places, text: &[u8], separators: &[char]) {
        for c in String::from_utf8_lossy(text).chars() {
            self.advance_by(places, c);
            if separators.contains(&c) {
                places.reached[0] = true;
                places.end = places.end.max(1);
            }
        }
    }

    fn advance_by(&self, places: &mut Places, c: char) {
        let mut end = 0;
        // Backwards, because each place depends on the one before it.
        for place in (0..(places.end + 1).min(places.reached.len())).rev() {
            let stays = places.reached[place] && self.gaps[place];
            let is_next = place > 0
                && places.reached[place - 1]
                && self.characters[place - 1].is_none_or(|wanted| wanted == c);
            places.reached[place] = stays || is_next;
            if stays || is_next {
                end = end.max(place + 1);
            }
        }
        places.end = end;
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Module of a Python file, behind any directories: `usr.lib.json.encoder`.
fn module_of(file: &[u8]) -> Vec<u8> {
    if let Some(frozen) = file.strip_prefix(b"<frozen ") {
        return frozen.strip_suffix(b">").unwrap_or(frozen).to_vec();
    }
    let stem = file.strip_suffix(b".py").unwrap_or_default();
    let stem = stem.strip_suffix(b"/__init__").unwrap_or(stem);
    let dotted = |byte: &u8| {
        if matches!(byte, b'/' | b'\\') {
            b'.'
        } else {
            *byte
        }
    };
    stem.iter().map(dotted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FunctionKind, Label};

    fn function(file: &str, name: &str, qualified_name: &str) -> Function {
        Function {
            kind: FunctionKind::Python,
            flags: 0,
            label: Label {
                file: file.as_bytes().into(),
                line: 12,
                name: name.as_bytes().into(),
            },
            qualified_name: qualified_name.as_bytes().into(),
            module: Box::default(),
            generic: None,
        }
    }

    #[track_caller]
    fn check(function: &Function, matching: &[&str], others: &[&str]) {
        for pattern in matching {
            assert!(Pattern::new(pattern).is_function(function), "{pattern}");
        }
        for pattern in others {
            assert!(!Pattern::new(pattern).is_function(function), "{pattern}");
        }
    }

    #[test]
    fn functions_go_by_name_module_file_or_both() {
        let feed = function("/app/json/parse.py", "feed", "Parser.feed");
        check(
            &feed,
            &[
                "feed",
                "f*d",
                "Parser.feed",
                "Parser.*",
                "Pars….feed",
                "parse.Parser.feed",
                "json.parse.Parser.feed",
                "json.parse.*",
                "json.parse:Parser.feed",
                "json.*",
                "parse:feed",
                "parse.py",
                "json/parse.py",
                "./json/parse.py",
                "/app/*",
                "json/*",
                "parse.py:feed",
                "json/parse.py:12",
                "parse.py:12(feed)",
                "json/*:Parser.f??d",
                "*",
            ],
            &[
                "fee",
                "eed",
                "son/parse.py",
                "app",
                "parse.py:read",
                "parse.py:1",
                "arse.Parser.feed",
                "json.parse",
                "parse:read",
                "",
                "Parser",
                "Parser.feed.",
            ],
        );
        let package = function("C:\\lib\\json\\__init__.py", "loads", "loads");
        check(&package, &["json\\*", "json\\__init__.py:loads"], &["son*"]);
        let package = function("/lib/json/__init__.py", "loads", "");
        check(&package, &["json.loads", "json:loads"], &["__init__.loads"]);
        let body = function("/lib/json/encoder.py", "<module>", "<module>");
        let imports = ["import json.encoder", "import encoder", "import json.*"];
        check(&body, &imports, &["import json", "import"]);
    }

    #[test]
    fn builtins_go_by_what_they_are_called_or_recorded_as() {
        let len = function("~", "<built-in method builtins.len>", "");
        let patterns = ["*builtins.len*", "~:*", "builtins.len"];
        check(&len, &patterns, &["~", "len", "~:12"]);
        let append = function("~", "<method 'append' of 'list' objects>", "");
        check(&append, &["list.*", "*'append' of*"], &["append"]);
        let frozen = function("<frozen importlib._bootstrap>", "_find_and_load", "");
        let patterns = ["importlib._bootstrap._find_and_load", "*importlib*"];
        check(&frozen, &patterns, &["importlib"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_one_character_each() {
        let mut odd = function("/a/?.py", "f", "");
        odd.label.file = b"/a/\xff.py"[..].into();
        check(&odd, &["?.py:f", "\u{fffd}.py"], &[".py:f"]);
    }

    /// By all ends of the path, or by going back to each `*`, this would take minutes.
    #[test]
    fn time_grows_with_the_length_of_the_text() {
        let path = "/first".to_owned() + &"/a".repeat(50_000) + "/z";
        let is_end = |pattern: &str| Pattern::new(pattern).is_path_end(path.as_bytes());
        for pattern in ["*first*", "/first/*", "first/*", "z", "a/a/z", "*/z", "a/?"] {
            assert!(is_end(pattern), "{pattern}");
        }
        for pattern in ["*importlib*", "irst/*", "b", "b/?", "*a*a*a*a*a*a*a*b"] {
            assert!(!is_end(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-c-", false),
            ("a**b", "ab", true),
            ("?a", "äa", true),
            ("[a]", "[a]", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).is(text.as_bytes()),
                expected,
                "{pattern}"
            );
        }
    }
}
