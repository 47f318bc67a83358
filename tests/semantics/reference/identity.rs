//! Who some claims name (19, 20, 23, 24, 30), as `can-i` asks: times and audience are checked where the
//! claims have them.

use serde_json::{Map, Value};

use super::request::Request;
use super::{Served, texts};

/// An identity, with what conditions may see of it.
pub struct Subject<'a> {
    /// The issuer whose Roles count.
    pub iss: String,
    /// Its JwtIssuer; none for basic auth and for our own identities, which Roles must name (24).
    pub issuer: Option<&'a Value>,
    pub claims: Map<String, Value>,
    /// Claims left out of a token of ours for its size.
    pub omitted: Vec<String>,
    pub bounds: Bounds,
}

/// What a token of ours allows at most.
#[derive(Default)]
pub struct Bounds {
    policies: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
    audience: Option<Vec<String>>,
}

impl Bounds {
    /// Whether a Policy may be used.
    pub fn names(&self, policy: &str) -> bool {
        self.policies.as_ref().is_none_or(|names| names.iter().any(|name| name == policy))
    }

    /// Whether a request may be made at all.
    pub fn permit(&self, request: &Request) -> bool {
        let Some(permissions) = &self.permissions else { return true };
        let covers = |patterns: &[String]| patterns.iter().any(|pattern| request.is_on(pattern));
        request.is_invoke() && covers(permissions) && self.audience.as_deref().is_none_or(covers)
    }
}

const BASIC_AUTH: &str = "urn:faas-iam:basic-auth";

pub fn identify<'a>(served: &Served<'a>, claims: &Value, now: i64) -> Option<Subject<'a>> {
    let claims = claims.as_object()?;
    let text = |name: &str| claims.get(name)?.as_str().filter(|text| !text.is_empty());
    let (iss, sub) = (text("iss")?, text("sub")?);
    if iss == BASIC_AUTH {
        // No token, so no times; conditions see who it is and nothing else.
        return Some(subject(iss, None, only(claims, |name| ["iss", "sub"].contains(&name))));
    }
    let (name, issuer) = served.issuer(iss)?;
    let leeway = if name == "system" { 1 } else { 30 };
    if !times_are_right(claims, now, leeway) || !audience_is_right(claims, issuer) {
        return None;
    }
    match (name == "system", sub.split_once(':')) {
        (false, _) => Some(subject(iss, Some(issuer), without_ours(claims))),
        (true, Some(("function", _))) => Some(subject(iss, None, without(claims, is_authority))),
        (true, Some(("fed", original))) => federated(served, claims, original),
        (true, _) => None,
    }
}

/// A token of ours that stands for somebody else: the original claims come back.
fn federated<'a>(served: &Served<'a>, claims: &Map<String, Value>, sub: &str) -> Option<Subject<'a>> {
    let iss = claims.get("fed:iss")?.as_str()?;
    let (name, issuer) = served.issuer(iss)?;
    let (issuer, mut seen) = match (name == "system", sub.starts_with("function:")) {
        (false, _) => (Some(issuer), without_ours(claims)),
        (true, true) => (None, without(claims, is_authority)),
        (true, false) => return None,
    };
    seen.insert("iss".into(), iss.into());
    seen.insert("sub".into(), Some(sub).filter(|sub| !sub.is_empty())?.into());
    seen.remove("aud");
    seen.extend(claims.get("fed:aud").map(|aud| ("aud".to_owned(), aud.clone())));
    let (_, declared) = served.issuer(iss)?;
    if !audience_is_right(&seen, declared) {
        return None;
    }
    let list = |value: &Value| texts(value).map(str::to_owned).collect::<Vec<_>>();
    let omitted = claims.get("openfaas:omitted").map(list).unwrap_or_default();
    let bounds = match claims.get("openfaas:kind").and_then(Value::as_str) {
        Some("function") => Bounds {
            permissions: Some(list(&claims.get("function")?["permissions"])),
            // Missing is any; an empty one, which we never make, is none.
            audience: claims.get("function")?.get("audience").map(list),
            policies: None,
        },
        Some("api") | None => {
            Bounds { policies: Some(claims.get("policy").map(list).unwrap_or_default()), ..Bounds::default() }
        }
        Some(_) => return None,
    };
    Some(Subject { omitted, bounds, ..subject(iss, issuer, seen) })
}

fn subject<'a>(iss: &str, issuer: Option<&'a Value>, claims: Map<String, Value>) -> Subject<'a> {
    Subject { iss: iss.to_owned(), issuer, claims, omitted: Vec::new(), bounds: Bounds::default() }
}

/// 23: what only we may say counts as missing.
fn without_ours(claims: &Map<String, Value>) -> Map<String, Value> {
    without(claims, |name| is_authority(name) || name.starts_with("openfaas:"))
}

fn is_authority(name: &str) -> bool {
    ["policy", "function", "act", "cnf"].contains(&name) || name.starts_with("fed:")
}

fn without(claims: &Map<String, Value>, hidden: impl Fn(&str) -> bool) -> Map<String, Value> {
    only(claims, |name| !hidden(name))
}

fn only(claims: &Map<String, Value>, seen: impl Fn(&str) -> bool) -> Map<String, Value> {
    claims.iter().filter(|(name, _)| seen(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

/// 19: typed, not before 1970, not past 9999, whole seconds, some of them forgiven.
fn times_are_right(claims: &Map<String, Value>, now: i64, leeway: i64) -> bool {
    const YEAR_10000: f64 = 253_402_300_800.0;
    let mut all = true;
    let mut time = |name: &str| {
        let seconds = claims.get(name)?.as_f64().filter(|t| (0.0..YEAR_10000).contains(t));
        all &= seconds.is_some();
        #[allow(clippy::cast_possible_truncation)]
        seconds.map(|t| t.floor() as i64)
    };
    let (exp, nbf) = (time("exp"), time("nbf"));
    time("iat");
    all && exp.is_none_or(|exp| now < exp + leeway) && nbf.is_none_or(|nbf| nbf <= now + leeway)
}

/// 19: a text or texts, of which one is the issuer's.
fn audience_is_right(claims: &Map<String, Value>, issuer: &Value) -> bool {
    let Some(aud) = claims.get("aud") else { return true };
    let ours =
        |aud: &Value| aud.is_string() && issuer["aud"].as_array().is_some_and(|ours| ours.contains(aud));
    match aud {
        Value::Array(all) => all.iter().all(Value::is_string) && all.iter().any(ours),
        one => ours(one),
    }
}
