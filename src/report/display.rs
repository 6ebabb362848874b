//! Makes names safe to show. Labels are bytes of any content. The text made here can't command a
//! terminal, break a line or reorder the text beside it.

use std::io::Write;

use crate::model::native_name;
use crate::model::{Function, Label};

/// Returns `bytes` as text in which every byte is visible and none has an effect.
///
/// Control characters, line and paragraph separators, marks that change the reading direction and
/// what XML forbids become `\x1b` or `\u202e`. A lone surrogate, by which Python keeps a file name
/// that is not UTF-8, becomes `\udcff`. Any other invalid byte becomes `\xff`.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    // Nearly all names are plain.
    if let (true, Ok(plain)) = (is_plain(bytes), std::str::from_utf8(bytes)) {
        text.push_str(plain);
        return text;
    }
    let mut rest = bytes;
    while let Some(chunk) = rest.utf8_chunks().next() {
        for c in chunk.valid().chars() {
            push_printable(&mut text, c);
        }
        rest = &rest[chunk.valid().len()..];
        if let [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] = *rest {
            let unit = 0xd000 | (u32::from(second) & 0x3f) << 6 | u32::from(third) & 0x3f;
            text.push_str(&format!("\\u{unit:04x}"));
            rest = &rest[3..];
        } else {
            for byte in chunk.invalid() {
                text.push_str(&format!("\\x{byte:02x}"));
            }
            rest = &rest[chunk.invalid().len()..];
        }
    }
    text
}

/// Returns true if `bytes` are printable ASCII. Checks all bytes, which is faster than stopping
/// early.
fn is_plain(bytes: &[u8]) -> bool {
    let plain = bytes.iter().map(|byte| (b' '..=b'~').contains(byte));
    plain.fold(true, |all, plain| all & plain)
}

/// Escapes `text` for XML content and attributes. It must come from [`printable`], which leaves
/// no character that XML forbids.
pub(super) fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn push_printable(text: &mut String, c: char) {
    match c {
        c if c.is_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{fffe}'
        | '\u{ffff}' => {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
        c => text.push(c),
    }
}

/// Returns `label` as `pstats.func_std_string` writes it, bytes unchanged.
pub fn pstats_name(label: &Label) -> Vec<u8> {
    let mut name = Vec::with_capacity(label.file.len() + label.name.len() + 16);
    push_raw_pstats_name(&mut name, label);
    name
}

/// Appends the [`printable`] form of [`pstats_name`].
pub(super) fn push_pstats_name(text: &mut Vec<u8>, label: &Label) {
    let start = text.len();
    push_raw_pstats_name(text, label);
    if !is_plain(&text[start..]) {
        let escaped = printable(&text[start..]);
        text.truncate(start);
        text.extend_from_slice(escaped.as_bytes());
    }
}

fn push_raw_pstats_name(text: &mut Vec<u8>, label: &Label) {
    if &*label.file == b"~" && label.line == 0 {
        return match &*label.name {
            [b'<', inner @ .., b'>'] => {
                text.push(b'{');
                text.extend_from_slice(inner);
                text.push(b'}');
            }
            name => text.extend_from_slice(name),
        };
    }
    text.extend_from_slice(&label.file);
    // Writing to memory can't fail.
    let _ = write!(text, ":{}(", label.line);
    text.extend_from_slice(&label.name);
    text.push(b')');
}

/// Returns the name of `function` in pictures: its qualified name, if that is known.
pub fn function_name(function: &Function) -> String {
    match &*function.qualified_name {
        b"" => short_name(&function.label.name),
        name => printable(name),
    }
}

/// Returns a function's name without the text that pstats puts around builtins: `builtins.len`,
/// `list.append`. An object's address is removed, because it differs in every process.
pub fn short_name(name: &[u8]) -> String {
    printable(&native_name::short_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_reaches_the_terminal_raw() {
        assert_eq!(printable("grüße 名前".as_bytes()), "grüße 名前");
        assert_eq!(printable(b"a\x1b[2J\n\0\x7f"), "a\\x1b[2J\\x0a\\x00\\x7f");
        assert_eq!(
            printable("\u{9b}1m\u{202e}x\u{ffff}".as_bytes()),
            "\\x9b1m\\u202ex\\uffff"
        );
        assert_eq!(
            printable(b"\xff\xed\xb3\xbf\xed\xa0"),
            "\\xff\\udcff\\xed\\xa0"
        );
    }

    #[test]
    fn builtins_are_called_as_one_calls_them() {
        assert_eq!(
            short_name(b"<built-in method builtins.len>"),
            "builtins.len"
        );
        assert_eq!(
            short_name(b"<method 'append' of 'list' objects>"),
            "list.append"
        );
        assert_eq!(
            short_name(b"<built-in method __new__ of type object at 0x7f01>"),
            "__new__ of type object"
        );
        assert_eq!(short_name(b"<lambda>"), "<lambda>");
    }

    #[test]
    fn pstats_names_are_those_of_pstats() {
        let label = |file: &str, line, name: &str| Label {
            file: file.as_bytes().into(),
            line,
            name: name.as_bytes().into(),
        };
        assert_eq!(pstats_name(&label("~", 0, "<len>")), b"{len}");
        assert_eq!(pstats_name(&label("~", 0, "len")), b"len");
        assert_eq!(pstats_name(&label("~", 0, "<")), b"<");
        assert_eq!(pstats_name(&label("~", 1, "<len>")), b"~:1(<len>)");
        assert_eq!(pstats_name(&label("a.py", -3, "f")), b"a.py:-3(f)");
    }
}
