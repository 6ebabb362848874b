//! The terminal of a live view: its alternate screen, without echo, until the view is closed.
//!
//! Ctrl-C and Ctrl-Z keep their meaning, so that they reach the program of `edbprof run --live`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use edbprof::report::terminal::Terminal;
use ratatui_core::backend::{Backend, ClearType, WindowSize};
use ratatui_core::buffer::Cell;
use ratatui_core::layout::{Position, Rect, Size};
use ratatui_core::style::{Color, Modifier};
use ratatui_core::terminal::Terminal as Frames;
use ratatui_core::text::Line;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::coloured::coloured;
use super::state::{KEYS, Page};
use super::terminal_error;
use crate::cli::exit::Error;
use crate::cli::ui::Stream;
use crate::commands::run::os::stop_self;

/// Switches to the alternate screen, and hides the cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// Undoes both.
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";
/// Lines that are no part of the profile: title, subject, keys.
const OTHER_LINES: u16 = 3;

/// The terminal while a view is open. Restored when dropped.
pub(super) struct Screen {
    before: Termios,
    frames: Frames<Tty>,
    /// True if another program may have drawn.
    is_stale: bool,
}

impl Screen {
    /// # Errors
    ///
    /// When there is no terminal, or one that can't place text.
    pub(super) fn open() -> Result<Screen, Error> {
        let needed = "a live view needs a terminal; without --live, results are printed once";
        let tty = File::options().read(true).write(true).open("/dev/tty");
        let tty = tty.map_err(|error| Error::Usage(format!("{needed} (/dev/tty: {error})")))?;
        let kind = std::env::var("TERM").unwrap_or_default();
        if ["", "dumb"].contains(&&*kind) {
            let kind = format!("TERM is '{kind}'");
            return Err(Error::Usage(format!(
                "a live view needs a terminal that can place text, and {kind}"
            )));
        }
        let before = tcgetattr(&tty).map_err(terminal_error)?;
        let tty = Tty {
            tty,
            waiting: String::new(),
        };
        let frames = Frames::new(tty).map_err(terminal_error)?;
        let mut screen = Screen {
            before,
            frames,
            is_stale: true,
        };
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> Result<(), Error> {
        let mut modes = self.before.clone();
        modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN;
        let tty = &mut self.frames.backend_mut().tty;
        tcsetattr(&*tty, OptionalActions::Drain, &modes).map_err(terminal_error)?;
        tty.write_all(ENTER.as_bytes()).map_err(terminal_error)?;
        self.is_stale = true;
        Ok(())
    }

    fn leave(&mut self) {
        let tty = &mut self.frames.backend_mut().tty;
        // A terminal that has gone needs nothing.
        let _ = tty.write_all(LEAVE.as_bytes());
        let _ = tcsetattr(&*tty, OptionalActions::Drain, &self.before);
    }

    /// Stops this process by a signal that is blocked. While it is stopped, the terminal is as
    /// before the view.
    ///
    /// # Errors
    ///
    /// When the terminal can't be used afterwards.
    pub(super) fn stop(&mut self, signal: i32) -> Result<(), Error> {
        self.leave();
        stop_self(signal);
        self.enter()
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.frames.backend().tty.as_fd()
    }

    /// Returns the modes that the terminal had before the view.
    pub(super) fn modes(&self) -> &Termios {
        &self.before
    }

    /// Reads typed bytes. No bytes mean that the terminal is gone.
    pub(super) fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        (&self.frames.backend().tty).read(bytes)
    }

    /// Returns the part of the terminal that shows the profile.
    pub(super) fn terminal(&self) -> Terminal {
        let size = self.frames.backend().size().unwrap_or_default();
        Terminal {
            width: size.width.into(),
            height: size.height.saturating_sub(OTHER_LINES).max(1).into(),
            ..Stream::Stdout.terminal()
        }
    }

