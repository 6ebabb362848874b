//! The `.pstats` report: the text that `pstats.Stats(...).print_stats()` prints,
//! column for column, below a header of our own.
//!
//! Names are shown escaped ([`printable`]), where pstats would let a name's
//! control characters through to the terminal.

use std::fmt;
use std::io::{self, BufWriter, Write};

use super::display::{printable, pstats_name};
use super::sort_order::SortOrder;
use super::{Error, Report, Streamed, View, rendered};
use crate::analysis::rows;
use crate::model::{Counts, Rows};

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
    for (label, counts) in order.sorted(rows) {
        write_line(out, counts, &printable(&pstats_name(label)))?;
    }
    write!(out, "\n\n")
}

fn write_line(
    out: &mut impl Write,
    Counts { cc, nc, tt, ct }: Counts,
    name: &str,
) -> io::Result<()> {
    if nc == cc {
        write!(out, "{nc:>9}")?;
    } else {
        write!(out, "{:>9}", format!("{nc}/{cc}"))?;
    }
    for (time, calls) in [(tt, nc), (ct, cc)] {
        write!(out, " {:>8} ", Fixed3(time))?;
        match calls {
            0 => write!(out, "{:8}", "")?,
            calls => write!(out, "{:>8}", Fixed3(time / calls as f64))?,
        }
    }
    writeln!(out, " {name}")
}

/// Python's `'%.3f' % value`.
struct Fixed3(f64);

impl fmt::Display for Fixed3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.is_nan(), f.width()) {
            (true, _) => f.pad("nan"),
            // A number is padded at its left.
            (false, Some(width)) => write!(f, "{:width$.3}", self.0),
            (false, None) => write!(f, "{:.3}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed3(value: f64) -> String {
        Fixed3(value).to_string()
    }

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let values = [
            0.0625,
            0.0005,
            0.0015,
            -0.0,
            -1.2345,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        assert_eq!(
            values.map(fixed3),
            ["0.062", "0.001", "0.002", "-0.000", "-1.234", "inf", "-inf"]
        );
        assert_eq!(fixed3(-f64::NAN), "nan");
        assert_eq!(
            format!("{:>8}|{:>8}", Fixed3(0.0005), Fixed3(f64::NAN)),
            "   0.001|     nan"
        );
        assert_eq!(fixed3(1e22), "10000000000000000000000.000");
    }
}
