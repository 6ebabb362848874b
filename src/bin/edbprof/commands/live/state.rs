//! State of a live view: the user's choices, and the lines that follow from them.

use edbprof::report::View as Shown;
use edbprof::report::numbers::duration;
use edbprof::report::sort_order::SortOrder;
use edbprof::report::terminal::Terminal;
use edbprof::report::top::functions;
use edbprof::report::tree::{TreeOptions, tree};

use super::events::Key;
use super::readings::Readings;
use crate::cli::args::ViewOptions;
use crate::output::with_view;

/// Most functions that are listed.
const FUNCTIONS: usize = 500;
/// Keys of pstats by which functions are sorted, and what they are called.
const SORTS: [(&str, &str); 4] = [
    ("tottime", "self time"),
    ("cumulative", "total"),
    ("calls", "calls"),
    ("waiting", "waiting"),
];
/// Shares of the time below which frames are left out, in ascending order.
const THRESHOLDS: [f64; 5] = [0.001, 0.003, 0.01, 0.03, 0.1];

/// The keys, in the last line.
pub(super) const KEYS: &str =
    "q quit  t tree  f functions  l last seconds  s sort  +/- detail  a all frames  p pause";

/// Choices of the user.
#[derive(Clone, Debug, PartialEq)]
struct Choices {
    is_tree: bool,
    is_recent: bool,
    order: SortOrder,
    order_name: String,
    threshold: usize,
    all: bool,
}

/// State of a view.
pub(super) struct View {
    choices: Choices,
    is_paused: bool,
    /// Lines above the first that is shown.
    scrolled: usize,
    /// Result for the choices, the number of the reading, and the terminal.
    known: Option<(Choices, u64, Terminal, Vec<String>)>,
}

/// Returns the order of functions in a view that was just opened.
pub(super) fn default_order() -> SortOrder {
    SORTS[0].0.parse().unwrap_or_default()
}

/// Effect of a key.
pub(super) enum Action {
    None,
    Redraw,
    Close,
}

/// Everything that is drawn.
pub(super) struct Page<'p> {
    pub(super) title: &'p str,
    /// Subject of the lines, and the processes.
    pub(super) subject: &'p str,
    pub(super) lines: &'p [String],
    pub(super) output: Option<&'p str>,
    pub(super) view: &'p View,
}

