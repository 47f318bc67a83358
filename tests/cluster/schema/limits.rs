//! Every size at its edge, which is let in, and one over, which is not; and the dearest objects, which are let in.

use faas_iam::api::{Kind, limits};
use serde_json::{Map, Value, json};

use super::{
    cluster, credential, issuer, none, policy,
    ways::{Answer, Way, Writer},
};
use crate::support::{Result, namespace::with_temp_ns};

/// A size of a field, and the `spec` that has it that large.
struct Limit {
    field: &'static str,
    kind: Kind,
    most: usize,
    of_size: fn(usize) -> Value,
}

/// A text of so many characters, two bytes each, since characters are what is counted.
fn text(characters: usize) -> String {
    "é".repeat(characters)
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("x{n}")).collect()
}

fn map(prefix: &str, count: usize, value: &Value) -> Value {
    (0..count).map(|n| (format!("{prefix}{n}"), value.clone())).collect::<Map<_, _>>().into()
}

fn role(fields: Value) -> Value {
    super::merged(json!({ "principal": { "jwt:sub": ["base"] } }), fields)
}

fn condition(keys: Value) -> Value {
    json!({ "condition": { "StringEqual": keys } })
}

/// So many operators, all of them known.
fn operators(count: usize, keys: &Value) -> Value {
    let known = faas_iam::api::condition::operators();
    json!({ "condition": known.take(count).map(|o| (o, keys.clone())).collect::<Map<_, _>>() })
}

fn reference(name: &str, key: &str) -> Value {
    issuer(json!({ "jwksRef": { "kind": "Secret", "name": name, "key": key } }))
}

fn of_policies() -> Vec<Limit> {
    let limit = |field, most, of_size| Limit { field, kind: Kind::Policy, most, of_size };
    vec![
        limit(
            "statement",
            limits::STATEMENTS,
            |n| json!({ "statement": vec![super::statement(json!({})); n] }),
        ),
        limit("sid", limits::TEXT, |n| policy(json!({ "sid": text(n) }))),
        limit("action", limits::ACTIONS, |n| policy(json!({ "action": texts(n) }))),
        limit("action[0]", limits::TEXT, |n| policy(json!({ "action": [text(n)] }))),
        limit("resource", limits::RESOURCES, |n| policy(json!({ "resource": texts(n) }))),
        limit("resource[0]", limits::TEXT, |n| policy(json!({ "resource": [text(n)] }))),
        limit("condition", limits::OPERATORS, |n| policy(operators(n, &json!({ "jwt:a": ["b"] })))),
        limit("condition.StringEqual", limits::KEYS, |n| policy(condition(map("jwt:", n, &json!(["b"]))))),
        limit("jwt:a", limits::VALUES, |n| policy(condition(json!({ "jwt:a": texts(n) })))),
        limit("jwt:a[0]", limits::LONG_TEXT, |n| policy(condition(json!({ "jwt:a": [text(n)] })))),
    ]
}

fn of_roles() -> Vec<Limit> {
    let limit = |field, most, of_size| Limit { field, kind: Kind::Role, most, of_size };
    vec![
        limit("policy", limits::POLICIES, |n| role(json!({ "policy": texts(n) }))),
        limit("policy[0]", limits::TEXT, |n| role(json!({ "policy": [text(n)] }))),
        limit("scope", limits::SCOPES, |n| role(json!({ "scope": texts(n) }))),
        limit("scope[0]", limits::TEXT, |n| role(json!({ "scope": [text(n)] }))),
        limit("jwt:sub", limits::VALUES, |n| json!({ "principal": { "jwt:sub": texts(n) } })),
        limit("jwt:sub[0]", limits::LONG_TEXT, |n| json!({ "principal": { "jwt:sub": [text(n)] } })),
        limit("condition", limits::OPERATORS, |n| role(operators(n, &json!({ "jwt:a": ["b"] })))),
        limit("condition.StringEqual", limits::KEYS, |n| role(condition(map("jwt:", n, &json!(["b"]))))),
        limit("jwt:a", limits::VALUES, |n| role(condition(json!({ "jwt:a": texts(n) })))),
        limit("jwt:a[0]", limits::LONG_TEXT, |n| role(condition(json!({ "jwt:a": [text(n)] })))),
    ]
}

fn of_issuers() -> Vec<Limit> {
    let limit = |field, most, of_size| Limit { field, kind: Kind::JwtIssuer, most, of_size };
    vec![
        limit("iss", limits::LONG_TEXT, |n| issuer(json!({ "iss": text(n) }))),
        limit("aud", limits::AUDIENCES, |n| issuer(json!({ "aud": texts(n) }))),
        limit("aud[0]", limits::LONG_TEXT, |n| issuer(json!({ "aud": [text(n)] }))),
        limit("issInternal", limits::LONG_TEXT, |n| issuer(json!({ "issInternal": text(n) }))),
        limit("tokenExpiry", limits::TEXT, |n| issuer(json!({ "tokenExpiry": text(n) }))),
        limit("algorithms", limits::ALGORITHMS, |n| issuer(json!({ "algorithms": vec!["RS256"; n] }))),
        limit("keys", limits::JWKS_KEYS, |n| {
            issuer(json!({ "jwks": { "keys": vec![json!({ "kty": "EC" }); n] } }))
        }),
        limit("name", limits::NAME, |n| reference(&text(n), "k")),
        limit("key", limits::NAME, |n| reference("n", &text(n))),
    ]
}

