//! The columns of a call tree.

/// The most nodes one tree may have, so that its widest column, eight bytes a
/// node, still is a bytes object that marshal can hold.
pub const MAX_NODES: usize = i32::MAX as usize / 8;

/// The parent of a node that was called from nowhere inside the recording.
pub const NO_PARENT: u32 = u32::MAX;

/// A call tree as columns, a node being one index into all of them.
///
/// A parent comes before its children, so parents can't form a loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Index of the caller's node, or [`NO_PARENT`].
    pub parent: Vec<u32>,
    /// Index into the function table.
    pub function: Vec<u32>,
    /// Starts of the function in this node.
    pub calls: Vec<u64>,
    /// Re-entries of a generator or coroutine.
    pub resumes: Vec<u64>,
    /// Inclusive time, nanoseconds.
    pub total: Vec<u64>,
}

impl Nodes {
    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.parent.is_empty()
    }

    /// Adds a node and returns its index.
    pub(crate) fn push(
        &mut self,
        parent: u32,
        function: u32,
        calls: u64,
        resumes: u64,
        total: u64,
    ) -> u32 {
        let index = self.parent.len() as u32;
        self.parent.push(parent);
        self.function.push(function);
        self.calls.push(calls);
        self.resumes.push(resumes);
        self.total.push(total);
        index
    }

    /// Makes self times that stand in the column of totals into totals.
    pub(crate) fn add_up(&mut self) {
        for node in (0..self.total.len()).rev() {
            let total = self.total.get(node).copied().unwrap_or(0);
            let parent = self.parent.get(node).copied().unwrap_or(NO_PARENT);
            if let Some(above) = self.total.get_mut(parent as usize) {
                *above = above.saturating_add(total);
            }
        }
    }

    /// Makes every total at least the sum of its children's. It is but for nodes
    /// that were being written while they were read.
    pub(crate) fn widen_parents(&mut self) {
        let mut below = vec![0_u64; self.total.len()];
        for node in (0..self.total.len()).rev() {
            let (Some(total), Some(&least)) = (self.total.get_mut(node), below.get(node)) else {
                continue;
            };
            *total = least.max(*total);
            let total = *total;
            let parent = self.parent.get(node).copied().unwrap_or(NO_PARENT);
            if let Some(sum) = below.get_mut(parent as usize) {
                *sum = sum.saturating_add(total);
            }
        }
    }

    /// Every node's self time, nanoseconds: its total less its children's. Where
    /// a snapshot of a running process has children above their parent, 0.
    pub fn self_times(&self) -> Vec<u64> {
        let mut times = self.total.clone();
        for (&parent, &total) in self.parent.iter().zip(&self.total) {
            if let Some(time) = times.get_mut(parent as usize) {
                *time = time.saturating_sub(total);
            }
        }
        times
    }
}
