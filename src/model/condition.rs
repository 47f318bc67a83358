//! Conditions: operators over claims, as written (`semantics.md` 12–18). Says what a condition is and
//! whether a value satisfies an operator; who is judged and by which Role is the engine's business.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Pattern;

/// How an operator treats a claim of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantifier {
    /// The claim is one value; an array never matches.
    Plain,
    /// `ForAnyValue:` — at least one value.
    Any,
    /// `ForAllValues:` — every value, and at least one.
    All,
}

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Comparison {
    /// The same bytes.
    Equal,
    /// The same bytes, ASCII letters folded.
    EqualIgnoreCase,
    /// A pattern with `*` and `?`.
    Like,
    /// JSON true or false.
    Bool,
    /// Presence.
    Null,
}

/// An operator of the table of `semantics.md` 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Operator {
    /// How several values are treated.
    pub quantifier: Quantifier,
    /// What is compared.
    pub comparison: Comparison,
    /// Whether none of the values may match.
    pub negated: bool,
}

/// A text that is no operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown operator `{0}`; known are StringEqual, StringEqualIgnoreCase, StringNotEqual, StringNotEqualIgnoreCase, StringLike, StringNotLike, each also behind `ForAnyValue:` or `ForAllValues:`, and Bool and Null"
)]
pub struct UnknownOperator(pub String);

impl FromStr for Operator {
    type Err = UnknownOperator;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (quantifier, rest) = match text.split_once(':') {
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(_) => return Err(UnknownOperator(text.to_owned())),
            None => (Quantifier::Plain, text),
        };
        let (comparison, negated) = match rest {
            "StringEqual" | "StringEquals" => (Comparison::Equal, false),
            "StringNotEqual" | "StringNotEquals" => (Comparison::Equal, true),
            "StringEqualIgnoreCase" | "StringEqualsIgnoreCase" => (Comparison::EqualIgnoreCase, false),
            "StringNotEqualIgnoreCase" | "StringNotEqualsIgnoreCase" => (Comparison::EqualIgnoreCase, true),
            "StringLike" => (Comparison::Like, false),
            "StringNotLike" => (Comparison::Like, true),
            "Bool" if quantifier == Quantifier::Plain => (Comparison::Bool, false),
            "Null" if quantifier == Quantifier::Plain => (Comparison::Null, false),
            _ => return Err(UnknownOperator(text.to_owned())),
        };
        Ok(Self { quantifier, comparison, negated })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.quantifier {
            Quantifier::Plain => "",
            Quantifier::Any => "ForAnyValue:",
            Quantifier::All => "ForAllValues:",
        })?;
        f.write_str(match (self.comparison, self.negated) {
            (Comparison::Equal, false) => "StringEqual",
            (Comparison::Equal, true) => "StringNotEqual",
            (Comparison::EqualIgnoreCase, false) => "StringEqualIgnoreCase",
            (Comparison::EqualIgnoreCase, true) => "StringNotEqualIgnoreCase",
            (Comparison::Like, false) => "StringLike",
            (Comparison::Like, true) => "StringNotLike",
            (Comparison::Bool, _) => "Bool",
            (Comparison::Null, _) => "Null",
        })
    }
}

impl TryFrom<String> for Operator {
    type Error = UnknownOperator;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<Operator> for String {
    fn from(operator: Operator) -> String {
        operator.to_string()
    }
}

/// One operator on one claim: any of the values (negated: none of them).
///
/// A condition with two spellings of one operator, or two claims under one operator, has several
/// clauses; all of them must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// The operator.
    pub op: Operator,
    /// The claim, without `jwt:`.
    pub claim: Box<str>,
    /// The values as written, at least one; patterns where the operator compares patterns, `true` and
    /// `false` for Bool and Null.
    #[serde(with = "super::pattern::like")]
    pub values: Vec<Pattern>,
}

impl Clause {
    /// Whether one of the values, as texts, is exactly `wanted`.
    pub fn lists(&self, wanted: &str) -> bool {
        self.values.iter().any(|v| v.as_str() == wanted)
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} jwt:{}", self.op, self.claim)
    }
}

/// All clauses must hold. Never empty where it stands in a Role or statement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Condition(pub Vec<Clause>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r12_both_spellings_are_one_operator() {
        for (a, b) in [
            ("StringEqual", "StringEquals"),
            ("StringNotEqual", "StringNotEquals"),
            ("ForAnyValue:StringEqualIgnoreCase", "ForAnyValue:StringEqualsIgnoreCase"),
            ("ForAllValues:StringNotEqualIgnoreCase", "ForAllValues:StringNotEqualsIgnoreCase"),
        ] {
            assert_eq!(a.parse::<Operator>().unwrap(), b.parse::<Operator>().unwrap());
            assert_eq!(b.parse::<Operator>().unwrap().to_string(), a);
        }
    }

    #[test]
    fn r12_anything_else_is_no_operator() {
        for text in [
            "",
            "StringLikes",
            "stringequals",
            "ForAnyValue:Bool",
            "ForAllValues:Null",
            "ForAnyValue:",
            "NotBool",
            "StringNotLikeIgnoreCase",
            "StringLikeIgnoreCase",
            "NumericEquals",
            "ForAnyValue:ForAllValues:StringLike",
            "principal",
            "StringEqualsIfExists",
        ] {
            assert!(text.parse::<Operator>().is_err(), "{text}");
        }
    }
}
