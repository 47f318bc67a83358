//! The registered claims: their types, the times, and the names that only we may use.
//!
//! Judges a JSON object that somebody else has verified, or that nobody has to. Knows no clock but the one
//! given, and not which issuer or audience would be right.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value};

/// Leeway for the clocks of others, seconds (`security-rules.md` 13).
pub const FOREIGN_LEEWAY: i64 = 30;
/// Leeway for our own tokens, seconds (`security-rules.md` 13).
pub const OWN_LEEWAY: i64 = 1;

/// The last second of the year 9999, seconds since 1970.
const END_OF_TIME: i64 = 253_402_300_799;

/// A registered claim that is missing, of the wrong type, or says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It has to be there.
    #[error("the claim `{0}` is missing")]
    Missing(&'static str),
    /// `iss` or `sub` is something else than text.
    #[error("the claim `{0}` is not text")]
    NotText(&'static str),
    /// Text without a character, or a list without an element.
    #[error("the claim `{0}` is empty")]
    Empty(&'static str),
    /// `aud` is neither text nor a list of texts.
    #[error("the claim `aud` is neither text nor a list of texts")]
    AudienceType,
    /// A time that is no number: text, null, a boolean, a list, an object.
    #[error("the claim `{0}` is not a number of seconds")]
    NotATime(&'static str),
    /// A time before 1970.
    #[error("the claim `{0}` is negative")]
    Negative(&'static str),
    /// A time after the year 9999.
    #[error("the claim `{0}` lies past the year 9999")]
    TooLate(&'static str),
    /// `exp` has passed, leeway included.
    #[error("it expired at {}, and it is {}", date(*.exp), date(*.now))]
    Expired {
        /// `exp`, seconds since 1970.
        exp: i64,
        /// The time it was judged at, seconds since 1970.
        now: i64,
    },
    /// `nbf` has not come yet, leeway included.
    #[error("it is not valid before {}, and it is {}", date(*.nbf), date(*.now))]
    NotYet {
        /// `nbf`, seconds since 1970.
        nbf: i64,
        /// The time it was judged at, seconds since 1970.
        now: i64,
    },
}

/// A time in seconds since 1970 as RFC 3339 has it, which is what people compare with a clock.
fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// `iss`: text, not empty, as it is written.
///
/// # Errors
/// [`ClaimError::Missing`], [`ClaimError::NotText`] (null is no text), [`ClaimError::Empty`].
pub fn issuer(claims: &Map<String, Value>) -> Result<&str, ClaimError> {
    text(claims, "iss")
}

/// `sub`: text, not empty, as it is written.
///
/// # Errors
/// [`ClaimError::Missing`], [`ClaimError::NotText`] (null is no text), [`ClaimError::Empty`].
pub fn subject(claims: &Map<String, Value>) -> Result<&str, ClaimError> {
    text(claims, "sub")
}

/// `aud`: one text or a list of texts, which mean the same (RFC 7519 section 4.1.3); at least one, and none
/// of them empty.
///
/// # Errors
/// [`ClaimError::Missing`], [`ClaimError::AudienceType`] (null, and one wrong element among many, too),
/// [`ClaimError::Empty`].
pub fn audience(claims: &Map<String, Value>) -> Result<Vec<&str>, ClaimError> {
    let texts = match claims.get("aud").ok_or(ClaimError::Missing("aud"))? {
        Value::Array(items) => items.iter().map(Value::as_str).collect::<Option<Vec<_>>>(),
        one => one.as_str().map(|text| vec![text]),
    };
    let texts = texts.ok_or(ClaimError::AudienceType)?;
    if texts.is_empty() || texts.contains(&"") { Err(ClaimError::Empty("aud")) } else { Ok(texts) }
}

/// Checks `exp`, `nbf` and `iat` at `now` (seconds since 1970), with `leeway` seconds for clocks that differ.
///
/// Each must be a number where it is present; a fraction of a second is cut off (`semantics.md` 19). `iat`
/// is checked for its type alone. `exp` may be absent unless `require_exp` says otherwise.
///
/// # Errors
/// [`ClaimError::NotATime`], [`ClaimError::Negative`], [`ClaimError::TooLate`], [`ClaimError::Missing`],
/// [`ClaimError::Expired`], [`ClaimError::NotYet`].
pub fn check_times(
    claims: &Map<String, Value>,
    now: i64,
    leeway: i64,
    require_exp: bool,
) -> Result<(), ClaimError> {
    let exp = time(claims, "exp")?;
    let nbf = time(claims, "nbf")?;
    time(claims, "iat")?;
    match exp {
        None if require_exp => return Err(ClaimError::Missing("exp")),
        Some(exp) if now >= exp.saturating_add(leeway) => return Err(ClaimError::Expired { exp, now }),
        _ => {}
    }
    match nbf {
        Some(nbf) if now.saturating_add(leeway) < nbf => Err(ClaimError::NotYet { nbf, now }),
        _ => Ok(()),
    }
}

/// `exp`, seconds since 1970, a fraction cut off; `None` where it is absent.
///
/// # Errors
/// As [`check_times`] for its type and range; whether it has passed is not asked.
pub fn expiry(claims: &Map<String, Value>) -> Result<Option<i64>, ClaimError> {
    time(claims, "exp")
}

/// `iat`, seconds since 1970, a fraction cut off; `None` where it is absent.
///
/// # Errors
/// As [`check_times`] for its type and range.
pub fn issued(claims: &Map<String, Value>) -> Result<Option<i64>, ClaimError> {
    time(claims, "iat")
}

/// Whether only we may make this claim, so that in a subject token it counts as missing (`semantics.md` 23).
pub fn is_reserved(name: &str) -> bool {
    matches!(name, "policy" | "function" | "act" | "cnf")
        || name.starts_with("fed:")
        || name.starts_with("openfaas:")
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, ClaimError> {
    match claims.get(name) {
        None => Err(ClaimError::Missing(name)),
        Some(Value::String(text)) if text.is_empty() => Err(ClaimError::Empty(name)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(ClaimError::NotText(name)),
    }
}

/// A NumericDate (RFC 7519 section 2), seconds since 1970; `None` where the claim is absent.
///
/// # Errors
/// As [`check_times`] for its type and range.
pub fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, ClaimError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let Value::Number(number) = value else { return Err(ClaimError::NotATime(name)) };
    match seconds(number) {
        Some(s) if s < 0 => Err(ClaimError::Negative(name)),
        Some(s) if s <= END_OF_TIME => Ok(Some(s)),
        _ => Err(ClaimError::TooLate(name)),
    }
}

/// Whole seconds, what lies below zero as -1; `None` for what no `i64` holds.
fn seconds(number: &serde_json::Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64()?;
    if float < 0.0 {
        return Some(-1);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within the years that count, and cut off on purpose"
    )]
    (float <= 1e15).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn claims(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    fn times(json: &str) -> Result<(), ClaimError> {
        check_times(&claims(json), NOW, FOREIGN_LEEWAY, true)
    }

    #[test]
    fn r19_which_times_are_refused() {
        let (expired, not_yet) =
            (|exp| ClaimError::Expired { exp, now: NOW }, |nbf| ClaimError::NotYet { nbf, now: NOW });
        let rows = [
            (r#"{"exp": 1999999999}"#, None),
            (r#"{"exp": 1999999999.811}"#, None),
            (r#"{"exp": 1.9e9}"#, None),
            (r#"{"exp": "1999999999"}"#, Some(ClaimError::NotATime("exp"))),
            (r#"{"exp": null}"#, Some(ClaimError::NotATime("exp"))),
            (r#"{"exp": true}"#, Some(ClaimError::NotATime("exp"))),
            (r#"{"exp": [1999999999]}"#, Some(ClaimError::NotATime("exp"))),
            (r#"{"exp": -1}"#, Some(ClaimError::Negative("exp"))),
            (r#"{"exp": -0.5}"#, Some(ClaimError::Negative("exp"))),
            (r#"{"exp": 253402300799}"#, None),
            (r#"{"exp": 253402300799.9}"#, None),
            (r#"{"exp": 253402300800}"#, Some(ClaimError::TooLate("exp"))),
            (r#"{"exp": 9223372036854775808}"#, Some(ClaimError::TooLate("exp"))),
            (r#"{"exp": 1e300}"#, Some(ClaimError::TooLate("exp"))),
            (r#"{}"#, Some(ClaimError::Missing("exp"))),
            (r#"{"exp": 1799999971}"#, None),
            (r#"{"exp": 1799999970}"#, Some(expired(1_799_999_970))),
            (r#"{"exp": 1799999970.9}"#, Some(expired(1_799_999_970))),
            (r#"{"exp": 1999999999, "nbf": 1800000030}"#, None),
            (r#"{"exp": 1999999999, "nbf": 1800000031}"#, Some(not_yet(1_800_000_031))),
            (r#"{"exp": 1999999999, "nbf": "1"}"#, Some(ClaimError::NotATime("nbf"))),
            (r#"{"exp": 1999999999, "nbf": null}"#, Some(ClaimError::NotATime("nbf"))),
            (r#"{"exp": 1999999999, "nbf": -1}"#, Some(ClaimError::Negative("nbf"))),
            (r#"{"exp": 1999999999, "iat": 1}"#, None),
            (r#"{"exp": 1999999999, "iat": "1"}"#, Some(ClaimError::NotATime("iat"))),
            (r#"{"exp": 1999999999, "iat": null}"#, Some(ClaimError::NotATime("iat"))),
            (r#"{"exp": 1999999999, "iat": 253402300800}"#, Some(ClaimError::TooLate("iat"))),
        ];
        for (json, want) in rows {
            assert_eq!(times(json).err(), want, "{json}");
        }
    }

    #[test]
    fn r30_where_times_are_not_required_they_are_checked_all_the_same() {
        let check = |json| check_times(&claims(json), NOW, 0, false);
        assert_eq!(check("{}"), Ok(()));
        assert_eq!(check(r#"{"exp": 1}"#), Err(ClaimError::Expired { exp: 1, now: NOW }));
        assert_eq!(check(r#"{"exp": null}"#), Err(ClaimError::NotATime("exp")));
    }

    #[test]
    fn r19_audience_is_one_text_or_a_list_of_them() {
        let rows: [(&str, Result<Vec<&str>, ClaimError>); 9] = [
            (r#"{"aud": "a"}"#, Ok(vec!["a"])),
            (r#"{"aud": ["a"]}"#, Ok(vec!["a"])),
            (r#"{"aud": ["a", "b"]}"#, Ok(vec!["a", "b"])),
            (r#"{}"#, Err(ClaimError::Missing("aud"))),
            (r#"{"aud": null}"#, Err(ClaimError::AudienceType)),
            (r#"{"aud": []}"#, Err(ClaimError::Empty("aud"))),
            (r#"{"aud": ""}"#, Err(ClaimError::Empty("aud"))),
            (r#"{"aud": ["a", 1]}"#, Err(ClaimError::AudienceType)),
            (r#"{"aud": {"a": "b"}}"#, Err(ClaimError::AudienceType)),
        ];
        for (json, want) in rows {
            assert_eq!(audience(&claims(json)), want, "{json}");
        }
    }

    #[test]
    fn r19_issuer_and_subject_are_text_and_not_empty() {
        let rows: [(&str, Result<&str, ClaimError>); 5] = [
            (r#"{"sub": " a/"}"#, Ok(" a/")),
            (r#"{}"#, Err(ClaimError::Missing("sub"))),
            (r#"{"sub": null}"#, Err(ClaimError::NotText("sub"))),
            (r#"{"sub": 7}"#, Err(ClaimError::NotText("sub"))),
            (r#"{"sub": ""}"#, Err(ClaimError::Empty("sub"))),
        ];
        for (json, want) in rows {
            assert_eq!(subject(&claims(json)), want, "{json}");
            let same = claims(&json.replace("sub", "iss"));
            assert_eq!(issuer(&same).ok(), want.ok(), "{json}");
        }
    }

    #[test]
    fn r23_which_claims_only_we_may_make() {
        for name in ["policy", "function", "act", "cnf", "fed:iss", "fed:", "openfaas:kind"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["sub", "Policy", "policy2", "fed", "feds:iss", "openfaas", "OpenFaaS:kind"] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
