//! The types hold what is written, no more and no less.

use serde_json::{Value, json};

use super::*;

/// Reads an object as its kind and writes it again.
fn there_and_back(object: &Value) -> Result<Value, serde_json::Error> {
    let text = object.to_string();
    match object["kind"].as_str().unwrap().parse().unwrap() {
        Kind::JwtIssuer => serde_json::to_value(serde_json::from_str::<JwtIssuer>(&text)?),
        Kind::Policy => serde_json::to_value(serde_json::from_str::<Policy>(&text)?),
        Kind::Role => serde_json::to_value(serde_json::from_str::<Role>(&text)?),
        Kind::RegistryCredential => serde_json::to_value(serde_json::from_str::<RegistryCredential>(&text)?),
        other => panic!("{other}"),
    }
}

fn object(kind: Kind, spec: Value) -> Value {
    json!({ "apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": { "name": "one" }, "spec": spec })
}

#[test]
fn every_field_of_every_kind_survives_being_read_and_written() {
    let condition = json!({ "StringEqual": { "jwt:iss": ["i"] }, "Null": { "jwt:a": ["true"] } });
    let reference = json!({ "kind": "Secret", "name": "n", "key": "k" });
    let issuer = json!({
        "iss": "https://idp.example.com", "aud": ["a"], "issInternal": "http://idp", "tokenExpiry": "",
        "jwks": { "keys": [{ "kty": "EC" }] }, "jwksRef": reference, "caBundleRef": reference,
        "algorithms": ["RS256"], "capExpiry": true, "shared": false, "emailVerified": "Required",
    });
    let statement = json!({
        "sid": "1", "action": ["*"], "effect": "Allow", "resource": ["*"],
        "condition": condition, "conditions": condition,
    });
    let role = json!({
        "policy": ["a"], "principal": { "jwt:sub": ["s"] }, "condition": condition, "scope": ["*"],
        "principals": { "jwt:sub": ["s"] }, "conditions": condition, "scopes": ["*"],
    });
    let selector = json!({
        "matchLabels": { "team": "a" },
        "matchExpressions": [{ "key": "stage", "operator": "In", "values": ["dev"] }],
    });
    let targets = json!({
        "namespaces": { "selector": selector, "names": ["dev"], "matchLabels": { "team": "a" } },
        "serviceAccounts": { "mode": "Selected", "selector": selector, "names": ["builder"] },
        "namespaceSelector": selector,
    });
    let credential = json!({
        "registry": "ghcr.io", "secretRef": { "name": "login" }, "username": "robot$a", "targets": targets,
        "output": { "mode": "Dedicated", "name": "ghcr-pull" },
        "expiresAt": "2027-01-31T12:00:00Z", "expiryWarning": "168h",
        "verification": { "mode": "Pull", "repository": "acme/app", "gateRollout": true },
        "adoptionPolicy": "IfEqual", "deletionPolicy": "Retain", "stuckPods": "Recreate", "suspend": true,
        "namespaces": ["dev"], "namespaceSelector": selector,
    });
    for (kind, spec) in [
        (Kind::JwtIssuer, issuer),
        (Kind::Policy, json!({ "statement": [statement] })),
        (Kind::Role, role),
        (Kind::RegistryCredential, credential),
    ] {
        let object = object(kind, spec);
        assert_eq!(there_and_back(&object).unwrap(), object);
        let fields = crd(kind).unwrap();
        let known =
            schema::root(&fields.spec.versions[0]).unwrap().properties.as_ref().unwrap()["spec"].clone();
        let known = known.properties.unwrap().into_keys().collect::<Vec<_>>();
        let mut shown = object["spec"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        shown.sort();
        assert_eq!(shown, known, "{kind}: a field without an example here");
    }
}

#[test]
fn a_null_that_would_widen_by_its_loss_is_not_lost() {
    for spec in [
        json!({ "principal": null, "condition": null, "scope": null }),
        json!({ "principals": null, "conditions": null, "scopes": null }),
        json!({ "principal": { "jwt:sub": null }, "condition": { "StringEqual": null } }),
        json!({ "condition": { "StringEqual": { "jwt:iss": null } } }),
    ] {
        let object = object(Kind::Role, spec);
        assert_eq!(there_and_back(&object).unwrap(), object);
    }
}

#[test]
fn a_value_of_another_type_does_not_fit() {
    for spec in [
        json!({ "principal": { "jwt:sub": [4815162] } }),
        json!({ "principal": { "jwt:sub": [true] } }),
        json!({ "condition": { "StringLike": { "jwt:email": "*@example.com" } } }),
        json!({ "scope": "*" }),
        json!({ "policy": null }),
    ] {
        assert!(there_and_back(&object(Kind::Role, spec.clone())).is_err(), "{spec}");
    }
}

#[test]
fn a_choice_of_namespaces_that_lost_its_value_is_not_lost() {
    for targets in [json!(null), json!({ "namespaces": null }), json!({ "namespaces": { "names": null } })] {
        let spec = json!({ "registry": "ghcr.io", "secretRef": { "name": "login" }, "targets": targets });
        let object = object(Kind::RegistryCredential, spec);
        assert_eq!(there_and_back(&object).unwrap(), object);
    }
}

#[test]
fn a_word_is_written_as_it_is_read() {
    fn check<C: Choice + serde::Serialize + std::fmt::Debug + PartialEq + Default>() {
        for (choice, word) in C::ALL {
            assert_eq!((json!(choice), C::of_word(word)), (json!(word), Some(*choice)));
        }
        assert_eq!(C::ALL[0].0, C::default());
        assert_eq!(C::of_word("never"), None);
    }
    check::<credential::AccountMode>();
    check::<credential::OutputMode>();
    check::<credential::VerificationMode>();
    check::<credential::AdoptionPolicy>();
    check::<credential::DeletionPolicy>();
    check::<credential::StuckPods>();
}
