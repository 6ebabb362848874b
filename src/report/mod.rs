//! Output formats, each in a small file of its own behind [`Report`].
//!
//! | format | content |
//! |---|---|
//! | [`prof`] | the merged profile itself |
//! | [`singledispatch`] | dispatch counts: calls of generic functions by caller and implementation |
//! | [`pstats_text`] | the table that `pstats` prints |
//! | [`svg`] | the picture: call stacks above, inverted graph below |
//! | [`flamegraph`] | one plain flame graph, drawn by the `inferno` crate |
//! | [`folded`] | folded stacks, for flamegraph.pl and inferno |
//! | [`speedscope`] | the tree, for speedscope |
//! | [`callgrind`] | functions and pairs, for kcachegrind |
//! | [`page`] | one page of HTML with views to explore |
//! | [`json`] | all of it, for other programs |
//!
//! [`diff`] compares two profiles. For the terminal, there are [`tree`], the call tree as text, and
//! [`top`], the functions as tables. There are also [`calls`], the single calls of a function, and
//! [`summary`], the program's closing lines.
//!
//! [`terminal`] describes the terminal that they are written for. Below the summary, [`hints`] are
//! commands that look further. [`named`] finds functions by patterns, and [`similar`] suggests
//! words for mistyped ones.
//!
//! All are written from a [`View`], whose title and remarks are in `remarks.rs`. [`display`],
//! [`paths`], [`numbers`] and [`cells`] decide how names, paths and numbers look to people.

mod awaiting;
pub mod callgrind;
pub mod calls;
pub mod cells;
pub mod diff;
pub mod display;
pub mod flamegraph;
pub mod folded;
pub mod header;
pub mod hints;
pub mod json;
mod machinery;
pub mod named;
pub mod numbers;
pub mod page;
pub mod paths;
pub mod prof;
pub mod pstats_text;
mod remarks;
mod roles;
pub mod similar;
pub mod singledispatch;
pub mod sort_order;
pub mod speedscope;
pub mod summary;
pub mod svg;
pub mod terminal;
pub mod timeline;
pub mod top;
pub mod tree;
mod view;
mod waiting;

use std::{fmt, io};

pub use view::{Compensated, Figures, LowerBounds, View};

/// One output format.
pub trait Report {
    /// Returns the whole content of the file, or `None` if it would be empty and no file should be
    /// made.
    ///
    /// # Errors
    ///
    /// The profile can't be put into this format.
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error>;

    /// Returns a writer of the same content that does not keep all of it in memory, if this format
    /// has one.
    fn streamed<'v>(&'v self, _view: &'v View<'_>) -> Option<Streamed<'v>> {
        None
    }
}

/// Writes a report.
pub type Streamed<'v> = Box<dyn FnOnce(&mut dyn io::Write) -> io::Result<()> + 'v>;

/// Returns all that a report writes.
fn rendered(streamed: Option<Streamed<'_>>) -> Result<Option<Vec<u8>>, Error> {
    let write = |write: Streamed<'_>| {
        let mut bytes = Vec::new();
        write(&mut bytes).map_err(Error::new)?;
        Ok(bytes)
    };
    streamed.map(write).transpose()
}

/// Reason why a report could not be rendered, as a sentence.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// Returns an error that says `reason`.
    pub fn new(reason: impl fmt::Display) -> Self {
        Error(reason.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
