//! Names and colours of the functions that occur in the picture.

use std::collections::HashMap;

use crate::model::{Function, Label};
use crate::report::display::function_name;
use crate::report::paths::{CodeOrigin, PathShortener, origin};

/// One function as it is shown.
pub(super) struct Shown<'a> {
    pub(super) name: String,
    /// `file:line` in the short form, nothing for builtins.
    pub(super) place: String,
    /// The style class that colours it.
    pub(super) class: &'static str,
    pub(super) label: &'a Label,
}

/// The functions of both graphs. Functions of one label are one.
pub(super) struct Functions<'a> {
    pub(super) shown: Vec<Shown<'a>>,
    /// Index into `shown` for each function of the tree's table that occurs.
    index: Vec<usize>,
    labels: HashMap<&'a Label, usize>,
}

impl<'a> Functions<'a> {
    /// `drawn` are the frames' functions, as indices into `table`.
    pub(super) fn collect(
        table: &'a [Function],
        paths: &PathShortener,
        drawn: impl Iterator<Item = u32>,
    ) -> Self {
        let mut functions = Functions {
            shown: Vec::new(),
            index: vec![usize::MAX; table.len()],
            labels: HashMap::new(),
        };
        for id in drawn {
            let function = &table[id as usize];
            if functions.index[id as usize] != usize::MAX {
                continue;
            }
            functions.index[id as usize] =
                *functions.labels.entry(&function.label).or_insert_with(|| {
                    functions.shown.push(Shown::new(function, paths));
                    functions.shown.len() - 1
                });
        }
        functions
    }

    /// Index into `shown` of a function that occurs.
    pub(super) fn index(&self, function: u32) -> usize {
        self.index[function as usize]
    }

    /// Index into `shown` of the functions of a label, if they occur.
    pub(super) fn index_of(&self, label: &Label) -> Option<usize> {
        self.labels.get(label).copied()
    }

    /// Returns the name and colour of a function that occurs.
    pub(super) fn get(&self, function: u32) -> &Shown<'a> {
        &self.shown[self.index(function)]
    }
}

impl<'a> Shown<'a> {
    fn new(function: &'a Function, paths: &PathShortener) -> Self {
        let label = &function.label;
        let name = match &*label.name {
            // Every module's code has this name, so the file is shown.
            b"<module>" => format!("<module> {}", paths.short(&label.file)),
            _ => function_name(function),
        };
        Shown {
            name,
            place: paths.location(label),
            class: class(label),
            label,
        }
    }
}

/// Returns the class for a function's colour. The letter says whose code it is. The shade depends
/// on the name, so that a function looks the same in both graphs and in every run.
fn class(label: &Label) -> &'static str {
    let shades = match origin(label) {
        CodeOrigin::Program => ["p0", "p1", "p2", "p3"],
        CodeOrigin::Library => ["l0", "l1", "l2", "l3"],
        CodeOrigin::Standard => ["s0", "s1", "s2", "s3"],
        CodeOrigin::Builtin => ["b0", "b1", "b2", "b3"],
    };
    let bytes = label.file.iter().chain(&*label.name);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    shades[(hash >> 32) as usize % shades.len()]
}
