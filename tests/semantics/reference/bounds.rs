//! What a token of ours allows at most, whatever the Roles say (30; design 6; security rules 16, 17).

use serde_json::{Map, Value};

use super::request::Request;
use super::texts;

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

/// Design 6: "an API token's `policy` and a function token's `permissions` are upper bounds". Page silent on
/// one without `policy`, which we never make: decided that no bound names nothing, as all that is missing
/// or broken fails closed, rather than that it bounds nothing.
pub fn api(claims: &Map<String, Value>) -> Bounds {
    Bounds { policies: Some(claims.get("policy").map(list).unwrap_or_default()), ..Bounds::default() }
}

/// The same without `permissions`. Where there is an `audience`, it narrows. An empty one, which watchdogs
/// take for any, is none: "an intersection that comes out empty is a refusal, never a token" (wire), so
/// that nobody can hold one; "never empty" (security rules 16).
pub fn function(claims: &Map<String, Value>) -> Bounds {
    let of = |name: &str| claims.get("function").and_then(|function| function.get(name)).map(list);
    Bounds {
        policies: None,
        permissions: Some(of("permissions").unwrap_or_default()),
        audience: of("audience"),
    }
}

pub fn list(value: &Value) -> Vec<String> {
    texts(value).map(str::to_owned).collect()
}
