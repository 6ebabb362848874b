//! Separates the program's own functions from those that it uses, or that run it.
//!
//! The recording alone decides. Its command lines name the script or module that was run, and its
//! files show the directories of code.

use std::collections::{HashMap, HashSet};

use super::display::short_name;
use super::machinery::{is_machinery, is_waiting};
use super::paths::{CodeOrigin, PathShortener, origin};
use super::waiting::is_mostly;
use crate::analysis::display_tree::DisplayTree;
use crate::model::{Function, FunctionKind, Process, Waiting};

/// The part that a function has in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A function of the program, or one that the user names.
    Own,
    /// A function of the installed package that was started, by a launcher or `-m`. Such a package
    /// may run a program of the user's.
    Started,
    /// A script that only starts an installed package, as pip puts them into `bin`.
    Launcher,
    /// Code of libraries, Python's own included.
    Library,
    /// A library that runs programs.
    Machinery,
    /// A function that finds or loads modules.
    Import,
    /// A builtin in which a thread waits.
    Waiting,
}

impl Role {
    /// Returns true for functions that the user may have written, or has started.
    pub(super) fn is_own(self) -> bool {
        matches!(self, Role::Own | Role::Started)
    }
}

/// Returns the role of each function of `frames`, in a recording of `processes`.
pub(super) fn roles(
    frames: &DisplayTree,
    processes: &[Process],
    paths: &PathShortener,
) -> Vec<Role> {
    let started = Started::of(processes);
    let functions = &frames.functions;
    let mut roles: Vec<_> = functions.iter().map(|f| started.role(f, paths)).collect();
    keep_called(frames, &mut roles);
    find_blocked(frames, &mut roles);
    let mut packages = started.packages();
    packages.extend(launched(frames, &roles, paths));
    packages.extend(functions.iter().filter_map(launcher_name));
    packages.retain(|package| !is_machinery(package));
    for (role, function) in roles.iter_mut().zip(functions) {
        let package = match origin(&function.label) {
            CodeOrigin::Builtin => compiled_package(function),
            _ => package(function, paths),
        };
        if *role == Role::Library && packages.contains(&package) {
            *role = Role::Started;
        }
    }
    roles
}

/// Returns true for a function that is the body of a module.
pub(super) fn is_module_body(function: &Function) -> bool {
    &*function.label.name == b"<module>"
}

/// Returns true for a function of `site`, which the interpreter runs before the program.
pub(super) fn is_start(function: &Function) -> bool {
    let file = &*function.label.file;
    file == b"<frozen site>"
        || file.ends_with(b"/site.py") && origin(&function.label) == CodeOrigin::Standard
}

/// Returns the name of the module that `function` is in, `json.decoder`, by its file; nothing
/// for builtins.
pub(super) fn module(function: &Function, paths: &PathShortener) -> String {
    let short = paths.short(&function.label.file);
    if let Some(frozen) = short.strip_prefix("<frozen ") {
        return frozen.trim_end_matches('>').to_owned();
    }
    let name = short.strip_suffix(".py").unwrap_or(&short);
    let name = name.strip_suffix("/__init__").unwrap_or(name);
    name.trim_start_matches('/').replace(['/', '\\'], ".")
}

/// Returns the first part of [`module`]; nothing for builtins.
pub(super) fn package(function: &Function, paths: &PathShortener) -> String {
    let module = module(function, paths);
    module.split('.').next().unwrap_or_default().to_owned()
}

/// Scripts and modules that the command lines of the processes have started.
#[derive(Debug, Default)]
struct Started<'p> {
    /// Scripts by their paths.
    scripts: HashSet<&'p [u8]>,
    /// Directories that Python is installed in.
    prefixes: HashSet<&'p [u8]>,
    /// Modules given by `-m`.
    modules: HashSet<&'p [u8]>,
    /// True if a command line gives code by `-c`.
    has_code: bool,
}

impl<'p> Started<'p> {
    fn of(processes: &'p [Process]) -> Self {
        let mut started = Started::default();
        for process in processes {
            started.add(&process.argv);
        }
        started
    }

