//! What becomes of nulls and of unknown fields, by each way of writing: what is refused, what arrives, what is lost.
//!
//! A null that arrives is for the validator to refuse. What a patch deletes cannot be seen by anybody; what kubectl
//! applied still shows it.

use faas_iam::api::Kind;
use serde_json::{Value, json};

use super::{
    cluster, credential, issuer, none, policy,
    ways::{APPLIED, Answer, Way, Writer},
};
use crate::support::{Result, namespace::with_temp_ns};

/// What is expected of a `spec` with nulls or unknown fields in it.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Stored as it was written.
    Arrives,
    /// Stored without the nulls and the unknown fields.
    Lost,
    /// Refused, with this text.
    Refused(&'static str),
}
use Fate::{Arrives, Lost, Refused};

struct Row {
    kind: Kind,
    spec: Value,
    /// By POST, PUT, and the first `kubectl apply`.
    written: Fate,
    /// By JSON merge patch, and every further `kubectl apply`.
    patched: Fate,
    /// By server-side apply.
    applied: Fate,
}

impl Row {
    fn fate(&self, way: Way) -> Fate {
        match way {
            Way::Post | Way::Put | Way::ClientSideCreate => self.written,
            Way::MergePatch | Way::ClientSideApply => self.patched,
            Way::ServerSideApply => self.applied,
        }
    }

    fn is_met_by(&self, way: Way, answer: &Answer) -> bool {
        match (self.fate(way), answer) {
            (Arrives, Answer::Stored(spec)) => *spec == self.spec,
            (Lost, Answer::Stored(spec)) => *spec == without_nulls(&self.spec),
            (Refused(says), Answer::Refused(message)) => message.contains(says),
            _ => false,
        }
    }
}

/// A `spec` without the nulls in its maps, those of maps in lists included.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

const NO_KEYS: &str =
    "an operator without keys (null): give it a key such as `jwt:email`, or remove the operator";
const NO_VALUES: &str = "a key without values (null): give it a list of values, or remove the key";
const NO_PROPERTIES: &str = "should have at least 1 properties";
const NOBODY: &str = "without either it would bind everybody";
const WRONG_TYPE: &str = "must be of type";

fn rows() -> Vec<Row> {
    let row = |kind, spec, written, patched, applied| Row { kind, spec, written, patched, applied };
    let role = |spec, written, patched, applied| row(Kind::Role, spec, written, patched, applied);
    let login = |targets: Value, written, patched, applied| {
        row(Kind::RegistryCredential, credential(json!({ "targets": targets })), written, patched, applied)
    };
    let who = json!({ "jwt:sub": ["base"] });
    let when = json!({ "StringEqual": { "jwt:iss": ["i"] } });
    let inside = |operators: Value| json!({ "condition": operators });
    vec![
        // The loss of these would widen, so they arrive wherever a null can.
        role(json!({ "principal": who, "condition": null }), Arrives, Lost, Arrives),
        role(json!({ "principal": null, "condition": when }), Arrives, Lost, Arrives),
        role(json!({ "condition": when, "scope": null }), Arrives, Lost, Arrives),
        role(json!({ "condition": null }), Refused(NOBODY), Refused(NOBODY), Refused(NOBODY)),
        role(json!({ "principal": null }), Refused(NOBODY), Refused(NOBODY), Refused(NOBODY)),
        row(Kind::Policy, policy(json!({ "condition": null })), Arrives, Lost, Arrives),
        // The near-misses of those arrive as well; what is null under such a name was never more than that.
        role(json!({ "condition": when, "conditions": null }), Arrives, Lost, Arrives),
        role(json!({ "condition": when, "principals": null }), Arrives, Lost, Arrives),
        role(json!({ "condition": when, "scopes": null }), Arrives, Lost, Arrives),
        row(Kind::Policy, policy(json!({ "conditions": null })), Arrives, Lost, Arrives),
        // A choice of namespaces that is lost would give a login to all of them.
        login(json!(null), Arrives, Lost, Arrives),
        login(json!({ "namespaces": null }), Arrives, Refused(NO_PROPERTIES), Arrives),
        login(json!({ "namespaces": { "names": null } }), Arrives, Refused(NO_PROPERTIES), Arrives),
        login(json!({ "namespaces": { "selector": null } }), Arrives, Refused(NO_PROPERTIES), Arrives),
        login(json!({ "namespaces": { "selector": null, "names": ["dev"] } }), Arrives, Lost, Arrives),
        // Inside, the door refuses them itself.
        role(
            inside(json!({ "StringEqual": null })),
            Refused(NO_KEYS),
            Refused(NO_PROPERTIES),
            Refused(NO_KEYS),
        ),
        role(
            inside(json!({ "StringEqual": { "jwt:iss": ["i"] }, "StringLike": null })),
            Refused(NO_KEYS),
            Lost,
            Refused(NO_KEYS),
        ),
        role(
            inside(json!({ "StringEqual": { "jwt:iss": null, "jwt:sub": ["a"] } })),
            Refused(NO_VALUES),
            Lost,
            Refused(NO_VALUES),
        ),
        role(
            json!({ "principal": { "jwt:sub": null } }),
            Refused(NO_VALUES),
            Refused(NO_PROPERTIES),
            Refused(NO_VALUES),
        ),
        role(
            inside(json!({ "StringEqual": { "jwt:iss": [null] } })),
            Refused(WRONG_TYPE),
            Refused(WRONG_TYPE),
            Refused(WRONG_TYPE),
        ),
        row(
            Kind::Policy,
            policy(json!({ "condition": { "StringLike": null } })),
            Refused(NO_KEYS),
            Refused(NO_PROPERTIES),
            Refused(NO_KEYS),
        ),
        // The loss of these narrows, or leaves the default: dropped, but for server-side apply.
        role(json!({ "condition": when, "policy": null }), Lost, Lost, Refused(WRONG_TYPE)),
        row(Kind::JwtIssuer, issuer(json!({ "jwks": null })), Lost, Lost, Refused(WRONG_TYPE)),
        row(Kind::JwtIssuer, issuer(json!({ "tokenExpiry": null })), Lost, Lost, Refused(WRONG_TYPE)),
        row(
            Kind::RegistryCredential,
            credential(json!({ "expiresAt": null })),
            Lost,
            Lost,
            Refused(WRONG_TYPE),
        ),
        row(
            Kind::Policy,
            policy(json!({ "effect": null })),
            Refused("effect: Required value"),
            Refused("effect: Required value"),
            Refused(WRONG_TYPE),
        ),
    ]
}

