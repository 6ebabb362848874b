//! The calls that are open in a running process.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

use super::log::{Bytes, Log};
use super::reader::{End, MAX_TICK, Now, facts, rate, segments};
use super::{COUNTER, NODE, at};
use crate::clock::TickRate;
use crate::format::read_error::ReadError;
use crate::model::{Function, MAX_NODES};

/// Open calls of one thread, the outermost first.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenStack {
    /// Name of the thread.
    pub thread: Box<[u8]>,
    /// The calls, without hidden functions.
    pub calls: Vec<OpenCall>,
}

/// A call that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenCall {
    /// The function.
    pub function: Function,
    /// Time since its start, nanoseconds; an upper bound if `is_exact` is false.
    pub open_ns: u64,
    /// False if there were earlier calls on the same path, whose time is in `open_ns`.
    pub is_exact: bool,
}

/// Reads the live file of a process that runs. Threads without open calls are left out.
///
/// # Errors
/// Those of [`facts`].
pub fn open_stacks(bytes: &[u8]) -> Result<Vec<OpenStack>, ReadError> {
    let facts = facts(bytes)?;
    let header = Bytes(bytes);
    let clock = header.u32(at::CLOCK);
    let rate = rate(header, clock, &facts);
    let segments = segments(bytes);
    let log = Log::read(&segments);
    let end = End::of(header, clock, Now::Running, &facts).tick;
    let nodes = segments.iter().filter(|(content, _)| *content == 0);
    let nodes = nodes.flat_map(|(_, segment)| segment.chunks_exact(NODE).map(Bytes));
    // For each node the number of its thread, which is that of its parent.
    let mut threads: Vec<Option<Thread>> = Vec::new();
    let mut stacks: Vec<OpenStack> = Vec::new();
    for (index, node) in (0_u32..).zip(nodes.take(MAX_NODES / 2)) {
        let parent = node.u32(at::node::PARENT);
        if parent == index {
            let found = log.threads.iter().rfind(|thread| thread.root == index);
            threads.push(found.map(|thread| {
                stacks.push(OpenStack {
                    thread: thread.name.clone(),
                    calls: Vec::new(),
                });
                let excluded = node.u64(at::node::TOTAL).min(MAX_TICK);
                let last = node.u64(at::node::CALLS).min(MAX_TICK);
                Thread {
                    stack: stacks.len() - 1,
                    now: end.saturating_sub(excluded).max(last),
                }
            }));
            continue;
        }
        let thread = match parent & COUNTER {
            0 => threads.get(parent as usize).copied().flatten(),
            _ => None,
        };
        threads.push(thread);
        let function = log.functions.get(node.u32(at::node::FUNCTION) as usize);
        let (Some(thread), Some((function, false))) = (thread, function) else {
            continue;
        };
        let call = open_call(node, function, thread.now, rate);
        if let (Some(call), Some(stack)) = (call, stacks.get_mut(thread.stack)) {
            stack.calls.push(call);
        }
    }
    stacks.retain(|stack| !stack.calls.is_empty());
    Ok(stacks)
}

/// A thread: its stack, and the tick up to which its open calls last.
#[derive(Clone, Copy)]
struct Thread {
    stack: usize,
    now: u64,
}

fn open_call(node: Bytes<'_>, function: &Function, now: u64, rate: TickRate) -> Option<OpenCall> {
    let total = node.u64(at::node::TOTAL) as i64;
    if node.u64(at::node::KEY) == 0 || total >= 0 {
        return None;
    }
    let visits = node
        .u64(at::node::CALLS)
        .saturating_add(node.u64(at::node::RESUMES));
    let ticks = total.saturating_add(now as i64).max(0) as u64;
    Some(OpenCall {
        function: function.clone(),
        open_ns: rate.ns(ticks),
        is_exact: visits <= 1,
    })
}
