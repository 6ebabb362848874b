//! Makes call trees from a recorder's nodes, in its memory or in its live file.
//!
//! Both are the same nodes, so the recorder's snapshot and the reader of live files share the
//! rules. A hidden node leaves its children and its time to its caller. Overflow calls made in a
//! node get a node of their own. Functions are numbered in order of use.
//!
//! In a forked child, the nodes of inherited calls were open below each other, although the child
//! may never return to most of them. The tree has one node for the child instead. Below that node
//! is each inherited call, with the time in which it was the innermost of them.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{COUNTER, NO_FUNCTION};
use crate::clock::TickRate;
use crate::model::{
    Awaiting, Function, LongRun, NO_PARENT, NodeKind, NodeRow, OverflowCalls, ThreadTree,
    UnfinishedCalls, Waiting, forked,
};

/// A node as it is in memory: see the table in the docs of [`live`](super).
///
/// Ticks are read after counts. Calls that are made meanwhile then only add to the time.
pub(crate) trait RawNode {
    fn parent(&self) -> u32;
    fn function(&self) -> u32;
    fn calls(&self) -> u64;
    fn resumes(&self) -> u64;
    fn class_calls(&self) -> u32;

    /// Returns the inclusive ticks, in a counter the self ticks. An open visit lasts until
    /// the latest tick of `thread`, a number that [`Assembly::add_thread`] gave.
    fn total(&self, thread: usize) -> u64;

    /// Returns the ticks of overflow calls made here, open ones included as in
    /// [`RawNode::total`].
    fn overflow(&self, thread: usize) -> u64;

    /// Returns true if a call was open here when the process ended, at an unknown time.
    fn is_unfinished(&self) -> bool {
        false
    }
}

/// The functions that nodes refer to by number.
pub(crate) trait Functions {
    /// Finds a function, of which a copy is returned.
    fn find(&self, number: u32) -> Found;
}

/// A function that was looked for.
pub(crate) enum Found {
    Visible(Function),
    /// Part of the profiler itself.
    Hidden,
    Unknown,
}

/// Trees that are being assembled.
pub(crate) struct Assembly<'f, F> {
    used: UsedFunctions<'f, F>,
    rate: TickRate,
    has_class_calls: bool,
    threads: Vec<ThreadTree>,
    /// For each thread the nodes with an unfinished call.
    unfinished: Vec<Vec<u32>>,
    /// Threads by their root nodes.
    roots: HashMap<u32, u32>,
    /// Threads of a forked child that had forked.
    forked: Vec<ForkedThread>,
    /// Places of nodes' children, by index of the node.
    places: Vec<Place>,
}

/// The result of an [`Assembly`]: fields of [`Trees`](crate::model::Trees).
pub(crate) struct Assembled {
    pub(crate) functions: Vec<Function>,
    pub(crate) kinds: Vec<NodeKind>,
    pub(crate) threads: Vec<ThreadTree>,
}

/// A thread that had forked, in the child.
struct ForkedThread {
    /// Index among the threads.
    thread: u32,
    root: u32,
    /// Number of nodes behind the root that are calls of the parent's.
    inherited: u32,
    /// Kind of the node for the child.
    kind: u32,
    /// The functions of those calls that are not hidden, by their numbers.
    path: Vec<u32>,
    /// The node in the tree of the last one.
    innermost: Option<u32>,
}

/// A thread and a node in its tree, or [`NO_PARENT`].
#[derive(Clone, Copy)]
struct Place {
    thread: u32,
    node: u32,
}

/// A place in no thread.
const NOWHERE: Place = Place {
    thread: u32::MAX,
    node: NO_PARENT,
};

