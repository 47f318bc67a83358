//! Every rule in CEL with an example that it lets through and one that it refuses, by every way of writing.

use std::collections::BTreeSet;

use faas_iam::api::{Kind, crds, schema};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serde_json::{Value, json};

use super::{
    cluster, credential, issuer, none, policy,
    ways::{Answer, Way, Writer},
};
use crate::support::{Result, namespace::with_temp_ns};

/// A rule, by what its message says.
struct Example {
    /// The field at which the API server reports it.
    field: &'static str,
    /// What the refusal says.
    says: &'static str,
    kind: Kind,
    accepted: Value,
    refused: Value,
}

fn example(kind: Kind, field: &'static str, says: &'static str, accepted: Value, refused: Value) -> Example {
    Example { field, says, kind, accepted, refused }
}

fn role_examples() -> Vec<Example> {
    let role = |field, says, accepted, refused| example(Kind::Role, field, says, accepted, refused);
    let issuer = json!({ "StringEqual": { "jwt:iss": ["https://idp.example.com"] } });
    let both = json!({ "principal": { "jwt:sub": ["a"] }, "condition": issuer });
    vec![
        role(
            "spec: Required value",
            "a Role needs `principal` or `condition`: without either it would bind everybody",
            json!({ "policy": [], "condition": issuer }),
            json!({ "policy": ["a"] }),
        ),
        role(
            "spec.conditions: Forbidden",
            "`conditions` is not a field: write `condition`",
            both.clone(),
            json!({ "principal": { "jwt:sub": ["a"] }, "conditions": issuer }),
        ),
        role(
            "spec.principals: Forbidden",
            "`principals` is not a field: write `principal`",
            both.clone(),
            json!({ "condition": issuer, "principals": { "jwt:sub": ["a"] } }),
        ),
        role(
            "spec.scopes: Forbidden",
            "`scopes` is not a field: write `scope`",
            json!({ "condition": issuer, "scope": ["dev:*"] }),
            json!({ "condition": issuer, "scopes": ["dev:*"] }),
        ),
        role(
            "spec.principal: Invalid value",
            "unknown key `jwt:email`: `principal` knows only the key `jwt:sub`: move other claims to `condition`",
            json!({ "principal": { "jwt:sub": ["a", "b"] } }),
            json!({ "principal": { "jwt:sub": ["a"], "jwt:email": ["a@example.com"] } }),
        ),
        role(
            "spec.condition: Invalid value",
            "`principal` does not belong inside `condition`: move it up, to `spec.principal`",
            both,
            json!({ "condition": { "StringEqual": { "jwt:iss": ["i"] }, "principal": { "jwt:sub": ["a"] } } }),
        ),
        role(
            "spec.condition: Invalid value",
            "unknown operator `ForAnyValue:Bool`: use StringEqual, ",
            json!({ "condition": {
                "StringEquals": { "jwt:a": ["x"] },
                "ForAllValues:StringNotEqualsIgnoreCase": { "jwt:b": ["x"] },
                "Bool": { "jwt:c": ["true"] },
                "Null": { "jwt:d": ["false"] },
            } }),
            json!({ "condition": { "ForAnyValue:Bool": { "jwt:a": ["true"] } } }),
        ),
        role(
            "spec.condition[StringLike]: Invalid value",
            "wrong key `email`: a key is `jwt:` and the name of a claim, such as `jwt:email`",
            json!({ "condition": { "StringLike": { "jwt:https://acme.com/a.b": ["x*"] } } }),
            json!({ "condition": { "StringLike": { "jwt:a": ["x"], "email": ["x"] } } }),
        ),
        role(
            "spec.condition[StringLike]: Invalid value",
            "wrong key `jwt:`: a key is `jwt:` and the name of a claim, such as `jwt:email`",
            json!({ "condition": { "StringLike": { "jwt::": ["x"] } } }),
            json!({ "condition": { "StringLike": { "jwt:": ["x"] } } }),
        ),
    ]
}

fn policy_examples() -> Vec<Example> {
    let condition = json!({ "StringEqual": { "jwt:role": ["admin"] } });
    let accepted = policy(json!({ "condition": condition }));
    let refused = |field, says, fields| example(Kind::Policy, field, says, accepted.clone(), policy(fields));
    vec![
        refused(
            "spec.statement[0].conditions: Forbidden",
            "`conditions` is not a field of a statement: write `condition`",
            json!({ "conditions": condition }),
        ),
        refused(
            "spec.statement[0].condition: Invalid value",
            "a Policy has no `principal`: bind it in a Role, in `spec.principal`",
            json!({ "condition": { "principal": { "jwt:sub": ["a"] } } }),
        ),
        refused(
            "spec.statement[0].condition: Invalid value",
            "unknown operator `StringEqualsLike`: use StringEqual, ",
            json!({ "condition": { "StringEqualsLike": { "jwt:role": ["admin"] } } }),
        ),
        refused(
            "spec.statement[0].condition[Null]: Invalid value",
            "wrong key `sub`: a key is `jwt:`",
            json!({ "condition": { "Null": { "sub": ["true"] } } }),
        ),
        refused(
            "spec.statement[0].effect: Unsupported value",
            "supported values: \"Allow\"",
            json!({ "effect": "Deny" }),
        ),
    ]
}

