//! The product, as the operator and `can-i` use it: validate, link, compile, identify, decide. What it
//! answers here is what it serves.

use faas_iam::api::Kind;
use faas_iam::bundle::Bundle;
use faas_iam::compile::link::link;
use faas_iam::compile::validate::validate;
use faas_iam::compile::{Catalogue, Judged, Linked, ObjectRef, Surroundings};
use faas_iam::engine::{Completeness, Engine};
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

/// The engine of a world, and both of its answers.
pub struct Product(Engine);

impl Product {
    pub fn of(world: &World) -> Self {
        Self(Engine::new(&bundle(world)))
    }

    /// Whether the claims may do this; `explain` has to say the same.
    pub fn decide(&self, claims: &Value, now: i64, request: &Request) -> bool {
        let Some(claims) = claims.as_object() else { return false };
        let Ok(principal) = self.0.identify(claims, now, Completeness::Question) else { return false };
        let allowed = self.0.decide(&principal, request);
        let explained = self.0.explain(&principal, request, 16).allowed;
        assert_eq!(allowed, explained, "decide and explain disagree about {request} for {claims:?}");
        allowed
    }
}
