//! What holds for every value of a spec, wherever it stands: nothing empty, nothing too long, nothing
//! hidden (`semantics.md` 8, 26, 27). Knows no types; skips what is inside `jwks`.

use serde_json::{Map, Value};
use unicode_script::{Script, ScriptExtension};

use crate::api::limits;
use crate::compile::cursor::{Cursor, clipped};
use crate::compile::wording::{is_hidden, shown};
use crate::model::Segment;

/// Looks at everything from here down.
pub(super) fn everywhere(at: &mut Cursor<'_>, value: &Value) {
    match value {
        Value::Null => at.invalid("null: give it a value (a template may have lost it), or remove the field"),
        Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => string(at, text),
        Value::Array(items) => list(at, items),
        Value::Object(map) => entries(at, map),
    }
}

fn string(at: &mut Cursor<'_>, text: &str) {
    if text.is_empty() && !is_at(at, "tokenExpiry") {
        at.invalid("empty: give it a value (a template may have lost it), or remove it");
    }
    bounded(at, "text", text, longest(at));
    visible(at, text);
    if mixes_scripts(text) {
        at.warn(format!(
            "{} mixes letters of several scripts, which look alike: check each of them",
            shown(text)
        ));
    }
}

fn list(at: &mut Cursor<'_>, items: &[Value]) {
    if items.is_empty() && !is_at(at, "policy") {
        at.invalid("an empty list: give it a value (a template may have lost it), or remove the field");
    }
    for (index, item) in items.iter().enumerate() {
        at.within(index, |at| everywhere(at, item));
    }
}

fn entries(at: &mut Cursor<'_>, map: &Map<String, Value>) {
    if map.is_empty() {
        at.invalid("an empty map: give it an entry (a template may have lost it), or remove the field");
    }
    for (key, value) in map {
        at.within(clipped(key), |at| {
            visible(at, key);
            let keys = is_at(at, "jwks") && (value.is_object() || value.is_string());
            if bounded(at, "key", key, limits::TEXT) && !keys {
                everywhere(at, value);
            }
        });
    }
}

/// Whether the walk is at this field of the spec.
fn is_at(at: &Cursor<'_>, field: &str) -> bool {
    matches!(at.path().segments(), [_, Segment::Key(key)] if key == field)
}

/// The characters that the text here may have.
fn longest(at: &Cursor<'_>) -> usize {
    let long = |segment: &Segment| match segment {
        Segment::Key(key) => ["iss", "issInternal", "aud", "jwt:iss", "jwt:aud"].contains(&&**key),
        Segment::Index(_) => false,
    };
    if at.path().segments().iter().any(long) { limits::LONG_TEXT } else { limits::TEXT }
}

fn bounded(at: &mut Cursor<'_>, what: &str, text: &str, max: usize) -> bool {
    let fits = text.chars().nth(max).is_none();
    if !fits {
        at.invalid(format!("a {what} of {} characters, at most {max} are allowed", text.chars().count()));
    }
    fits
}

fn visible(at: &mut Cursor<'_>, text: &str) {
    if let Some((index, hidden)) = text.chars().enumerate().find(|(_, c)| is_hidden(*c)) {
        let code = u32::from(hidden);
        at.invalid(format!(
            "the control or format character U+{code:04X} as character {}: remove it",
            index + 1
        ));
    }
}

/// Whether no one script has all the letters. Kana, Hangul and Bopomofo are written together with Han.
fn mixes_scripts(text: &str) -> bool {
    const WITH_HAN: [Script; 4] = [Script::Hiragana, Script::Katakana, Script::Hangul, Script::Bopomofo];
    let mut common = ScriptExtension::default();
    for letter in text.chars().filter(|c| c.is_alphabetic()) {
        let scripts = ScriptExtension::from(letter);
        let with_han = WITH_HAN.iter().any(|s| !scripts.is_common() && scripts.contains_script(*s));
        common.intersect_with(if with_han { scripts.union(Script::Han.into()) } else { scripts });
    }
    common.is_empty()
}