fn issuer_examples() -> Vec<Example> {
    let key =
        json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": "x", "y": "y", "novel": { "deep": [1] } });
    let set = |key: &Value| json!({ "keys": [key], "comment": "kept" });
    let reference = json!({ "kind": "Secret", "name": "keys", "key": "jwks.json" });
    let private = |part: &str| {
        let mut key = key.clone();
        key[part] = json!("c2VjcmV0");
        issuer(json!({ "jwks": set(&key) }))
    };
    let accepted = issuer(json!({ "jwks": set(&key) }));
    let issuer_rule =
        |field, says, accepted, refused| example(Kind::JwtIssuer, field, says, accepted, refused);
    let holds_private_key = |part| {
        issuer_rule(
            "spec.jwks.keys[0]: Forbidden",
            "a key set holds public keys alone: remove the private or symmetric key",
            accepted.clone(),
            private(part),
        )
    };
    vec![
        issuer_rule(
            "spec.jwksRef: Invalid value",
            "`jwks` and `jwksRef` exclude each other: keep the one that holds the issuer's keys",
            issuer(json!({ "jwksRef": reference, "caBundleRef": reference })),
            issuer(json!({ "jwksRef": reference, "jwks": set(&key) })),
        ),
        holds_private_key("d"),
        holds_private_key("k"),
        holds_private_key("priv"),
        issuer_rule(
            "spec.jwksRef.kind: Unsupported value",
            "supported values: \"Secret\", \"ConfigMap\"",
            issuer(json!({ "jwksRef": { "kind": "ConfigMap", "name": "keys", "key": "jwks.json" } })),
            issuer(json!({ "jwksRef": { "kind": "File", "name": "keys", "key": "jwks.json" } })),
        ),
        issuer_rule(
            "spec.emailVerified: Unsupported value",
            "supported values: \"IfPresent\", \"Required\"",
            issuer(json!({ "emailVerified": "Required", "shared": false, "capExpiry": true })),
            issuer(json!({ "emailVerified": "Always" })),
        ),
        issuer_rule(
            "spec.algorithms[1]: Unsupported value",
            "supported values: \"RS256\", ",
            issuer(json!({ "algorithms": ["RS256", "EdDSA"], "tokenExpiry": "" })),
            issuer(json!({ "algorithms": ["RS256", "HS256"] })),
        ),
    ]
}

