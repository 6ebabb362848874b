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

/// The table is that of the tests in the browser.
#[test]
fn names_are_cut_as_by_the_script() {
    let table = include_str!("../../../tests/browser/beginnings.json");
    let mut table: serde_json::Value = serde_json::from_str(table).unwrap();
    let mut others: BTreeMap<char, usize> = serde_json::from_value(table["cells"].take()).unwrap();
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
