//! The files that a live view reads.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use edbprof::format::live;
use edbprof::report::summary::path_text;

use crate::cli::args::InputOptions;
use crate::cli::exit::Error;
use crate::cli::names::RECORDINGS_PREFIX;
use crate::input::{self, Input, Owners, ReadReport, finished_beside, is_live};

/// Places where recordings are.
pub(super) struct Sources {
    place: Place,
    /// Live files that were found before. They are still read when their processes have ended.
    known: BTreeSet<PathBuf>,
    /// Number of processes that run and record, as of the latest search.
    pub(super) running: usize,
}

enum Place {
    /// A process and its descendants.
    Process(u32),
    /// Directories that the user named: all recordings in them.
    Directories(InputOptions),
    /// The temporary directory and those of runs in it: recordings of running processes.
    Temporary(InputOptions),
}

impl Sources {
    /// Returns the places that `options` name: a number is a process.
    ///
    /// # Errors
    ///
    /// When there is no such process or directory, or nothing is recorded.
    pub(super) fn of(options: &InputOptions) -> Result<Sources, Error> {
        let process = match &options.paths[..] {
            [path] => path.to_str().and_then(|text| text.parse::<u32>().ok()),
            _ => None,
        };
        let place = match process {
            Some(pid) => Place::Process(pid),
            None if options.paths.is_empty() => Place::Temporary(options.clone()),
            None => Place::Directories(options.clone()),
        };
        let mut sources = Sources::new(place);
        if let Some(pid) = process {
            check_readable(pid)?;
        }
        if let Place::Directories(options) = &sources.place {
            // Says which of them does not exist.
            input::find(options, &mut ReadReport::default())?;
        }
        if sources.files().is_empty() {
            return Err(Error::NothingToRead(sources.reason()));
        }
        Ok(sources)
    }

    /// Returns the recordings of a process that is about to begin.
    pub(super) fn of_process(pid: u32) -> Sources {
        Sources::new(Place::Process(pid))
    }

    fn new(place: Place) -> Sources {
        Sources {
            place,
            known: BTreeSet::new(),
            running: 0,
        }
    }

    /// Returns the name of the source.
    pub(super) fn title(&self) -> String {
        match &self.place {
            Place::Process(pid) => format!("edbprof top  process {pid}"),
            Place::Directories(options) => {
                let paths = options.paths.iter().map(|path| path_text(path));
                let paths: Vec<_> = paths.map(|path| path.to_string()).collect();
                format!("edbprof top  {}", paths.join(" "))
            }
            Place::Temporary(_) => "edbprof top  everything that is recorded".to_owned(),
        }
    }

    fn reason(&self) -> String {
        match &self.place {
            Place::Process(pid) => format!(
                "neither process {pid} nor a child of it is recorded: 'edbprof run' records a \
                 program from its start, and 'edbprof attach {pid}' one that runs"
            ),
            Place::Directories(_) => {
                "there are no recordings in the directory, and nothing records there".to_owned()
            }
            Place::Temporary(_) => {
                "no running process is recorded in the temporary directory; name a process id or \
                 the directory of recordings"
                    .to_owned()
            }
        }
    }

    /// Returns the files to read now.
    pub(super) fn files(&mut self) -> Vec<Input> {
        match &self.place {
            Place::Process(pid) => {
                let pids = descendants(*pid);
                let mapped: Vec<_> = pids.into_iter().map(mapped_live_files).collect();
                self.running = mapped.iter().filter(|files| !files.is_empty()).count();
                self.known.extend(mapped.into_iter().flatten());
                // A file that the process has mapped is read even if it is another user's.
                self.known.iter().map(|path| of_anyone(path)).collect()
            }
            Place::Directories(options) => {
                let found = input::find(options, &mut ReadReport::default());
                let found = found.unwrap_or_default();
                self.running = found.iter().filter(|input| is_running(&input.path)).count();
                self.with_known(found)
            }
            Place::Temporary(options) => {
                let mut found = Vec::new();
                self.running = 0;
                for directory in input::directories(&[]) {
                    let in_it = find_in(options, &directory);
                    let running = in_it.into_iter().filter(|input| is_running(&input.path));
                    found.extend(running);
                    self.running += found.len();
                    for run in runs_in(&directory) {
                        let of_run = find_in(options, &run);
                        let running = of_run.iter().filter(|input| is_running(&input.path));
                        let running = running.count();
                        self.running += running;
                        if running > 0 {
                            found.extend(of_run);
                        }
                    }
                }
                self.with_known(found)
            }
        }
    }