    /// Adds what `argv`, the command line of a Python, starts.
    fn add(&mut self, argv: &'p [Box<[u8]>]) {
        let mut words = argv.iter().map(|word| &**word);
        self.prefixes.extend(words.next().and_then(prefix));
        while let Some(word) = words.next() {
            match word {
                b"-m" => return self.modules.extend(words.next()),
                [b'-', b'm', module @ ..] => return self.modules.extend([module]),
                [b'-', b'c', ..] => return self.has_code = true,
                b"-W" | b"-X" | b"--check-hash-based-pycs" => drop(words.next()),
                [b'-', ..] => {}
                script => {
                    self.scripts.insert(script);
                    return self.prefixes.extend(prefix(script));
                }
            }
        }
    }

    /// The packages of the modules that were started.
    fn packages(&self) -> HashSet<String> {
        let modules = self.modules.iter();
        let first = modules.filter_map(|module| module.split(|&byte| byte == b'.').next());
        first
            .map(|package| String::from_utf8_lossy(package).into_owned())
            .collect()
    }

    fn role(&self, function: &Function, paths: &PathShortener) -> Role {
        let file = &*function.label.file;
        if function.kind == FunctionKind::Native {
            return Role::Own;
        }
        match origin(&function.label) {
            CodeOrigin::Builtin if is_waiting(&short_name(&function.label.name)) => Role::Waiting,
            CodeOrigin::Builtin if is_import(function, paths) => Role::Import,
            CodeOrigin::Builtin => Role::Library,
            CodeOrigin::Program if file.starts_with(b"<") => self.role_of_text(function),
            CodeOrigin::Program if is_launcher(function) => Role::Launcher,
            CodeOrigin::Program if self.is_installed(file) => Role::Library,
            CodeOrigin::Program => Role::Own,
            CodeOrigin::Standard if self.is_beside_script(file) => Role::Own,
            _ if is_import(function, paths) => Role::Import,
            _ if is_machinery(&module(function, paths)) => Role::Machinery,
            _ => Role::Library,
        }
    }

    /// The role of a function without a file: of `-c`, of a notebook or made at run time.
    fn role_of_text(&self, function: &Function) -> Role {
        let (file, name) = (&*function.label.file, &*function.label.name);
        let is_entered = [&b"<ipython-input"[..], b"<doctest", b"<stdin"]
            .iter()
            .any(|start| file.starts_with(start));
        let is_code = file == b"<string>" && self.has_code;
        match () {
            () if is_entered => Role::Own,
            () if is_code && is_module_body(function) => Role::Launcher,
            // Functions that namedtuple, dataclass and attrs make have such names.
            () if is_code && !name.starts_with(b"__") && !name.starts_with(b"<") => Role::Own,
            () => Role::Library,
        }
    }

    /// Returns true if `file` is data of an installed package, such as a template that becomes code.
    fn is_installed(&self, file: &[u8]) -> bool {
        let mut rests = self.prefixes.iter().filter_map(|p| file.strip_prefix(*p));
        rests.any(|rest| rest.starts_with(b"share/") || rest.starts_with(b"lib/"))
    }

    /// Returns true if `file`, of any name, is in the directory of a script that is no launcher.
    fn is_beside_script(&self, file: &[u8]) -> bool {
        self.scripts.iter().any(|script| {
            let directory = directory(script);
            directory.len() > 1 && !is_bin(directory) && file.starts_with(directory)
        })
    }
}

fn directory(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte == b'/');
    &path[..end.map_or(0, |end| end + 1)]
}

/// The directory above the `bin` that holds `program`.
fn prefix(program: &[u8]) -> Option<&[u8]> {
    directory(program)
        .strip_suffix(b"bin/")
        .filter(|prefix| prefix.len() > 1)
}

fn is_bin(directory: &[u8]) -> bool {
    directory.ends_with(b"/bin/")
}

/// Returns true for the body of a script in a `bin`, which has no function of its own.
fn is_launcher(function: &Function) -> bool {
    is_module_body(function) && is_bin(directory(&function.label.file))
}

