//! A field in which null is not the same as absence.
//!
//! Says what stood in the object; what that means is the validator's to say.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field whose loss would widen a grant, and whose null must therefore not pass for absence.
///
/// Use it with `#[serde(default, skip_serializing_if = "Field::is_absent")]` and a schema that is
/// `nullable`, so that the API server lets the null through to be refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// The field is not there.
    #[default]
    Absent,
    /// The field is there and holds null: a template lost its value.
    Null,
    /// The field holds a value.
    Set(T),
}

impl<T> Field<T> {
    /// Whether the field is not there at all.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the field is there without a value.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value, where there is one.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        #[serde(default, skip_serializing_if = "Field::is_absent")]
        text: Field<String>,
    }

    #[test]
    fn absence_null_and_a_value_stay_apart_there_and_back() {
        for (json, text) in [
            ("{}", Field::Absent),
            (r#"{"text":null}"#, Field::Null),
            (r#"{"text":"a"}"#, Field::Set("a".to_owned())),
        ] {
            let holder = Holder { text };
            assert_eq!(serde_json::from_str::<Holder>(json).unwrap(), holder);
            assert_eq!(serde_json::to_string(&holder).unwrap(), json);
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_an_error_and_no_absence() {
        assert!(serde_json::from_str::<Holder>(r#"{"text":7}"#).is_err());
    }
}
