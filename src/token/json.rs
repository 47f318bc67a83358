//! A strict reading of one JSON object: no key twice, no deep nesting, bounded bytes.
//!
//! For everything that grants rights by its claims: a parser that quietly keeps the last of two keys would
//! let a token say one thing to us and another to somebody else. Gives no meaning to any claim.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Bytes of a file of claims; a token is bounded before it is decoded.
pub const MAX_CLAIMS_BYTES: usize = 64 * 1024;
/// How deep objects and lists may be nested, the outermost one counted.
pub const MAX_DEPTH: usize = 16;

/// Text that is no JSON object, or one that nobody should trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// More bytes than are read.
    #[error("at most {most} bytes are read, and these are {bytes}")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many are read.
        most: usize,
    },
    /// Not JSON, a key twice, or nested too deep; with line and column.
    #[error("not the JSON of claims: {0}")]
    Json(String),
    /// JSON, but a list or a scalar.
    #[error("claims are a JSON object, and this is {0}")]
    NotAnObject(&'static str),
}

/// Reads one JSON object of claims, of at most [`MAX_CLAIMS_BYTES`].
///
/// # Errors
/// [`ClaimsError`]; its text names keys, never values.
pub fn parse_claims(bytes: &[u8]) -> Result<Map<String, Value>, ClaimsError> {
    parse_object(bytes, MAX_CLAIMS_BYTES)
}

/// Reads one JSON object of at most so many bytes.
///
/// # Errors
/// [`ClaimsError`]; its text names keys, never values.
pub fn parse_object(bytes: &[u8], most: usize) -> Result<Map<String, Value>, ClaimsError> {
    if bytes.len() > most {
        return Err(ClaimsError::TooLarge { bytes: bytes.len(), most });
    }
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { levels: MAX_DEPTH }.deserialize(&mut parser).map_err(json_error)?;
    parser.end().map_err(json_error)?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Array(_) => Err(ClaimsError::NotAnObject("a list")),
        Value::String(_) => Err(ClaimsError::NotAnObject("text")),
        Value::Number(_) => Err(ClaimsError::NotAnObject("a number")),
        Value::Bool(_) => Err(ClaimsError::NotAnObject("a boolean")),
        Value::Null => Err(ClaimsError::NotAnObject("null")),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn json_error(error: serde_json::Error) -> ClaimsError {
    ClaimsError::Json(error.to_string())
}

/// Reads a value in which so many levels of objects and lists are left.
#[derive(Clone, Copy)]
struct Strict {
    levels: usize,
}

impl Strict {
    fn inner<E: Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        levels
            .map(|levels| Self { levels })
            .ok_or_else(|| E::custom(format_args!("nested deeper than {MAX_DEPTH}")))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                let short: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format_args!("the key `{short}` is there twice")));
            }
            let value = entries.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn why(json: &str) -> String {
        parse_claims(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn r30_what_is_no_object_of_claims_is_refused() {
        let rows = [
            (r#"{"a": 1, "a": 1}"#, "the key `a` is there twice"),
            (r#"{"a": {"b": 1, "\u0062": 2}}"#, "the key `b` is there twice"),
            (r#"{"a": [{"b": 1, "b": 2}]}"#, "the key `b` is there twice"),
            ("[]", "a list"),
            ("\"a\"", "text"),
            ("1", "a number"),
            ("true", "a boolean"),
            ("null", "null"),
            ("", "EOF"),
            (r#"{"a": 1} {}"#, "trailing characters"),
            (r#"{"a": 1,}"#, "trailing comma"),
            (r#"{"a": NaN}"#, "expected"),
            (r#"{"a": 1e999}"#, "number out of range"),
            (r#"{"a": "\ud800"}"#, "hex escape"),
        ];
        for (json, part) in rows {
            assert!(why(json).contains(part), "{json}: {}", why(json));
        }
        assert!(parse_claims(b"{\"a\": \"\xff\"}").is_err(), "invalid UTF-8");
    }

    #[test]
    fn claims_are_nested_sixteen_deep_and_no_deeper() {
        let nested = |lists: usize| format!("{{\"a\": {}{}}}", "[".repeat(lists), "]".repeat(lists));
        assert!(parse_claims(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert!(why(&nested(MAX_DEPTH)).contains("nested deeper"));
        assert!(parse_claims(nested(30_000).as_bytes()).is_err(), "no stack is exhausted");
    }

    #[test]
    fn claims_are_bounded_in_bytes() {
        let padded = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
        assert!(parse_claims(padded(MAX_CLAIMS_BYTES).as_bytes()).is_ok());
        let over = MAX_CLAIMS_BYTES + 1;
        assert_eq!(
            parse_claims(padded(over).as_bytes()),
            Err(ClaimsError::TooLarge { bytes: over, most: MAX_CLAIMS_BYTES })
        );
    }

    #[test]
    fn a_refusal_names_no_value() {
        assert!(!why(r#"{"a": "hunter2", "a": "hunter2"}"#).contains("hunter2"));
        assert!(!why(r#"{"a": "hunter2" x"#).contains("hunter2"));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_unambiguous_is_read_as_everybody_reads_it(value in json()) {
            let text = serde_json::json!({ "a": value }).to_string();
            let want: Map<String, Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parse_claims(text.as_bytes()).unwrap(), want);
        }
    }
}
