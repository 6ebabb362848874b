//! What the program says when it is done: how much was recorded, where the time
//! went, what was written and what to do with it.

use std::path::{Path, PathBuf};

use super::View;
use super::display::{count, counted, duration, printable, short_name};
use super::origin::Places;
use super::sort_order::SortOrder;

/// Functions that are listed.
const TOP: usize = 10;
/// Longest name and longest location that are shown whole, characters.
const LONGEST: usize = 60;

/// The summary, ending in a newline. `lost` files could not be read; `outputs` are the
/// files that were written.
pub fn summary(view: &View<'_>, lost: usize, outputs: &[PathBuf]) -> String {
    let mut text = format!("{}\n", view.title());
    if view.killed() > 0 || lost > 0 {
        text.push_str(&format!(
            "{}, {} killed, {lost} lost\n",
            counted(view.processes(), "process", "processes"),
            view.killed(),
        ));
    }
    if view.overhead() > 0.0 {
        text.push_str(&format!(
            "Recording took about {} of that; --compensate leaves it out.\n",
            duration(view.overhead()),
        ));
    }
    for remark in view.remarks() {
        text.push_str(&format!("{remark}\n"));
    }
    text.push_str(&format!("\n{}", top_functions(view)));
    if !outputs.is_empty() {
        text.push_str("\nWrote\n");
        for path in outputs {
            text.push_str(&format!("  {}\n", path_text(path)));
        }
    }
    let with_suffix = |suffix: &str| {
        outputs
            .iter()
            .find(|path| path_text(path).ends_with(suffix))
            .map(|path| path_text(path))
    };
    let next: Vec<_> = [
        with_suffix(".svg").map(|path| format!("open {path} in a browser")),
        with_suffix(".prof").map(|path| format!("python -m pstats {path}")),
        with_suffix(".prof").map(|path| format!("snakeviz {path}  (pip install snakeviz)")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !next.is_empty() {
        text.push_str(&format!("\nNext: {}\n", next.join("\n  or: ")));
    }
    text
}

/// A path as text that is safe to print.
pub fn path_text(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

/// The functions with the most self time as a table.
fn top_functions(view: &View<'_>) -> String {
    let whole = view.seconds();
    let order: SortOrder = "tottime".parse().unwrap_or_default();
    let places = Places::new(view.rows.iter().map(|(id, _)| view.rows.label(id)));
    let folded = view.folded_functions();
    let header = ["self", "", "total", "calls", "function"].map(str::to_owned);
    let lines = order
        .sorted(view.rows)
        .into_iter()
        .take(TOP)
        .map(|(label, counts)| {
            let share = if whole > 0.0 {
                100.0 * counts.tt / whole
            } else {
                0.0
            };
            let at_least = if folded.contains(label) { "≥ " } else { "" };
            let location = places.location(label);
            let gap = if location.is_empty() { "" } else { "  " };
            [
                duration(counts.tt),
                format!("{share:.1} %"),
                // The least that it may be.
                format!("{at_least}{}", duration(counts.ct)),
                count(counts.nc),
                format!(
                    "{}{gap}{}",
                    shortened(&short_name(&label.name)),
                    shortened(&location)
                ),
            ]
        });
    let table: Vec<_> = [header].into_iter().chain(lines).collect();
    let width = |column: usize| {
        table
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for [own, share, total, calls, function] in &table {
        text.push_str(&format!(
            "{own:>0$} {share:>1$}  {total:>2$}  {calls:>3$}  {function}\n",
            widths[0] + 2,
            widths[1],
            widths[2],
            widths[3],
        ));
    }
    text
}

/// `text` without its middle where it is too long for a line.
fn shortened(text: &str) -> String {
    let characters = text.chars().count();
    if characters <= LONGEST {
        return text.to_owned();
    }
    let end = LONGEST / 2;
    let head = text.chars().take(LONGEST - end - 1);
    head.chain(['…'])
        .chain(text.chars().skip(characters - end))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::pstats::{Counts, Rows};
    use crate::format::trees::Label;
    use crate::profile::frames::Frames;
    use crate::profile::merge::Profile;

    #[test]
    fn long_names_lose_their_middle() {
        let name = format!("begin{}end", "x".repeat(10_000));
        let short = shortened(&name);
        assert_eq!(short.chars().count(), LONGEST);
        assert!(short.starts_with("beginx") && short.ends_with("xend"));
        assert_eq!(shortened("é"), "é");
    }

    #[test]
    fn short_and_to_the_point() {
        let mut rows = Rows::default();
        for (name, file, nc, tt, ct) in [
            ("main", "/app/main.py", 1, 0.25, 2.0),
            ("parse\x1b[2J", "/app/sub/parse.py", 1200, 1.5, 1.75),
            ("<built-in method builtins.len>", "~", 5, 0.25, 0.25),
        ] {
            let label = Label {
                file: file.as_bytes().into(),
                line: 3,
                name: name.as_bytes().into(),
            };
            let id = rows.intern(&label);
            rows.row_mut(id).counts = Counts { cc: nc, nc, tt, ct };
        }
        let view = View {
            rows: &rows,
            frames: &Frames::default(),
            profile: &Profile::default(),
        };
        let outputs = ["out.prof", "out.pstats", "out.svg"].map(PathBuf::from);
        assert_eq!(
            summary(&view, 0, &outputs),
            "\
edbprof: 0 processes, 2.00 s in 1,206 calls of 3 functions

    self          total  calls  function
  1.50 s 75.0 %  1.75 s  1,200  parse\\x1b[2J  sub/parse.py:3
  250 ms 12.5 %  2.00 s      1  main  main.py:3
  250 ms 12.5 %  250 ms      5  builtins.len

Wrote
  out.prof
  out.pstats
  out.svg

Next: open out.svg in a browser
  or: python -m pstats out.prof
  or: snakeviz out.prof  (pip install snakeviz)
"
        );
    }
}
