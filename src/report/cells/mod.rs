//! Text measured in cells, the columns of a terminal: most characters take one, East Asian
//! ones and emoji two, combining marks none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns how many cells `text` takes.
pub fn cells(text: &str) -> usize {
    text.width()
}

/// Returns the largest number of cells that `c` takes beside any other characters.
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
mod tests;