impl<'f, F: Functions> Assembly<'f, F> {
    /// Begins with no threads. Calls of classes are kept only if `has_class_calls`: if
    /// their cost is unknown, nodes may have other numbers in their place.
    pub(crate) fn new(functions: &'f F, rate: TickRate, has_class_calls: bool) -> Self {
        Assembly {
            used: UsedFunctions::new(functions),
            rate,
            has_class_calls,
            threads: Vec::new(),
            unfinished: Vec::new(),
            roots: HashMap::new(),
            forked: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Adds a thread whose root is the node `root`, and returns its number. In a forked child,
    /// `inherited` nodes behind the root are calls of the parent. A thread that was added before
    /// gets the new name.
    pub(crate) fn add_thread(&mut self, root: u32, name: &[u8], inherited: Option<u32>) -> usize {
        let new = self.threads.len() as u32;
        let number = *self.roots.entry(root).or_insert(new) as usize;
        if number == self.threads.len() {
            self.threads.push(ThreadTree::default());
            self.forked.extend(inherited.map(|inherited| ForkedThread {
                thread: new,
                root,
                inherited,
                kind: self.used.forked(),
                path: Vec::new(),
                innermost: None,
            }));
            self.unfinished.push(Vec::new());
        }
        if let Some(tree) = self.threads.get_mut(number) {
            tree.name = name.into();
        }
        number
    }

    /// Returns the number of the thread whose root is that node.
    pub(crate) fn thread_of(&self, root: u32) -> Option<usize> {
        self.roots.get(&root).map(|&number| number as usize)
    }

    /// Sets how many threads have recorded in the tree of that number.
    pub(crate) fn set_threads(&mut self, number: usize, threads: u32) {
        if let Some(tree) = self.threads.get_mut(number) {
            tree.threads = threads;
        }
    }

    /// Adds a node. Its parent comes first; a node without one is left out.
    pub(crate) fn add(&mut self, index: u32, node: &impl RawNode) {
        let parent = node.parent();
        if parent & COUNTER != 0 {
            return self.add_counter(parent & !COUNTER, node);
        }
        let place = match self.roots.get(&index) {
            Some(&thread) if parent == index => self.add_root(thread),
            _ if parent == index => NOWHERE,
            _ => match self.forked_of(index) {
                Some(number) => self.add_inherited(number, parent, node),
                None => self.add_call(parent, node),
            },
        };
        if let Some(tree) = self.threads.get_mut(place.thread as usize) {
            let total = self.rate.ns(node.overflow(place.thread as usize));
            if total > 0 {
                tree.nodes.push(NodeRow {
                    parent: place.node,
                    kind: self.used.overflow(),
                    total,
                    ..NodeRow::default()
                });
            }
            if self.has_class_calls {
                tree.add_class_calls(place.node, node.class_calls());
            }
        }
        let index = index as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, NOWHERE);
        }
        if let Some(slot) = self.places.get_mut(index) {
            *slot = place;
        }
    }

    /// Returns the place of calls in `thread` that have no caller.
    fn add_root(&mut self, thread: u32) -> Place {
        let forked = self.forked.iter().find(|forked| forked.thread == thread);
        let tree = self.threads.get_mut(thread as usize);
        let node = forked.zip(tree).map_or(NO_PARENT, |(forked, tree)| {
            tree.nodes.push(NodeRow {
                parent: NO_PARENT,
                kind: forked.kind,
                ..NodeRow::default()
            })
        });
        Place { thread, node }
    }

    /// Returns the number of the forked thread that inherited the node at `index`.
    fn forked_of(&self, index: u32) -> Option<usize> {
        let is_inherited = |forked: &ForkedThread| {
            let behind = index.checked_sub(forked.root);
            behind.is_some_and(|behind| (1..=forked.inherited).contains(&behind))
        };
        self.forked.iter().position(is_inherited)
    }

    /// Adds the node of an inherited call, which is below `parent`, the one before it.
    fn add_inherited(&mut self, number: usize, parent: u32, node: &impl RawNode) -> Place {
        let above = self.place(parent);
        let Some(forked) = self.forked.get_mut(number) else {
            return NOWHERE;
        };
        let tree = self.threads.get_mut(above.thread as usize);
        let Some(tree) = tree.filter(|_| above.thread == forked.thread) else {
            return NOWHERE;
        };
        let function = node.function();
        let Some(kind) = self.used.visible(function) else {
            return above;
        };
        let total = self.rate.ns(node.total(above.thread as usize));
        if let Some(before) = forked.innermost {
            tree.nodes.update(before as usize, |before| {
                before.total = before.total.saturating_sub(total);
            });
        }
        let innermost = tree.nodes.push(NodeRow {
            // The node for the child, which is the first of the tree.
            parent: 0,
            kind,
            calls: node.calls(),
            resumes: node.resumes(),
            total,
        });
        forked.path.push(function);
        forked.innermost = Some(innermost);
        Place {
            node: innermost,
            ..above
        }
    }

