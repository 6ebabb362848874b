//! The columns of a profile, each computed when it is first requested.

use std::collections::HashMap;

use super::column::{Column, Texts, edbprof_column, edbprof_column_id, edbprof_column_id::*};
use super::source::{Read, Thread};
use crate::analysis::by_label::{FunctionsByLabel, waiting_by_label};
use crate::analysis::display_tree::{DisplayTree, display_tree};
use crate::analysis::merge::Profile;
use crate::model::walk::Children;
use crate::model::{
    Counts, Ending, Function, Label, NodeKind, Pattern, Process, Rows, Waiting, function_id,
    native_name,
};

/// A profile, and the columns that are computed from it once.
#[derive(Debug)]
pub(super) struct ProfileData {
    pub(super) profile: Profile,
    tree: DisplayTree,
    /// The function, below, of each node.
    functions_of_nodes: Vec<u32>,
    rows: Rows,
    /// Functions: the labels of the rows, then those of nodes that have no row.
    functions: Vec<Listed>,
    threads: Vec<Thread>,
}

/// A function of the list.
#[derive(Debug)]
struct Listed {
    label: Label,
    qualified_name: Box<[u8]>,
    module: Box<[u8]>,
    kind: u8,
}

/// `EDBPROF_FUNCTION_KIND` of what is no function.
const NO_FUNCTION: u8 = 3;

impl Listed {
    fn new(function: &Function, is_call: bool) -> Listed {
        let qualified_name = match &*function.qualified_name {
            b"" => native_name::short_name(&function.label.name).into(),
            name => name.into(),
        };
        Listed {
            label: function.label.clone(),
            qualified_name,
            module: function.module.clone(),
            kind: match is_call {
                true => function.kind as u8,
                false => NO_FUNCTION,
            },
        }
    }
}

impl ProfileData {
    pub(super) fn new(Read { profile, threads }: Read) -> ProfileData {
        let (rows, tree) = rows_and_tree(&profile);
        let by_label = FunctionsByLabel::of(profile.trees());
        let listed = |label: &Label| match by_label.first(label) {
            Some(function) => Listed::new(function, true),
            None => Listed::new(&Function::of_label(label.clone()), true),
        };
        let mut functions: Vec<Listed> = rows.labels().iter().map(listed).collect();
        let kinds = &profile.trees().kinds;
        let mut others: HashMap<&Label, u32> = HashMap::new();
        let mut ids = Vec::with_capacity(tree.functions.len());
        for (kind, function) in tree.functions.iter().enumerate() {
            let is_call = kinds
                .get(kind)
                .is_none_or(|kind| matches!(kind, NodeKind::Function(_)));
            let id = rows.find(&function.label).filter(|_| is_call);
            ids.push(id.unwrap_or_else(|| {
                *others.entry(&function.label).or_insert_with(|| {
                    functions.push(Listed::new(function, is_call));
                    functions.len() as u32 - 1
                })
            }));
        }
        let nodes = tree.nodes.kinds().iter();
        let functions_of_nodes = nodes.map(|&kind| ids[kind as usize]).collect();
        ProfileData {
            functions_of_nodes,
            rows,
            functions,
            threads,
            tree,
            profile,
        }
    }

