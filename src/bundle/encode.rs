//! Records as lines of JSON. One record, one line, `\n` at the end; the same records give the same bytes.

use serde::{Deserialize, Serialize};

use super::{Bundle, Key, Record, Sort};

/// Bytes that are no bundle of a version we can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A line is no record at all.
    #[error("line {line} is no record: {why}")]
    NotARecord {
        /// Which line of the bundle, from 1.
        line: usize,
        /// The parser's words.
        why: String,
    },
    /// A sort of record that must be understood, and is not.
    #[error(
        "line {line} holds a record of sort `{sort}`, which this version must know and does not; upgrade it"
    )]
    Required {
        /// Which line of the bundle, from 1.
        line: usize,
        /// The sort.
        sort: String,
    },
    /// Two records with one key, or keys out of order: no operator writes that.
    #[error("line {line} is out of order")]
    Order {
        /// Which line of the bundle, from 1.
        line: usize,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    #[serde(flatten)]
    record: &'a Record,
}

/// What every version's lines have in common.
#[derive(Deserialize)]
struct Head {
    name: Box<str>,
    sort: String,
    #[serde(default)]
    required: bool,
}

/// One record as its line. Records that could not be read are written by nobody.
pub(super) fn line(key: &Key, record: &Record) -> Option<String> {
    if matches!(record, Record::Unreadable(_)) {
        return None;
    }
    let mut text = serde_json::to_string(&Line { name: &key.name, record }).ok()?;
    text.push('\n');
    Some(text)
}

/// Reads lines back into a bundle.
pub(super) fn decode(text: &str) -> Result<Bundle, DecodeError> {
    let mut records: Vec<(Key, Record)> = Vec::new();
    for (at, json) in text.lines().enumerate() {
        let Some((key, record)) = decode_line(at + 1, json)? else { continue };
        if records.last().is_some_and(|(last, _)| *last >= key) {
            return Err(DecodeError::Order { line: at + 1 });
        }
        records.push((key, record));
    }
    Ok(records.into_iter().collect())
}

fn decode_line(line: usize, json: &str) -> Result<Option<(Key, Record)>, DecodeError> {
    let not = |e: serde_json::Error| DecodeError::NotARecord { line, why: e.to_string() };
    let head: Head = serde_json::from_str(json).map_err(not)?;
    let Ok(sort) =
        Sort::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(&head.sort))
    else {
        return if head.required { Err(DecodeError::Required { line, sort: head.sort }) } else { Ok(None) };
    };
    let record = body(json).unwrap_or(Record::Unreadable(sort));
    Ok(Some((Key { sort, name: head.name }, record)))
}

/// The record itself; `None` where a field is unknown or does not parse.
fn body(json: &str) -> Option<Record> {
    let mut value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    value.remove("name");
    value.remove("required");
    let given = serde_json::Value::Object(value);
    let record = Record::deserialize(&given).ok()?;
    // A tagged enum cannot refuse unknown fields by itself: what comes out must hold what went in.
    let known = serde_json::to_value(&record).ok()?;
    keys_within(&given, &known).then_some(record)
}

/// Whether every field at the record's own level was understood; deeper levels refuse by themselves.
fn keys_within(given: &serde_json::Value, known: &serde_json::Value) -> bool {
    match (given.as_object(), known.as_object()) {
        (Some(given), Some(known)) => given.keys().all(|k| known.contains_key(k)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{Digest, KeyState};

    fn refused(name: &str) -> String {
        let record =
            Record::Refused { origin: Default::default(), reason: "Invalid".into(), message: "m".into() };
        line(&Key::new(Sort::Refused, name), &record).unwrap()
    }

    #[test]
    fn an_unknown_sort_is_skipped_unless_it_is_required() {
        let optional = format!("{}{}", refused("Role/a"), "{\"name\":\"x\",\"sort\":\"quota\"}\n");
        assert_eq!(decode(&optional).unwrap().len(), 1);
        let required = "{\"name\":\"x\",\"sort\":\"quota\",\"required\":true}\n";
        assert_eq!(decode(required), Err(DecodeError::Required { line: 1, sort: "quota".into() }));
    }

    #[test]
    fn a_record_with_an_unknown_field_grants_nothing() {
        let known = r#"{"name":"a","sort":"keyState","state":"active","since":1}"#;
        let newer = r#"{"name":"a","sort":"keyState","state":"active","since":1,"until":2}"#;
        let key = KeyState::Active;
        assert_eq!(
            decode(known).unwrap().get(Sort::KeyState, "a"),
            Some(&Record::KeyState { state: key, since: 1 })
        );
        assert_eq!(
            decode(newer).unwrap().get(Sort::KeyState, "a"),
            Some(&Record::Unreadable(Sort::KeyState))
        );
    }

    #[test]
    fn records_out_of_order_or_twice_are_refused() {
        for text in [refused("Role/b") + &refused("Role/a"), refused("Role/a") + &refused("Role/a")] {
            assert_eq!(decode(&text), Err(DecodeError::Order { line: 2 }));
        }
    }

    #[test]
    fn the_digest_of_a_spec_does_not_depend_on_how_it_is_written() {
        let a = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#).unwrap();
        let b = serde_json::from_str(r#"{"b": {"d": 3, "c": 2}, "a": 1}"#).unwrap();
        assert_eq!(Digest::of_json(&a), Digest::of_json(&b));
    }
}
