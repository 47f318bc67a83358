//! One document of a manifest: its value, and where and how each part of it was written.
//!
//! Does not know kinds beyond telling a list of objects from an object.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::diagnostic::{Diagnostic, Severity};
use super::tree::{Child, Content};
use crate::model::{FieldPath, Position, Written};

/// A document, or an item of a document that is a `List`.
#[derive(Clone)]
pub struct Document {
    /// The name of the file, `-` for standard input.
    pub source: Arc<str>,
    /// What kubectl would send to the API server. Not always a map.
    pub value: Value,
    root: Child,
}

impl Document {
    pub(super) fn new(source: Arc<str>, root: Child) -> Self {
        Self { source, value: root.node.expand(), root }
    }

    /// What it takes in memory, about: bytes of text and 32 for each value, aliases expanded.
    pub fn weight(&self) -> usize {
        self.root.node.weight
    }

    /// The text at a path of keys; `None` where there is none, and for what is no text.
    pub fn text(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().try_fold(&self.value, |value, key| value.get(key))?.as_str()
    }

    /// Keys that YAML 1.1 does not read as text (`on:`, `y:`, `8080:`): the path with the key as
    /// it would reach the API server, the key as written, and its place.
    pub fn misread_keys(&self) -> Vec<(FieldPath, &str, Position)> {
        self.root.misread_keys()
    }

    /// Something to say about a field, with its place.
    pub fn finding(&self, severity: Severity, field: FieldPath, message: String) -> Diagnostic {
        let (source, position) = (Some(Arc::clone(&self.source)), self.position(&field));
        Diagnostic { source, position, object: None, field: Some(field), severity, message }
    }

    /// Where the document begins.
    pub fn start(&self) -> Position {
        self.root.at
    }

    /// The objects of a `List`, or the document itself where it is none. A list of one kind, such
    /// as the API server gives (`RoleList`), lends its items the kind and version they lack.
    pub(super) fn flatten(self) -> Vec<Self> {
        let Some(items) = self.list_items() else { return vec![self] };
        let item_type = self.item_type();
        items
            .iter()
            .map(|item| Self::new(Arc::clone(&self.source), item.clone()).typed(item_type.as_ref()))
            .flat_map(Self::flatten)
            .collect()
    }

    fn list_items(&self) -> Option<&[Child]> {
        let kind = self.text(&["kind"]).filter(|kind| kind.ends_with("List"))?;
        let Content::Map(fields) = &self.root.node.content else { return None };
        match &fields.get("items")?.node.content {
            Content::List(items) => Some(items),
            Content::Scalar { value: Value::Null, .. } if kind == "List" => Some(&[]),
            _ => None,
        }
    }

    /// `apiVersion` and `kind` of the items of a list of one kind.
    fn item_type(&self) -> Option<(String, String)> {
        let kind = self.text(&["kind"])?.strip_suffix("List").filter(|kind| !kind.is_empty())?;
        Some((self.text(&["apiVersion"])?.to_owned(), kind.to_owned()))
    }

    fn typed(mut self, item_type: Option<&(String, String)>) -> Self {
        if let (Some((version, kind)), Value::Object(fields)) = (item_type, &mut self.value)
            && !fields.contains_key("apiVersion")
            && !fields.contains_key("kind")
        {
            fields.insert("apiVersion".to_owned(), version.clone().into());
            fields.insert("kind".to_owned(), kind.clone().into());
        }
        self
    }
}

impl Written for Document {
    fn written(&self, path: &FieldPath) -> Option<&str> {
        match &self.root.find(path)?.node.content {
            Content::Scalar { written, .. } => written.as_deref(),
            _ => None,
        }
    }

    fn position(&self, path: &FieldPath) -> Option<Position> {
        Some(self.root.nearest(path).at)
    }
}

impl fmt::Debug for Document {
    /// The place alone: the value may be somebody's Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({}:{})", self.source, self.root.at)
    }
}
