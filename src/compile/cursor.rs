//! A walk through one object's JSON that knows where it is and collects what it finds.
//!
//! Decides whether a value has the type that is meant; what the value means is the caller's. Never stops
//! at the first problem.

use serde_json::{Map, Value};

use super::wording::{a, printable, quoted, shown};
use super::{Problem, Warning, meant};
use crate::api::Reason;
use crate::model::{FieldPath, Segment, Written};

/// Problems, and warnings, that are kept of one object; the rest is counted.
pub(super) const KEPT: usize = 1_000;

/// Where the walk is, and what it found.
pub(super) struct Cursor<'a> {
    path: FieldPath,
    written: &'a dyn Written,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
    left_out: usize,
    /// Fields that were meant by others, which a problem says already.
    misspelt: Vec<FieldPath>,
}

impl<'a> Cursor<'a> {
    /// A walk that begins at an object's root.
    pub fn new(written: &'a dyn Written) -> Self {
        let (problems, warnings, misspelt) = (Vec::new(), Vec::new(), Vec::new());
        Self { path: FieldPath::root(), written, problems, warnings, left_out: 0, misspelt }
    }

    /// Looks at what is one step further down.
    pub fn within<T>(&mut self, step: impl Into<Segment>, look: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let seen = look(self);
        self.path.pop();
        seen
    }

    /// Where the walk is.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Notes a problem with what is here.
    pub fn problem(&mut self, reason: Reason, message: impl AsRef<str>) {
        if self.problems.len() == KEPT {
            self.left_out += 1;
            return;
        }
        let message = printable(message.as_ref());
        self.problems.push(Problem { reason, field: self.path.clone(), message });
    }

    /// Notes that the value here breaks a rule.
    pub fn invalid(&mut self, message: impl AsRef<str>) {
        self.problem(Reason::Invalid, message);
    }

    /// Notes that what is here is not of the type that is meant.
    pub fn mismatch(&mut self, message: impl AsRef<str>) {
        self.problem(Reason::TypeMismatch, message);
    }

    /// Notes something odd about what is here.
    pub fn warn(&mut self, message: impl AsRef<str>) {
        if self.warnings.len() < KEPT {
            self.warnings.push(Warning { field: self.path.clone(), message: printable(message.as_ref()) });
        }
    }

    /// Text. A number or boolean is a problem, and so is text that other readers of YAML take for one.
    pub fn text<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        let unquoted = self.written.written(&self.path);
        match (value, unquoted) {
            (Value::Null, _) => None,
            (Value::String(text), None) => Some(text),
            (Value::Array(_) | Value::Object(_), _) => {
                self.mismatch(format!("text belongs here, not {}", a(value)));
                None
            }
            (_, unquoted) => {
                let scalar = unquoted.map_or_else(|| value.to_string(), str::to_owned);
                self.mismatch(format!(
                    "text belongs here, and {} is none: write {}",
                    shown(&scalar),
                    quoted(&scalar)
                ));
                None
            }
        }
    }

    /// A boolean.
    pub fn flag(&mut self, value: &Value) -> Option<bool> {
        match value {
            Value::Bool(flag) => return Some(*flag),
            Value::Null => {}
            other => {
                self.mismatch(format!("`true` or `false` belongs here, without quotes, not {}", a(other)))
            }
        }
        None
    }

    /// A list of at most `max` elements, of which those are returned that `each` could read.
    pub fn list<'v, T>(
        &mut self,
        value: &'v Value,
        max: usize,
        mut each: impl FnMut(&mut Self, &'v Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        match value {
            Value::Array(items) => {
                if items.len() > max {
                    self.invalid(format!("{} entries, at most {max} are allowed", items.len()));
                }
                let read = |(index, item)| self.within(index, |at| each(at, item));
                return Some(items.iter().take(max).enumerate().filter_map(read).collect());
            }
            Value::Null => {}
            Value::Object(_) => self.mismatch("a list belongs here, not a map"),
            scalar => {
                let unquoted = self.written.written(&self.path).map(str::to_owned);
                let text = unquoted.or_else(|| scalar.as_str().map(str::to_owned));
                let text = text.unwrap_or_else(|| scalar.to_string());
                self.mismatch(format!("a list belongs here: write [{}]", quoted(&text)));
            }
        }
        None
    }

    /// A map of at most `max` entries.
    pub fn map<'v>(&mut self, value: &'v Value, max: usize) -> Option<&'v Map<String, Value>> {
        match value {
            Value::Object(map) => {
                if map.len() > max {
                    self.invalid(format!("{} entries, at most {max} are allowed", map.len()));
                }
                return Some(map);
            }
            Value::Null => {}
            other => self.mismatch(format!("a map belongs here, not {}", a(other))),
        }
        None
    }

    /// A map of fields, of which every one must be known.
    pub fn fields<'v>(&mut self, value: &'v Value, known: &[&str]) -> Option<&'v Map<String, Value>> {
        let map = self.map(value, usize::MAX)?;
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            let cure = self.meant(name, known);
            self.within(clipped(name), |at| at.mismatch(format!("unknown field; {cure}")));
        }
        Some(map)
    }

    /// What to do about an unknown field.
    fn meant(&mut self, name: &str, known: &[&str]) -> String {
        if known.contains(&"jwksRef") && meant::is_key_address(name) {
            return "remove it: the address of the keys is asked of the issuer".to_owned();
        }
        let Some(near) = meant::field(name, known) else { return "remove it".to_owned() };
        self.misspelt.push(self.path.child(near.to_owned()));
        format!("write `{near}`")
    }

    /// A field that has to be there. Where it is there by another name, that says it.
    pub fn required<'v, T>(
        &mut self,
        map: &'v Map<String, Value>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'v Value) -> Option<T>,
    ) -> Option<T> {
        if !map.contains_key(name) {
            self.within(name, |at| {
                if !at.misspelt.contains(&at.path) {
                    at.invalid("missing, and it must be there");
                }
            });
        }
        self.optional(map, name, read)
    }

    /// A field that may be absent.
    pub fn optional<'v, T>(
        &mut self,
        map: &'v Map<String, Value>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'v Value) -> Option<T>,
    ) -> Option<T> {
        let value = map.get(name)?;
        self.within(name, |at| read(at, value))
    }

    /// A field that is there to be refused: what is taken for another one, whose loss would widen a grant.
    pub fn refused(&mut self, map: &Map<String, Value>, name: &'static str, instead: &str) {
        if map.contains_key(name) {
            self.within(name, |at| at.invalid(format!("`{name}` is not a field; write `{instead}`")));
        }
    }

    /// What was found, each sorted by place.
    pub fn finish(mut self) -> (Vec<Problem>, Vec<Warning>) {
        self.problems.sort_by(|a, b| a.field.cmp(&b.field));
        self.problems.dedup();
        self.warnings.sort();
        self.warnings.dedup();
        if self.left_out > 0 {
            let message = format!("{} more problems are not listed", self.left_out);
            self.problems.push(Problem { reason: Reason::Invalid, field: FieldPath::root(), message });
        }
        (self.problems, self.warnings)
    }
}

/// A key as a step of a path, cut where it is longer than any key may be.
pub(super) fn clipped(key: &str) -> String {
    key.chars().take(crate::api::limits::TEXT).collect()
}
