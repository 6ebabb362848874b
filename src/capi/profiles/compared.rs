//! The columns of two profiles that are compared.

use super::column::{Column, edbprof_column_id, edbprof_column_id::*};
use crate::analysis::diff::{Change, Diff, Order, RunFigures, Side};
use crate::analysis::merge::Profile;
use crate::model::{function_id, native_name};

/// The changes of functions, the largest first, as `edbprof diff` shows them.
#[derive(Debug)]
pub(super) struct Compared(Vec<Change>);

impl Compared {
    /// Compares two profiles, without the cost of recording unless `as_recorded`.
    pub(super) fn new(profiles: [&Profile; 2], as_recorded: bool) -> Compared {
        let sides = profiles.map(|profile| {
            let figures = match as_recorded || profile.compensation().is_some() {
                true => RunFigures::of(profile),
                false => {
                    let mut compensated = profile.clone();
                    compensated.compensate();
                    RunFigures::of(&compensated)
                }
            };
            let mut side = Side::default();
            side.add(figures);
            side
        });
        let diff = Diff::of(sides);
        let changes = diff.changes(Order::Impact);
        Compared(changes.into_iter().cloned().collect())
    }

    /// Returns the column, if it is one of a comparison.
    pub(super) fn compute(&self, id: edbprof_column_id) -> Option<Column> {
        Some(match id {
            EDBPROF_CHANGE_NAME => self.texts(|change| change.function.label.name.to_vec()),
            EDBPROF_CHANGE_QUALIFIED_NAME => self.texts(|change| {
                let function = &change.function;
                match &*function.qualified_name {
                    b"" => native_name::short_name(&function.label.name).into_owned(),
                    name => name.to_vec(),
                }
            }),
            EDBPROF_CHANGE_MODULE => self.texts(|change| change.function.module.to_vec()),
            EDBPROF_CHANGE_FILE => self.texts(|change| change.function.label.file.to_vec()),
            EDBPROF_CHANGE_LINE => {
                Column::Signed(self.0.iter().map(|of| of.function.label.line).collect())
            }
            EDBPROF_CHANGE_ID => {
                let ids = self.0.iter().map(|of| function_id(&of.function.label));
                Column::Counts(ids.collect())
            }
            EDBPROF_CHANGE_CALLS_BEFORE => self.means(|change| change.was().calls),
            EDBPROF_CHANGE_CALLS_AFTER => self.means(|change| change.is().calls),
            EDBPROF_CHANGE_SELF_NS_BEFORE => self.means(|change| change.was().self_ns),
            EDBPROF_CHANGE_SELF_NS_AFTER => self.means(|change| change.is().self_ns),
            EDBPROF_CHANGE_TOTAL_NS_BEFORE => self.means(|change| change.was().total_ns),
            EDBPROF_CHANGE_TOTAL_NS_AFTER => self.means(|change| change.is().total_ns),
            EDBPROF_CHANGE_BY_CALLS_NS => self.means(Change::by_calls_ns),
            EDBPROF_CHANGE_BY_TIME_NS => self.means(Change::by_time_ns),
            _ => return None,
        })
    }

    fn texts(&self, text: fn(&Change) -> Vec<u8>) -> Column {
        let texts: Vec<_> = self.0.iter().map(text).collect();
        Column::Texts(texts.iter().collect())
    }

    fn means(&self, mean: fn(&Change) -> f64) -> Column {
        Column::Means(self.0.iter().map(mean).collect())
    }
}
