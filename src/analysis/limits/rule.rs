//! Rules that must not hold, such as `calls("json.*") > +5%`.
//!
//! ```text
//! rule   = metric "(" '"' pattern '"' ")" ( ">" | ">=" | "<" | "<=" ) limit
//! metric = "calls" | "primitive_calls" | "self" | "total" | "waiting"
//! limit  = [ "+" | "-" ] number [ "%" | "ns" | "us" | "ms" | "s" ]
//! ```
//!
//! A limit with a sign or a percent sign is for the growth from before to after; without, for
//! the figure after. Times need a unit, and numbers of calls have none.

use std::fmt;
use std::str::FromStr;

use super::Metric;
use crate::model::Pattern;

/// A rule, which is broken if the comparison holds.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule as it was written.
    pub text: String,
    /// Figure that is compared.
    pub metric: Metric,
    /// Functions whose figures are added up.
    pub pattern: Pattern,
    /// Comparison of the sum with the limit.
    pub comparison: Comparison,
    /// The limit.
    pub limit: Limit,
}

/// Comparison of a figure with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

impl Comparison {
    /// Returns true if it holds.
    pub fn holds(self, figure: f64, limit: f64) -> bool {
        match self {
            Comparison::Above => figure > limit,
            Comparison::AtLeast => figure >= limit,
            Comparison::Below => figure < limit,
            Comparison::AtMost => figure <= limit,
        }
    }
}

/// Number that a figure is compared with: calls, or nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The figure after.
    Figure(f64),
    /// The figure after less the one before.
    Growth(f64),
    /// The growth as a share of the figure before; 0.05 is five per cent.
    Share(f64),
}

/// Reason why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Column of the first character that can't be read, from 1.
    pub column: usize,
    /// Phrase for the text that is expected there.
    pub expected: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "column {}: expected {}, as in calls(\"json.*\") > +5%",
            self.column, self.expected
        )
    }
}

impl std::error::Error for RuleError {}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Rule, RuleError> {
        let mut rest = Rest { text, at: 0 };
        let metric = rest.metric()?;
        rest.token("(")?;
        let pattern = rest.pattern()?;
        rest.token(")")?;
        let comparison = rest.comparison()?;
        let limit = rest.limit(metric)?;
        rest.skip_blanks();
        if rest.at < text.len() {
            return Err(rest.expected("the end of the rule"));
        }
        Ok(Rule {
            text: text.trim().to_owned(),
            metric,
            pattern,
            comparison,
            limit,
        })
    }
}

/// Reads a time like `1.5 ms` as nanoseconds, or a number of calls.
///
/// # Errors
///
/// When `text` is neither, or not what `metric` is measured in.
pub(super) fn figure(text: &str, metric: Metric) -> Result<f64, RuleError> {
    let mut rest = Rest { text, at: 0 };
    let number = rest.number()?;
    let figure = rest.unit(metric, number)?;
    rest.skip_blanks();
    match rest.at == text.len() {
        true => Ok(figure),
        false => Err(rest.expected("the end of the number")),
    }
}

/// Text that is read from its beginning to its end.
struct Rest<'t> {
    text: &'t str,
    /// Bytes that are read.
    at: usize,
}

