//! What one value of a condition or principal may be (`semantics.md` 8, 15, 18, 25).

use crate::compile::cursor::Cursor;
use crate::compile::wording::shown;
use crate::model::{Comparison, Operator};

/// What is left of a template that lost its values.
const HOLLOW: &[&str] = &["repo:", "project_path:", "organization:", "repository_owner:", "/", "@"];

/// A value that an operator compares.
pub(super) fn compared(at: &mut Cursor<'_>, op: Operator, claim: &str, text: &str) {
    match op.comparison {
        Comparison::Bool | Comparison::Null => {
            if !matches!(text, "true" | "false") {
                at.invalid(format!(
                    "{} is neither \"true\" nor \"false\", which `{op}` takes alone",
                    shown(text)
                ));
            }
        }
        _ if claim == "email" => email(at, op, text),
        Comparison::Like => pattern(at, text),
        Comparison::Equal | Comparison::EqualIgnoreCase => exact(at, text),
    }
}

/// A value with wildcards.
fn pattern(at: &mut Cursor<'_>, text: &str) {
    hollow(at, text);
    float(at, text);
    if text.bytes().all(|b| matches!(b, b'*' | b'?')) {
        at.warn(format!("{} is wildcards alone, and takes every value", shown(text)));
    }
}

/// A value that is compared byte by byte.
pub(super) fn exact(at: &mut Cursor<'_>, text: &str) {
    hollow(at, text);
    float(at, text);
    literal(at, text);
}

fn literal(at: &mut Cursor<'_>, text: &str) {
    if text.contains('*') {
        at.warn(format!("the `*` in {} stands for itself here; `StringLike` knows wildcards", shown(text)));
    }
}

fn hollow(at: &mut Cursor<'_>, text: &str) {
    let fixed = text.replace(['*', '?'], "");
    let mut rest = fixed.as_str();
    while let Some(shorter) = HOLLOW.iter().find_map(|h| rest.strip_prefix(h)) {
        rest = shorter;
    }
    if rest.is_empty() && !fixed.is_empty() {
        at.invalid(format!("{} names nobody; a template may have lost what belongs between", shown(text)));
    }
}

fn float(at: &mut Cursor<'_>, text: &str) {
    let digits = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let exponent = text.contains(['e', 'E']) && text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if digits && exponent && text.parse::<f64>().is_ok() {
        at.warn(format!(
            "{} looks like a number that a template made a float of; write its digits in quotes",
            shown(text)
        ));
    }
}

/// Exactly one `@`, outside of the wildcards' reach, and a whole domain behind it.
fn email(at: &mut Cursor<'_>, op: Operator, text: &str) {
    let whole = text.split_once('@').is_some_and(|(_, domain)| {
        !domain.is_empty() && !domain.contains(['@', '*', '?']) && !domain.contains(char::is_whitespace)
    });
    if !whole {
        at.invalid(format!("{} is no address: exactly one `@` and a whole domain behind it, such as `*@example.com` under `StringLike`", shown(text)));
    } else if text.starts_with('@') {
        let everybody = shown(&format!("*{text}"));
        at.warn(format!(
            "{} is nobody's address; everybody of the domain is {everybody} under `StringLike`",
            shown(text)
        ));
    } else if op.comparison != Comparison::Like {
        literal(at, text);
    }
}
