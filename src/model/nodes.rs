//! The nodes of a call tree, as columns.

/// Largest number of nodes in a tree. The widest column has eight bytes for each, and must be a
/// bytes object that marshal can write.
pub const MAX_NODES: usize = i32::MAX as usize / 8;

/// The parent of a node without a caller in the recording.
pub const NO_PARENT: u32 = u32::MAX;

/// One node of a call tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeRow {
    /// Index of the caller's node, or [`NO_PARENT`].
    pub parent: u32,
    /// Index into [`Trees::kinds`](super::Trees::kinds).
    pub kind: u32,
    /// Starts of the function in this node.
    pub calls: u64,
    /// Re-entries of a generator or coroutine.
    pub resumes: u64,
    /// Inclusive time, nanoseconds.
    pub total: u64,
}

/// A call tree as columns, a node being one index into all of them.
///
/// A parent comes before its children, so parents can't form a loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    parents: Vec<u32>,
    kinds: Vec<u32>,
    calls: Vec<u64>,
    resumes: Vec<u64>,
    totals: Vec<u64>,
}

impl Nodes {
    /// Makes a tree of its columns: parents and kinds; calls, resumes and totals.
    ///
    /// # Errors
    /// The columns differ in length, are longer than [`MAX_NODES`], or have a node before its
    /// parent.
    pub fn from_columns(
        [parents, kinds]: [Vec<u32>; 2],
        [calls, resumes, totals]: [Vec<u64>; 3],
    ) -> Result<Nodes, &'static str> {
        let len = parents.len();
        let is_equally_long = |column: &Vec<u64>| column.len() == len;
        if kinds.len() != len || ![&calls, &resumes, &totals].into_iter().all(is_equally_long) {
            return Err("columns of different lengths");
        }
        if len > MAX_NODES {
            return Err("more nodes than a tree may have");
        }
        let is_above = |(node, &parent): (u32, &u32)| parent == NO_PARENT || parent < node;
        if !(0..).zip(&parents).all(is_above) {
            return Err("a call before its caller");
        }
        Ok(Nodes {
            parents,
            kinds,
            calls,
            resumes,
            totals,
        })
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Returns true if there is no node.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// The column of [`NodeRow::parent`].
    pub fn parents(&self) -> &[u32] {
        &self.parents
    }

    /// The column of [`NodeRow::kind`].
    pub fn kinds(&self) -> &[u32] {
        &self.kinds
    }

    /// The column of [`NodeRow::calls`].
    pub fn calls(&self) -> &[u64] {
        &self.calls
    }

    /// The column of [`NodeRow::resumes`].
    pub fn resumes(&self) -> &[u64] {
        &self.resumes
    }

    /// The column of [`NodeRow::total`].
    pub fn totals(&self) -> &[u64] {
        &self.totals
    }

    /// All nodes in their order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = NodeRow> + '_ {
        (0..self.len()).map(|node| self.row(node))
    }

    /// The node at `index`, which must be below [`Nodes::len`].
    pub fn row(&self, index: usize) -> NodeRow {
        NodeRow {
            parent: self.parents[index],
            kind: self.kinds[index],
            calls: self.calls[index],
            resumes: self.resumes[index],
            total: self.totals[index],
        }
    }

    /// Makes room for `more` nodes.
    pub(crate) fn reserve(&mut self, more: usize) {
        for column in [&mut self.parents, &mut self.kinds] {
            column.reserve(more);
        }
        for column in [&mut self.calls, &mut self.resumes, &mut self.totals] {
            column.reserve(more);
        }
    }

    /// Adds a node, whose parent must be there already, and returns its index.
    pub fn push(&mut self, row: NodeRow) -> u32 {
        let index = self.parents.len() as u32;
        self.parents.push(row.parent);
        self.kinds.push(row.kind);
        self.calls.push(row.calls);
        self.resumes.push(row.resumes);
        self.totals.push(row.total);
        index
    }

    /// Changes the node at `index`, which must be below [`Nodes::len`].
    pub fn update(&mut self, index: usize, change: impl FnOnce(&mut NodeRow)) {
        let mut row = self.row(index);
        change(&mut row);
        self.parents[index] = row.parent;
        self.kinds[index] = row.kind;
        self.calls[index] = row.calls;
        self.resumes[index] = row.resumes;
        self.totals[index] = row.total;
    }

    /// Replaces the kind of each node by what `new` has in its place.
    pub(crate) fn renumber_kinds(&mut self, new: &[u32]) {
        for kind in &mut self.kinds {
            *kind = new[*kind as usize];
        }
    }

    /// Adds to the figures of the node at `index`, which must be below [`Nodes::len`].
    pub(crate) fn add(&mut self, index: usize, calls: u64, resumes: u64, total: u64) {
        for (column, amount) in [
            (&mut self.calls, calls),
            (&mut self.resumes, resumes),
            (&mut self.totals, total),
        ] {
            column[index] = column[index].saturating_add(amount);
        }
    }

    /// Replaces all totals by those that follow from `self_times`, one a node.
    pub fn set_self_times(&mut self, self_times: Vec<u64>) {
        debug_assert_eq!(self_times.len(), self.len());
        self.totals = self_times;
        self.add_up();
    }

    /// Turns the column of totals, if it holds self times, into totals.
    pub(crate) fn add_up(&mut self) {
        for (node, &parent) in self.parents.iter().enumerate().rev() {
            let total = self.totals.get(node).copied().unwrap_or(0);
            if let Some(above) = self.totals.get_mut(parent as usize) {
                *above = above.saturating_add(total);
            }
        }
    }

    /// Raises every total to at least the sum of its children's. Only nodes that were
    /// written while they were read have less.
    pub(crate) fn widen_parents(&mut self) {
        let mut below = vec![0_u64; self.totals.len()];
        for node in (0..self.totals.len()).rev() {
            let (Some(total), Some(&least)) = (self.totals.get_mut(node), below.get(node)) else {
                continue;
            };
            *total = least.max(*total);
            let total = *total;
            let parent = self.parents.get(node).copied().unwrap_or(NO_PARENT);
            if let Some(sum) = below.get_mut(parent as usize) {
                *sum = sum.saturating_add(total);
            }
        }
    }

    /// Returns every node's self time, nanoseconds: its total less its children's. It is 0 if these
    /// are larger, as may happen in a snapshot of a running process.
    pub fn self_times(&self) -> Vec<u64> {
        let mut times = self.totals.clone();
        for (&parent, &total) in self.parents.iter().zip(&self.totals) {
            if let Some(time) = times.get_mut(parent as usize) {
                *time = time.saturating_sub(total);
            }
        }
        times
    }
}

impl FromIterator<NodeRow> for Nodes {
    fn from_iter<I: IntoIterator<Item = NodeRow>>(rows: I) -> Nodes {
        let mut nodes = Nodes::default();
        for row in rows {
            nodes.push(row);
        }
        nodes
    }
}
