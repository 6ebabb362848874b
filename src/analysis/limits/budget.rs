//! Budgets: the most calls, or the most time, that functions may take, in a TOML file.
//!
//! ```toml
//! [calls]                          # also primitive_calls
//! "sqlalchemy.*" = 1200            # a pattern; the limit holds for the sum
//!
//! [total]                          # also self and waiting
//! "app.handle" = "250 ms"
//!
//! [python."3.11".calls]            # replaces the limits of these patterns on Python 3.11
//! "sqlalchemy.*" = 1250
//! ```

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use toml::{Table, Value};

use super::Metric;
use super::check::{Checked, Sums};
use super::rule::figure;
use crate::analysis::diff::Diff;
use crate::model::Pattern;

/// Limits by metric and pattern: numbers of calls, or nanoseconds.
type Limits = BTreeMap<(Metric, String), f64>;

/// Content of a budget file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    limits: Limits,
    /// Limits for single versions of Python, like `3.11`.
    of_python: BTreeMap<String, Limits>,
}

/// Reason why a text is no budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetError(String);

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BudgetError {}

/// One limit, and how it compares with a profile.
#[derive(Clone, Debug)]
pub struct CheckedLimit {
    /// Figure that the limit is for.
    pub metric: Metric,
    /// Functions whose figures are added up.
    pub pattern: String,
    /// The most that the sum may be.
    pub limit: f64,
    /// The sum.
    pub is: f64,
    /// Result of the comparison.
    pub checked: Checked,
}

impl Budget {
    /// Reads a budget file.
    ///
    /// # Errors
    ///
    /// When it is not TOML, or a key or limit has no meaning.
    pub fn parse(text: &str) -> Result<Budget, BudgetError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            BudgetError(error.to_string().trim_end().to_owned())
        })?;
        let mut budget = Budget::default();
        for (name, value) in table {
            match (name.as_str(), value) {
                ("python", Value::Table(versions)) => {
                    for (version, value) in versions {
                        let Value::Table(tables) = value else {
                            return Err(BudgetError(format!(
                                "python.{version} must be a table, as in \
                                 [python.\"3.11\".calls]"
                            )));
                        };
                        let limits = budget.of_python.entry(version).or_default();
                        for (name, value) in tables {
                            read_limits(&name, value, limits)?;
                        }
                    }
                }
                (_, value) => read_limits(&name, value, &mut budget.limits)?,
            }
        }
        Ok(budget)
    }

    /// Returns true if there is no limit.
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty() && self.of_python.is_empty()
    }

    /// Returns true if there are limits for this version of Python alone.
    pub fn has_python(&self, version: &str) -> bool {
        self.of_python.contains_key(version)
    }

    /// Returns the patterns with wildcards that calls are limited by.
    pub fn patterns(&self, python: Option<&str>) -> Vec<String> {
        let limits = self.limits_for(python).into_keys();
        let patterns = limits.filter(|(metric, text)| *metric == Metric::Calls && is_wild(text));
        patterns.map(|(_, text)| text).collect()
    }

    /// Compares all limits for this version of Python with the later side of `diff`.
    pub fn check(&self, diff: &Diff, python: Option<&str>) -> Vec<CheckedLimit> {
        let limits = self.limits_for(python).into_iter();
        limits
            .map(|((metric, pattern), limit)| {
                let sums = Sums::of(&Pattern::new(&pattern), metric, diff);
                let is = sums.is;
                CheckedLimit {
                    metric,
                    pattern,
                    limit,
                    is,
                    checked: sums.checked(metric, diff, is > limit),
                }
            })
            .collect()
    }

    /// Replaces the limits of calls, those for this version of Python or those for all.
    pub fn set_calls(&mut self, python: Option<&str>, calls: BTreeMap<String, u64>) {
        let limits = match python {
            Some(version) => self.of_python.entry(version.to_owned()).or_default(),
            None => &mut self.limits,
        };
        limits.retain(|(metric, _), _| *metric != Metric::Calls);
        let calls = calls.into_iter();
        limits.extend(calls.map(|(name, calls)| ((Metric::Calls, name), calls as f64)));
    }

    fn limits_for(&self, python: Option<&str>) -> Limits {
        let mut limits = self.limits.clone();
        if let Some(own) = python.and_then(|version| self.of_python.get(version)) {
            limits.extend(own.clone());
        }
        limits
    }
}

