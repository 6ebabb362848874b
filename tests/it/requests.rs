//! Recordings with a few functions, and what becomes of them by a merge request.

use std::collections::BTreeMap;

use edbprof::analysis::merge::{Merged, Merger, Profile};
use edbprof::analysis::merge_request::{By, MergeRequest};
use edbprof::analysis::select::Selection;
use edbprof::format::prof::{self, PlainInputs, ProfFile};
use edbprof::model::Pattern;
use edbprof::model::{
    Function, FunctionKind, NO_PARENT, NodeKind, NodeRow, Nodes, Process, ProcessIdentity,
    ThreadTree, Trees,
};
use proptest::prelude::*;

use crate::{build, generate};

/// Recordings of their own, with functions called `f0` to `f4`, all of which are called.
pub(crate) fn recordings() -> impl Strategy<Value = Vec<Trees>> {
    proptest::collection::vec(generate::trees(), 1..4).prop_map(|mut all| {
        for (id, trees) in (1..).zip(&mut all) {
            trees.recordings = vec![[id; 16]];
            trees.threads.push(ThreadTree::default());
            let overflow = trees.functions.len();
            trees.kinds[overflow] = NodeKind::Function(0);
            for (number, function) in trees.functions.iter_mut().enumerate() {
                function.label.file = b"/app/m.py"[..].into();
                function.label.line = 1;
                function.label.name = format!("f{}", number % 5).into_bytes().into();
                function.qualified_name = Box::default();
                let nodes = &mut trees.threads[0].nodes;
                nodes.push(NodeRow {
                    parent: NO_PARENT,
                    kind: number as u32,
                    calls: 1,
                    resumes: 0,
                    total: 1,
                });
            }
        }
        all
    })
}

pub(crate) fn by() -> impl Strategy<Value = Option<By>> {
    prop_oneof![Just(None), Just(Some(By::Process)), Just(Some(By::Thread))]
}

pub(crate) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

pub(crate) fn wanted(by: Option<By>, include: &[&str], exclude: &[&str]) -> MergeRequest {
    MergeRequest {
        by,
        selection: Selection {
            include: patterns(include),
            exclude: patterns(exclude),
            ..Selection::default()
        },
    }
}

pub(crate) fn by_only(by: Option<By>) -> MergeRequest {
    wanted(by, &[], &[])
}

pub(crate) fn only(processes: &[&str], threads: &[&str]) -> MergeRequest {
    MergeRequest {
        by: None,
        selection: Selection {
            processes: patterns(processes),
            threads: patterns(threads),
            ..Selection::default()
        },
    }
}

pub(crate) fn file(trees: &Trees) -> ProfFile {
    ProfFile::Exact(trees.clone(), PlainInputs::default())
}

pub(crate) fn merge(wanted: &MergeRequest, files: impl IntoIterator<Item = ProfFile>) -> Merged {
    let mut merger = Merger::of_parts(wanted.selection.id());
    for (number, file) in files.into_iter().enumerate() {
        if let Some(file) = wanted.of(file).unwrap() {
            merger.add(number.to_string(), file);
        }
    }
    merger.finish()
}

pub(crate) fn merged(wanted: &MergeRequest, all: &[Trees]) -> Profile {
    merge(wanted, all.iter().map(file)).profile
}

pub(crate) fn reread(profile: &Profile) -> ProfFile {
    prof::read(&profile.encode()).unwrap()
}

pub(crate) fn one(id: u8) -> Trees {
    let function = |name: &str| Function {
        kind: FunctionKind::Native,
        ..build::function(build::label("/app/m.py", 1, name))
    };
    let nodes = |total| {
        let figures = [vec![1, 2], vec![0, 0], vec![total, 10]];
        Nodes::from_columns([vec![NO_PARENT, 0], vec![0, 1]], figures).unwrap()
    };
    let thread = |name: &str, total| ThreadTree {
        name: name.as_bytes().into(),
        nodes: nodes(total),
        ..Default::default()
    };
    Trees {
        recordings: vec![[id; 16]],
        processes: vec![Process {
            identity: ProcessIdentity {
                pid: id.into(),
                ..Default::default()
            },
            ..Default::default()
        }],
        threads: vec![thread("MainThread", 100), thread("Thread-1", 40)],
        ..Trees::of_functions(vec![function("main"), function("leaf")])
    }
}

/// Self time by stack, as names with `;` between; groups by their kind and who they are.
pub(crate) type Stacks = BTreeMap<Vec<String>, u64>;

pub(crate) fn stacks(trees: &Trees, nodes: &Nodes) -> Stacks {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut stacks = Stacks::new();
    for (node, own) in nodes.self_times().into_iter().enumerate() {
        let above = paths.get(nodes.parents()[node] as usize);
        let mut path = above.cloned().unwrap_or_default();
        path.push(name_of(trees, nodes.kinds()[node]));
        if own > 0 {
            *stacks.entry(path.clone()).or_default() += own;
        }
        paths.push(path);
    }
    stacks
}

pub(crate) fn name_of(trees: &Trees, kind: u32) -> String {
    match &trees.kinds[kind as usize] {
        NodeKind::Function(function) => {
            let name = &trees.functions[*function as usize].label.name;
            String::from_utf8_lossy(name).into_owned()
        }
        NodeKind::Process(process) => {
            format!("process {:?}", trees.processes[*process as usize].identity)
        }
        NodeKind::Thread { name, threads } => {
            format!("thread {} {threads}", String::from_utf8_lossy(name))
        }
        other => format!("{other:?}"),
    }
}

pub(crate) fn stacks_of(profile: &Profile) -> Stacks {
    let trees = profile.trees();
    let threads = trees.threads.iter();
    threads.fold(Stacks::new(), |mut all, thread| {
        for (path, own) in stacks(trees, &thread.nodes) {
            *all.entry(path).or_default() += own;
        }
        all
    })
}

/// Self time of all functions in the table.
pub(crate) fn table_seconds(profile: &Profile) -> f64 {
    let rows = profile.rows();
    rows.iter().map(|(_, row)| row.counts.tt).sum()
}
