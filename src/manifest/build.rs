//! From the parser's events to the tree of one document: keys, anchors, aliases, merges, bounds.
//!
//! Refuses what two readers of YAML could read differently. Does not know what a document is for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::error::Fault;
use super::tree::{Child, Content, Node};
use super::{MAX_DEPTH, MAX_WEIGHT, scalar};
use crate::model::Position;

/// A fault and its place.
pub(super) type Located = (Position, Fault);

/// Builds the tree of one document at a time.
#[derive(Default)]
pub(super) struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    /// The weight of what was made for this document so far, before any alias is expanded.
    making: usize,
    /// The weight of the documents that are complete, aliases expanded.
    made: usize,
}

/// A map or list whose end has not come yet.
struct Open {
    at: Position,
    anchor: usize,
    items: Items,
}

enum Items {
    List(Vec<Child>),
    Map { children: BTreeMap<String, Child>, key: Option<Key>, merge: Option<Position> },
}

struct Key {
    at: Position,
    text: String,
    written: Option<Box<str>>,
    is_merge: bool,
}

pub(super) fn position(span: &Span) -> Position {
    Position { line: span.start.line(), column: span.start.col().saturating_add(1) }
}

impl Builder {
    /// Forgets everything about the document at hand.
    pub fn abandon(&mut self) {
        self.open.clear();
        self.anchors.clear();
        self.making = 0;
    }

