//! Models of a snapshot beside a thread that records: `make test-loom` runs each interleaving, and
//! each value that a load may return by the memory model.

use std::ptr::NonNull;
use std::sync::Arc;

use super::MemoryNode;
use crate::format::live::assemble::RawNode;
use crate::recorder::node::{Node, Visit};
use crate::recorder::thread::ThreadShared;

/// Calls of one function: the ticks at which each begins and ends.
const CALLS: [(u64, u64); 2] = [(10, 20), (30, 40)];

/// The ticks that those calls have taken until tick `now`.
fn total_until(now: u64) -> u64 {
    let until_now = |(begin, end): (u64, u64)| now.clamp(begin, end) - begin;
    CALLS.into_iter().map(until_now).sum()
}

/// A root and a node below it, and the state of their thread that others read.
struct Tree {
    root: Node,
    node: Node,
}

fn thread_of(tree: &Tree) -> ThreadShared {
    // SAFETY: the tree is in an `Arc` that outlives the result.
    unsafe { ThreadShared::new(0, NonNull::from(&tree.root), 2) }
}

// SAFETY: the owning thread alone uses what is not atomic, which are a node's guesses.
unsafe impl Sync for Tree {}
// SAFETY: as above.
unsafe impl Send for Tree {}

/// Plays the calls in another thread, while `look` looks at the tree in this one.
fn beside_calls(look: impl Fn(&Tree, &ThreadShared) + Send + Sync + 'static) {
    loom::model(move || {
        let tree = Arc::new(Tree {
            root: Node::new(0, 0, 0, 0),
            node: Node::new(1, 1, 0, 0),
        });
        let thread = Arc::new(thread_of(&tree));
        let owner = loom::thread::spawn({
            let tree = tree.clone();
            move || {
                for (begin, end) in CALLS {
                    tree.root.set_latest(begin);
                    tree.node.open(Visit::Start, begin);
                    tree.root.set_latest(end);
                    tree.node.close(end);
                }
            }
        });
        look(&tree, &thread);
        owner.join().unwrap();
        assert_eq!(total(&tree, &thread), total_until(u64::MAX));
    });
}

/// The total that a snapshot takes, if no tick is known but those of events.
fn total(tree: &Tree, thread: &ThreadShared) -> u64 {
    let node = MemoryNode {
        node: &tree.node,
        thread,
        now: 0,
    };
    node.total(0)
}

#[test]
fn a_total_is_one_that_the_node_had_while_it_was_read() {
    beside_calls(|tree, thread| {
        let before = thread.last();
        let total = total(tree, thread);
        let after = thread.last();
        assert!(total >= total_until(before), "{total} from {before} on");
        assert!(total <= total_until(after), "{total} up to {after}");
    });
}

#[test]
fn the_totals_of_two_snapshots_never_shrink() {
    beside_calls(|tree, thread| {
        let first = total(tree, thread);
        assert!(first <= total(tree, thread));
    });
}

#[test]
fn an_open_call_is_counted() {
    beside_calls(|tree, _| {
        if tree.node.is_open() {
            assert!(tree.node.calls() > 0);
        }
    });
}
