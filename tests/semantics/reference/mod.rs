//! A naive reading of the semantics, rule by rule, on raw JSON: the second opinion against which the
//! product is held. Clear before fast, and not a line shared with the product. Rule numbers are those of
//! the page on semantics.

mod condition;
mod identity;
mod issuer;
mod request;
mod spec;
mod tenant;
mod text;

use serde_json::Value;

use crate::world::{Objects, World};
use identity::Subject;
pub use request::{Request, WrongInput};

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

    /// Whether the claims name an identity, and may do this.
    pub fn decide(&self, claims: &Value, now: i64, request: &Request) -> bool {
        self.identify(claims, now).is_some_and(|who| self.allows(&who, request))
    }

    /// Who the claims name (19, 30).
    pub fn identify(&self, claims: &Value, now: i64) -> Option<Subject<'a>> {
        identity::identify(self, claims, now)
    }

    /// Whether this identity may do this.
    pub fn allows(&self, who: &Subject, request: &Request) -> bool {
        // 4: never in kube-system.
        request.namespace() != Some("kube-system")
            && who.bounds.permit(request)
            && self
                .roles
                .iter()
                .any(|role| binds(role, who) && in_scope(role, request) && self.grants(role, who, request))
    }

    /// 7, 9: policies and statements add up; what is missing or invalid grants nothing.
    fn grants(&self, role: &Value, who: &Subject, request: &Request) -> bool {
        texts(&role["policy"])
            .filter(|name| who.bounds.names(name))
            .filter_map(|name| self.policy(name))
            .flat_map(|policy| policy["statement"].as_array().into_iter().flatten())
            .any(|statement| {
                request.is_covered_by(&statement["action"], &statement["resource"])
                    && condition::holds(statement.get("condition"), who)
            })
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

/// 8, 11, 22, 24: whether a Role is about this identity.
fn binds(role: &Value, who: &Subject) -> bool {
    let named = tenant::named_issuers(role);
    let about_its_issuer = match &named {
        Some(named) => named.contains(&who.iss.as_str()),
        None => who.issuer.is_some(),
    };
    let one_tenant = who.issuer.is_none_or(|issuer| tenant::is_bound(issuer, role));
    about_its_issuer && one_tenant && principal(role, who) && condition::holds(role.get("condition"), who)
}

fn principal(role: &Value, who: &Subject) -> bool {
    let Some(principal) = role.get("principal") else { return true };
    texts(&principal["jwt:sub"]).any(|sub| who.claims.get("sub").is_some_and(|claim| claim == sub))
}

/// 10: `*`, `ns:*` or `ns:name`.
fn in_scope(role: &Value, request: &Request) -> bool {
    let Some(scope) = role.get("scope") else { return true };
    texts(scope).any(|scope| request.is_within(scope))
}

/// The strings of a list; none where it is no list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