    /// Takes the next event; `Some` when a document's root is complete.
    pub fn take(&mut self, event: Event<'_>, span: &Span) -> Result<Option<Child>, Located> {
        let at = position(span);
        match event {
            Event::SequenceStart(_, anchor, tag) => {
                check_collection_tag(tag.as_deref(), "seq").map_err(|f| (at, f))?;
                self.begin(at, anchor, Items::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                check_collection_tag(tag.as_deref(), "map").map_err(|f| (at, f))?;
                self.begin(at, anchor, Items::Map { children: BTreeMap::new(), key: None, merge: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            Event::Scalar(text, style, anchor, tag) => {
                let empty = span.is_empty();
                let node = read_scalar(&text, style, empty, tag.as_deref()).map_err(|f| (at, f))?;
                self.spend(node.weight).map_err(|f| (at, f))?;
                self.place(at, anchor, Arc::new(node), style == ScalarStyle::Plain && tag.is_none())
            }
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned().ok_or((at, Fault::AliasToItself))?;
                self.place(at, 0, node, false)
            }
            _ => Ok(None),
        }
    }

    fn begin(&mut self, at: Position, anchor: usize, items: Items) -> Result<Option<Child>, Located> {
        if let Some(Open { items: Items::Map { key: None, .. }, .. }) = self.open.last() {
            return Err((at, Fault::KeyIsNoText));
        }
        self.open.push(Open { at, anchor, items });
        Ok(None)
    }

    fn end(&mut self, at: Position) -> Result<Option<Child>, Located> {
        let Some(Open { at, anchor, items }) = self.open.pop() else {
            return Err((at, Fault::Syntax("an end without a beginning".to_owned())));
        };
        self.spend(Node::OWN_WEIGHT).map_err(|f| (at, f))?;
        let node = match items {
            Items::List(children) => Node::list(children),
            Items::Map { children, .. } => Node::map(children),
        };
        self.place(at, anchor, Arc::new(node), false)
    }

    /// Puts a complete node where it belongs. `bare` is a scalar with neither quotes nor tag.
    fn place(
        &mut self,
        at: Position,
        anchor: usize,
        node: Arc<Node>,
        bare: bool,
    ) -> Result<Option<Child>, Located> {
        check_bounds(&node).map_err(|f| (at, f))?;
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        let Some(open) = self.open.last_mut() else {
            return self.complete(at, node).map(Some);
        };
        match &mut open.items {
            Items::List(children) => children.push(Child::new(at, node)),
            Items::Map { key: slot @ None, .. } => {
                *slot = Some(read_key(at, &node, bare).map_err(|f| (at, f))?);
            }
            Items::Map { children, key: slot, merge } => match slot.take() {
                Some(key) if key.is_merge => {
                    let weight = merge_into(children, merge, &key, &node)?;
                    self.spend(weight).map_err(|f| (at, f))?;
                }
                Some(key) => insert(children, key, node)?,
                None => {}
            },
        }
        Ok(None)
    }

    fn complete(&mut self, at: Position, root: Arc<Node>) -> Result<Child, Located> {
        self.abandon();
        self.made = self.made.saturating_add(root.weight);
        if self.made > MAX_WEIGHT { Err((at, Fault::TooMuch)) } else { Ok(Child::new(at, root)) }
    }

    fn spend(&mut self, weight: usize) -> Result<(), Fault> {
        self.making = self.making.saturating_add(weight);
        if self.making > MAX_WEIGHT { Err(Fault::TooMuch) } else { Ok(()) }
    }
}

fn check_bounds(node: &Node) -> Result<(), Fault> {
    match node {
        Node { depth, .. } if *depth > MAX_DEPTH => Err(Fault::TooDeep),
        Node { weight, .. } if *weight > MAX_WEIGHT => Err(Fault::TooMuch),
        _ => Ok(()),
    }
}

/// Adds an entry of the map's own, which takes the place of a merged one.
fn insert(children: &mut BTreeMap<String, Child>, key: Key, node: Arc<Node>) -> Result<(), Located> {
    if let Some(first) = children.get(&key.text).filter(|child| !child.merged) {
        return Err((key.at, Fault::DuplicateKey { key: key.text, first: first.at }));
    }
    let child = Child { at: key.at, key_written: key.written, merged: false, node };
    children.insert(key.text, child);
    Ok(())
}

/// `<<` as YAML 1.1 has it: of several maps the earlier wins. What the map said before `<<` must
/// not come again, because kubectl lets the merge win there and YAML 1.1 does not. Returns the
/// weight of what was brought in.
fn merge_into(
    children: &mut BTreeMap<String, Child>,
    merge: &mut Option<Position>,
    key: &Key,
    node: &Node,
) -> Result<usize, Located> {
    if let Some(first) = merge.replace(key.at) {
        return Err((key.at, Fault::DuplicateKey { key: key.text.clone(), first }));
    }
    let sources = match &node.content {
        Content::List(items) => items.iter().map(|item| item.node.as_ref()).collect(),
        _ => vec![node],
    };
    let mut weight: usize = 0;
    for source in sources {
        let Content::Map(entries) = &source.content else { return Err((key.at, Fault::MergeOfNoMap)) };
        weight = weight.saturating_add(source.weight);
        if weight > MAX_WEIGHT {
            return Err((key.at, Fault::TooMuch));
        }
        merge_entries(children, entries, key.at)?;
    }
    Ok(weight)
}

fn merge_entries(
    children: &mut BTreeMap<String, Child>,
    entries: &BTreeMap<String, Child>,
    at: Position,
) -> Result<(), Located> {
    for (name, entry) in entries {
        match children.get(name) {
            Some(own) if !own.merged => {
                return Err((at, Fault::DuplicateKey { key: name.clone(), first: own.at }));
            }
            Some(_) => {}
            None => {
                children.insert(name.clone(), Child { merged: true, ..entry.clone() });
            }
        }
    }
    Ok(())
}

/// Keys are text; kubectl makes text of booleans and numbers too, and so do we, keeping in mind
/// how they were written.
fn read_key(at: Position, node: &Node, bare: bool) -> Result<Key, Fault> {
    let Content::Scalar { value, written } = &node.content else { return Err(Fault::KeyIsNoText) };
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return Err(Fault::KeyIsNoText),
    };
    let is_merge = bare && text == "<<";
    Ok(Key { at, text, written: written.clone(), is_merge })
}

/// A scalar by its style and tag. `empty` is a value that was left out.
fn read_scalar(text: &str, style: ScalarStyle, empty: bool, tag: Option<&Tag>) -> Result<Node, Fault> {
    if text.contains('\0') {
        return Err(Fault::Nul);
    }
    let plain = style == ScalarStyle::Plain;
    match tag {
        None if plain && empty => Ok(Node::scalar(Value::Null, None)),
        None if plain => Ok(read_plain(text)),
        None => Ok(Node::scalar(text.into(), None)),
        Some(tag) => read_tagged(if plain && empty { "" } else { text }, tag),
    }
}

fn read_plain(text: &str) -> Node {
    let reading = scalar::read(text);
    Node::scalar(reading.value, (!reading.is_text).then(|| text.into()))
}

fn read_tagged(text: &str, tag: &Tag) -> Result<Node, Fault> {
    if is_non_specific(tag) || tag.core_suffix() == Some("str") {
        return Ok(Node::scalar(text.into(), None));
    }
    let suffix = tag.core_suffix().ok_or_else(|| Fault::UnknownTag(tag.original()))?;
    let node = read_plain(text);
    let Content::Scalar { value, .. } = &node.content else { return Ok(node) };
    let fits = match suffix {
        "null" => value.is_null(),
        "bool" => value.is_boolean(),
        "int" => value.is_i64() || value.is_u64(),
        "float" => value.is_number(),
        _ => false,
    };
    if fits { Ok(node) } else { Err(Fault::TagMismatch(tag.original())) }
}

fn check_collection_tag(tag: Option<&Tag>, suffix: &str) -> Result<(), Fault> {
    match tag {
        None => Ok(()),
        Some(tag) if is_non_specific(tag) || tag.core_suffix() == Some(suffix) => Ok(()),
        Some(tag) if tag.core_suffix().is_some() => Err(Fault::TagMismatch(tag.original())),
        Some(tag) => Err(Fault::UnknownTag(tag.original())),
    }
}

/// The lone `!`, which only says that a scalar is text.
fn is_non_specific(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!"
}