    /// Notes that everything must be drawn anew, because another program may have drawn.
    pub(super) fn redraw(&mut self) {
        self.is_stale = true;
    }

    /// # Errors
    ///
    /// When nothing can be written.
    pub(super) fn draw(&mut self, page: &Page<'_>) -> Result<(), Error> {
        if std::mem::take(&mut self.is_stale) {
            self.frames.clear().map_err(terminal_error)?;
        }
        let drawn = self.frames.draw(|frame| {
            let area = frame.area();
            let bottom = area.bottom().saturating_sub(1);
            let mut put = |line: Line<'_>, row: u16| {
                if row < area.bottom() {
                    let area = Rect::new(area.x, row, area.width, 1);
                    frame.render_widget(line, area);
                }
            };
            put(reversed(page.title, area.width), area.y);
            put(Line::from(page.subject), area.y + 1);
            // The head of a table stays.
            let (head, rest) = page.lines.split_at(page.lines.len().min(1));
            let rest = rest.iter().skip(page.view.scrolled());
            let rows = area.y + 2..bottom;
            for (line, row) in head.iter().chain(rest).zip(rows) {
                put(coloured(line), row);
            }
            let keys = match page.output {
                Some(output) => format!("{KEYS}  {output}"),
                None => KEYS.to_owned(),
            };
            put(reversed(&keys, area.width), bottom);
        });
        drawn.map_err(terminal_error)?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

fn reversed(text: &str, width: u16) -> Line<'static> {
    let width = usize::from(width);
    let terminal = Terminal {
        width,
        ..Terminal::default()
    };
    let line = Line::from(format!("{:width$}", terminal.fit(text)));
    line.style(Modifier::REVERSED)
}

/// The terminal as ratatui writes to it.
struct Tty {
    tty: File,
    /// Text that is not written yet.
    waiting: String,
}

impl Tty {
    fn move_to(&mut self, position: Position) {
        let Position { x, y } = position;
        let _ = write!(self.waiting, "\x1b[{};{}H", y + 1, x + 1);
    }

    fn style(&mut self, cell: &Cell) {
        self.waiting.push_str("\x1b[0");
        for (modifier, code) in [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::REVERSED, 7),
        ] {
            if cell.modifier.contains(modifier) {
                let _ = write!(self.waiting, ";{code}");
            }
        }
        match cell.fg {
            Color::Indexed(colour @ 0..=7) => {
                let _ = write!(self.waiting, ";{}", 30 + colour);
            }
            Color::Indexed(colour @ 8..=15) => {
                let _ = write!(self.waiting, ";{}", 90 + colour - 8);
            }
            _ => {}
        }
        self.waiting.push('m');
    }
}

impl Backend for Tty {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut next = None;
        let mut style = None;
        for (x, y, cell) in content {
            if next != Some((x, y)) {
                self.move_to(Position { x, y });
            }
            if style != Some((cell.fg, cell.modifier)) {
                self.style(cell);
                style = Some((cell.fg, cell.modifier));
            }
            self.waiting.push_str(cell.symbol());
            // After a character that is two columns wide, the cursor is moved.
            next = Some((x + 1, y));
        }
        self.waiting.push_str("\x1b[0m");
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.waiting.push_str("\x1b[?25l");
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.waiting.push_str("\x1b[?25h");
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.move_to(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.waiting.push_str(match region {
            ClearType::All => "\x1b[0m\x1b[2J",
            ClearType::AfterCursor => "\x1b[J",
            ClearType::BeforeCursor => "\x1b[1J",
            ClearType::CurrentLine => "\x1b[2K",
            ClearType::UntilNewLine => "\x1b[K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        let size = tcgetwinsize(&self.tty)?;
        // The size if the terminal does not know it.
        let or = |size: u16, default| if size == 0 { default } else { size };
        Ok(Size::new(or(size.ws_col, 80), or(size.ws_row, 24)))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            pixels: Size::default(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.waiting);
        self.tty.write_all(text.as_bytes())
    }
}