/// Returns the package that has the name of a launcher; it may be compiled.
fn launcher_name(function: &Function) -> Option<String> {
    let name = function.label.file.rsplit(|&byte| byte == b'/').next()?;
    let name = is_launcher(function).then(|| String::from_utf8_lossy(name))?;
    Some(name.trim_end_matches(".py").replace('-', "_"))
}

/// The package of a function that was compiled, by its name; nothing for other builtins.
fn compiled_package(function: &Function) -> String {
    let name = short_name(&function.label.name);
    let package = name.split_once('.').map_or("", |(package, _)| package);
    package.to_owned()
}

fn is_import(function: &Function, paths: &PathShortener) -> bool {
    let name = &*function.label.name;
    match &*module(function, paths) {
        "" => name == b"<built-in method builtins.__import__>",
        "importlib" => name == b"import_module" || name == b"reload",
        module => {
            let frozen = ["importlib._bootstrap", "importlib._bootstrap_external"];
            frozen.contains(&module) || module == "zipimport"
        }
    }
}

/// Makes functions of `<string>` part of libraries if only libraries have called them. Functions
/// that attrs and dataclasses make are in such a file, and so is code given by `-c`.
fn keep_called(frames: &DisplayTree, roles: &mut [Role]) {
    let nodes = &frames.nodes;
    let mut is_called = vec![false; roles.len()];
    for (node, &parent) in nodes.parents().iter().enumerate() {
        let caller = nodes.kinds().get(parent as usize);
        let role = caller.map(|&caller| roles[caller as usize]);
        let builtin = caller.is_some_and(|&caller| {
            origin(&frames.functions[caller as usize].label) == CodeOrigin::Builtin
        });
        let by_program = !matches!(role, Some(Role::Library | Role::Import)) || builtin;
        is_called[nodes.kinds()[node] as usize] |= by_program;
    }
    for ((role, function), is_called) in roles.iter_mut().zip(&frames.functions).zip(is_called) {
        if *role == Role::Own && &*function.label.file == b"<string>" && !is_called {
            *role = Role::Library;
        }
    }
}

/// Gives builtins that were blocked for nearly all of their time the role of waiting.
fn find_blocked(frames: &DisplayTree, roles: &mut [Role]) {
    let kinds = frames.nodes.kinds();
    let mut waits = vec![Waiting::default(); roles.len()];
    for (node, waiting) in frames.waits.iter() {
        waits[kinds[node as usize] as usize].add(&waiting);
    }
    let mut own = vec![0_u64; roles.len()];
    for (&function, time) in kinds.iter().zip(frames.nodes.self_times()) {
        let sum = &mut own[function as usize];
        *sum = sum.saturating_add(time);
    }
    for (function, role) in roles.iter_mut().enumerate() {
        let is_builtin = origin(&frames.functions[function].label) == CodeOrigin::Builtin;
        if *role == Role::Library && is_builtin && is_mostly(&waits[function], own[function]) {
            *role = Role::Waiting;
        }
    }
}

/// The package that each launcher spends most time in.
fn launched(frames: &DisplayTree, roles: &[Role], paths: &PathShortener) -> Vec<String> {
    let nodes = &frames.nodes;
    let mut times: HashMap<u32, HashMap<String, u64>> = HashMap::new();
    for (node, &parent) in nodes.parents().iter().enumerate() {
        let Some(&caller) = nodes.kinds().get(parent as usize) else {
            continue;
        };
        let callee = &frames.functions[nodes.kinds()[node] as usize];
        let is_launched = is_launcher(&frames.functions[caller as usize])
            && roles[caller as usize] == Role::Launcher
            && origin(&callee.label) == CodeOrigin::Library;
        if is_launched {
            let package = package(callee, paths);
            let time = times.entry(caller).or_default().entry(package).or_default();
            *time = time.saturating_add(nodes.totals()[node]);
        }
    }
    let most = times.into_values().filter_map(|packages| {
        let packages = packages.into_iter().filter(|(name, _)| !name.is_empty());
        packages.max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))
    });
    most.map(|(package, _)| package).collect()
}
