//! Where in an object a value stands: a path of keys and indices, written as Kubernetes writes it.
//!
//! Names a place and nothing more: it does not know whether the place exists.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The entry of a map.
    Key(Cow<'static, str>),
    /// The element of a list, counted from zero.
    Index(usize),
}

impl From<&'static str> for Segment {
    fn from(key: &'static str) -> Self {
        Self::Key(Cow::Borrowed(key))
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(Cow::Owned(key))
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The path of a value within an object, e.g. `spec.condition.StringLike["jwt:sub"][0]`.
///
/// A walk keeps one path, [`push`](Self::push)es on the way down, [`pop`](Self::pop)s on the way
/// up, and clones it only where there is something to say. Ordered by its steps, so that what is
/// said about one object can be sorted by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// The object itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Steps down, to a key or an index.
    pub fn push(&mut self, step: impl Into<Segment>) {
        self.0.push(step.into());
    }

    /// Steps up; the root stays the root.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// The path one step further down; `self` stays.
    #[must_use]
    pub fn child(&self, step: impl Into<Segment>) -> Self {
        let mut child = self.clone();
        child.push(step);
        child
    }

    /// The steps from the root down.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the object itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S: Into<Segment>> FromIterator<S> for FieldPath {
    fn from_iter<I: IntoIterator<Item = S>>(steps: I) -> Self {
        Self(steps.into_iter().map(Into::into).collect())
    }
}

/// A key that needs no quotes: what a field of Kubernetes is called.
fn is_plain(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

impl fmt::Display for FieldPath {
    /// Dots before plain names, brackets around indices and quoted keys (control characters
    /// escaped); the root is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_plain(key) => write!(f, "[{key:?}]")?,
                Segment::Key(key) if depth == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_dotted_and_all_others_quoted() {
        let mut path: FieldPath = ["spec", "condition", "StringLike", "jwt:sub"].into_iter().collect();
        path.push(0);
        assert_eq!(path.to_string(), r#"spec.condition.StringLike["jwt:sub"][0]"#);
        assert_eq!(
            FieldPath::root().child("ForAnyValue:StringLike").to_string(),
            r#"["ForAnyValue:StringLike"]"#
        );
        for (key, shown) in
            [("", r#"a[""]"#), ("9", r#"a["9"]"#), ("x\"\n", r#"a["x\"\n"]"#), ("_x-1", "a._x-1")]
        {
            assert_eq!(FieldPath::root().child("a").child(key.to_owned()).to_string(), shown);
        }
    }

    #[test]
    fn the_root_shows_nothing_and_has_nothing_above_it() {
        let mut path = FieldPath::root();
        path.pop();
        assert!(path.is_root());
        assert_eq!(path.to_string(), "");
    }

    #[test]
    fn paths_sort_by_place_and_indices_by_number() {
        let at = |i: usize| FieldPath::root().child("a").child(i);
        assert!(at(2) < at(10) && FieldPath::root() < at(0));
    }
}