fn credential_examples() -> Vec<Example> {
    let rule = |field, says, accepted, refused| {
        example(Kind::RegistryCredential, field, says, credential(accepted), credential(refused))
    };
    let by_labels = json!({
        "matchLabels": { "team": "a" },
        "matchExpressions": [{ "key": "stage", "operator": "In", "values": ["dev", "qa"] }],
    });
    let targets = |fields: Value| json!({ "targets": fields });
    let namespaces = |fields: Value| json!({ "targets": { "namespaces": fields } });
    let accounts = |fields: Value| json!({ "targets": { "serviceAccounts": fields } });
    let verification = |fields: Value| json!({ "verification": fields });
    vec![
        rule(
            "spec.namespaces: Forbidden",
            "`namespaces` is not a field here: write `targets.namespaces.names`",
            namespaces(json!({ "names": ["dev"] })),
            json!({ "namespaces": ["dev"] }),
        ),
        rule(
            "spec.namespaceSelector: Forbidden",
            "`namespaceSelector` is not a field: write `targets.namespaces.selector`",
            namespaces(json!({ "selector": by_labels })),
            json!({ "namespaceSelector": by_labels }),
        ),
        rule(
            "spec.targets.namespaceSelector: Forbidden",
            "`namespaceSelector` is not a field: write `namespaces.selector`",
            namespaces(json!({ "selector": by_labels, "names": ["dev"] })),
            targets(json!({ "namespaceSelector": by_labels })),
        ),
        rule(
            "spec.targets.namespaces.matchLabels: Forbidden",
            "`matchLabels` belongs under `selector`: write `selector.matchLabels`",
            namespaces(json!({ "selector": { "matchLabels": { "team": "a" } } })),
            namespaces(json!({ "names": ["dev"], "matchLabels": { "team": "a" } })),
        ),
        rule(
            "spec.targets.serviceAccounts: Invalid value",
            "`selector` and `names` are for the mode `Selected`: write `mode: Selected`, or remove them",
            accounts(json!({ "mode": "Selected", "names": ["builder"], "selector": by_labels })),
            accounts(json!({ "names": ["builder"] })),
        ),
        rule(
            "spec.targets.serviceAccounts: Required value",
            "the mode `Selected` needs `selector` or `names`: give it one of them, or write `mode: None`",
            accounts(json!({ "mode": "None" })),
            accounts(json!({ "mode": "Selected" })),
        ),
        rule(
            "spec.output.name: Invalid value",
            "`name` is for the mode `Dedicated`: the merged Secret has one name in the whole installation",
            json!({ "output": { "mode": "Dedicated", "name": "pull" } }),
            json!({ "output": { "name": "pull" } }),
        ),
        rule(
            "spec.verification.repository: Required value",
            "the mode `Pull` needs `repository`: the path of images that the login may pull",
            verification(json!({ "mode": "Pull", "repository": "acme/app" })),
            verification(json!({ "mode": "Pull" })),
        ),
        rule(
            "spec.verification.repository: Invalid value",
            "`repository` is for the mode `Pull`: write `mode: Pull`, or remove it",
            verification(json!({ "mode": "Login" })),
            verification(json!({ "mode": "Login", "repository": "acme/app" })),
        ),
        rule(
            "spec.verification.gateRollout: Invalid value",
            "`gateRollout` needs an answer of the registry: write `mode: Login` or `mode: Pull`, or remove it",
            verification(json!({ "mode": "Login", "gateRollout": true })),
            verification(json!({ "gateRollout": true })),
        ),
        rule(
            "spec.verification.mode: Unsupported value",
            "supported values: \"Off\", \"Login\", \"Pull\"",
            verification(json!({ "mode": "Off", "gateRollout": false })),
            verification(json!({ "mode": "Always" })),
        ),
        rule(
            "spec.expiresAt",
            "date-time",
            json!({ "expiresAt": "2027-01-31T12:00:00Z", "expiryWarning": "0s" }),
            json!({ "expiresAt": "soon" }),
        ),
    ]
}

fn examples() -> Vec<Example> {
    let all = [role_examples(), policy_examples(), issuer_examples(), credential_examples()];
    all.into_iter().flatten().collect()
}

/// The message as the definition has it, without the name that a refusal puts in.
fn as_declared(says: &str) -> String {
    match says.split('`').collect::<Vec<_>>().as_slice() {
        ["unknown operator " | "unknown key " | "wrong key ", name, ..] => {
            says.replacen(&format!(" `{name}`"), "", 1)
        }
        _ => says.to_owned(),
    }
}

fn messages(schema: &JSONSchemaProps, found: &mut BTreeSet<String>) {
    found.extend(schema.x_kubernetes_validations.iter().flatten().filter_map(|rule| rule.message.clone()));
    let properties = schema.properties.iter().flatten().map(|(_, property)| property);
    let inner = schema::items(schema).into_iter().chain(schema::values(schema));
    properties.chain(inner).for_each(|schema| messages(schema, found));
}

#[test]
fn every_rule_has_an_example() {
    let mut rules = BTreeSet::new();
    for crd in crds() {
        messages(schema::root(&crd.spec.versions[0]).unwrap(), &mut rules);
    }
    // Nulls have a table of their own.
    rules.retain(|message| !message.contains("(null)"));
    let shown = examples().iter().map(|example| as_declared(example.says)).collect::<Vec<_>>();
    let without = rules.iter().filter(|rule| !shown.iter().any(|s| rule.starts_with(s))).collect::<Vec<_>>();
    assert!(without.is_empty() && rules.len() > 8, "{without:#?} of {rules:#?}");
}

#[tokio::test]
async fn every_rule_lets_its_example_through_and_refuses_the_other_by_every_way() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "examples", async |namespace| {
        let client = cluster.admin().await?;
        let mut wrong = Vec::new();
        for example in examples() {
            let writer = Writer { client: client.clone(), namespace: namespace.clone(), kind: example.kind };
            for way in Way::ALL {
                let accepted = writer.write(way, &example.accepted).await?;
                if accepted != Answer::Stored(example.accepted.clone()) {
                    wrong.push(format!("{way:?} of {}: {accepted:?}", example.accepted));
                }
                let refused = writer.write(way, &example.refused).await?;
                let right = |m: &String| m.contains(example.field) && m.contains(example.says);
                if !matches!(&refused, Answer::Refused(message) if right(message)) {
                    wrong.push(format!("{way:?} of {}: {refused:?}", example.refused));
                }
            }
        }
        none(&wrong)
    })
    .await
}