    /// Computes the column, if it is one of a profile that [`ProfileData::ready`] does not have.
    pub(super) fn compute(&self, id: edbprof_column_id) -> Option<Column> {
        let nodes = &self.tree.nodes;
        Some(match id {
            EDBPROF_NODE_SELF_NS => Column::Counts(nodes.self_times()),
            EDBPROF_NODE_BLOCKED_NS => self.node_waits(|waiting| waiting.blocked),
            EDBPROF_NODE_GIL_NS => self.node_waits(|waiting| waiting.gil),
            EDBPROF_NODE_PREEMPTED_NS => self.node_waits(|waiting| waiting.preempted),
            EDBPROF_NODE_AWAITING_NS => {
                let mut column = vec![0; nodes.len()];
                for (node, awaiting) in self.tree.awaits.iter() {
                    column[node as usize] = awaiting.awaiting;
                }
                Column::Counts(column)
            }
            EDBPROF_NODE_ESTIMATED => {
                let estimated = self.tree.estimated.iter();
                Column::Bytes(estimated.map(|&is| u8::from(is)).collect())
            }
            EDBPROF_NODE_CHILDREN => Column::Indices(Children::of(nodes).by_parent().into()),
            EDBPROF_NODE_CHILDREN_END => Column::Indices(Children::of(nodes).ends().into()),
            EDBPROF_FUNCTION_NAME => self.texts(|of| &of.label.name),
            EDBPROF_FUNCTION_QUALIFIED_NAME => self.texts(|of| &of.qualified_name),
            EDBPROF_FUNCTION_MODULE => self.texts(|of| &of.module),
            EDBPROF_FUNCTION_FILE => self.texts(|of| &of.label.file),
            EDBPROF_FUNCTION_LINE => {
                Column::Signed(self.functions.iter().map(|of| of.label.line).collect())
            }
            EDBPROF_FUNCTION_ID => {
                let ids = self.functions.iter().map(|of| function_id(&of.label));
                Column::Counts(ids.collect())
            }
            EDBPROF_FUNCTION_KIND => {
                Column::Bytes(self.functions.iter().map(|of| of.kind).collect())
            }
            EDBPROF_FUNCTION_CALLS => self.figures(|counts| whole(counts.nc)),
            EDBPROF_FUNCTION_PRIMITIVE_CALLS => self.figures(|counts| whole(counts.cc)),
            EDBPROF_FUNCTION_SELF_NS => self.figures(|counts| nanoseconds(counts.tt)),
            EDBPROF_FUNCTION_TOTAL_NS => self.figures(|counts| nanoseconds(counts.ct)),
            EDBPROF_FUNCTION_BLOCKED_NS => self.function_waits(|waiting| waiting.blocked),
            EDBPROF_FUNCTION_GIL_NS => self.function_waits(|waiting| waiting.gil),
            EDBPROF_FUNCTION_PREEMPTED_NS => self.function_waits(|waiting| waiting.preempted),
            EDBPROF_FUNCTION_IS_CALLED => {
                let rows = 0..self.functions.len();
                Column::Bytes(rows.map(|at| u8::from(self.row(at).is_some())).collect())
            }
            EDBPROF_PROCESS_PID => {
                Column::Indices(self.processes().map(|of| of.identity.pid).collect())
            }
            EDBPROF_PROCESS_PARENT_PID => {
                Column::Indices(self.processes().map(|of| of.parent_pid).collect())
            }
            EDBPROF_PROCESS_ARGV => {
                let mut texts = Texts::default();
                for process in self.processes() {
                    let words = process.argv.iter();
                    let words: Vec<u8> =
                        words.flat_map(|word| [word, &b"\0"[..]].concat()).collect();
                    texts.push(&words);
                }
                Column::Texts(texts)
            }
            EDBPROF_PROCESS_HOST => Column::Texts(self.processes().map(|of| &*of.host).collect()),
            EDBPROF_PROCESS_START_UNIX_NS => {
                Column::Counts(self.processes().map(|of| of.start_unix_ns).collect())
            }
            EDBPROF_PROCESS_DURATION_NS => {
                Column::Counts(self.processes().map(|of| of.duration_ns).collect())
            }
            EDBPROF_PROCESS_PROCESSOR_NS => {
                Column::Counts(self.processes().map(|of| of.processor_ns).collect())
            }
            EDBPROF_PROCESS_ENDING => {
                let endings = self.processes().map(|of| match of.ending {
                    Ending::Running => 0,
                    Ending::Finished => 1,
                    Ending::Killed => 2,
                });
                Column::Bytes(endings.collect())
            }
            EDBPROF_THREAD_NAME => Column::Texts(self.threads.iter().map(|of| &*of.name).collect()),
            EDBPROF_THREAD_PROCESS => Column::Indices(self.processes_of_threads()),
            EDBPROF_THREAD_THREADS => {
                Column::Indices(self.threads.iter().map(|of| of.threads).collect())
            }
            EDBPROF_THREAD_TOTAL_NS => {
                Column::Counts(self.threads.iter().map(|of| of.total_ns).collect())
            }
            _ => return None,
        })
    }

