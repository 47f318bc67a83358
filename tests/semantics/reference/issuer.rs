//! Whether a JwtIssuer is valid (19–22, 26, 28).

use serde_json::Value;

use super::identity::BASIC_AUTH;
use super::spec::{fits, is_clean, list, only};
use super::tenant;

const FIELDS: [&str; 10] = [
    "iss",
    "aud",
    "issInternal",
    "tokenExpiry",
    "jwks",
    "jwksRef",
    "caBundleRef",
    "algorithms",
    "capExpiry",
    "shared",
];

pub fn valid(name: &str, spec: &Value) -> bool {
    let Some(map) = spec.as_object() else { return false };
    let mut known = FIELDS.to_vec();
    known.push("emailVerified");
    let mut others = map.clone();
    let jwks = others.remove("jwks"); // 26: nothing of this page but 28 applies inside.
    let expiry = others.remove("tokenExpiry");
    let text =
        |name: &str| map.get(name).is_none_or(|v| v.as_str().is_some_and(|t| t.chars().count() <= 2048));
    let boolean = |name: &str| map.get(name).is_none_or(Value::is_boolean);
    let one_of = |name: &str, choices: &[&str]| map.get(name).is_none_or(|v| choices.iter().any(|c| v == c));
    is_clean(&Value::Object(others))
        && only(map, &known)
        && fits(spec, 320)
        && map.get("iss").is_some_and(Value::is_string)
        && text("iss")
        && text("issInternal")
        && list(map.get("aud"), 16, |v| v.as_str().is_some_and(|t| t.chars().count() <= 2048))
        && boolean("capExpiry")
        && boolean("shared")
        && one_of("emailVerified", &["IfPresent", "Required"])
        && map.get("algorithms").is_none_or(|v| list(Some(v), 16, is_algorithm))
        && expiry.is_none_or(|e| e.as_str().is_some_and(|e| e.is_empty() || is_expiry(e)))
        && map.get("jwksRef").is_none_or(is_reference)
        && map.get("caBundleRef").is_none_or(is_reference)
        && !(jwks.is_some() && map.contains_key("jwksRef"))
        && jwks.is_none_or(|set| is_key_set(&set))
        && keys_come_from_somewhere(name, spec)
}

/// 19, 20, 22. Page silent on an `iss` that is the one of basic-auth users: decided that it is a problem,
/// since whoever holds its keys would be every user that Roles name by it (24).
fn keys_come_from_somewhere(name: &str, spec: &Value) -> bool {
    let iss = spec["iss"].as_str().unwrap_or_default();
    let elsewhere = ["jwks", "jwksRef", "issInternal"].iter().any(|field| spec.get(field).is_some());
    match name {
        "system" => !elsewhere,
        _ => iss != BASIC_AUTH && !tenant::is_alias(iss) && (elsewhere || can_be_fetched(iss)),
    }
}

/// An https URL, or http on loopback, without user information, and no link-local or metadata host. A
/// text that is no address of the web is the cluster's own: "where it is neither an https URL nor http on
/// loopback the keys come from `issInternal`, `jwks`, `jwksRef` or the cluster" (19), and pitfalls: "An
/// issuer whose text is no URL (`api`) serves with the cluster's keys". Page silent on a warning: decided
/// for one, since it is hardly ever meant (a row of `objects.yaml`).
fn can_be_fetched(iss: &str) -> bool {
    let url = url::Url::parse(iss).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    let Some(url) = url else { return !iss.starts_with("http:") && !iss.starts_with("https:") };
    let host = url.host_str().unwrap_or_default();
    let loopback = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    let forbidden = host.starts_with("169.254.")
        || host.starts_with("[fe80:")
        || host.starts_with("[::ffff:a9fe:")
        || host.trim_end_matches('.') == "metadata.google.internal"
        || host == "[fd00:ec2::254]";
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    scheme && !host.is_empty() && !forbidden && url.username().is_empty() && url.password().is_none()
}

fn is_algorithm(value: &Value) -> bool {
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
        .iter()
        .any(|a| value == a)
}

fn is_reference(value: &Value) -> bool {
    let text = |name: &str| value.get(name).is_some_and(Value::is_string);
    value.as_object().is_some_and(|map| only(map, &["kind", "name", "key"]))
        && ["Secret", "ConfigMap"].iter().any(|kind| value["kind"] == *kind)
        && text("name")
        && text("key")
}

/// 28: a set of keys, none of them secret, one of them of use.
fn is_key_set(set: &Value) -> bool {
    let Some(keys) = set.get("keys").and_then(Value::as_array) else { return false };
    let secret = |key: &Value| key.get("d").is_some() || key["kty"] == "oct";
    let usable = |key: &Value| {
        let curve = |curves: &[&str]| curves.iter().any(|c| key["crv"] == *c);
        key["use"] != "enc"
            && match key["kty"].as_str() {
                Some("RSA") => true,
                Some("EC") => curve(&["P-256", "P-384"]),
                Some("OKP") => curve(&["Ed25519"]),
                _ => false,
            }
    };
    keys.len() <= 64
        && set.to_string().len() <= 256 * 1024
        && !keys.iter().any(secret)
        && keys.iter().any(usable)
}

/// 21: a Go duration from a minute to a day.
fn is_expiry(text: &str) -> bool {
    duration(text).is_some_and(|seconds| (60.0..=86_400.0).contains(&seconds))
}

/// A Go duration in seconds: decimal numbers with a unit each, one after the other.
fn duration(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 8] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("μs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number = &rest[..end];
        let digits = number.chars().filter(char::is_ascii_digit).count();
        if digits == 0 || number.matches('.').count() > 1 {
            return None;
        }
        let number = format!("0{number}0")
            .parse::<f64>()
            .ok()
            .filter(|_| number.contains('.'))
            .or_else(|| number.parse().ok())?;
        // "ms" before "m", so that a unit is read whole.
        let (unit, seconds) = UNITS.iter().find(|(unit, _)| rest[end..].starts_with(unit))?;
        sum += number * seconds;
        rest = &rest[end + unit.len()..];
    }
    (!text.is_empty()).then_some(sum)
}
