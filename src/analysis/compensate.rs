//! Subtracts from times what recording has added to them.
//!
//! A process measures what a call costs its callee and its caller. Multiplied by its calls, that is
//! a node's overhead, which merging adds up. Here it is subtracted from self times, and totals
//! follow. The costs are averages. If the overhead of a heavy node exceeds its self time, all
//! overhead is scaled down until it no longer does. Subtracting too little gives times between the
//! recorded and the true ones, but subtracting too much would give false ones.

use crate::model::{ThreadTree, Trees};

/// A node is heavy if it has at least a hundredth of all overhead.
const HEAVY: u64 = 100;
const PS_PER_NS: u64 = 1000;

/// Trees whose times are less recording's cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compensation {
    /// The trees; calls and shape are as they were.
    pub trees: Trees,
    /// Time that was subtracted, nanoseconds.
    pub subtracted_ns: u64,
}

/// Returns `trees` without the cost of recording.
pub fn compensate(mut trees: Trees) -> Compensation {
    let nodes = trees.threads.iter().map(|thread| times(&trees, thread));
    let nodes: Vec<Vec<NodeTime>> = nodes.collect();
    let scale = scale(nodes.iter().flatten());
    let mut subtracted_ns = 0_u64;
    for (thread, times) in trees.threads.iter_mut().zip(&nodes) {
        let own = times.iter().map(|node| {
            let cost = (node.overhead_ps as f64 * scale) as u64 / PS_PER_NS;
            let cost = cost.min(node.own_ns);
            subtracted_ns = subtracted_ns.saturating_add(cost);
            node.own_ns - cost
        });
        let own: Vec<u64> = own.collect();
        // Recording uses the processor, so its cost is no part of the waiting.
        thread.waits.limit_to(&own);
        thread.nodes.set_self_times(own);
    }
    Compensation {
        trees,
        subtracted_ns,
    }
}

/// A node's self time, and the part of it that recording has added.
struct NodeTime {
    own_ns: u64,
    overhead_ps: u64,
}

fn times(trees: &Trees, thread: &ThreadTree) -> Vec<NodeTime> {
    let overhead = trees.overhead_ps(thread);
    // There is no column if nothing is known.
    let overhead = overhead.iter().copied().chain(std::iter::repeat(0));
    let own = thread.nodes.self_times().into_iter();
    own.zip(overhead)
        .map(|(own_ns, overhead_ps)| NodeTime {
            own_ns,
            overhead_ps,
        })
        .collect()
}

/// Returns the largest part of the overhead, at most all, that leaves no heavy node negative.
fn scale<'n>(nodes: impl Iterator<Item = &'n NodeTime> + Clone) -> f64 {
    let overheads = nodes.clone().map(|node| node.overhead_ps);
    let all = overheads.fold(0, u64::saturating_add);
    let heavy = nodes.filter(|node| node.overhead_ps > all / HEAVY);
    heavy
        .map(|node| node.own_ns as f64 * PS_PER_NS as f64 / node.overhead_ps as f64)
        .fold(1.0, f64::min)
}
