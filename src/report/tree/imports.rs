//! Makes one frame of each import, and of a function that calls itself.
//!
//! Frames that find, load and run a module of a library become part of that module. Modules of the
//! program are not collapsed.

use super::frames::Frames;
use crate::analysis::display_tree::DisplayTreeBuilder;
use crate::model::{Function, NO_PARENT};
use crate::report::display::printable;
use crate::report::paths::PathShortener;
use crate::report::roles::{Role, is_module_body, module};

/// Place of a node in relation to imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Not within an import.
    Outside,
    /// Frames that find and load modules, from this node on.
    Loading(u32),
    /// The body of a module.
    Body,
    /// Below the body of a library's module.
    Within,
}

/// Returns `frames` with one frame an import, and one where a function has called itself.
pub(super) fn collapse_imports(frames: &Frames, paths: &PathShortener) -> Frames {
    let parts = parts(frames);
    let only = only_bodies(frames, &parts);
    let nodes = &frames.tree.nodes;
    let mut names = Names::new(frames);
    let mut builder = DisplayTreeBuilder::new(&frames.tree);
    let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &function) in (0..).zip(nodes.kinds()) {
        let parent = nodes.parents()[node as usize];
        let above = places.get(parent as usize).copied().unwrap_or(NO_PARENT);
        let parent_part = parts.get(parent as usize);
        let place = match parts[node as usize] {
            Part::Within => above,
            Part::Loading(first) if first != node => above,
            Part::Loading(_) => match only[node as usize] {
                Only::One(body) => builder.child(above, names.import_of(body, paths)),
                _ => builder.child(above, names.imports()),
            },
            Part::Body => match parent_part {
                Some(Part::Loading(first)) if matches!(only[*first as usize], Only::One(_)) => {
                    above
                }
                _ => builder.child(above, names.import_of(function, paths)),
            },
            Part::Outside if nodes.kinds().get(parent as usize) == Some(&function) => above,
            Part::Outside => builder.child(above, function),
        };
        if place != above {
            builder.add(place, node);
        }
        places.push(place);
    }
    let mut tree = builder.finish();
    tree.functions = names.functions;
    Frames {
        tree,
        roles: names.roles,
    }
}

fn parts(frames: &Frames) -> Vec<Part> {
    let nodes = &frames.tree.nodes;
    let mut parts: Vec<Part> = Vec::with_capacity(nodes.len());
    for (node, &function) in (0..).zip(nodes.kinds()) {
        let parent = nodes.parents()[node as usize] as usize;
        let role = frames.roles[function as usize];
        let is_body = is_module_body(&frames.tree.functions[function as usize]);
        let above = nodes.kinds().get(parent);
        let is_above_own = above.is_some_and(|&above| frames.roles[above as usize].is_own());
        let part = match parts.get(parent).copied().unwrap_or(Part::Outside) {
            Part::Loading(_) if is_body => Part::Body,
            Part::Loading(_) | Part::Within if role.is_own() => Part::Outside,
            Part::Loading(first) => Part::Loading(first),
            Part::Within => Part::Within,
            Part::Body if !is_above_own && role.is_own() => Part::Outside,
            Part::Body if !is_above_own => Part::Within,
            Part::Body | Part::Outside if role == Role::Import => Part::Loading(node),
            Part::Body | Part::Outside => Part::Outside,
        };
        parts.push(part);
    }
    parts
}

/// Bodies of modules that run directly below the frames that load them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    None,
    One(u32),
    Several,
}

/// For each node that begins to load modules, the one module that it loads.
fn only_bodies(frames: &Frames, parts: &[Part]) -> Vec<Only> {
    let nodes = &frames.tree.nodes;
    let mut only = vec![Only::None; nodes.len()];
    for (node, &function) in nodes.kinds().iter().enumerate() {
        let parent = parts.get(nodes.parents()[node] as usize);
        if let (Part::Body, Some(&Part::Loading(first))) = (parts[node], parent) {
            let known = &mut only[first as usize];
            *known = match *known {
                Only::None => Only::One(function),
                Only::One(same) if same == function => Only::One(same),
                _ => Only::Several,
            };
        }
    }
    only
}

/// The functions, those of imports behind the others.
struct Names {
    functions: Vec<Function>,
    roles: Vec<Role>,
    /// For each function its import.
    imports_of: Vec<Option<u32>>,
    imports: Option<u32>,
}

impl Names {
    fn new(frames: &Frames) -> Self {
        Names {
            functions: frames.tree.functions.clone(),
            roles: frames.roles.clone(),
            imports_of: vec![None; frames.tree.functions.len()],
            imports: None,
        }
    }

    /// The import of the module whose body is `body`.
    fn import_of(&mut self, body: u32, paths: &PathShortener) -> u32 {
        if let Some(known) = self.imports_of[body as usize] {
            return known;
        }
        let function = &self.functions[body as usize];
        let name = match &*function.module {
            b"" | b"__main__" => module(function, paths),
            recorded => printable(recorded),
        };
        let name = format!("import {name}");
        let mut import = function.clone();
        import.qualified_name = name.into_bytes().into();
        let number = self.push(import, self.roles[body as usize]);
        self.imports_of[body as usize] = Some(number);
        number
    }

    /// Returns the function for the loading of several modules, or none.
    fn imports(&mut self) -> u32 {
        if let Some(known) = self.imports {
            return known;
        }
        let number = self.push(Function::stand_in("imports"), Role::Import);
        self.imports = Some(number);
        number
    }

    fn push(&mut self, function: Function, role: Role) -> u32 {
        self.functions.push(function);
        self.roles.push(role);
        (self.functions.len() - 1) as u32
    }
}