impl<'t> Rest<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn expected(&self, expected: impl Into<String>) -> RuleError {
        RuleError {
            column: self.text[..self.at].chars().count() + 1,
            expected: expected.into(),
        }
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes `token` and the blanks before it, if it comes next.
    fn take(&mut self, token: &str) -> bool {
        self.skip_blanks();
        let is_next = self.rest().starts_with(token);
        self.at += if is_next { token.len() } else { 0 };
        is_next
    }

    fn token(&mut self, token: &str) -> Result<(), RuleError> {
        match self.take(token) {
            true => Ok(()),
            false => Err(self.expected(format!("'{token}'"))),
        }
    }

    /// Takes all characters that follow and are `wanted`.
    fn word(&mut self, wanted: fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn metric(&mut self) -> Result<Metric, RuleError> {
        self.skip_blanks();
        let start = self.at;
        let word = self.word(|c| c.is_ascii_alphabetic() || c == '_');
        Metric::named(word).ok_or_else(|| {
            self.at = start;
            let names = Metric::ALL.map(Metric::name);
            self.expected(format!("one of {}", names.join(", ")))
        })
    }

    fn pattern(&mut self) -> Result<Pattern, RuleError> {
        self.skip_blanks();
        for quote in ['"', '\''] {
            let Some(inner) = self.rest().strip_prefix(quote) else {
                continue;
            };
            let Some(end) = inner.find(quote) else {
                self.at = self.text.len();
                return Err(self.expected(format!("the closing {quote}")));
            };
            if end == 0 {
                self.at += 1;
                return Err(self.expected("a pattern that names functions"));
            }
            self.at += end + 2;
            return Ok(Pattern::new(&inner[..end]));
        }
        Err(self.expected("a pattern in quotes"))
    }

    fn comparison(&mut self) -> Result<Comparison, RuleError> {
        let all = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            (">", Comparison::Above),
            ("<", Comparison::Below),
        ];
        let next = all.into_iter().find(|(token, _)| self.take(token));
        let (_, comparison) = next.ok_or_else(|| self.expected("one of > >= < <="))?;
        Ok(comparison)
    }

    fn limit(&mut self, metric: Metric) -> Result<Limit, RuleError> {
        self.skip_blanks();
        let sign = match () {
            () if self.take("+") => Some(1.0),
            () if self.take("-") => Some(-1.0),
            () => None,
        };
        let number = self.number()?;
        if self.take("%") {
            return Ok(Limit::Share(sign.unwrap_or(1.0) * number / 100.0));
        }
        let figure = self.unit(metric, number)?;
        Ok(match sign {
            Some(sign) => Limit::Growth(sign * figure),
            None => Limit::Figure(figure),
        })
    }

    fn number(&mut self) -> Result<f64, RuleError> {
        self.skip_blanks();
        let start = self.at;
        let word = self.word(|c| c.is_ascii_digit() || matches!(c, '.' | '_'));
        let number: Option<f64> = word.replace('_', "").parse().ok();
        number.ok_or_else(|| {
            self.at = start;
            self.expected("a number")
        })
    }

    fn unit(&mut self, metric: Metric, number: f64) -> Result<f64, RuleError> {
        if metric.is_count() {
            return Ok(number);
        }
        let units = [
            ("ns", 1.0),
            ("us", 1e3),
            ("µs", 1e3),
            ("ms", 1e6),
            ("s", 1e9),
        ];
        let unit = units.into_iter().find(|(unit, _)| self.take(unit));
        let (_, ns) = unit.ok_or_else(|| self.expected("one of the units ns us ms s"))?;
        Ok(number * ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> (Metric, Comparison, Limit) {
        let rule: Rule = text.parse().unwrap();
        (rule.metric, rule.comparison, rule.limit)
    }

    #[test]
    fn rules_are_read() {
        use Comparison::*;
        assert_eq!(
            limit("calls(\"sqlalchemy.*\") > +5%"),
            (Metric::Calls, Above, Limit::Share(0.05))
        );
        assert_eq!(
            limit(" primitive_calls ( 'f' ) >=1_200 "),
            (Metric::PrimitiveCalls, AtLeast, Limit::Figure(1200.0))
        );
        assert_eq!(
            limit("self('f')>+1.5 ms"),
            (Metric::SelfTime, Above, Limit::Growth(1.5e6))
        );
        assert_eq!(
            limit("total('f') < 2s"),
            (Metric::Total, Below, Limit::Figure(2e9))
        );
        assert_eq!(
            limit("waiting('f') > +800ms"),
            (Metric::Waiting, Above, Limit::Growth(8e8))
        );
        assert_eq!(
            limit("calls('f') <= -10"),
            (Metric::Calls, AtMost, Limit::Growth(-10.0))
        );
    }

    #[test]
    fn errors_say_where_and_what() {
        for (text, column, expected) in [
            ("", 1, "one of calls, primitive_calls, self, total, waiting"),
            (
                "cals('f') > 1",
                1,
                "one of calls, primitive_calls, self, total, waiting",
            ),
            ("calls 'f' > 1", 7, "'('"),
            ("calls(f) > 1", 7, "a pattern in quotes"),
            ("calls('f > 1", 13, "the closing '"),
            ("calls('') > 1", 8, "a pattern that names functions"),
            ("calls('f' > 1", 11, "')'"),
            ("calls('f') = 1", 12, "one of > >= < <="),
            ("calls('f') > many", 14, "a number"),
            ("calls('f') > 5 %%", 17, "the end of the rule"),
            ("self('é') > 5", 14, "one of the units ns us ms s"),
        ] {
            let error = text.parse::<Rule>().unwrap_err();
            let expected = expected.to_owned();
            assert_eq!(error, RuleError { column, expected }, "{text}");
        }
    }
}
