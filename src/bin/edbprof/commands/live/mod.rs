//! `edbprof top --live` and `edbprof run --live`: show profiles of running processes.
//!
//! Their live files are read again and again. The processes are neither stopped nor asked.
//!
//! | module | content |
//! |---|---|
//! | [`sources`] | files to read: those of a process and its descendants, or those in directories |
//! | [`readings`] | profiles of the whole time, or of the last seconds |
//! | [`state`] | state of the view, changed by keys, and its lines |
//! | [`screen`] | the terminal, whose contents and modes are restored |
//! | [`coloured`] | coloured text as lines of ratatui |
//! | [`events`] | keys, signals and output, whichever comes first |
//! | [`program`] | the program of `edbprof run --live` and its output |

mod coloured;
mod events;
mod program;
mod readings;
mod screen;
mod sources;
mod state;

use std::process::ExitCode;
use std::time::Instant;

use edbprof::report::sort_order::SortOrder;

use self::events::{Event, Events};
use self::program::Program;
use self::readings::Readings;
use self::screen::Screen;
use self::sources::Sources;
pub(super) use self::sources::mapped_live_files;
use self::state::{Action, View};
use super::run::os::Blocked;
use crate::cli::args::{RunOptions, SelectionOptions, TopOptions, ViewOptions};
use crate::cli::exit::{Error, Exit};

/// Options of a live view.
struct Options<'o> {
    selection: &'o SelectionOptions,
    times: &'o ViewOptions,
    sort: SortOrder,
    title: String,
}

/// Runs `edbprof top --live`.
///
/// # Errors
///
/// When nothing is recorded, or there is no terminal.
pub(crate) fn top(options: &TopOptions) -> Result<Exit, Error> {
    let sources = Sources::of(&options.inputs)?;
    let title = sources.title();
    let options = Options {
        selection: &options.inputs.selection,
        times: &options.view,
        sort: options.sort.clone(),
        title,
    };
    let screen = Screen::open()?;
    // Signals are blocked before other threads are started, because these inherit the mask.
    let blocked = Blocked::all();
    let closed = show(screen, sources, &options, None);
    drop(blocked);
    match closed? {
        Closed::BySignal(signal) => super::run::end_by(signal),
        Closed::ByUser | Closed::AtEnd => Ok(Exit::Success),
    }
}

/// Runs `edbprof run --live`: starts the same command without a view, and shows what it records.
///
/// # Errors
///
/// When the program can't be started, or there is no terminal.
pub(crate) fn run(options: &RunOptions) -> Result<ExitCode, Error> {
    let screen = Screen::open()?;
    let mut program = Program::start(&screen)?;
    let blocked = Blocked::all();
    let sources = Sources::of_process(program.pid());
    let shown = Options {
        selection: &options.selection,
        times: &options.results.view,
        sort: state::default_order(),
        title: format!("edbprof run  {}", program::title(&options.command)),
    };
    let closed = show(screen, sources, &shown, Some(&mut program));
    // The program and its results come first, even if the view failed.
    let status = program.pass_on();
    drop(blocked);
    closed?;
    Ok(super::run::end_like_child(status?))
}

/// Reason why a view was closed.
enum Closed {
    ByUser,
    /// The program of `edbprof run --live` has ended.
    AtEnd,
    BySignal(i32),
}

/// Shows what `sources` record until the user or a signal closes the view, or `program` ends.
fn show(
    mut screen: Screen,
    mut sources: Sources,
    options: &Options<'_>,
    mut program: Option<&mut Program>,
) -> Result<Closed, Error> {
    let mut events = Events::new();
    let mut readings = Readings::default();
    let mut view = View::new(options.sort.clone());
    loop {
        if !view.is_paused() && readings.is_due() {
            let began = Instant::now();
            let inputs = sources.files();
            readings.read(inputs, options.selection);
            readings.next_after(began.elapsed());
        }
        let terminal = screen.terminal();
        let lines = view.lines(&mut readings, options.times, &terminal);
        let output = program.as_deref().map(Program::output_text);
        screen.draw(&state::Page {
            title: &options.title,
            subject: &format!("{}  {}", view.subject(&readings), readings.state(&sources)),
            lines: &lines,
            output: output.as_deref(),
            view: &view,
        })?;
        let wait = readings.time_left(view.is_paused());
        let output = program.as_deref().and_then(Program::output);
        match events.next(&screen, output, wait)? {
            Event::Key(key) => match view.act(key, lines.len(), terminal.height) {
                Action::None => {}
                Action::Redraw => screen.redraw(),
                Action::Close => return Ok(Closed::ByUser),
            },
            Event::Output => {
                if let Some(program) = program.as_deref_mut() {
                    program.take_output();
                }
            }
            Event::Signal(signal) => match program.as_deref_mut() {
                _ if signal.number == libc::SIGWINCH => {
                    if let Some(program) = program.as_deref() {
                        program.resize(&screen);
                    }
                }
                _ if events::is_stop(signal.number) => screen.stop(signal.number)?,
                Some(program) => {
                    let has_ended = program.signal(&signal);
                    if has_ended {
                        return Ok(Closed::AtEnd);
                    }
                }
                None if signal.number == libc::SIGINT => return Ok(Closed::ByUser),
                None if events::ends(signal.number) => {
                    return Ok(Closed::BySignal(signal.number));
                }
                None => {}
            },
            Event::Time => {}
            Event::TerminalGone => return Ok(Closed::BySignal(libc::SIGHUP)),
        }
    }
}

/// The error of a terminal.
fn terminal_error(error: impl std::fmt::Display) -> Error {
    Error::NotWritten(format!("can't use the terminal: {error}"))
}
