//! The `html` format: one page to explore a profile, without network and without a server.
//!
//! The page itself, scripts included, is built from `page/` to `page/page.html` and is the same for
//! all profiles. What differs is put into it here: a title, the heaviest functions as text, and the
//! data, which `page/data/` in the sources of the page decodes. docs/design/0043-page.md has the
//! reasons.

mod columns;
mod exact;
mod functions;
mod header;
mod heaviest;

use std::io::Write;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::display::escape_xml;
use super::numbers::{percent, size};
use super::{Error, Report, View};
use crate::analysis::prune::narrowest;
use columns::Columns;
use exact::exact_rows;
use functions::Functions;
use header::header;

const PAGE: &str = include_str!("page/page.html");
/// Places in the page that differ between profiles.
const TITLE: &str = "<!--edbprof:title-->";
const HEAVIEST: &str = "<!--edbprof:heaviest-->";
const DATA: &str = "<!--edbprof:data-->";

/// Share of its largest size from which on the page is not tried again with more nodes.
const TARGET: f64 = 0.9;

/// One page with all views of a profile.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The most bytes that the page may have: the lightest calls are collapsed until it fits.
    pub max_size: u64,
}

impl Default for Page {
    fn default() -> Self {
        Page {
            max_size: 50_000_000,
        }
    }
}

impl Report for Page {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let tree = view.tree();
        let functions = Functions::of(view);
        let exact = exact_rows(view, &functions);
        let max_size = usize::try_from(self.max_size).unwrap_or(usize::MAX);
        let mut least = 0;
        loop {
            let columns = Columns::of(tree, &functions, least);
            let mut remarks = view.remarks();
            if least > 0 {
                remarks.push(self.omission(least, tree.whole()));
            }
            let header = header(view, &functions, &exact, &columns, &remarks);
            let data = compressed(&header, &columns).map_err(Error::new)?;
            let page = fill(view, &data);
            let fits = page.len() <= max_size;
            if fits || columns.nodes <= functions.len() {
                return Ok(Some(page.into_bytes()));
            }
            let fit = columns.nodes as f64 * max_size as f64 / page.len() as f64;
            // Each round leaves out more, even where functions take most of the room.
            let (next, _) = narrowest(&[tree], least + 1, (TARGET * fit) as usize);
            least = next.max(2 * least);
        }
    }
}

impl Page {
    fn omission(&self, least: u64, whole: u64) -> String {
        format!(
            "Calls below {} % of the time are collapsed into one frame of each caller: \
             otherwise the page would be larger than {} (--max-size).",
            percent(least as f64 / whole.max(1) as f64),
            size(self.max_size),
        )
    }
}

/// Returns header and columns as the page reads them, in base64.
fn compressed(header: &str, columns: &Columns) -> std::io::Result<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let mut length = Vec::new();
    columns::push(&mut length, header.len() as u64);
    encoder.write_all(&length)?;
    encoder.write_all(header.as_bytes())?;
    for column in columns.bytes() {
        encoder.write_all(column)?;
    }
    Ok(BASE64.encode(&encoder.finish()?))
}

/// Returns the page with what differs between profiles.
fn fill(view: &View<'_>, data: &str) -> String {
    let page = PAGE
        .replace(TITLE, &escape_xml(&view.title()))
        .replace(HEAVIEST, &heaviest::table(view));
    let (before, after) = page.rsplit_once(DATA).unwrap_or((&page, ""));
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
