//! Claims as conditions see them (`semantics.md` 14–16). Built once when a token is read, so that a
//! decision only looks at them. Does not know which claims mean what.

use serde_json::{Map, Value};

/// One claim's value, in the types that conditions tell apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimValue {
    /// A string.
    Text(Box<str>),
    /// An integer without fraction or exponent within ±(2^53−1), as its decimal text.
    Integer(Box<str>),
    /// `true` or `false`; only Bool and Null look at it.
    Bool(bool),
    /// A number that is no such integer; satisfies no operator but Null.
    Number,
    /// An object, with the names of its members for the explanation; satisfies no operator but Null.
    Object(Box<[Box<str>]>),
    /// An array; its elements are never arrays or objects that could match.
    Array(Box<[ClaimValue]>),
}

impl ClaimValue {
    fn from_json(value: Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(b) => Self::Bool(b),
            Value::String(s) => Self::Text(s.into()),
            Value::Number(n) => integer_text(&n).map_or(Self::Number, Self::Integer),
            Value::Object(map) => Self::Object(map.into_iter().map(|(name, _)| name.into()).collect()),
            // A null inside an array is an element that nothing equals.
            Value::Array(items) => {
                Self::Array(items.into_iter().map(|i| Self::from_json(i).unwrap_or(Self::Number)).collect())
            }
        })
    }

    /// The text that string operators compare: strings, and integers in decimal.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(t) | Self::Integer(t) => Some(t),
            _ => None,
        }
    }

    /// The values that set operators look at: an array's elements, else the value itself.
    pub fn elements(&self) -> &[ClaimValue] {
        match self {
            Self::Array(items) => items,
            scalar => std::slice::from_ref(scalar),
        }
    }
}

fn integer_text(n: &serde_json::Number) -> Option<Box<str>> {
    const SAFE: u64 = (1 << 53) - 1;
    let magnitude = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs))?;
    (magnitude <= SAFE).then(|| n.to_string().into())
}

/// The claims of one principal, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    entries: Box<[(Box<str>, ClaimValue)]>,
    omitted: Box<[Box<str>]>,
}

impl Claims {
    /// Reads claims from a JSON object; JSON null is missing, and `aud` with one element is a scalar.
    pub fn from_json(map: &Map<String, Value>) -> Self {
        Self::of(map.clone())
    }

    /// The same of claims of which no two have one name.
    pub fn of(claims: impl IntoIterator<Item = (String, Value)>) -> Self {
        let read = |(name, value): (String, Value)| {
            let value = match value {
                Value::Array(mut items) if name == "aud" && items.len() == 1 => items.pop()?,
                other => other,
            };
            Some((name.into(), ClaimValue::from_json(value)?))
        };
        let mut entries: Vec<_> = claims.into_iter().filter_map(read).collect();
        // The look-up relies on it.
        entries.sort_by(|a: &(Box<str>, _), b| a.0.cmp(&b.0));
        Self { entries: entries.into(), omitted: Box::default() }
    }

    /// The same claims, with names that were left out when the token was minted (`openfaas:omitted`):
    /// for them every operator is false, Null too.
    #[must_use]
    pub fn with_omitted(mut self, names: impl IntoIterator<Item = Box<str>>) -> Self {
        self.omitted = names.into_iter().collect();
        self.omitted.sort();
        self
    }

    /// The value of a claim; `None` where it is missing or null.
    pub fn get(&self, name: &str) -> Option<&ClaimValue> {
        let at = self.entries.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// Whether the claim was left out of the token for its size.
    pub fn is_omitted(&self, name: &str) -> bool {
        self.omitted.binary_search_by(|n| (**n).cmp(name)).is_ok()
    }

    /// All claims, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ClaimValue)> {
        self.entries.iter().map(|(n, v)| (&**n, v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::from_json(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn r15_which_numbers_count_as_text() {
        let rows = [
            ("0", Some("0")),
            ("-1", Some("-1")),
            ("9007199254740991", Some("9007199254740991")),
            ("-9007199254740991", Some("-9007199254740991")),
            ("9007199254740992", None),
            ("-9007199254740992", None),
            ("-0", None),
            ("1.0", None),
            ("1e3", None),
            ("107691503500061507151", None),
        ];
        for (json, want) in rows {
            let claims = claims(&format!("{{\"n\": {json}}}"));
            assert_eq!(claims.get("n").unwrap().text(), want, "{json}");
        }
    }

    #[test]
    fn r14_null_is_missing_and_an_empty_array_is_present() {
        let claims = claims(r#"{"a": null, "b": []}"#);
        assert!(claims.get("a").is_none());
        assert_eq!(claims.get("b").unwrap().elements(), []);
    }

    #[test]
    fn r16_aud_with_one_element_is_a_scalar() {
        assert_eq!(claims(r#"{"aud": ["x"]}"#).get("aud").unwrap().text(), Some("x"));
        assert_eq!(claims(r#"{"aud": ["x", "y"]}"#).get("aud").unwrap().text(), None);
        assert_eq!(claims(r#"{"groups": ["x"]}"#).get("groups").unwrap().text(), None);
    }
}