fn of_credentials() -> Vec<Limit> {
    fn namespaces(fields: Value) -> Value {
        credential(json!({ "targets": { "namespaces": fields } }))
    }
    fn labelled(labels: Value) -> Value {
        namespaces(json!({ "selector": { "matchLabels": labels } }))
    }
    fn expressed(fields: Value) -> Value {
        let expression = super::merged(json!({ "key": "stage", "operator": "In" }), fields);
        namespaces(json!({ "selector": { "matchExpressions": [expression] } }))
    }
    fn accounts(names: Value) -> Value {
        credential(json!({ "targets": { "serviceAccounts": { "mode": "Selected", "names": names } } }))
    }
    let limit = |field, most, of_size| Limit { field, kind: Kind::RegistryCredential, most, of_size };
    vec![
        limit("registry", limits::TEXT, |n| credential(json!({ "registry": text(n) }))),
        limit("secretRef.name", limits::NAME, |n| credential(json!({ "secretRef": { "name": text(n) } }))),
        limit("username", limits::TEXT, |n| credential(json!({ "username": text(n) }))),
        limit("namespaces.names", limits::TARGET_NAMES, |n| namespaces(json!({ "names": texts(n) }))),
        limit("names[0]", limits::NAME, |n| namespaces(json!({ "names": [text(n)] }))),
        limit("matchLabels", limits::SELECTOR_TERMS, |n| labelled(map("x", n, &json!("a")))),
        limit("matchLabels.team", limits::LABEL, |n| labelled(json!({ "team": text(n) }))),
        limit("matchExpressions", limits::SELECTOR_TERMS, |n| {
            let one = json!({ "key": "stage", "operator": "Exists" });
            namespaces(json!({ "selector": { "matchExpressions": vec![one; n] } }))
        }),
        limit("key", limits::LABEL_KEY, |n| expressed(json!({ "key": text(n), "values": ["a"] }))),
        limit("values", limits::SELECTOR_VALUES, |n| expressed(json!({ "values": texts(n) }))),
        limit("values[0]", limits::LABEL, |n| expressed(json!({ "values": [text(n)] }))),
        limit("serviceAccounts.names", limits::TARGET_NAMES, |n| accounts(json!(texts(n)))),
        limit("output.name", limits::NAME, |n| {
            credential(json!({ "output": { "mode": "Dedicated", "name": text(n) } }))
        }),
        limit("expiryWarning", limits::TEXT, |n| credential(json!({ "expiryWarning": text(n) }))),
        limit("repository", limits::TEXT, |n| {
            credential(json!({ "verification": { "mode": "Pull", "repository": text(n) } }))
        }),
    ]
}

#[tokio::test]
async fn every_size_is_let_in_at_its_edge_and_refused_one_over() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "limits", async |namespace| {
        let client = cluster.admin().await?;
        let mut wrong = Vec::new();
        for limit in [of_policies(), of_roles(), of_issuers(), of_credentials()].into_iter().flatten() {
            let Limit { field, kind, most, of_size } = limit;
            let writer = Writer { client: client.clone(), namespace: namespace.clone(), kind };
            if let Answer::Refused(message) = writer.write(Way::Post, &of_size(most)).await? {
                wrong.push(format!("{kind} with {most} in {field}: {message}"));
            }
            match writer.write(Way::Post, &of_size(most + 1)).await? {
                Answer::Refused(message)
                    if message.contains(field) && message.contains(&most.to_string()) => {}
                Answer::Refused(message) => {
                    wrong.push(format!("{kind} with {} in {field}: {message}", most + 1))
                }
                Answer::Stored(_) => wrong.push(format!("{kind} with {} in {field} was let in", most + 1)),
            }
        }
        none(&wrong)
    })
    .await
}

/// A condition of sixteen operators with many keys: what the rules look at.
fn dear_condition(keys: usize) -> Value {
    operators(limits::OPERATORS, &map("jwt:c", keys, &json!(["v"])))
}

#[tokio::test]
async fn the_dearest_objects_that_fit_into_a_spec_pass_the_cost_budget_of_the_rules() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "dear", async |namespace| {
        let client = cluster.admin().await?;
        let policy = json!({ "statement": vec![super::statement(dear_condition(7)); limits::STATEMENTS] });
        let role = role(dear_condition(limits::KEYS));
        for (kind, spec) in [(Kind::Policy, policy), (Kind::Role, role)] {
            let bytes = spec.to_string().len();
            assert!(bytes < limits::SPEC_BYTES, "{kind}: {bytes} bytes");
            let writer = Writer { client: client.clone(), namespace: namespace.clone(), kind };
            for way in [Way::Post, Way::Put, Way::ServerSideApply] {
                let answer = writer.write(way, &spec).await?;
                assert!(matches!(answer, Answer::Stored(_)), "{kind} by {way:?}: {answer:?}");
            }
        }
        Ok(())
    })
    .await
}