    /// Adds a node of calls, unless it is hidden, and returns the place of its children.
    fn add_call(&mut self, parent: u32, node: &impl RawNode) -> Place {
        let mut place = self.place(parent);
        let Some(tree) = self.threads.get_mut(place.thread as usize) else {
            return NOWHERE;
        };
        if let Some(kind) = self.used.visible(node.function()) {
            let (calls, resumes) = (node.calls(), node.resumes());
            place.node = tree.nodes.push(NodeRow {
                parent: place.node,
                kind,
                calls,
                resumes,
                total: self.rate.ns(node.total(place.thread as usize)),
            });
            if let (true, Some(unfinished)) = (
                node.is_unfinished(),
                self.unfinished.get_mut(place.thread as usize),
            ) {
                unfinished.push(place.node);
            }
        }
        place
    }

    /// Adds the overflow calls of one function in the thread of `root`.
    fn add_counter(&mut self, root: u32, node: &impl RawNode) {
        let thread = self.place(root).thread as usize;
        let Some(tree) = self.threads.get_mut(thread) else {
            return;
        };
        if node.function() == NO_FUNCTION {
            return;
        }
        if let Some(kind) = self.used.visible(node.function()) {
            let (calls, resumes) = (node.calls(), node.resumes());
            tree.overflow.push(OverflowCalls {
                kind,
                calls,
                resumes,
                self_time: self.rate.ns(node.total(thread)),
            });
        }
    }

    /// Adds waiting of the node `index`, which was added before. A hidden node's waiting is its
    /// caller's.
    pub(crate) fn add_waiting(&mut self, index: u32, waiting: &Waiting) {
        if let Some((node, tree)) = self.tree_of(index) {
            tree.waits.add(node, waiting);
        }
    }

    /// Adds ticks of awaiting, and ticks of a run without a suspension, to the node `index`, which
    /// was added before and is not hidden.
    pub(crate) fn add_awaiting(&mut self, index: u32, awaiting: u64, longest_run: u64) {
        let awaiting = Awaiting {
            awaiting: self.rate.ns(awaiting),
            longest_run: self.rate.ns(longest_run),
        };
        if let Some((node, tree)) = self.tree_of(index) {
            tree.awaits.add(node, &awaiting);
        }
    }

    /// Adds a long run in the node `index`, which was added before and is not hidden.
    pub(crate) fn add_run(&mut self, index: u32, start_unix_ns: u64, ticks: u64) {
        let duration = self.rate.ns(ticks);
        if let Some((node, tree)) = self.tree_of(index) {
            tree.awaits.add_run(LongRun {
                node,
                start_unix_ns,
                duration,
            });
        }
    }

    fn tree_of(&mut self, index: u32) -> Option<(u32, &mut ThreadTree)> {
        let place = self.place(index);
        let tree = self.threads.get_mut(place.thread as usize)?;
        (place.node != NO_PARENT).then_some((place.node, tree))
    }

    fn place(&self, node: u32) -> Place {
        self.places.get(node as usize).copied().unwrap_or(NOWHERE)
    }

    /// Returns what was assembled, without threads in which nothing was recorded.
    pub(crate) fn finish(mut self) -> Assembled {
        let mut threads = self.threads;
        for (tree, unfinished) in threads.iter_mut().zip(&self.unfinished) {
            tree.unfinished = unfinished_calls(tree, unfinished);
        }
        for forked in self.forked {
            self.used.name_forked(forked.kind, &forked.path);
            if let Some(tree) = threads.get_mut(forked.thread as usize) {
                tree.remove_unvisited();
            }
        }
        threads.iter_mut().for_each(ThreadTree::complete);
        threads.retain(|tree| !tree.is_empty());
        Assembled {
            functions: self.used.functions,
            kinds: self.used.kinds,
            threads,
        }
    }
}

