//! Text measured in cells, the columns of a terminal: most characters take one, East Asian
//! ones and emoji two, combining marks none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns how many cells `text` takes.
pub fn cells(text: &str) -> usize {
    text.width()
}

/// Returns the most cells that `c` takes, whatever is beside it.
pub(super) fn of_char(c: char) -> usize {
    match c {
        // Turns the character before it into an emoji of two cells.
        '\u{fe0f}' => 1,
        c => c.width().unwrap_or(0),
    }
}

/// Returns `text` without its middle if it takes more than `longest` cells.
pub fn without_middle(text: &str, longest: usize) -> String {
    if cells(text) <= longest {
        return text.to_owned();
    }
    let end = longest / 2;
    let head = &text[..length(text.char_indices(), (longest - end).saturating_sub(1))];
    let from_end = text.char_indices().rev();
    let tail = text.len()
        - length(
            from_end.map(|(at, c)| (text.len() - at - c.len_utf8(), c)),
            end,
        );
    // A mark without the character that it belongs to would combine with the ellipsis.
    let tail = text[tail..].trim_start_matches(|c| of_char(c) == 0 || c == '\u{fe0f}');
    format!("{}…{tail}", head.trim_end_matches('\u{200d}'))
}

/// Returns the beginning of `text` in `room` cells, if anything of it can be shown. The
/// picture's script does the same.
pub(super) fn beginning(text: &str, room: usize) -> Option<String> {
    let whole = length(text.char_indices(), room);
    if whole == text.len() {
        return Some(text.to_owned());
    }
    match length(text.char_indices(), room.saturating_sub(1)) {
        0 => None,
        cut => Some(format!("{}…", &text[..cut])),
    }
}

/// Returns the length in bytes of what fits into `room` cells; `characters` come with the
/// number of bytes before them.
fn length(characters: impl Iterator<Item = (usize, char)>, room: usize) -> usize {
    let mut used = 0;
    let mut fitting = characters.take_while(|&(_, c)| {
        used += of_char(c);
        used <= room
    });
    let mut length = 0;
    for (before, c) in &mut fitting {
        length = before + c.len_utf8();
    }
    length
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn long_texts_lose_their_middle() {
        let name = format!("begin{}end", "x".repeat(10_000));
        let short = without_middle(&name, 60);
        assert_eq!(cells(&short), 60);
        assert!(short.starts_with("beginx") && short.ends_with("xend"));
        for (text, longest, expected) in [
            ("é", 1, "é"),
            ("éé", 1, "…"),
            ("名前名前", 8, "名前名前"),
            ("名前名前", 7, "名…前"),
            ("名前名前", 5, "名…前"),
            ("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}"),
            ("e\u{301}e\u{301}e\u{301}e\u{301}", 3, "e\u{301}…e\u{301}"),
            ("👩\u{200d}💻👩\u{200d}💻", 4, "👩\u{200d}💻👩\u{200d}💻"),
            ("👩\u{200d}💻wxyz", 5, "👩…yz"),
            ("❤\u{fe0f}❤\u{fe0f}x", 4, "❤…x"),
        ] {
            assert_eq!(without_middle(text, longest), expected, "{text} {longest}");
        }
    }

    #[test]
    fn no_cut_text_takes_more_cells_than_there_are() {
        let characters = [
            'x', '名', '\u{301}', '👩', '\u{200d}', '❤', '\u{fe0f}', '🇩', 'ᄀ', 'ᅡ',
        ];
        let mut state = 1_u64;
        let mut random = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        for _ in 0..2000 {
            let text: String = (0..random(12)).map(|_| characters[random(10)]).collect();
            for room in 1..12 {
                assert!(
                    cells(&without_middle(&text, room)) <= room,
                    "{text:?} {room}"
                );
                let cut = beginning(&text, room).unwrap_or_default();
                assert!(cells(&cut) <= room, "{text:?} {room}");
            }
        }
    }

    /// The same table as in the browser.
    #[test]
    fn names_are_cut_as_by_the_script() {
        let table = include_str!("../../tests/browser/beginnings.json");
        let mut table: serde_json::Value = serde_json::from_str(table).unwrap();
        let mut others: BTreeMap<char, usize> =
            serde_json::from_value(table["cells"].take()).unwrap();
        let rows: Vec<(String, usize, Option<String>)> =
            serde_json::from_value(table["beginnings"].take()).unwrap();
        for (text, room, expected) in &rows {
            assert_eq!(&beginning(text, *room), expected, "{text} {room}");
        }
        for c in rows.iter().flat_map(|(text, ..)| text.chars()) {
            assert_eq!(others.get(&c).copied().unwrap_or(1), of_char(c), "{c}");
        }
        others.retain(|_, cells| *cells == 1);
        assert!(rows.len() > 10 && others.is_empty());
    }
}
