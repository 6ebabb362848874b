//! Converts the coloured text of reports to lines of ratatui.

use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::{Line, Span};

/// Returns `line` with the styles that its escape sequences name.
pub(super) fn coloured(line: &str) -> Line<'_> {
    let mut spans = Vec::new();
    let mut style = Style::new();
    let mut rest = line;
    while let Some(start) = rest.find("\x1b[") {
        let (text, sequence) = rest.split_at(start);
        push(&mut spans, text, style);
        let end = sequence.find('m').map_or(sequence.len(), |end| end + 1);
        let (sequence, behind) = sequence.split_at(end);
        let codes = sequence.trim_start_matches("\x1b[").trim_end_matches('m');
        for code in codes.split(';') {
            style = styled(style, code.parse().unwrap_or(0));
        }
        rest = behind;
    }
    push(&mut spans, rest, style);
    Line::from(spans)
}

fn push<'l>(spans: &mut Vec<Span<'l>>, text: &'l str, style: Style) {
    if !text.is_empty() {
        spans.push(Span::styled(text, style));
    }
}

fn styled(style: Style, code: u8) -> Style {
    match code {
        0 => Style::new(),
        1 => style.add_modifier(Modifier::BOLD),
        2 => style.add_modifier(Modifier::DIM),
        30..=37 => style.fg(Color::Indexed(code - 30)),
        90..=97 => style.fg(Color::Indexed(code - 90 + 8)),
        39 => Style { fg: None, ..style },
        _ => style,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_last_until_they_are_reset() {
        let line = coloured("a\x1b[31mb\x1b[1mc\x1b[0md\x1b[2m");
        let texts: Vec<_> = line.spans.iter().map(|span| &*span.content).collect();
        assert_eq!(texts, ["a", "b", "c", "d"]);
        let red = Style::new().fg(Color::Indexed(1));
        let styles: Vec<_> = line.spans.iter().map(|span| span.style).collect();
        let bold = red.add_modifier(Modifier::BOLD);
        assert_eq!(styles, [Style::new(), red, bold, Style::new()]);
    }

    #[test]
    fn broken_sequences_are_no_text() {
        assert_eq!(coloured("a\x1b[31").spans.len(), 1);
        assert_eq!(coloured("\x1b[xyzm!").spans[0].content, "!");
    }
}
