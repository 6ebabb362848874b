//! The terminal that a text is for: its size, and what it can show.

use super::cells::{cells, of_char};

/// A terminal, or what takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns; 0 where any line fits.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// True if it shows colours.
    pub colours: bool,
    /// True if it shows nothing but ASCII.
    pub ascii: bool,
}

/// Indentation of lines after a break.
const INDENT: &str = "  ";

impl Default for Terminal {
    fn default() -> Self {
        Terminal {
            width: 80,
            height: 24,
            colours: false,
            ascii: false,
        }
    }
}

impl Terminal {
    /// Returns `text` with characters that the terminal shows, each line cut to its width. A line
    /// that has a path or a command to copy should not come here.
    pub fn fit(&self, text: &str) -> String {
        let width = match self.width {
            0 => usize::MAX,
            width => width,
        };
        let lines = text.split_inclusive('\n').map(|line| {
            let shown = self.characters(line.trim_end_matches('\n'));
            let end = if line.ends_with('\n') { "\n" } else { "" };
            cut(&shown, width, if self.ascii { "..." } else { "…" }) + end
        });
        lines.collect()
    }

    /// Returns `text` with characters that the terminal shows, long lines broken between words, but
    /// not between a number and its unit.
    pub fn wrap(&self, text: &str) -> String {
        let mut wrapped = String::new();
        for line in self.characters(text).split_inclusive('\n') {
            let mut used = 0;
            for word in unbroken(line) {
                let width = cells(word.trim_end());
                if used > INDENT.len() && used + width > self.width && self.width > 0 {
                    wrapped.truncate(wrapped.trim_end().len());
                    wrapped.push_str(&format!("\n{INDENT}"));
                    used = INDENT.len();
                }
                wrapped.push_str(word);
                used += cells(word);
            }
        }
        self.fit(&wrapped)
    }

    /// Returns `word`, a path to copy, on lines that begin with `indent`. A path that is too long
    /// is broken, so that nothing of it is lost.
    pub fn broken(&self, word: &str, indent: &str) -> String {
        let room = match self.width.saturating_sub(cells(indent)) {
            0 => usize::MAX,
            room => room,
        };
        let mut text = indent.to_owned();
        let mut used = 0;
        for c in word.chars() {
            if used > 0 && used + of_char(c) > room {
                text.push_str(&format!("\n{indent}"));
                used = 0;
            }
            text.push(c);
            used += of_char(c);
        }
        text + "\n"
    }

    /// Returns `text` with characters that the terminal shows.
    pub fn characters(&self, text: &str) -> String {
        match self.ascii {
            true => text.chars().map(ascii).collect(),
            false => text.to_owned(),
        }
    }
}

/// Returns the words of `line` with the spaces behind them; a number and the word that follows are
/// one.
fn unbroken(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let end_of_word = |from: usize| {
            rest[from..]
                .find(' ')
                .map_or(rest.len(), |at| from + at + 1)
        };
        let mut end = end_of_word(0);
        if rest[..end]
            .trim_start_matches('(')
            .starts_with(|c: char| c.is_ascii_digit())
        {
            end = end_of_word(end);
        }
        let (word, behind) = rest.split_at(end);
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

/// Returns the text for `c` in ASCII.
fn ascii(c: char) -> String {
    match c {
        '├' => "|".to_owned(),
        '└' => "`".to_owned(),
        '│' => "|".to_owned(),
        '─' => "-".to_owned(),
        '…' => "...".to_owned(),
        'µ' => "u".to_owned(),
        '≥' => ">=".to_owned(),
        '◦' => "o".to_owned(),
        '█' => "#".to_owned(),
        c if c.is_ascii() => c.to_string(),
        c => c.escape_unicode().to_string(),
    }
}

/// Returns `line` in at most `width` cells; `mark` replaces the part that is cut off. Escape
/// sequences take none, and those behind the cut stay.
fn cut(line: &str, width: usize, mark: &str) -> String {
    let visible: usize = parts(line).map(|(text, _)| cells(text)).sum();
    if visible <= width {
        return line.to_owned();
    }
    let mut room = width.saturating_sub(cells(mark));
    let mut shown = String::new();
    let mut is_cut = false;
    for (text, sequence) in parts(line) {
        for c in text.chars().take_while(|_| !is_cut).collect::<Vec<_>>() {
            match room.checked_sub(of_char(c)) {
                Some(rest) if !is_cut => {
                    room = rest;
                    shown.push(c);
                }
                _ if is_cut => {}
                _ => {
                    is_cut = true;
                    shown.push_str(mark);
                }
            }
        }
        shown.push_str(sequence);
    }
    shown
}

/// The parts of `line`: text, and the colour behind it.
fn parts(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find("\x1b[").unwrap_or(rest.len());
        let (text, sequence) = rest.split_at(start);
        let end = sequence.find('m').map_or(sequence.len(), |end| end + 1);
        let (sequence, behind) = sequence.split_at(end);
        rest = behind;
        Some((text, sequence))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_the_width() {
        let terminal = Terminal {
            width: 6,
            ..Terminal::default()
        };
        assert_eq!(terminal.fit("123456\n1234567\n"), "123456\n12345…\n");
        assert_eq!(terminal.fit("名前名前"), "名前…");
        let coloured = "\x1b[31m1234\x1b[0m567890";
        assert_eq!(terminal.fit(coloured), "\x1b[31m1234\x1b[0m5…");
        assert_eq!(
            terminal.fit("\x1b[31m12345678\x1b[0m"),
            "\x1b[31m12345…\x1b[0m"
        );
    }

    #[test]
    fn sentences_are_broken_between_words() {
        let terminal = Terminal {
            width: 10,
            ..Terminal::default()
        };
        assert_eq!(
            terminal.wrap("one two three four\nfive\n"),
            "one two\n  three\n  four\nfive\n"
        );
        assert_eq!(terminal.wrap("one two th\n"), "one two th\n");
        assert_eq!(terminal.wrap("one (1.20 s)\n"), "one\n  (1.20 s)\n");
        assert_eq!(terminal.wrap("abcdefghijkl x\n"), "abcdefghi…\n  x\n");
    }

    #[test]
    fn paths_are_broken_where_they_are_too_long() {
        let terminal = Terminal {
            width: 10,
            ..Terminal::default()
        };
        assert_eq!(terminal.broken("/a/b.prof", " "), " /a/b.prof\n");
        assert_eq!(
            terminal.broken("/a/b.pstats.x", "  "),
            "  /a/b.pst\n  ats.x\n"
        );
        assert_eq!(terminal.broken("名前名前名前", ""), "名前名前名\n前\n");
        let any = Terminal {
            width: 0,
            ..terminal
        };
        assert_eq!(any.broken("/a/b.pstats.x", "  "), "  /a/b.pstats.x\n");
    }

    #[test]
    fn ascii_says_the_same() {
        let terminal = Terminal {
            width: 40,
            ascii: true,
            ..Terminal::default()
        };
        let text = "≥ 5 µs  │  ├─ … 名\n     └─ x  ◦ 1 ██\n";
        assert_eq!(
            terminal.fit(text),
            ">= 5 us  |  |- ... \\u{540d}\n     `- x  o 1 ##\n"
        );
        let long = terminal.fit(&"é".repeat(40));
        assert!(long.is_ascii() && long.len() == 40, "{long}");
    }
}
