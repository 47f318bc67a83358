//! Who some claims name (19, 20, 23, 24, 30): those of a whole token, or those that somebody wrote down for
//! a question.

use serde_json::{Map, Value};

use super::Served;
use super::bounds::{Bounds, api, function, list};

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

impl Subject<'_> {
    /// Whether a claim was left out of the token for its size.
    pub fn has_omitted(&self, claim: &str) -> bool {
        self.omitted.iter().any(|omitted| omitted == claim)
    }
}

/// What the claims are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// 19: "`iss`, `sub` (not empty), `aud`, `exp` are required and typed".
    Token,
    /// 30: "`exp`, `nbf`, `iat` and `aud` are checked where the claims have them".
    Question,
}

pub const BASIC_AUTH: &str = "urn:faas-iam:basic-auth";

pub fn identify<'a>(served: &Served<'a>, claims: &Value, now: i64, way: Way) -> Option<Subject<'a>> {
    let claims = claims.as_object()?;
    let text = |name: &str| claims.get(name)?.as_str().filter(|text| !text.is_empty());
    let (iss, sub) = (text("iss")?, text("sub")?);
    if way == Way::Question && iss == BASIC_AUTH {
        // Page silent: decided that a password proves a user's name and nothing else, so that there are no
        // times, and conditions see nothing more. As a token's `iss` it is nobody's (`issuer.rs`).
        return Some(subject(iss, None, only(claims, |name| ["iss", "sub"].contains(&name))));
    }
    let (name, issuer) = served.issuer(iss)?;
    let ours = name == "system";
    // Security rules 13: "Leeway 30 s for foreign tokens, 1 s for ours".
    if !times_are_right(claims, now, if ours { 1 } else { 30 }, way)
        || !audience_is_right(claims, issuer, way)
    {
        return None;
    }
    if ours { own(served, claims, sub, way) } else { Some(subject(iss, Some(issuer), without_ours(claims))) }
}

/// 30: "an API token by `sub: fed:…`, a function identity by `sub: function:…`, else refused"; where a kind
/// is written, security rules 15: "Token kinds are exclusive (signed claim `openfaas:kind`: api, function,
/// identity …)", so that it has to be the one of its `sub`.
fn own<'a>(served: &Served<'a>, claims: &Map<String, Value>, sub: &str, way: Way) -> Option<Subject<'a>> {
    let kind = claims.get("openfaas:kind").map(|kind| kind.as_str().unwrap_or("no text"));
    match (sub.split_once(':')?, kind) {
        (("function", _), None | Some("identity")) => {
            let seen = of_an_identity(claims);
            Some(Subject { omitted: omitted(claims), ..subject(claims["iss"].as_str()?, None, seen) })
        }
        (("fed", original), None | Some("api")) => federated(served, claims, original, api(claims), way),
        (("fed", original), Some("function")) => federated(served, claims, original, function(claims), way),
        _ => None,
    }
}

/// A token of ours that stands for somebody else: "for an API token the claims that Roles see are the
/// original ones: `sub`, `iss`, `aud` come back from `fed:*`" (design 4).
fn federated<'a>(
    served: &Served<'a>,
    claims: &Map<String, Value>,
    sub: &str,
    bounds: Bounds,
    way: Way,
) -> Option<Subject<'a>> {
    let iss = claims.get("fed:iss")?.as_str()?;
    let (name, declared) = served.issuer(iss)?;
    let (issuer, mut seen) = match (name == "system", sub.starts_with("function:")) {
        (false, _) => (Some(declared), without_ours(claims)),
        (true, true) => (None, of_an_identity(claims)),
        (true, false) => return None,
    };
    seen.insert("iss".into(), iss.into());
    seen.insert("sub".into(), Some(sub).filter(|sub| !sub.is_empty())?.into());
    seen.remove("aud");
    seen.extend(claims.get("fed:aud").map(|aud| ("aud".to_owned(), aud.clone())));
    // Page silent on a `fed:aud` that the JwtIssuer no longer takes: decided by 19, "one of its `aud` must be
    // in the token's", of the JwtIssuer as it is now, since security rules 17 evaluates live: "Deleting a
    // Role, Policy, JwtIssuer or access token is felt by tokens already out", and so is narrowing it.
    audience_is_right(&seen, declared, way).then(|| Subject {
        omitted: omitted(claims),
        bounds,
        ..subject(iss, issuer, seen)
    })
}

/// Wire, size: "their names kept in `openfaas:omitted`: for an omitted claim, in any token of ours, every
/// operator is false, Null too".
fn omitted(claims: &Map<String, Value>) -> Vec<String> {
    claims.get("openfaas:omitted").map(list).unwrap_or_default()
}

fn subject<'a>(iss: &str, issuer: Option<&'a Value>, claims: Map<String, Value>) -> Subject<'a> {
    Subject { iss: iss.to_owned(), issuer, claims, omitted: Vec::new(), bounds: Bounds::default() }
}

/// 23: what only we may say counts as missing.
fn without_ours(claims: &Map<String, Value>) -> Map<String, Value> {
    only(claims, |name| !is_authority(name) && !name.starts_with("openfaas:"))
}

/// Wire: "identities that we signed ourselves keep their `openfaas:*`". Page silent on the two that say what
/// the token is: decided that they are no claims of the function, so that its Roles hold alike before and
/// after an exchange, which writes another kind.
fn of_an_identity(claims: &Map<String, Value>) -> Map<String, Value> {
    only(claims, |name| !is_authority(name) && !["openfaas:kind", "openfaas:omitted"].contains(&name))
}

fn is_authority(name: &str) -> bool {
    ["policy", "function", "act", "cnf"].contains(&name) || name.starts_with("fed:")
}

fn only(claims: &Map<String, Value>, seen: impl Fn(&str) -> bool) -> Map<String, Value> {
    claims.iter().filter(|(name, _)| seen(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

/// 19: typed, not before 1970, not past 9999, whole seconds, some of them forgiven.
fn times_are_right(claims: &Map<String, Value>, now: i64, leeway: i64, way: Way) -> bool {
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
    let not_over = exp.map_or(way == Way::Question, |exp| now < exp + leeway);
    all && not_over && nbf.is_none_or(|nbf| nbf <= now + leeway)
}

/// 19: a text or texts, of which one is the issuer's. Security rules 13: "`aud` as string and as array mean
/// the same; empty denies", an empty one of several, too.
fn audience_is_right(claims: &Map<String, Value>, issuer: &Value, way: Way) -> bool {
    let Some(aud) = claims.get("aud") else { return way == Way::Question };
    let all = aud.as_array().map_or_else(|| std::slice::from_ref(aud), Vec::as_slice);
    let typed = all.iter().all(|one| one.as_str().is_some_and(|text| !text.is_empty()));
    typed && all.iter().any(|one| issuer["aud"].as_array().is_some_and(|ours| ours.contains(one)))
}
