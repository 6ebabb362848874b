//! Lists of many items in two allocations.

/// One list for each of many items, one after the other.
pub(super) struct Lists<T> {
    /// Start of each list, and the end of the last one.
    starts: Vec<u32>,
    pub(super) items: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// Makes `count` lists of `pairs` of a list and an item, which keep their order.
    pub(super) fn of(count: usize, pairs: &[(u32, T)]) -> Lists<T> {
        let mut starts = vec![0_u32; count + 1];
        for &(list, _) in pairs {
            starts[list as usize + 1] += 1;
        }
        for list in 1..starts.len() {
            starts[list] += starts[list - 1];
        }
        let mut items: Vec<T> = pairs.iter().map(|&(_, item)| item).collect();
        let mut next = starts.clone();
        for &(list, item) in pairs {
            let place = &mut next[list as usize];
            items[*place as usize] = item;
            *place += 1;
        }
        Lists { starts, items }
    }

    /// Returns a list.
    pub(super) fn of_item(&self, list: u32) -> &[T] {
        let list = list as usize;
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }

    /// Returns all items, each with its list.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let lists = 0..self.starts.len() as u32 - 1;
        lists.flat_map(|list| self.of_item(list).iter().map(move |item| (list, item)))
    }

    /// Sorts each list; items of one key keep their order.
    pub(super) fn sort_each<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        for range in self.starts.windows(2) {
            self.items[range[0] as usize..range[1] as usize].sort_by_key(&key);
        }
    }

    /// Removes the items of each list that `joins` adds to the one before.
    pub(super) fn dedup_each(&mut self, joins: impl Fn(&T, &mut T) -> bool) {
        let mut kept = 0;
        let mut start = 0;
        for list in 1..self.starts.len() {
            let end = std::mem::replace(&mut self.starts[list], 0);
            let first = kept;
            for at in start as usize..end as usize {
                let item = self.items[at];
                if kept > first && joins(&item, &mut self.items[kept - 1]) {
                    continue;
                }
                self.items[kept] = item;
                kept += 1;
            }
            start = end;
            self.starts[list] = kept as u32;
        }
        self.items.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_is_sorted_and_joined_for_itself() {
        let pairs = [(2, 5), (0, 3), (2, 1), (0, 3), (2, 5), (0, 2), (3, 2)];
        let mut lists = Lists::of(4, &pairs);
        let all =
            |lists: &Lists<i32>| Vec::from_iter((0..4).map(|list| lists.of_item(list).to_vec()));
        assert_eq!(all(&lists), [vec![3, 3, 2], vec![], vec![5, 1, 5], vec![2]]);
        lists.sort_each(|&item| item);
        lists.dedup_each(|more, kept| more == kept);
        assert_eq!(all(&lists), [vec![2, 3], vec![], vec![1, 5], vec![2]]);
        let pairs: Vec<_> = lists.iter().map(|(list, &item)| (list, item)).collect();
        assert_eq!(pairs, [(0, 2), (0, 3), (2, 1), (2, 5), (3, 2)]);
    }
}