    /// Returns `found`, and the live files found before, unless `found` has them or their results.
    fn with_known(&mut self, found: Vec<Input>) -> Vec<Input> {
        let mut inputs: HashMap<PathBuf, Input> = HashMap::new();
        for input in found {
            if is_live(&input.path) {
                self.known.insert(input.path.clone());
            }
            inputs.insert(input.path.clone(), input);
        }
        for path in &self.known {
            // A file that has become a result is read once, by the name of the result.
            let is_there = |path: &Path| inputs.contains_key(path);
            let is_found =
                is_there(path) || finished_beside(path).is_some_and(|path| is_there(&path));
            if !is_found {
                inputs.insert(path.clone(), of_anyone(path));
            }
        }
        let mut inputs: Vec<_> = inputs.into_values().collect();
        inputs.sort_by(|a, b| a.path.cmp(&b.path));
        inputs
    }
}

/// Checks that the process runs and that its maps can be read.
fn check_readable(pid: u32) -> Result<(), Error> {
    match fs::read(format!("/proc/{pid}/maps")) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Error::Usage(format!(
                "process {pid} is another user's: its user or root may look at it \
                 (sudo edbprof top --live {pid})"
            )))
        }
        Err(_) => Err(Error::Usage(format!("there is no process {pid}"))),
    }
}

fn of_anyone(path: &Path) -> Input {
    Input {
        path: path.to_owned(),
        named: true,
        owners: Owners::AnyWithoutLinks,
        bytes: 0,
    }
}

fn find_in(options: &InputOptions, directory: &Path) -> Vec<Input> {
    let options = InputOptions {
        paths: vec![directory.to_owned()],
        ..options.clone()
    };
    input::find(&options, &mut ReadReport::default()).unwrap_or_default()
}

/// Returns the directories in `directory` that an `edbprof run` records into.
fn runs_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_run = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name.as_bytes().starts_with(RECORDINGS_PREFIX.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    };
    entries.filter(is_run).map(|entry| entry.path()).collect()
}

/// Returns true for the live file of a process that runs.
fn is_running(path: &Path) -> bool {
    use std::io::Read;

    let mut header = Vec::new();
    let read = |file: fs::File| file.take(HEADER).read_to_end(&mut header);
    is_live(path)
        && fs::File::open(path).and_then(read).is_ok()
        && live::facts(&header).is_ok_and(|facts| facts.process.has_mapped(path))
}

/// Bytes of a live file that name its process.
const HEADER: u64 = 4096;

/// Returns `pid` and all processes below it.
pub(super) fn descendants(pid: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    for process in pids {
        if let Some(parent) = parent_of(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&process) = found.get(next) {
        found.extend(children.remove(&process).unwrap_or_default());
        next += 1;
    }
    found
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The parent is the second field behind the name, which is in parentheses.
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Returns the live files that the process has mapped, by paths that are valid for this process.
pub(in crate::commands) fn mapped_live_files(pid: u32) -> BTreeSet<PathBuf> {
    let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    let lines = maps.split(|&byte| byte == b'\n');
    let paths = lines.filter_map(|line| {
        let start = line.iter().position(|&byte| byte == b'/')?;
        let path = line.get(start..)?;
        path.ends_with(SUFFIX).then_some(path)
    });
    let paths: BTreeSet<&[u8]> = paths.collect();
    let found = paths.into_iter().filter_map(|path| {
        let path = Path::new(OsStr::from_bytes(path));
        if path.exists() {
            return Some(path.to_owned());
        }
        // The process may see other mounts, such as in a container.
        let inside = Path::new("/proc")
            .join(pid.to_string())
            .join("root")
            .join(path.strip_prefix("/").unwrap_or(path));
        inside.exists().then_some(inside)
    });
    found.collect()
}

/// End of the names of live files.
const SUFFIX: &[u8] = b".prof.live";
