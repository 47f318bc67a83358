//! The product, as the operator and `can-i` use it: validate, link, compile, identify, decide. What it
//! answers here is what it serves.

use faas_iam::api::Kind;
use faas_iam::bundle::Bundle;
use faas_iam::compile::link::link;
use faas_iam::compile::validate::validate;
use faas_iam::compile::{Catalogue, Judged, Linked, ObjectRef, Surroundings};
use faas_iam::engine::{Completeness, Engine, Explanation, Grantee, Principal};
use faas_iam::model::{Request, Unplaced};
use serde_json::{Value, json};

use crate::world::World;

/// An object as it lies in a file or a cluster.
pub fn object(kind: Kind, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": kind.api_version(),
        "kind": format!("{kind:?}"),
        "metadata": {"name": name, "namespace": "openfaas"},
        "spec": spec,
    })
}

/// What the validator says of one object.
pub fn judge(kind: Kind, name: &str, spec: &Value) -> Judged {
    validate(kind, &object(kind, name, spec), &Unplaced)
}

/// All objects, validated.
pub fn catalogue(world: &World) -> Catalogue {
    let kinds =
        [(Kind::JwtIssuer, &world.issuers), (Kind::Policy, &world.policies), (Kind::Role, &world.roles)];
    let objects = kinds.into_iter().flat_map(|(kind, objects)| {
        objects.iter().map(move |(name, spec)| {
            (ObjectRef { kind, name: name.as_str().into() }, judge(kind, name, spec))
        })
    });
    Catalogue { objects: objects.collect() }
}

/// What follows from them.
pub fn linked(world: &World) -> Linked {
    link(&catalogue(world), &Surroundings::default())
}

/// The bundle that is served.
pub fn bundle(world: &World) -> Bundle {
    linked(world).bundle
}

/// The engine of a world.
pub struct Product(Engine);

impl Product {
    pub fn of(world: &World) -> Self {
        Self::serving(&catalogue(world))
    }

    /// The engine of objects that are validated already.
    pub fn serving(catalogue: &Catalogue) -> Self {
        Self(Engine::new(&link(catalogue, &Surroundings::default()).bundle))
    }

    /// Who the claims name, if anybody.
    pub fn identify(&self, claims: &Value, now: i64, completeness: Completeness) -> Option<Principal> {
        self.0.identify(claims.as_object()?, now, completeness).ok()
    }

    /// What serving asks.
    pub fn allows(&self, who: &Principal, request: &Request) -> bool {
        self.0.decide(who, request)
    }

    /// What forwarding needs.
    pub fn permits(&self, who: &Principal, request: &Request) -> bool {
        self.0.permit(who, request).is_some_and(|permit| permit.request() == request)
    }

    /// What a person is told, about every Role of a small world.
    pub fn explains(&self, who: &Principal, request: &Request) -> Explanation {
        self.0.explain(who, request, 16)
    }

    /// The question the other way round.
    pub fn who_can(&self, request: &Request) -> Vec<Grantee> {
        self.0.who_can(request)
    }

    /// Whether the claims may do this; both answers have to be the same.
    pub fn decide(&self, claims: &Value, now: i64, completeness: Completeness, request: &Request) -> bool {
        let Some(who) = self.identify(claims, now, completeness) else { return false };
        let allowed = self.allows(&who, request);
        assert_eq!(
            allowed,
            self.explains(&who, request).allowed,
            "decide and explain disagree: {request} for {claims}"
        );
        allowed
    }
}
