//! Figures of a function by its callers.

use super::{Counts, LabelId};

/// Figures by caller, in the order of the callers. Most functions have few callers, so each list is
/// allocated with exactly its size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Callers(Vec<(LabelId, Counts)>);

impl Callers {
    /// Returns the number of callers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if there is no caller.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the figures under `caller`.
    pub fn get(&self, caller: &LabelId) -> Option<&Counts> {
        let place = self.place(self.len(), *caller).ok()?;
        Some(&self.0[place].1)
    }

    /// Returns the figures under `caller`, zeros if there were none.
    pub fn get_or_default(&mut self, caller: LabelId) -> &mut Counts {
        let place = self.place(self.len(), caller).unwrap_or_else(|place| {
            self.0.insert(place, (caller, Counts::default()));
            place
        });
        &mut self.0[place].1
    }

    /// Returns true if `caller` has figures.
    pub fn contains_key(&self, caller: &LabelId) -> bool {
        self.get(caller).is_some()
    }

    /// Sets the figures under `caller`.
    pub fn insert(&mut self, caller: LabelId, counts: Counts) {
        *self.get_or_default(caller) = counts;
    }

    /// Removes `caller` and returns its figures.
    pub fn remove(&mut self, caller: &LabelId) -> Option<Counts> {
        let place = self.place(self.len(), *caller).ok()?;
        Some(self.0.remove(place).1)
    }

    /// Adds figures under callers, which may be in any order.
    pub(super) fn add(&mut self, more: impl Iterator<Item = (LabelId, Counts)>) {
        let known = self.len();
        for (caller, counts) in more {
            match self.place(known, caller) {
                Ok(place) => self.0[place].1.add(&counts),
                Err(_) => self.0.push((caller, counts)),
            }
        }
        // Sorted once, and not for each caller, because a function may have as many callers as
        // there are functions.
        if !self.0[known.saturating_sub(1)..].is_sorted_by(|a, b| a.0 < b.0) {
            self.0.sort_by_key(|&(caller, _)| caller);
            self.0.dedup_by(|more, sum| {
                let is_same = more.0 == sum.0;
                if is_same {
                    sum.1.add(&more.1);
                }
                is_same
            });
        }
    }

    /// Returns the place of `caller` among the first `known`, or where it belongs.
    fn place(&self, known: usize, caller: LabelId) -> Result<usize, usize> {
        self.0[..known].binary_search_by_key(&caller, |&(caller, _)| caller)
    }

    /// Returns all callers with their figures.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&LabelId, &Counts)> {
        self.0.iter().map(|(caller, counts)| (caller, counts))
    }

    /// Returns all callers.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &LabelId> {
        self.0.iter().map(|(caller, _)| caller)
    }

    /// Returns the figures of all callers.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Counts> {
        self.0.iter().map(|(_, counts)| counts)
    }

    /// Returns the figures of all callers, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Counts> {
        self.0.iter_mut().map(|(_, counts)| counts)
    }
}

impl std::ops::Index<&LabelId> for Callers {
    type Output = Counts;

    fn index(&self, caller: &LabelId) -> &Counts {
        self.get(caller).expect("a caller that has figures")
    }
}

impl FromIterator<(LabelId, Counts)> for Callers {
    /// Makes a map of callers that are all different.
    fn from_iter<I: IntoIterator<Item = (LabelId, Counts)>>(callers: I) -> Self {
        let mut callers = Vec::from_iter(callers);
        callers.sort_unstable_by_key(|&(caller, _)| caller);
        Callers(callers)
    }
}

impl IntoIterator for Callers {
    type Item = (LabelId, Counts);
    type IntoIter = std::vec::IntoIter<(LabelId, Counts)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Callers {
    type Item = (&'a LabelId, &'a Counts);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'a, (LabelId, Counts)>,
        fn(&'a (LabelId, Counts)) -> Self::Item,
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(caller, counts)| (caller, counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(nc: i128) -> Counts {
        Counts {
            nc,
            ..Counts::default()
        }
    }

    fn calls(callers: &Callers) -> Vec<(LabelId, i128)> {
        let all = callers.iter();
        all.map(|(&caller, counts)| (caller, counts.nc)).collect()
    }

    #[test]
    fn figures_add_up_in_any_order() {
        let mut callers = Callers::default();
        callers.add([(7, counts(1)), (3, counts(2)), (7, counts(4))].into_iter());
        callers.add([(9, counts(8)), (3, counts(16)), (1, counts(32))].into_iter());
        assert_eq!(calls(&callers), [(1, 32), (3, 18), (7, 5), (9, 8)]);
    }

    #[test]
    fn single_callers_are_set_and_removed() {
        let mut callers = Callers::from_iter([(5, counts(1)), (2, counts(2))]);
        callers.insert(3, counts(4));
        callers.insert(5, counts(8));
        callers.get_or_default(1).add(&counts(16));
        assert_eq!(callers.remove(&2), Some(counts(2)));
        assert_eq!(callers.remove(&2), None);
        assert_eq!(calls(&callers), [(1, 16), (3, 4), (5, 8)]);
        assert!(!callers.contains_key(&4));
    }
}
