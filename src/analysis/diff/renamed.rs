//! Suggests functions that may be the same under another name or in another place.

use std::collections::{BTreeSet, HashMap};

use super::{Change, Diff};

/// Largest number of functions of a side that are considered: those with most self time. The search
/// takes time that is quadratic in their number.
const CONSIDERED: usize = 400;

/// Least resemblance that is worth a suggestion; 1 is two functions with the same callers, the
/// same callees and the same number of calls.
const LEAST: f64 = 0.7;

/// A function that is gone, and a new one that may be the same.
#[derive(Clone, Copy, Debug)]
pub struct Renamed<'d> {
    /// The function that is gone.
    pub before: &'d Change,
    /// The new function.
    pub after: &'d Change,
}

/// Callers and callees that both sides know, by their matches.
#[derive(Default)]
struct Neighbourhood {
    callers: BTreeSet<u32>,
    callees: BTreeSet<u32>,
}

impl Diff {
    /// Suggests pairs of a function that is gone and a new one. Their callers, callees and numbers
    /// of calls are the most similar. Each function is in one suggestion at most.
    pub fn renamed(&self) -> Vec<Renamed<'_>> {
        let gone = self.considered(|change| change.after.is_none() && change.was().calls > 0.0);
        let new = self.considered(|change| change.before.is_none() && change.is().calls > 0.0);
        if gone.is_empty() || new.is_empty() {
            return Vec::new();
        }
        let around = [self.neighbourhoods(0, &gone), self.neighbourhoods(1, &new)];
        let mut pairs = Vec::new();
        for &old in &gone {
            for &new in &new {
                let resemblance = self.resemblance(old, new, &around);
                if resemblance >= LEAST {
                    pairs.push((resemblance, old, new));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let (mut is_old_named, mut is_new_named) = (BTreeSet::new(), BTreeSet::new());
        let mut suggestions = Vec::new();
        for (_, old, new) in pairs {
            if !is_old_named.contains(&old) && !is_new_named.contains(&new) {
                is_old_named.insert(old);
                is_new_named.insert(new);
                suggestions.push(Renamed {
                    before: &self.functions[old as usize],
                    after: &self.functions[new as usize],
                });
            }
        }
        suggestions
    }

    fn considered(&self, is_wanted: fn(&Change) -> bool) -> Vec<u32> {
        let all = (0..).zip(&self.functions);
        let mut wanted: Vec<_> = all.filter(|(_, change)| is_wanted(change)).collect();
        wanted.sort_by(|a, b| b.1.self_ns().abs().total_cmp(&a.1.self_ns().abs()));
        wanted.truncate(CONSIDERED);
        wanted.into_iter().map(|(function, _)| function).collect()
    }

    fn neighbourhoods(&self, side: usize, of: &[u32]) -> HashMap<u32, Neighbourhood> {
        let mut all: HashMap<u32, Neighbourhood> = of
            .iter()
            .map(|&one| (one, Neighbourhood::default()))
            .collect();
        let is_on_both = |function: u32| {
            let change = &self.functions[function as usize];
            change.before.is_some() && change.after.is_some()
        };
        for ((caller, callee), _) in self.sides[side].edges() {
            let [caller, callee] = [caller, callee].map(|id| self.match_of[side][id as usize]);
            if let Some(around) = all.get_mut(&callee)
                && is_on_both(caller)
            {
                around.callers.insert(caller);
            }
            if let Some(around) = all.get_mut(&caller)
                && is_on_both(callee)
            {
                around.callees.insert(callee);
            }
        }
        all
    }

    fn resemblance(
        &self,
        old: u32,
        new: u32,
        [before, after]: &[HashMap<u32, Neighbourhood>; 2],
    ) -> f64 {
        let (before, after) = (&before[&old], &after[&new]);
        let [old, new] = [old, new].map(|function| &self.functions[function as usize]);
        let calls = (old.was().calls, new.is().calls);
        let has_one_name = old.function.label.name == new.function.label.name;
        // Many functions are called once and call nothing, such as the bodies of classes.
        let is_common = calls.0.max(calls.1) <= 1.0
            && before.callees.is_empty()
            && after.callees.is_empty()
            && !has_one_name;
        let calls = calls.0.min(calls.1) / calls.0.max(calls.1);
        let is_builtin = |change: &Change| *change.function.label.file == *b"~";
        // Leaves without another caller have nothing in common but numbers.
        if is_common || is_builtin(old) != is_builtin(new) || before.callers.is_empty() {
            return 0.0;
        }
        let callers = shared(&before.callers, &after.callers);
        let callees = shared(&before.callees, &after.callees);
        (callers + callees + calls) / 3.0 + if has_one_name { 0.2 } else { 0.0 }
    }
}

/// Share of the elements of either set that are in both; 1 for two empty sets.
fn shared(a: &BTreeSet<u32>, b: &BTreeSet<u32>) -> f64 {
    match a.union(b).count() {
        0 => 1.0,
        all => a.intersection(b).count() as f64 / all as f64,
    }
}
