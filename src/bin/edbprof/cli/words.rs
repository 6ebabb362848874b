//! Limits output to a number of words.

use super::exit::Error;

/// Returns the text of at most `most` items or, if it has more than `words` words, of as many as
/// fit. `text` makes the text of a number of items, and says how many are left out.
///
/// # Errors
///
/// Those of `text`.
pub(crate) fn within_words(
    words: Option<usize>,
    most: usize,
    mut text: impl FnMut(usize) -> Result<String, Error>,
) -> Result<String, Error> {
    let Some(words) = words else {
        return text(most);
    };
    let fits = |text: &str| text.split_whitespace().count() <= words;
    // Each item takes a word.
    let (mut least, mut beyond) = (0, most.min(words).saturating_add(1));
    let mut fitting = None;
    while beyond - least > 1 {
        let middle = least.midpoint(beyond);
        let shown = text(middle)?;
        match fits(&shown) {
            true => (least, fitting) = (middle, Some(shown)),
            false => beyond = middle,
        }
    }
    match fitting {
        Some(shown) => Ok(shown),
        None => text(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(words: Option<usize>, most: usize) -> usize {
        let text = |items| Ok(["head ", &"two words\n".repeat(items)].concat());
        let shown = within_words(words, most, text).unwrap();
        shown.split_whitespace().count()
    }

    #[test]
    fn as_many_items_as_fit() {
        assert_eq!(within(None, 100), 201);
        assert_eq!(within(Some(1000), 100), 201);
        assert_eq!(within(Some(201), 100), 201);
        assert_eq!(within(Some(200), 100), 199);
        assert_eq!(within(Some(2), 100), 1);
        assert_eq!(within(Some(0), 100), 1);
        assert_eq!(within(Some(7), usize::MAX), 7);
    }
}
