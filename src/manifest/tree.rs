//! The tree of a document with the place of everything in it; aliases share their branches.
//!
//! Knows depth and weight of every branch as if it were expanded, without expanding it. Reads no
//! text.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::model::{FieldPath, Position, Segment};

/// A node, and what it takes to expand it.
#[derive(Debug)]
pub(super) struct Node {
    pub content: Content,
    /// Levels of maps and lists, this one included; scalars have none.
    pub depth: usize,
    /// Bytes of text plus [`Node::OWN_WEIGHT`] for every node, aliases expanded; saturates.
    pub weight: usize,
}

#[derive(Debug)]
pub(super) enum Content {
    Scalar {
        value: Value,
        /// The text as written, where it is unquoted and not text to every reader.
        written: Option<Box<str>>,
    },
    List(Vec<Child>),
    Map(BTreeMap<String, Child>),
}

/// A node in its place. The same node can stand in several.
#[derive(Debug, Clone)]
pub(super) struct Child {
    /// Where the key stands, or where the list's element begins.
    pub at: Position,
    /// The key as written, where it is unquoted and not text to every reader.
    pub key_written: Option<Box<str>>,
    /// Brought in by `<<`: a key of the map's own takes its place.
    pub merged: bool,
    pub node: Arc<Node>,
}

impl Node {
    /// What a node weighs before any text.
    pub const OWN_WEIGHT: usize = 32;

    pub fn scalar(value: Value, written: Option<Box<str>>) -> Self {
        let text = value.as_str().map_or(0, str::len);
        Self {
            content: Content::Scalar { value, written },
            depth: 0,
            weight: Self::OWN_WEIGHT.saturating_add(text),
        }
    }

    pub fn list(children: Vec<Child>) -> Self {
        let depth = deepest(children.iter());
        let weight = children.iter().map(|c| c.node.weight).fold(Self::OWN_WEIGHT, usize::saturating_add);
        Self { content: Content::List(children), depth, weight }
    }

    pub fn map(children: BTreeMap<String, Child>) -> Self {
        let depth = deepest(children.values());
        let weight = children
            .iter()
            .map(|(key, c)| c.node.weight.saturating_add(key.len()))
            .fold(Self::OWN_WEIGHT, usize::saturating_add);
        Self { content: Content::Map(children), depth, weight }
    }

    /// The JSON that kubectl would send. As large as [`Node::weight`] says, which the caller has
    /// bounded.
    pub fn expand(&self) -> Value {
        match &self.content {
            Content::Scalar { value, .. } => value.clone(),
            Content::List(children) => children.iter().map(|c| c.node.expand()).collect(),
            Content::Map(children) => children.iter().map(|(k, c)| (k.clone(), c.node.expand())).collect(),
        }
    }

    fn step(&self, segment: &Segment) -> Option<&Child> {
        match (&self.content, segment) {
            (Content::List(children), Segment::Index(index)) => children.get(*index),
            (Content::Map(children), Segment::Key(key)) => children.get(key.as_ref()),
            _ => None,
        }
    }
}

fn deepest<'a>(children: impl Iterator<Item = &'a Child>) -> usize {
    children.map(|c| c.node.depth).max().unwrap_or(0).saturating_add(1)
}

impl Child {
    pub fn new(at: Position, node: Arc<Node>) -> Self {
        Self { at, key_written: None, merged: false, node }
    }

    /// The child at the end of the path, or `None` where there is none.
    pub fn find(&self, path: &FieldPath) -> Option<&Self> {
        path.segments().iter().try_fold(self, |child, segment| child.node.step(segment))
    }

    /// Nothing was written here.
    pub fn is_left_out(&self) -> bool {
        matches!(&self.node.content, Content::Scalar { value: Value::Null, written: None })
    }

    /// The last child on the way that exists.
    pub fn nearest(&self, path: &FieldPath) -> &Self {
        let mut child = self;
        for segment in path.segments() {
            match child.node.step(segment) {
                Some(next) => child = next,
                None => break,
            }
        }
        child
    }

    /// Every key below here that is not text to every reader: its path, the key as written, and
    /// its place.
    pub fn misread_keys(&self) -> Vec<(FieldPath, &str, Position)> {
        let mut found = Vec::new();
        self.collect_misread_keys(&mut FieldPath::root(), &mut found);
        found
    }

    fn collect_misread_keys<'a>(
        &'a self,
        path: &mut FieldPath,
        found: &mut Vec<(FieldPath, &'a str, Position)>,
    ) {
        if let Some(written) = &self.key_written {
            found.push((path.clone(), written, self.at));
        }
        let mut descend = |step: Segment, child: &'a Self| {
            path.push(step);
            child.collect_misread_keys(path, found);
            path.pop();
        };
        match &self.node.content {
            Content::Scalar { .. } => {}
            Content::List(children) => children.iter().enumerate().for_each(|(i, c)| descend(i.into(), c)),
            Content::Map(children) => children.iter().for_each(|(k, c)| descend(k.clone().into(), c)),
        }
    }
}