/// Adds up by function the calls that are unfinished in these nodes of `tree`.
fn unfinished_calls(tree: &ThreadTree, nodes: &[u32]) -> Vec<UnfinishedCalls> {
    let parent = |node: &u32| tree.nodes.parents().get(*node as usize).copied();
    let callers: HashSet<u32> = nodes.iter().filter_map(parent).collect();
    let mut by_kind: BTreeMap<u32, UnfinishedCalls> = BTreeMap::new();
    for node in nodes {
        let Some(&kind) = tree.nodes.kinds().get(*node as usize) else {
            continue;
        };
        let calls = by_kind.entry(kind).or_default();
        calls.kind = kind;
        calls.add(&UnfinishedCalls {
            kind,
            calls: 1,
            innermost: (!callers.contains(node)).into(),
        });
    }
    by_kind.into_values().collect()
}

/// Stands for a function whose name a full disk or a damaged file has lost.
pub(super) fn unknown_function() -> Function {
    Function::stand_in("<unknown function>")
}

/// The functions and kinds that assembled nodes refer to, in order of first use.
struct UsedFunctions<'f, F> {
    source: &'f F,
    /// Kinds by the functions' numbers; [`NO_PARENT`] where there is none yet.
    by_number: Vec<u32>,
    /// The kind of functions that the source does not know.
    unknown: Option<u32>,
    overflow: Option<u32>,
    functions: Vec<Function>,
    kinds: Vec<NodeKind>,
}

impl<'f, F: Functions> UsedFunctions<'f, F> {
    fn new(source: &'f F) -> Self {
        UsedFunctions {
            source,
            by_number: Vec::new(),
            unknown: None,
            overflow: None,
            functions: Vec::new(),
            kinds: Vec::new(),
        }
    }

    fn overflow(&mut self) -> u32 {
        *self.overflow.get_or_insert_with(|| {
            self.kinds.push(NodeKind::Overflow);
            self.kinds.len() as u32 - 1
        })
    }

    /// Returns a new kind for what a forked child did.
    fn forked(&mut self) -> u32 {
        self.kinds.push(NodeKind::Forked {
            path: Box::default(),
        });
        self.kinds.len() as u32 - 1
    }

    /// Sets the calls, by their functions' numbers, in which the child of that kind was forked.
    fn name_forked(&mut self, kind: u32, calls: &[u32]) {
        let functions = calls.iter().map(|&number| self.source.find(number));
        let functions: Vec<_> = functions
            .filter_map(|found| match found {
                Found::Visible(function) => Some(function),
                Found::Hidden | Found::Unknown => None,
            })
            .collect();
        let path = forked::path(functions.iter());
        if let Some(kind) = self.kinds.get_mut(kind as usize) {
            *kind = NodeKind::Forked { path };
        }
    }

    /// Returns the kind of calls of that function, or nothing if it is hidden.
    fn visible(&mut self, number: u32) -> Option<u32> {
        let at = number as usize;
        if let Some(&known) = self.by_number.get(at).filter(|&&kind| kind != NO_PARENT) {
            return Some(known);
        }
        let function = match self.source.find(number) {
            Found::Visible(function) => function,
            Found::Hidden => return None,
            Found::Unknown => {
                let unknown = match self.unknown {
                    Some(known) => known,
                    None => self.push(unknown_function()),
                };
                self.unknown = Some(unknown);
                return Some(unknown);
            }
        };
        let kind = self.push(function);
        if self.by_number.len() <= at {
            self.by_number.resize(at + 1, NO_PARENT);
        }
        if let Some(slot) = self.by_number.get_mut(at) {
            *slot = kind;
        }
        Some(kind)
    }

    fn push(&mut self, function: Function) -> u32 {
        self.functions.push(function);
        self.kinds
            .push(NodeKind::Function(self.functions.len() as u32 - 1));
        self.kinds.len() as u32 - 1
    }
}