/// Returns true for a pattern that is not the name of one function.
fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// The file, one line a function, sorted.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("# Checked by edbprof check --budget=FILE; --update rewrites the calls.\n")?;
        write_limits(f, "", &self.limits)?;
        for (version, limits) in &self.of_python {
            write_limits(f, &format!("python.{}.", quoted(version)), limits)?;
        }
        Ok(())
    }
}

fn write_limits(out: &mut impl Write, prefix: &str, limits: &Limits) -> fmt::Result {
    let mut table = None;
    for ((metric, pattern), limit) in limits {
        if table != Some(metric) {
            writeln!(out, "\n[{prefix}{}]", metric.name())?;
            table = Some(metric);
        }
        let pattern = quoted(pattern);
        match metric.is_count() {
            true => writeln!(out, "{pattern} = {limit:.0}")?,
            false => writeln!(out, "{pattern} = \"{} ms\"", limit / 1e6)?,
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn read_limits(name: &str, value: Value, limits: &mut Limits) -> Result<(), BudgetError> {
    let names = Metric::ALL.map(Metric::name).join(", ");
    let metric = Metric::named(name)
        .ok_or_else(|| BudgetError(format!("no figure is called '{name}'; there are {names}")))?;
    let Value::Table(entries) = value else {
        return Err(BudgetError(format!(
            "{name} must be a table, as in [{name}]"
        )));
    };
    for (pattern, value) in entries {
        let limit = match value {
            Value::Integer(calls) if calls >= 0 && metric.is_count() => Ok(calls as f64),
            Value::String(text) if !metric.is_count() => {
                figure(&text, metric).map_err(|error| error.to_string())
            }
            Value::Table(_) => Err("a name with dots must be in quotes".to_owned()),
            _ if metric.is_count() => Err("expected a whole number of calls".to_owned()),
            _ => Err("expected a time in quotes, like \"1.5 ms\"".to_owned()),
        };
        let limit =
            limit.map_err(|why| BudgetError(format!("{name}.{}: {why}", quoted(&pattern))))?;
        limits.insert((metric, pattern), limit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# Checked by edbprof check --budget=FILE; --update rewrites the calls.

[calls]
"app.*" = 1200
"app.<lambda>" = 3

[self]
"app.f" = "1.5 ms"

[python."3.11".calls]
"app.*" = 1250
"#;

    #[test]
    fn files_are_written_as_they_are_read() {
        let budget = Budget::parse(FILE).unwrap();
        assert_eq!(budget.to_string(), FILE);
        assert_eq!(budget.patterns(None), ["app.*"]);
        let limit = |python| budget.limits_for(python)[&(Metric::Calls, "app.*".to_owned())];
        assert_eq!((limit(None), limit(Some("3.13"))), (1200.0, 1200.0));
        assert_eq!(limit(Some("3.11")), 1250.0);
    }

    #[test]
    fn updates_replace_calls_alone() {
        let mut budget = Budget::parse(FILE).unwrap();
        budget.set_calls(None, BTreeMap::from([("b".to_owned(), 7)]));
        let text = budget.to_string();
        assert!(
            text.contains("[calls]\n\"b\" = 7\n\n[self]\n\"app.f\""),
            "{text}"
        );
        assert!(
            text.contains("[python.\"3.11\".calls]\n\"app.*\" = 1250"),
            "{text}"
        );
    }

    #[test]
    fn errors_name_the_key() {
        for (text, expected) in [
            (
                "[cals]",
                "no figure is called 'cals'; there are calls, primitive_calls, self, total, waiting",
            ),
            ("calls = 3", "calls must be a table, as in [calls]"),
            (
                "[calls]\nf = \"x\"",
                "calls.\"f\": expected a whole number of calls",
            ),
            (
                "[calls]\na.b = 1",
                "calls.\"a\": a name with dots must be in quotes",
            ),
            (
                "[self]\nf = 3",
                "self.\"f\": expected a time in quotes, like \"1.5 ms\"",
            ),
        ] {
            assert_eq!(Budget::parse(text).unwrap_err().to_string(), expected);
        }
        let error = Budget::parse("[calls]\n\"f\" = ").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