    /// Returns the column, if it needs no computation.
    pub(super) fn ready(&self, id: edbprof_column_id) -> Option<edbprof_column> {
        let nodes = &self.tree.nodes;
        Some(match id {
            EDBPROF_NODE_PARENT => edbprof_column::of(nodes.parents()),
            EDBPROF_NODE_FUNCTION => edbprof_column::of(&self.functions_of_nodes),
            EDBPROF_NODE_CALLS => edbprof_column::of(nodes.calls()),
            EDBPROF_NODE_RESUMES => edbprof_column::of(nodes.resumes()),
            EDBPROF_NODE_TOTAL_NS => edbprof_column::of(nodes.totals()),
            _ => return None,
        })
    }

    /// Returns for each function 1 if `pattern` matches it, else 0.
    pub(super) fn matching(&self, pattern: &Pattern) -> Vec<u8> {
        let by_label = FunctionsByLabel::of(self.profile.trees());
        let functions = self.functions.iter();
        let matches = functions
            .map(|of| u8::from(of.kind != NO_FUNCTION && by_label.matches(pattern, &of.label)));
        matches.collect()
    }

    fn row(&self, function: usize) -> Option<&Counts> {
        if function >= self.rows.labels().len() {
            return None;
        }
        self.rows.row(function as u32).map(|row| &row.counts)
    }

    fn figures(&self, figure: fn(&Counts) -> i64) -> Column {
        let rows = 0..self.functions.len();
        Column::Signed(rows.map(|at| self.row(at).map_or(0, figure)).collect())
    }

    fn texts(&self, text: fn(&Listed) -> &[u8]) -> Column {
        Column::Texts(self.functions.iter().map(text).collect())
    }

    fn node_waits(&self, part: fn(&Waiting) -> u64) -> Column {
        let mut column = vec![0; self.tree.nodes.len()];
        for (node, waiting) in self.tree.waits.iter() {
            column[node as usize] = part(&waiting);
        }
        Column::Counts(column)
    }

    fn function_waits(&self, part: fn(&Waiting) -> u64) -> Column {
        let waits = waiting_by_label(self.profile.shown_trees());
        let functions = self.functions.iter();
        Column::Counts(
            functions
                .map(|of| waits.get(&of.label).map_or(0, part))
                .collect(),
        )
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        self.profile.trees().processes.iter()
    }

    fn processes_of_threads(&self) -> Vec<u32> {
        let key = |of: &Process| (of.identity, of.start_unix_ns, of.duration_ns);
        let places: HashMap<_, u32> = self.processes().map(key).zip(0..).collect();
        let threads = self.threads.iter();
        let places = threads.map(|of| of.process.as_ref().and_then(|of| places.get(&key(of))));
        places
            .map(|place| place.copied().unwrap_or(u32::MAX))
            .collect()
    }
}

/// Returns the rows and the tree of `profile`, computed at the same time.
fn rows_and_tree(profile: &Profile) -> (Rows, DisplayTree) {
    std::thread::scope(|scope| {
        let rows = std::thread::Builder::new().spawn_scoped(scope, || profile.rows().into_owned());
        let tree = display_tree(profile);
        // Without a thread, or if it has panicked, the rows are computed here.
        let rows = rows.ok().and_then(|rows| rows.join().ok());
        (rows.unwrap_or_else(|| profile.rows().into_owned()), tree)
    })
}

/// Converts a time to nanoseconds. Other profilers' files may have negative times; NaN becomes 0.
pub(super) fn nanoseconds(seconds: f64) -> i64 {
    (seconds * 1e9).round() as i64
}

fn whole(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(match number < 0 {
        true => i64::MIN,
        false => i64::MAX,
    })
}
