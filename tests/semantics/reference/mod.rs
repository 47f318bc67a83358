//! A naive reading of the semantics, rule by rule, on raw JSON: the second opinion against which the
//! product is held. Clear before fast, and not a line shared with the product. Rule numbers are those of
//! the page on semantics.

mod bounds;
mod condition;
mod identity;
mod issuer;
mod request;
mod spec;
mod tenant;
mod text;
mod verdict;

use serde_json::Value;

use crate::world::{Objects, World};
pub use identity::{Subject, Way};
pub use request::{Request, WrongInput};
pub use verdict::Verdict;

/// The objects of a world that serve.
pub struct Served<'a> {
    issuers: Vec<(&'a str, &'a Value)>,
    policies: Vec<(&'a str, &'a Value)>,
    roles: Vec<&'a Value>,
}

impl<'a> Served<'a> {
    /// Leaves out what is invalid, and every issuer whose `iss` another has too (20).
    pub fn of(world: &'a World) -> Self {
        let alone = |iss: &Value| world.issuers.iter().filter(|(_, spec)| &spec["iss"] == iss).count() == 1;
        Self {
            issuers: valid(&world.issuers, issuer::valid).filter(|(_, spec)| alone(&spec["iss"])).collect(),
            policies: valid(&world.policies, |_, spec| spec::policy(spec)).collect(),
            roles: valid(&world.roles, |_, spec| spec::role(spec)).map(|(_, spec)| spec).collect(),
        }
    }

    /// The declared issuer with exactly this `iss` (19).
    fn issuer(&self, iss: &str) -> Option<(&'a str, &'a Value)> {
        self.issuers.iter().copied().find(|(_, spec)| spec["iss"] == iss)
    }

    fn policy(&self, wanted: &str) -> Option<&'a Value> {
        self.policies.iter().find(|(name, _)| *name == wanted).map(|(_, spec)| *spec)
    }

    /// Whether the claims name an identity that may do this.
    pub fn decide(&self, claims: &Value, now: i64, way: Way, request: &Request) -> bool {
        self.identify(claims, now, way).is_some_and(|who| self.judge(&who, request).allows())
    }

    /// Who the claims name (19, 30).
    pub fn identify(&self, claims: &Value, now: i64, way: Way) -> Option<Subject<'a>> {
        identity::identify(self, claims, now, way)
    }
}

/// Whether an object by itself is valid.
pub fn is_valid(kind: &str, name: &str, spec: &Value) -> bool {
    match kind {
        "JwtIssuer" => issuer::valid(name, spec),
        "Policy" => spec::policy(spec),
        "Role" => spec::role(spec),
        other => panic!("no kind of this test: {other}"),
    }
}

fn valid(objects: &Objects, valid: impl Fn(&str, &Value) -> bool) -> impl Iterator<Item = (&str, &Value)> {
    objects.iter().filter(move |(name, spec)| valid(name, spec)).map(|(name, spec)| (name.as_str(), spec))
}

/// The strings of a list; none where it is no list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
