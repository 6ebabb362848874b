//! The `.pstats` report: the text that `pstats.Stats(...).print_stats()` prints, column for column,
//! below a header of edbprof's own.
//!
//! Names are escaped ([`printable`](super::display::printable)), because pstats would pass a name's
//! control characters to the terminal.

mod fixed;

use std::io::{self, BufWriter, Write};

use super::display::push_pstats_name;
use super::sort_order::SortOrder;
use super::{Error, Report, Streamed, View, rendered};
use crate::analysis::rows;
use crate::model::{Counts, Label, Rows};
use fixed::{Fixed3, pad_left, push_fixed3, push_int};

/// Bytes that are written at once.
const AT_ONCE: usize = 64 << 10;

/// The table of `print_stats` in one order.
#[derive(Clone, Debug, Default)]
pub struct PstatsText {
    /// Order of the rows.
    pub order: SortOrder,
    /// True to name files without their directories.
    pub strip_dirs: bool,
}

impl Report for PstatsText {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        rendered(self.streamed(view))
    }

    fn streamed<'v>(&'v self, view: &'v View<'_>) -> Option<Streamed<'v>> {
        Some(Box::new(|out| {
            let mut out = BufWriter::with_capacity(AT_ONCE, out);
            writeln!(out, "{}", view.title())?;
            for remark in view.remarks() {
                writeln!(out, "{remark}")?;
            }
            writeln!(out)?;
            if self.strip_dirs {
                print_stats(&mut out, &rows::strip_dirs(&view.rows), &self.order)?;
            } else {
                print_stats(&mut out, &view.rows, &self.order)?;
            }
            out.flush()
        }))
    }
}

/// Returns the text that `pstats.Stats.sort_stats(...).print_stats()` prints for `rows` that were
/// not read from named files.
///
/// # Errors
///
/// Those of `out`.
pub fn print_stats(out: &mut impl Write, rows: &Rows, order: &SortOrder) -> io::Result<()> {
    let mut sum = Counts::default();
    for (_, row) in rows.iter() {
        sum.nc = sum.nc.saturating_add(row.counts.nc);
        sum.cc = sum.cc.saturating_add(row.counts.cc);
        sum.tt += row.counts.tt;
    }
    write!(out, "         {} function calls ", sum.nc)?;
    if sum.nc != sum.cc {
        write!(out, "({} primitive calls) ", sum.cc)?;
    }
    write!(out, "in {} seconds\n\n", Fixed3(sum.tt))?;
    if rows.is_empty() {
        return Ok(());
    }
    match order.description() {
        Some(keys) => write!(out, "   Ordered by: {keys}\n\n")?,
        None => write!(out, "   Random listing order was used\n\n")?,
    }
    writeln!(
        out,
        "   ncalls  tottime  percall  cumtime  percall filename:lineno(function)"
    )?;
    let mut line = Vec::new();
    for (label, counts) in order.sorted(rows) {
        line.clear();
        push_line(&mut line, label, counts);
        out.write_all(&line)?;
    }
    write!(out, "\n\n")
}

fn push_line(line: &mut Vec<u8>, label: &Label, Counts { cc, nc, tt, ct }: Counts) {
    push_int(line, nc);
    if nc != cc {
        line.push(b'/');
        push_int(line, cc);
    }
    pad_left(line, 0, 9);
    for (time, calls) in [(tt, nc), (ct, cc)] {
        line.push(b' ');
        let start = line.len();
        push_fixed3(line, time);
        pad_left(line, start, 8);
        line.push(b' ');
        let start = line.len();
        if calls != 0 {
            push_fixed3(line, time / calls as f64);
        }
        pad_left(line, start, 8);
    }
    line.push(b' ');
    push_pstats_name(line, label);
    line.push(b'\n');
}
