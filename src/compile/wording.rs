//! How problems speak of what was written: in backticks, cut to a bound, and never able to disturb the
//! terminal or the log they end up in. Knows no rules.

use serde_json::Value;
use unicode_general_category::{GeneralCategory, get_general_category};

/// Characters of a message.
const MESSAGE: usize = 1_024;
/// Characters of a value that a message shows.
const SHOWN: usize = 80;

/// Control, format and separator characters (`semantics.md` 27).
pub(crate) fn is_hidden(c: char) -> bool {
    matches!(
        get_general_category(c),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

/// The text with hidden characters spelled out, cut to the length of a message.
pub(super) fn printable(text: &str) -> String {
    cut(&escaped(text), MESSAGE)
}

/// A value in backticks, cut.
pub(super) fn shown(text: &str) -> String {
    format!("`{}`", cut(&escaped(text), SHOWN))
}

/// A value as a manifest quotes it, cut.
pub(super) fn quoted(text: &str) -> String {
    Value::from(cut(text, SHOWN)).to_string()
}

/// The first `max` characters; what is left out is shown by an ellipsis.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// What a JSON value is, with its article.
pub(super) fn a(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// A list of names in backticks, at most ten and the number left out.
pub(super) fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut rest = names.into_iter();
    // What is only counted is not written out: a name that thousands share is told to each of them.
    let first = rest.by_ref().take(10).map(shown).collect::<Vec<_>>().join(", ");
    match rest.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