fn writer(client: &kube::Client, namespace: &str, kind: Kind) -> Writer {
    Writer { client: client.clone(), namespace: namespace.to_owned(), kind }
}

#[tokio::test]
async fn a_null_is_refused_or_arrives_wherever_it_can_be_seen() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "nulls", async |namespace| {
        let client = cluster.admin().await?;
        let mut wrong = Vec::new();
        for row in rows() {
            for way in Way::ALL {
                let answer = writer(&client, &namespace, row.kind).write(way, &row.spec).await?;
                if !row.is_met_by(way, &answer) {
                    wrong.push(format!("{way:?} of {}: {:?} expected, {answer:?}", row.spec, row.fate(way)));
                }
            }
        }
        none(&wrong)
    })
    .await
}

#[tokio::test]
async fn a_condition_that_a_patch_deletes_is_gone_and_only_what_kubectl_applied_tells_of_it() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "deleted", async |namespace| {
        let writer = writer(&cluster.admin().await?, &namespace, Kind::Role);
        let who = json!({ "jwt:sub": ["base"] });
        let before = json!({ "principal": who, "condition": { "StringEqual": { "jwt:iss": ["i"] } } });
        let after = json!({ "principal": who, "condition": null });
        for way in [Way::MergePatch, Way::ClientSideApply] {
            let object = writer.write_over(way, &before, &after).await?;
            assert_eq!(object["spec"], json!({ "principal": who }), "{way:?}");
            let applied = object["metadata"]["annotations"][APPLIED].as_str();
            let shown = applied.map(|text| serde_json::from_str::<Value>(text).map(|a| a["spec"].clone()));
            assert_eq!(shown.transpose()?, (way == Way::ClientSideApply).then(|| after.clone()), "{way:?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_unknown_field_is_refused_by_those_who_check_and_dropped_by_the_others() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "unknown", async |namespace| {
        let client = cluster.admin().await?;
        for kind in Kind::DEFINED {
            let writer = writer(&client, &namespace, kind);
            let known = super::least(kind);
            let spec = super::merged(known.clone(), json!({ "nobodyKnows": ["this"] }));
            for way in Way::ALL {
                let answer = writer.write(way, &spec).await?;
                let checked =
                    matches!(way, Way::ClientSideCreate | Way::ClientSideApply | Way::ServerSideApply);
                match answer {
                    Answer::Refused(message) if checked => {
                        assert!(message.contains("nobodyKnows"), "{message}")
                    }
                    Answer::Stored(stored) if !checked => assert_eq!(stored, known),
                    other => panic!("{way:?}: {other:?}"),
                }
            }
        }
        Ok(())
    })
    .await
}
