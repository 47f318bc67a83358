//! How an object was written down: what the validator asks about places and quotes.
//!
//! A contract between whoever validates and whoever read the text; it reads nothing itself.

use std::fmt;

use super::path::FieldPath;

/// A place in a text: line and column, both counted from one, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Position {
    /// The line, from one.
    pub line: usize,
    /// The column in characters, from one.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is known about the text that an object was read from.
pub trait Written {
    /// The text of an unquoted scalar that YAML 1.1 does *not* read as text: a boolean, a number,
    /// null, a date, a sexagesimal number, infinity.
    ///
    /// Some of them are text in the object's value nevertheless (kubectl keeps dates as text, other
    /// readers of YAML do not). Where text is meant, `Some` is a problem whatever the value, and
    /// its cure is the same text in quotes; digits are as they were written, however many.
    /// `None` for quoted scalars, unambiguous text, maps, lists, a value left empty, and places
    /// that do not exist.
    fn written(&self, path: &FieldPath) -> Option<&str>;

    /// The place of a field: a map's entry stands where its key does, a list's element where it
    /// begins. A field that does not exist has the place of the nearest parent that does.
    fn position(&self, path: &FieldPath) -> Option<Position>;
}

/// An object that no text is known of, such as one from a cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unplaced;

impl Written for Unplaced {
    fn written(&self, _: &FieldPath) -> Option<&str> {
        None
    }

    fn position(&self, _: &FieldPath) -> Option<Position> {
        None
    }
}
