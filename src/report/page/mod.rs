//! The `html` format: one page to explore a profile, without network and without a server.
//!
//! The page itself, scripts included, is built from `page/` to `page/page.html` and is the same for
//! all profiles. The parts that differ are put into it here: a title, the heaviest functions as
//! text, and the data, which `page/data/` decodes. docs/design/0043-page.md has the reasons.

mod call_pairs;
mod columns;
mod diff;
mod exact;
mod functions;
mod header;
mod heaviest;
mod sources;
mod tasks;
mod timeline;
mod varint;

use std::io::{self, Write};

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::display::escape_xml;
use super::numbers::{percent, size};
use super::{Error, Report, View};
use crate::analysis::display_tree::DisplayTree;
use crate::analysis::prune::narrowest;
use columns::Columns;
use exact::exact_rows;
use functions::Functions;
use header::{Header, header};
pub use sources::{NoSource, Sources};
pub use timeline::PageTimeline;

const PAGE: &str = include_str!("page.html");
/// Places in the page that differ between profiles.
const TITLE: &str = "<!--edbprof:title-->";
const HEAVIEST: &str = "<!--edbprof:heaviest-->";
const DATA: &str = "<!--edbprof:data-->";

const SOURCES: &str = "<!--edbprof:sources-->";
const TIMELINE: &str = "<!--edbprof:timeline-->";

/// Largest sizes of pages without and with a timeline: such a page opens in two seconds.
const SIZE: u64 = 25_000_000;
const SIZE_WITH_TIMELINE: u64 = 50_000_000;
/// Largest share of its size that the profile has in a page with a timeline.
const PROFILE_SHARE: f64 = 0.5;
/// Bytes from which on a timeline is not made smaller.
const LEAST_ROOM: u64 = 1000;
/// Share of its largest size from which on the page is not tried again with more nodes.
const TARGET: f64 = 0.9;

/// One page with all views of a profile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// The most bytes that the page may have: the lightest calls are collapsed until it fits. By
    /// default 25 MB, with a timeline 50 MB.
    pub max_size: Option<u64>,
}

impl Report for Page {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let page = self.with(view, &Extras::default());
        page.map(Some).map_err(Error::new)
    }
}

/// Parts of a page beside a profile.
#[derive(Debug, Default)]
pub struct Extras {
    /// The calls in the order of time.
    pub timeline: Option<PageTimeline>,
    /// Texts of source files.
    pub sources: Option<Sources>,
}

impl Page {
    /// Returns the page of `view` and `extras`.
    ///
    /// # Errors
    ///
    /// Those of reading a timeline.
    pub fn with(&self, view: &View<'_>, extras: &Extras) -> io::Result<Vec<u8>> {
        let functions = Functions::of(view);
        let tree = view.tree();
        let texts = Texts {
            title: view.title(),
            heaviest: heaviest::table(view),
        };
        let (default, share) = match extras.timeline {
            Some(_) => (SIZE_WITH_TIMELINE, PROFILE_SHARE),
            None => (SIZE, 1.0),
        };
        let max_size = self.max_size.unwrap_or(default);
        let room = (max_size as f64 * share) as u64;
        let (page, columns) = fitting(tree, functions.len(), &texts, room, |least, omission| {
            let columns = Columns::of(tree, &functions, least);
            let exact = exact_rows(view, &functions, least);
            let mut remarks = view.remarks();
            remarks.extend(omission);
            let header = header(view, &functions, &exact, &columns, &remarks);
            (header, columns)
        })?;
        let sources = extras.sources.as_ref().map(|sources| {
            let header = sources.json().to_string();
            compressed(&header, std::iter::empty())
        });
        let page = put(&page, SOURCES, &sources.transpose()?.unwrap_or_default());
        let Some(timeline) = &extras.timeline else {
            return Ok(put(&page, TIMELINE, "").into_bytes());
        };
        let room = max_size.saturating_sub(page.len() as u64);
        let mut wanted = room;
        loop {
            let lanes = timeline.encode(view, &functions, &columns, wanted)?;
            let data = compressed(&lanes.header.to_string(), [&*lanes.bytes].into_iter())?;
            if data.len() as u64 <= room || wanted < LEAST_ROOM {
                return Ok(put(&page, TIMELINE, &data).into_bytes());
            }
            wanted = (wanted as f64 * TARGET * room as f64 / data.len() as f64) as u64;
        }
    }
}

