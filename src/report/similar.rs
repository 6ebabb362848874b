//! Finds the word that a mistyped one was probably meant to be.

/// Returns the one of `known` that resembles `word` most: at most every third character is
/// missing, wrong, too many or exchanged with its neighbour.
pub fn similar<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let distance = |known: &str| strsim::osa_distance(&word.to_lowercase(), &known.to_lowercase());
    let longest = word.chars().count();
    known
        .into_iter()
        // Names of functions can be of any length, and the distance takes the product of both.
        .filter(|known| known.chars().count().abs_diff(longest) <= longest / 3)
        .map(|known| (distance(known), known))
        .filter(|&(distance, _)| distance <= (longest / 3).max(1))
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_words_resemble_what_was_meant() {
        let known = ["run", "tree", "top", "export", "clean"];
        for (word, expected) in [
            ("rnu", Some("run")),
            ("tpo", Some("top")),
            ("exprot", Some("export")),
            ("Tree", Some("tree")),
            ("clea", Some("clean")),
            ("data", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(similar(word, known), expected, "{word}");
        }
    }
}
