//! The `.pstats` report: the text that `pstats.Stats(...).print_stats()` prints,
//! column for column, below a header of our own.
//!
//! Names are shown escaped ([`printable`]), where pstats would let a name's
//! control characters through to the terminal.

use super::display::{printable, pstats_name};
use super::sort_order::SortOrder;
use super::{Error, Report, View};
use crate::analysis::rows;
use crate::model::{Counts, Rows};

/// The table of `print_stats` in one order.
#[derive(Clone, Debug, Default)]
pub struct PstatsText {
    /// What to sort by.
    pub order: SortOrder,
    /// Whether files are named without their directories.
    pub strip_dirs: bool,
}

impl Report for PstatsText {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let mut text = format!("{}\n", view.title());
        for remark in view.remarks() {
            text.push_str(&format!("{remark}\n"));
        }
        text.push('\n');
        text.push_str(&if self.strip_dirs {
            print_stats(&rows::strip_dirs(&view.rows), &self.order)
        } else {
            print_stats(&view.rows, &self.order)
        });
        Ok(Some(text.into_bytes()))
    }
}

/// What `pstats.Stats.sort_stats(...).print_stats()` prints for `rows` that were
/// not read from named files.
pub fn print_stats(rows: &Rows, order: &SortOrder) -> String {
    let mut sum = Counts::default();
    for (_, row) in rows.iter() {
        sum.nc = sum.nc.saturating_add(row.counts.nc);
        sum.cc = sum.cc.saturating_add(row.counts.cc);
        sum.tt += row.counts.tt;
    }
    let mut text = format!("         {} function calls ", sum.nc);
    if sum.nc != sum.cc {
        text.push_str(&format!("({} primitive calls) ", sum.cc));
    }
    text.push_str(&format!("in {} seconds\n\n", fixed3(sum.tt)));
    if rows.is_empty() {
        return text;
    }
    match order.description() {
        Some(keys) => text.push_str(&format!("   Ordered by: {keys}\n\n")),
        None => text.push_str("   Random listing order was used\n\n"),
    }
    text.push_str("   ncalls  tottime  percall  cumtime  percall filename:lineno(function)\n");
    for (label, counts) in order.sorted(rows) {
        push_line(&mut text, counts, &printable(&pstats_name(label)));
    }
    text.push_str("\n\n");
    text
}

fn push_line(text: &mut String, Counts { cc, nc, tt, ct }: Counts, name: &str) {
    let calls = if nc == cc {
        nc.to_string()
    } else {
        format!("{nc}/{cc}")
    };
    let per_call = |time: f64, calls: i128| match calls {
        0 => String::new(),
        calls => fixed3(time / calls as f64),
    };
    text.push_str(&format!(
        "{calls:>9} {:>8} {:>8} {:>8} {:>8} {name}\n",
        fixed3(tt),
        per_call(tt, nc),
        fixed3(ct),
        per_call(ct, cc),
    ));
}

/// Python's `'%.3f' % value`.
fn fixed3(value: f64) -> String {
    if value.is_nan() {
        "nan".to_owned()
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(fixed3(1e22), "10000000000000000000000.000");
    }
}
