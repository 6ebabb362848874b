//! From a recording to the value that is written: nodes as columns, ticks as
//! nanoseconds, the profiler's own frames taken out.

use super::{Recording, Shared, ThreadEntry};
use crate::clock::TickRate;
use crate::model::{
    Calibration, Ending, Function, NO_PARENT, NodeKind, NodeRow, OverflowCalls, Process,
    ProcessIdentity, ThreadTree, Trees,
};
use crate::recorder::node::COUNTER;
use crate::recorder::thread::made_nodes;

/// What `recording` holds now, open calls with their time so far. `None` when
/// nothing was ever recorded. Other threads may go on recording meanwhile: what
/// they do is in the snapshot or not, call by call.
pub(crate) fn snapshot(recording: &Recording, ending: Ending) -> Option<Trees> {
    let rate = recording.rate();
    let shared = recording.lock();
    let process = process(recording, &shared, rate, ending)?;
    let mut functions = UsedFunctions::new(&shared);
    let mut places = vec![NO_PARENT; shared.arena.used() as usize];
    let threads: Vec<ThreadTree> = shared
        .threads
        .iter()
        .map(|entry| tree(&shared, entry, rate, &mut functions, &mut places))
        .filter(|thread| !thread.is_empty())
        .collect();
    Some(Trees {
        recordings: shared.identity.iter().map(|identity| identity.id).collect(),
        processes: vec![process],
        functions: functions.table,
        kinds: functions.kinds,
        threads,
        ..Trees::default()
    })
}

fn process(
    recording: &Recording,
    shared: &Shared,
    rate: TickRate,
    ending: Ending,
) -> Option<Process> {
    let identity = shared.identity.as_ref()?;
    let options = &recording.options;
    Some(Process {
        identity: ProcessIdentity {
            pid: identity.pid,
            ..ProcessIdentity::own()
        },
        parent_pid: std::os::unix::process::parent_id(),
        argv: std::env::args_os()
            .map(|argument| argument.as_encoded_bytes().into())
            .collect(),
        host: options.host.clone(),
        hook: options.hook.clone(),
        clock: options.clock.to_string().into_bytes().into(),
        clock_resolution_ns: options.clock.resolution_ns(rate),
        start_unix_ns: identity.start_unix_ns,
        duration_ns: identity.start.elapsed().as_nanos() as u64,
        ending,
        dropped_calls: shared
            .threads
            .iter()
            .map(|entry| entry.thread.dropped())
            .sum(),
        calibration: shared.calibration,
    })
}

/// The functions that the written nodes refer to, in order of first use.
struct UsedFunctions<'s> {
    shared: &'s Shared,
    /// By index in the recording's table; `NO_PARENT` where not used yet.
    written: Vec<u32>,
    table: Vec<Function>,
    kinds: Vec<NodeKind>,
    /// Where [`NodeKind::Overflow`] is among them.
    overflow: Option<u32>,
}

impl<'s> UsedFunctions<'s> {
    fn new(shared: &'s Shared) -> UsedFunctions<'s> {
        UsedFunctions {
            shared,
            written: vec![u32::MAX; shared.functions.entries().len()],
            table: Vec::new(),
            kinds: Vec::new(),
            overflow: None,
        }
    }

    fn overflow(&mut self) -> u32 {
        *self.overflow.get_or_insert_with(|| {
            self.kinds.push(NodeKind::Overflow);
            (self.kinds.len() - 1) as u32
        })
    }

    fn is_hidden(&self, function: u32) -> bool {
        self.shared.functions.is_hidden(function)
    }

    fn index(&mut self, function: u32) -> u32 {
        let entries = self.shared.functions.entries();
        let (Some(slot), Some(entry)) = (
            self.written.get_mut(function as usize),
            entries.get(function as usize),
        ) else {
            return 0;
        };
        if *slot == u32::MAX {
            *slot = self.kinds.len() as u32;
            self.kinds.push(NodeKind::Function(self.table.len() as u32));
            self.table.push(entry.function.clone());
        }
        *slot
    }
}

/// One thread's tree. A hidden node leaves its children to its parent and its own
/// time to the parent's self time. The time of overflow calls gets a node of its own.
///
/// `places` says for each node of the arena where its children go: its own place
/// in the columns or, for a root and for hidden nodes, that of the nearest caller.
fn tree(
    shared: &Shared,
    entry: &ThreadEntry,
    rate: TickRate,
    functions: &mut UsedFunctions<'_>,
    places: &mut [u32],
) -> ThreadTree {
    let thread = &entry.thread;
    let own = entry.now_if_current();
    let latest = || own.unwrap_or_else(|| thread.last());
    let mut tree = ThreadTree {
        name: entry.tree_name(),
        threads: thread.threads(),
        ..ThreadTree::default()
    };
    let has_cost = |calibration: Calibration| calibration.class_call > 0;
    let has_class_calls = shared.calibration.is_some_and(has_cost);
    // SAFETY: the thread's own chunks in the recording's arena, under the lock that
    // chunks are added under.
    let made = unsafe { made_nodes(shared.arena.base(), &entry.chunks, thread.next()) };
    for (index, node) in made {
        if node.parent & COUNTER != 0 {
            if !functions.is_hidden(node.function()) {
                tree.overflow.push(OverflowCalls {
                    kind: functions.index(node.function()),
                    calls: node.calls(),
                    resumes: node.resumes(),
                    self_time: rate.ns(node.total_at(latest)),
                });
            }
            continue;
        }
        let is_root = node.parent == index;
        let parent = if is_root {
            NO_PARENT
        } else {
            places[node.parent as usize]
        };
        let place = if is_root || functions.is_hidden(node.function()) {
            parent
        } else {
            let function = functions.index(node.function());
            // First how many: calls that come meanwhile may only add to the time.
            let (calls, resumes) = (node.calls(), node.resumes());
            let total = rate.ns(node.total_at(latest));
            tree.nodes.push(NodeRow {
                parent,
                kind: function,
                calls,
                resumes,
                total,
            })
        };
        places[index as usize] = place;
        let overflow = rate.ns(node.overflow().read(latest));
        if overflow > 0 {
            tree.nodes.push(NodeRow {
                parent: place,
                kind: functions.overflow(),
                total: overflow,
                ..NodeRow::default()
            });
        }
        if has_class_calls {
            tree.add_class_calls(place, node.class_calls());
        }
    }
    tree.complete();
    tree
}
