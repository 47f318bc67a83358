//! How an unquoted scalar is read: as kubectl does (sigs.k8s.io/yaml on go-yaml v2, which is
//! YAML 1.1 with exceptions), and whether YAML 1.1 reads it as text at all.
//!
//! Knows one scalar at a time, neither its place nor what is meant there.

use serde_json::{Number, Value};

/// What kubectl would send for an unquoted scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// The value that reaches the API server.
    pub value: Value,
    /// Whether it is text to every reader: neither kubectl nor YAML 1.1 makes something else of it.
    pub is_text: bool,
}

/// Reads an unquoted scalar. What JSON cannot say (`.inf`, `1e400`) and what kubectl keeps as text
/// though YAML 1.1 does not (dates, sexagesimal numbers) comes back as text that is none.
pub(super) fn read(text: &str) -> Reading {
    let value = keyword(text).or_else(|| number(text));
    let is_text = value.is_none() && !looks_like_a_value(text);
    Reading { value: value.unwrap_or_else(|| Value::String(text.to_owned())), is_text }
}

fn keyword(text: &str) -> Option<Value> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Some(Value::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Some(Value::Bool(false))
        }
        "" | "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    // Underscores are skipped, but in a number that begins with a dot only those between digits.
    if text.starts_with('.') && !text.split('_').all(has_digits_at_both_ends) {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| float(&digits))
}

fn has_digits_at_both_ends(part: &str) -> bool {
    let part = part.strip_prefix('.').unwrap_or(part);
    part.starts_with(|c: char| c.is_ascii_digit()) && part.ends_with(|c: char| c.is_ascii_digit())
}

/// An integer of at most 64 bits with Go's prefixes: `0x`, `0o`, `0b`, and a bare `0` for octal.
fn integer(digits: &str) -> Option<Value> {
    let (negative, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (radix, body) = radix(unsigned);
    if !body.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None; // a second sign, or nothing at all
    }
    let magnitude = i128::from(u64::from_str_radix(body, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(small), _) => Some(small.into()),
        (_, Ok(large)) if !digits.starts_with('+') => Some(large.into()),
        _ => None,
    }
}

fn radix(unsigned: &str) -> (u32, &str) {
    let prefixes = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    for (prefix, radix) in prefixes {
        if let Some(body) = unsigned.strip_prefix(prefix) {
            return (radix, body);
        }
    }
    match unsigned.strip_prefix('0') {
        Some(body) if !body.is_empty() => (8, body),
        _ => (10, unsigned),
    }
}

fn float(digits: &str) -> Option<Value> {
    if !digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-')) {
        return None;
    }
    let value: f64 = digits.parse().ok().filter(|v: &f64| v.is_finite())?;
    whole(value).or_else(|| Number::from_f64(value).map(Value::Number))
}

/// Go writes a float without a fraction as an integer, and the API server reads it back as one.
fn whole(value: f64) -> Option<Value> {
    // 2^63: from here on a float is no `i64` any more.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let fits = value.fract() == 0.0 && value.abs() < LIMIT;
    fits.then(|| Value::from(value as i64))
}

/// Text to kubectl alone: other readers of YAML 1.1 see a number or a time, and kubectl refuses
/// infinities.
fn looks_like_a_value(text: &str) -> bool {
    is_infinity_or_nan(text) || is_sexagesimal(text) || is_date(text) || is_beyond_float(text)
}

fn is_infinity_or_nan(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// A number with an exponent so large that no float holds it, such as `1e400`.
fn is_beyond_float(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && text.chars().any(|c| c.is_ascii_digit())
        && text.replace('_', "").parse::<f64>().is_ok_and(f64::is_infinite)
}

/// Numbers to base sixty (yaml.org/type/int, yaml.org/type/float): `1:30`, `190:20:30.15`.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let Some((first, rest)) = whole.split_once(':') else { return false };
    let begins = |c: char| c.is_ascii_digit() && (fraction.is_some() || c != '0');
    first.starts_with(begins)
        && first.chars().all(is_digit_or_underscore)
        && rest.split(':').all(is_sixtieth)
        && fraction.unwrap_or_default().chars().all(is_digit_or_underscore)
}

fn is_digit_or_underscore(c: char) -> bool {
    c.is_ascii_digit() || c == '_'
}

fn is_sixtieth(part: &str) -> bool {
    digits(part, 1, 2) == Some("") && (part.len() == 1 || part < "60")
}

/// A date, or a date and time (yaml.org/type/timestamp), also with a short month and day.
fn is_date(text: &str) -> bool {
    let day = digits(text, 4, 4)
        .and_then(|rest| digits(rest.strip_prefix('-')?, 1, 2))
        .and_then(|rest| digits(rest.strip_prefix('-')?, 1, 2));
    day.is_some_and(|rest| rest.is_empty() || is_time(rest).unwrap_or(false))
}

fn is_time(text: &str) -> Option<bool> {
    let text = match text.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => text.strip_prefix([' ', '\t'])?.trim_start_matches([' ', '\t']),
    };
    let seconds = digits(text, 1, 2)
        .and_then(|rest| digits(rest.strip_prefix(':')?, 1, 2))
        .and_then(|rest| digits(rest.strip_prefix(':')?, 1, 2))?;
    let rest = seconds
        .strip_prefix('.')
        .map_or(seconds, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    Some(is_zone(rest.trim_start_matches([' ', '\t'])))
}

fn is_zone(text: &str) -> bool {
    let minutes = |rest: &str| {
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        rest.is_empty() || digits(rest, 2, 2) == Some("")
    };
    matches!(text, "" | "Z" | "z")
        || text.strip_prefix(['+', '-']).and_then(|rest| digits(rest, 1, 2)).is_some_and(minutes)
}

/// What follows the leading ASCII digits, of which there are at least `least` and no more than
/// `most` are taken.
fn digits(text: &str, least: usize, most: usize) -> Option<&str> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least { None } else { text.get(count..) }
}

#[cfg(test)]
#[path = "scalar_tests.rs"]
mod tests;
