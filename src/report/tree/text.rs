//! Formats the lines of a tree: columns of figures, then names as wide as there is room.

use anstyle::{AnsiColor, Style};

use crate::report::cells::{cells, without_middle};
use crate::report::terminal::Terminal;

/// Characters that one level is indented by.
const INDENT: usize = 3;
/// Fewest characters that names have, however narrow the terminal.
pub(in crate::report) const NARROWEST: usize = 24;
/// Columns of figures that are left out on a narrow terminal, calls first. Each is left out if
/// names would have fewer characters than the number beside it.
const DISPENSABLE: [(usize, usize); 3] = [(3, NARROWEST), (2, NARROWEST), (1, NARROWEST / 2)];
/// Fewest characters of the name of a function without a name of its own. So its place, which says
/// more, is shown whole.
const SHORTEST_UNNAMED: usize = 10;

/// One line of the tree.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Figures, the first two in the colour of the share.
    pub(super) figures: [String; 4],
    /// Part of the whole time; 1.0 is all of it.
    pub(super) share: f64,
    /// Marks that connect the line to its parent.
    pub(super) branch: String,
    /// The function; empty for a run of library frames.
    pub(super) name: String,
    /// Location of the function, or text for hidden frames, each entry shorter than the one before.
    pub(super) places: Vec<String>,
}

/// Text that is being formatted.
pub(super) struct Text {
    text: String,
    width: usize,
    colours: bool,
}

impl Text {
    pub(super) fn new(terminal: &Terminal) -> Self {
        Text {
            text: String::new(),
            width: terminal.width,
            colours: terminal.colours,
        }
    }

    pub(super) fn push_lines(&mut self, heads: [&str; 4], lines: &[Line]) {
        let mut widths: [Option<usize>; 4] = std::array::from_fn(|column| {
            let figures = lines.iter().map(|line| cells(&line.figures[column]));
            Some(figures.fold(heads[column].len(), usize::max))
        });
        // Two spaces before each column and before the names.
        let room = |widths: &[Option<usize>]| {
            let figures: usize = widths.iter().flatten().map(|width| width + 2).sum();
            self.width.saturating_sub(figures + 2)
        };
        for (column, worth) in DISPENSABLE {
            if self.width > 0 && room(&widths) < worth {
                widths[column] = None;
            }
        }
        let narrowest = match self.width {
            0 => NARROWEST,
            _ => NARROWEST / 2,
        };
        let room = room(&widths).max(narrowest);
        let columns = |figures: &[&str], from: usize| -> String {
            let columns = figures.iter().zip(&widths[from..]);
            let shown = columns.filter_map(|(figure, width)| Some((figure, (*width)?)));
            shown
                .map(|(figure, width)| format!("  {figure:>width$}"))
                .collect()
        };
        self.text.push_str(&columns(&heads, 0));
        self.text.push('\n');
        for line in lines {
            let [total, share, own, calls] = line.figures.each_ref().map(String::as_str);
            self.push_styled(cost(line.share), &columns(&[total, share], 0));
            self.text.push_str(&columns(&[own, calls], 2));
            self.text.push_str("  ");
            self.push_name(line, room);
            self.text.push('\n');
        }
    }

    /// Appends the part of a line that may be too long. If it is, the branch loses its left end,
    /// then the place and then the name are cut.
    fn push_name(&mut self, line: &Line, room: usize) {
        let depth = line.branch.chars().count();
        let deepest = room / 2 / INDENT * INDENT;
        let branch: String = match depth.checked_sub(deepest) {
            None | Some(0) => line.branch.clone(),
            // The mark takes the place of a level.
            Some(hidden) => {
                let rest = line.branch.chars().skip(hidden + INDENT);
                "…  ".chars().chain(rest).collect()
            }
        };
        self.push_styled(DIM, &branch);
        let room = room - depth.min(deepest);
        let place = line.places.first().map_or(0, |place| cells(place));
        let beside_place = room.saturating_sub(place + 2);
        let room_of_name = match line.name.ends_with('>') && beside_place >= SHORTEST_UNNAMED {
            true => beside_place,
            false => room,
        };
        let name = without_middle(&line.name, room_of_name);
        self.text.push_str(&name);
        let gap = if name.is_empty() { "" } else { "  " };
        let room = room.saturating_sub(cells(&name) + gap.len());
        let fitting = line.places.iter().find(|place| cells(place) <= room);
        let Some(place) = fitting
            .or(line.places.last())
            .filter(|place| !place.is_empty())
        else {
            return;
        };
        // A few characters of a place would say nothing.
        if name.is_empty() || room >= cells(place).min(NARROWEST / 2) {
            self.text.push_str(gap);
            self.push_styled(DIM, &without_middle(place, room));
        }
    }

    /// A line below the tree.
    pub(super) fn push_remark(&mut self, remark: &str) {
        self.push_styled(DIM, &format!("  {remark}"));
        self.text.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn push_styled(&mut self, style: Style, text: &str) {
        match self.colours && !text.is_empty() {
            true => self.text.push_str(&format!("{style}{text}{style:#}")),
            false => self.text.push_str(text),
        }
    }
}

const DIM: Style = Style::new().dimmed();

/// The colour of what takes `share` of the whole time.
pub(in crate::report) fn cost(share: f64) -> Style {
    let colour = match share {
        _ if share >= 0.5 => AnsiColor::Red,
        _ if share >= 0.2 => AnsiColor::Yellow,
        _ if share >= 0.05 => AnsiColor::Green,
        _ => return DIM,
    };
    colour.on_default()
}