impl View {
    pub(super) fn new(order: SortOrder) -> View {
        let is_it = |keys: &str| keys.parse().is_ok_and(|known: SortOrder| known == order);
        let known = SORTS.iter().find(|(keys, _)| is_it(keys));
        let order_name = known.map_or("--sort", |(_, name)| name).to_owned();
        View {
            choices: Choices {
                is_tree: false,
                is_recent: false,
                order,
                order_name,
                threshold: 2,
                all: false,
            },
            is_paused: false,
            scrolled: 0,
            known: None,
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    pub(super) fn scrolled(&self) -> usize {
        self.scrolled
    }

    /// Returns what the lines are about.
    pub(super) fn subject(&self, readings: &Readings) -> String {
        let choices = &self.choices;
        let what = match choices.is_tree {
            true => format!(
                "tree, from {} % on",
                100.0 * THRESHOLDS[choices.threshold.min(THRESHOLDS.len() - 1)]
            ),
            false => format!("functions by {}", choices.order_name),
        };
        let when = match choices.is_recent {
            true => format!("last {}", duration(readings.recent_time().as_secs_f64())),
            false => "whole time".to_owned(),
        };
        let paused = if self.is_paused { ", paused" } else { "" };
        format!("{what}, {when}{paused}")
    }

    /// Returns the lines for `terminal`.
    pub(super) fn lines(
        &mut self,
        readings: &mut Readings,
        options: &ViewOptions,
        terminal: &Terminal,
    ) -> Vec<String> {
        let number = readings.number();
        if let Some((choices, of, on, lines)) = &self.known {
            if (choices, *of, on) == (&self.choices, number, terminal) {
                return lines.clone();
            }
        }
        let profile = match self.choices.is_recent {
            true => readings.recent(),
            false => readings.total(),
        };
        let text = match options.compensate {
            true => with_view(&mut profile.clone(), options, |shown| {
                self.text(shown, terminal)
            }),
            false => self.text(&Shown::new(profile), terminal),
        };
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let last = lines.len().saturating_sub(1);
        self.scrolled = self.scrolled.min(last);
        let known = (self.choices.clone(), number, *terminal, lines.clone());
        self.known = Some(known);
        lines
    }

    fn text(&self, shown: &Shown<'_>, terminal: &Terminal) -> String {
        let choices = &self.choices;
        if shown.profile.trees().threads.is_empty() {
            return match choices.is_recent {
                true => "  no call was made or open in these seconds".to_owned(),
                false => String::new(),
            };
        }
        match choices.is_tree {
            true => tree(
                shown,
                &TreeOptions {
                    threshold: THRESHOLDS[choices.threshold.min(THRESHOLDS.len() - 1)],
                    all: choices.all,
                    lines: None,
                    terminal: *terminal,
                },
            ),
            false => functions(shown, &choices.order, FUNCTIONS, terminal),
        }
    }

    /// Reacts to a key. The view has `lines` lines, of which `height` are visible.
    pub(super) fn act(&mut self, key: Key, lines: usize, height: usize) -> Action {
        // The first line is the head of a table, which stays.
        let page = height.saturating_sub(1).max(1);
        let last = lines.saturating_sub(height);
        match key {
            Key::Character('q' | 'Q') | Key::Escape => return Action::Close,
            Key::Character('\x0c') => return Action::Redraw,
            Key::Character('t') => self.choices.is_tree = true,
            Key::Character('f') => self.choices.is_tree = false,
            Key::Character('\t') => self.choices.is_tree = !self.choices.is_tree,
            Key::Character('l') => self.choices.is_recent = !self.choices.is_recent,
            Key::Character('s') => self.next_order(),
            Key::Character('a') => self.choices.all = !self.choices.all,
            Key::Character('+' | '=') => {
                self.choices.threshold = self.choices.threshold.saturating_sub(1);
            }
            Key::Character('-') => {
                let most = THRESHOLDS.len() - 1;
                self.choices.threshold = (self.choices.threshold + 1).min(most);
            }
            Key::Character('p' | ' ') => self.is_paused = !self.is_paused,
            Key::Up | Key::Character('k') => self.scrolled = self.scrolled.saturating_sub(1),
            Key::Down | Key::Character('j') => self.scrolled = (self.scrolled + 1).min(last),
            Key::PageUp => self.scrolled = self.scrolled.saturating_sub(page),
            Key::PageDown => self.scrolled = (self.scrolled + page).min(last),
            Key::Home | Key::Character('g') => self.scrolled = 0,
            Key::End | Key::Character('G') => self.scrolled = last,
            Key::Character(_) => {}
        }
        Action::None
    }

    fn next_order(&mut self) {
        let names = SORTS.iter().map(|(_, name)| name);
        let now = names
            .clone()
            .position(|name| *name == self.choices.order_name);
        let (keys, name) = SORTS[now.map_or(0, |now| now + 1) % SORTS.len()];
        if let Ok(order) = keys.parse() {
            self.choices.order = order;
            self.choices.order_name = name.to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_ends_with_the_last_page() {
        let mut view = View::new(SortOrder::default());
        for (key, expected) in [
            (Key::Up, 0),
            (Key::Down, 1),
            (Key::PageDown, 10),
            (Key::End, 90),
            (Key::Down, 90),
            (Key::PageUp, 81),
            (Key::Home, 0),
        ] {
            view.act(key, 100, 10);
            assert_eq!(view.scrolled(), expected, "{key:?}");
        }
        view.act(Key::End, 5, 10);
        assert_eq!(view.scrolled(), 0);
    }

    #[test]
    fn each_order_has_its_turn() {
        let mut view = View::new(default_order());
        let readings = Readings::default();
        let mut seen = Vec::new();
        for _ in 0..SORTS.len() {
            seen.push(view.subject(&readings));
            view.act(Key::Character('s'), 0, 10);
        }
        assert_eq!(view.subject(&readings), seen[0]);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), SORTS.len());
    }
}