/// Parts of the document beside the data.
struct Texts {
    title: String,
    heaviest: String,
}

/// Returns the page with as many nodes of `tree` as `max_size` bytes have room for, and these.
/// `data` makes header and columns of the nodes of a total or more; its second argument
/// describes the nodes left out.
fn fitting(
    tree: &DisplayTree,
    functions: usize,
    texts: &Texts,
    max_size: u64,
    data: impl Fn(u64, Option<String>) -> (Header, Columns),
) -> io::Result<(String, Columns)> {
    let mut least = 0;
    loop {
        let omission = (least > 0).then(|| omission(least, tree.whole(), max_size));
        let (header, columns) = data(least, omission);
        let page = PAGE
            .replace(TITLE, &escape_xml(&texts.title))
            .replace(HEAVIEST, &texts.heaviest);
        let parts = [&*header.parts].into_iter().chain(columns.bytes());
        let page = put(&page, DATA, &compressed(&header.json.to_string(), parts)?);
        let is_small = page.len() as u64 <= max_size;
        if is_small || columns.nodes <= functions {
            return Ok((page, columns));
        }
        let fit = columns.nodes as f64 * max_size as f64 / page.len() as f64;
        // Each round leaves out more, even where functions take most of the room.
        let (next, _) = narrowest(&[tree], least + 1, (TARGET * fit) as usize);
        least = next.max(2 * least);
    }
}

fn omission(least: u64, whole: u64, max_size: u64) -> String {
    format!(
        "Calls below {} % of the time are collapsed into one frame of each caller: \
         otherwise the profile would take more than {} (--max-size). The figures of functions \
         include them, unless only a part of the calls is shown.",
        percent(least as f64 / whole.max(1) as f64),
        size(max_size),
    )
}

/// Returns a header and columns as the page reads them, in base64.
fn compressed<'c>(header: &str, columns: impl Iterator<Item = &'c [u8]>) -> io::Result<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let mut length = Vec::new();
    varint::push(&mut length, header.len() as u64);
    encoder.write_all(&length)?;
    encoder.write_all(header.as_bytes())?;
    for column in columns {
        encoder.write_all(column)?;
    }
    Ok(BASE64.encode(&encoder.finish()?))
}

/// Returns `page` with data in its place.
fn put(page: &str, place: &str, data: &str) -> String {
    let (before, after) = page.rsplit_once(place).unwrap_or((page, ""));
    [before, data, after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::merge::Profile;

    #[test]
    fn the_built_page_has_each_place_and_no_address() {
        assert_eq!(PAGE.matches(TITLE).count(), 2);
        assert_eq!(PAGE.matches(HEAVIEST).count(), 1);
        assert_eq!(PAGE.matches(DATA).count(), 1);
        assert_eq!(PAGE.matches(TIMELINE).count(), 1);
        assert_eq!(PAGE.matches(SOURCES).count(), 1);
        assert!(!PAGE.contains("http:") && !PAGE.contains("https:"));
        assert!(PAGE.contains("default-src 'none'") && !PAGE.contains("-inline'"));
        assert!(PAGE.len() < 600_000);
    }

    #[test]
    fn an_empty_profile_has_a_page() {
        let profile = Profile::default();
        let page = Page::default().render(&View::new(&profile)).unwrap();
        assert!(page.unwrap().ends_with(b"</html>\n"));
    }
}
