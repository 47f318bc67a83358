//! What is wrong says so with a reason of its own, grants nothing, and leaves the rest served.

use std::collections::BTreeMap;

use faas_iam::{api::Kind, bundle::Sort};
use kube::api::ObjectMeta;
use serde_json::json;

use super::{
    installed::{Installed, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES, GATEWAY},
};
use crate::support::{
    Result,
    oidc::{Options, Provider},
    shared::shared,
    wait::eventually,
};

/// Objects that the API server takes and that do not serve: kind, name, spec, reason, kstatus' word, and what the
/// message has to name.
const TROUBLES: [(Kind, &str, &str, &str, &str, &str); 14] = [
    (
        Kind::Policy,
        "action",
        r#"{"statement": [{"sid": "1", "effect": "Allow", "action": ["Function:Explode"], "resource": ["*"]}]}"#,
        "Invalid",
        "failed",
        "spec.statement[0].action[0]",
    ),
    (
        Kind::Policy,
        "resource",
        r#"{"statement": [{"sid": "1", "effect": "Allow", "action": ["*"], "resource": ["dev"]}]}"#,
        "Invalid",
        "failed",
        "spec.statement[0].resource[0]",
    ),
    (
        Kind::Role,
        "dangling",
        r#"{"policy": ["nowhere"], "principal": {"jwt:sub": ["a"]}}"#,
        "PolicyNotFound",
        "in progress",
        "nowhere",
    ),
    (
        Kind::Role,
        "invalid-policy",
        r#"{"policy": ["action"], "principal": {"jwt:sub": ["a"]}}"#,
        "PolicyInvalid",
        "in progress",
        "action",
    ),
    (
        Kind::Role,
        "undeclared",
        r#"{"policy": ["invoke-dev"], "condition": {"StringEqual": {"jwt:iss": ["https://nobody.example.com"]}}}"#,
        "IssuerNotFound",
        "in progress",
        "https://nobody.example.com",
    ),
    (
        Kind::Role,
        "tenant",
        r#"{"policy": ["invoke-dev"], "condition": {"StringEqual": {"jwt:iss": ["https://token.actions.githubusercontent.com"], "jwt:actor": ["alice"]}}}"#,
        "TenantUnbound",
        "failed",
        "repository_owner",
    ),
    (
        Kind::JwtIssuer,
        "twice-a",
        r#"{"iss": "https://twice.example.com", "aud": ["gw"], "jwks": {"keys": [KEY]}}"#,
        "DuplicateIssuer",
        "in progress",
        "twice-b",
    ),
    (
        Kind::JwtIssuer,
        "twice-b",
        r#"{"iss": "https://twice.example.com", "aud": ["gw"], "jwks": {"keys": [KEY]}}"#,
        "DuplicateIssuer",
        "in progress",
        "twice-a",
    ),
    (
        Kind::JwtIssuer,
        "unreachable",
        r#"{"iss": "https://localhost:1/realms/none", "aud": ["gw"]}"#,
        "IssuerUnreachable",
        "in progress",
        "localhost:1",
    ),
    (
        Kind::JwtIssuer,
        "no-keys",
        r#"{"iss": "https://ref.example.com", "aud": ["gw"], "jwksRef": {"kind": "ConfigMap", "name": "none", "key": "jwks.json"}}"#,
        "KeysNotFound",
        "in progress",
        "none",
    ),
    (
        Kind::JwtIssuer,
        "bad-keys",
        r#"{"iss": "https://bad.example.com", "aud": ["gw"], "jwksRef": {"kind": "ConfigMap", "name": "there", "key": "jwks.json"}}"#,
        "KeysInvalid",
        "in progress",
        "",
    ),
    (
        Kind::JwtIssuer,
        "no-roots",
        r#"{"iss": "https://roots.example.com", "aud": ["gw"], "caBundleRef": {"kind": "ConfigMap", "name": "there", "key": "none"}}"#,
        "CaBundleNotFound",
        "in progress",
        "none",
    ),
    (
        Kind::JwtIssuer,
        "bad-roots",
        r#"{"iss": "https://roots2.example.com", "aud": ["gw"], "caBundleRef": {"kind": "ConfigMap", "name": "there", "key": "jwks.json"}}"#,
        "CaBundleInvalid",
        "in progress",
        "`there`",
    ),
    (
        Kind::JwtIssuer,
        "metadata",
        r#"{"iss": "https://169.254.169.254", "aud": ["gw"]}"#,
        "Invalid",
        "failed",
        "spec.iss",
    ),
];

const KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

async fn create(at: &Installed, kind: Kind, name: &str, spec: &str) -> Result<()> {
    let spec = spec.replace("KEY", KEY);
    let object = format!(
        r#"{{"apiVersion": "{}", "kind": "{}", "metadata": {{"name": "{name}"}}, "spec": {spec}}}"#,
        kind.api_version(),
        kind.kind(),
    );
    at.apply(&object).await
}

#[tokio::test]
async fn every_trouble_has_its_reason_grants_nothing_and_leaves_the_rest_served() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there"}, "data": {"jwks.json": "{}"}}"#)
            .await?;
        at.apply(r#"{"apiVersion": "iam.openfaas.com/v1", "kind": "JwtIssuer", "metadata": {"name": "github"}, "spec": {"iss": "https://token.actions.githubusercontent.com", "aud": ["gw"], "jwks": {"keys": [KEY]}}}"#.replace("KEY", KEY).as_str())
            .await?;
        for (kind, name, spec, ..) in TROUBLES {
            create(&at, kind, name, spec).await?;
        }
        at.apply(DECLARED).await?;
        let mut operator = at.start("one", &["--public-url", GATEWAY])?;
        operator.ready().await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        for (kind, name, _, reason, state, names) in TROUBLES {
            let conditions = at.reason(kind, name, reason).await?;
            assert_eq!(conditions.state(), state, "{kind} {name}: {conditions:?}");
            assert!(conditions.message("Ready").contains(names), "{kind} {name}: {conditions:?}");
        }
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let bundle = at.bundle().await?;
        assert!(bundle.get(Sort::Role, "caller").is_some());
        assert!(bundle.get(Sort::Policy, "action").is_none() && bundle.get(Sort::Issuer, "twice-a").is_none());
        operator.stop().await
    })
    .await
}

/// Makes a Policy wrong in some way, waits until that is told, and gives the Events about it.
async fn told(at: &Installed, action: &str) -> Result<Vec<String>> {
    let statement = json!({ "sid": "1", "effect": "Allow", "action": [action], "resource": ["*"] });
    at.edit(Kind::Policy, "wrong", json!({ "statement": [statement] })).await?;
    at.reason(Kind::Policy, "wrong", "Invalid").await?;
    eventually(&format!("an Event that names `{action}`"), WITHIN, async || {
        let events = at.events("wrong").await?;
        Ok(events.iter().any(|event| event.contains(action)).then_some(events))
    })
    .await
}

#[tokio::test]
async fn another_trouble_of_an_object_is_another_event_and_the_same_again_is_counted() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let policy =
            r#"{"statement": [{"sid": "1", "effect": "Allow", "action": ["*"], "resource": ["*"]}]}"#;
        create(&at, Kind::Policy, "wrong", policy).await?;
        let operator = at.start("one", &[])?;
        all_ready(&at, &[(Kind::Policy, "wrong")]).await?;
        for action in ["Function:Explode", "Function:Melt", "Function:Explode"] {
            told(&at, action).await?;
        }
        let events = told(&at, "Function:Vanish").await?;
        assert_eq!(events.iter().filter(|event| event.starts_with("Invalid: ")).count(), 3, "{events:?}");
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn what_something_else_can_cure_is_cured_by_it() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let issuer = r#"{"iss": "https://ref.example.com", "aud": ["gw"], "jwksRef": {"kind": "ConfigMap", "name": "late", "key": "jwks.json"}}"#;
        create(&at, Kind::JwtIssuer, "ref", issuer).await?;
        create(&at, Kind::Role, "early", r#"{"policy": ["late"], "principal": {"jwt:sub": ["a"]}}"#).await?;
        let operator = at.start("one", &[])?;
        at.reason(Kind::JwtIssuer, "ref", "KeysNotFound").await?;
        at.reason(Kind::Role, "early", "PolicyNotFound").await?;

        let policy = r#"{"statement": [{"sid": "1", "effect": "Allow", "action": ["*"], "resource": ["*"]}]}"#;
        create(&at, Kind::Policy, "late", policy).await?;
        let map = k8s_openapi::api::core::v1::ConfigMap {
            metadata: ObjectMeta { name: Some("late".into()), ..Default::default() },
            data: Some([("jwks.json".to_owned(), format!(r#"{{"keys": [{KEY}]}}"#))].into()),
            ..Default::default()
        };
        at.maps().create(&Default::default(), &map).await?;
        all_ready(&at, &[(Kind::JwtIssuer, "ref"), (Kind::Role, "early"), (Kind::Policy, "late")]).await?;

        at.maps().delete("late", &Default::default()).await?;
        at.reason(Kind::JwtIssuer, "ref", "KeysNotFound").await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn an_issuer_that_lies_about_its_name_serves_nothing_and_the_right_one_is_told() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let provider = Provider::start(&Options { issuer: Some("https://liar.example.com".into()), ..Default::default() })?;
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "ca" }, "data": { "ca.crt": provider.ca() } });
        at.apply(&map.to_string()).await?;
        let spec = json!({
            "iss": "https://honest.example.com", "aud": ["gw"], "issInternal": provider.address(),
            "caBundleRef": { "kind": "ConfigMap", "name": "ca", "key": "ca.crt" },
        });
        create(&at, Kind::JwtIssuer, "liar", &spec.to_string()).await?;
        let operator = at.start("one", &[])?;
        let conditions = at.reason(Kind::JwtIssuer, "liar", "DiscoveryMismatch").await?;
        assert!(conditions.message("Ready").contains("https://liar.example.com"), "{conditions:?}");
        assert_eq!(conditions.state(), "in progress");
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn the_issuer_that_is_ourselves_has_to_have_the_public_url() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", "https://other.example.com"])?;
        let conditions = at.reason(Kind::JwtIssuer, "system", "PublicUrlMismatch").await?;
        assert!(conditions.message("Ready").contains("https://other.example.com"), "{conditions:?}");
        all_ready(&at, &DECLARED_NAMES[1..]).await?;
        operator.stop().await
    })
    .await
}

/// Issuers whose keys, or whose roots, are in Secrets.
const BY_SECRETS: [(&str, &str, &str); 2] = [
    (
        "keys",
        r#"{"iss": "https://keys.example.com", "aud": ["gw"], "jwksRef": {"kind": "Secret", "name": "partner-keys", "key": "jwks.json"}}"#,
        "KeysNotFound",
    ),
    (
        "roots",
        r#"{"iss": "https://localhost:1", "aud": ["gw"], "caBundleRef": {"kind": "Secret", "name": "partner-ca", "key": "ca.crt"}}"#,
        "CaBundleNotFound",
    ),
];

#[tokio::test]
async fn a_secret_that_the_chart_does_not_name_is_told_with_the_value_to_set_and_setting_it_heals()
-> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let root = crate::support::certs::Authority::new("partner")?.pem();
        for (name, key, text) in
            [("partner-keys", "jwks.json", format!(r#"{{"keys": [{KEY}]}}"#)), ("partner-ca", "ca.crt", root)]
        {
            let metadata = json!({ "name": name });
            let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": { key: text } });
            at.apply(&secret.to_string()).await?;
        }
        for (name, spec, _) in BY_SECRETS {
            create(&at, Kind::JwtIssuer, name, spec).await?;
        }
        at.apply(DECLARED).await?;
        let operator = at.start("one", &[])?;
        for (name, _, reason) in BY_SECRETS {
            let conditions = at.reason(Kind::JwtIssuer, name, reason).await?;
            let said = conditions.message("Ready");
            assert!(said.contains("`rbac.referencedSecrets`") && said.contains("`partner-"), "{said}");
            assert_eq!(conditions.state(), "in progress");
        }
        all_ready(&at, &DECLARED_NAMES).await?;

        at.upgrade(&json!({ "rbac": { "referencedSecrets": ["partner-keys", "partner-ca"] } })).await?;
        all_ready(&at, &[(Kind::JwtIssuer, "keys")]).await?;
        // Its roots are read now; that nobody listens there is another trouble.
        at.reason(Kind::JwtIssuer, "roots", "IssuerUnreachable").await?;
        operator.stop().await
    })
    .await
}

/// A Policy of 256 KiB whose record would not fit into a ConfigMap: few operators, many keys.
fn terse() -> String {
    let mut operators: Vec<_> = faas_iam::api::condition::operators().collect();
    operators.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let keys =
        json!(('a'..='z').chain('A'..='F').map(|c| (format!("jwt:{c}"), ["x"])).collect::<BTreeMap<_, _>>());
    let condition: BTreeMap<_, _> = operators.into_iter().take(16).map(|name| (name, &keys)).collect();
    let statement =
        json!({ "sid": "1", "effect": "Allow", "action": ["*"], "resource": ["*"], "condition": condition });
    json!({ "statement": vec![statement; 33] }).to_string()
}

#[tokio::test]
async fn what_is_too_deep_to_read_or_too_long_to_write_keeps_nobody_elses_edits_back() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let deep = r#"{"apiVersion": "iam.openfaas.com/v1", "kind": "JwtIssuer", "metadata": {"name": "deep"}, "spec": {"iss": "https://deep.example.com", "aud": ["gw"], "jwks": {"keys": [KEY, {"kty": "RSA", "x5c": DEEP}]}}}"#;
        let deep = deep.replace("KEY", KEY).replace("DEEP", &format!("{}{}", "[".repeat(500), "]".repeat(500)));
        let path = format!("/apis/iam.openfaas.com/v1/namespaces/{}/jwtissuers", at.namespace);
        let request = axum::http::Request::post(path).header("content-type", "application/json").body(deep.into_bytes())?;
        at.client.request_text(request).await?;
        create(&at, Kind::Policy, "terse", &terse()).await?;
        let operator = at.start("one", &["--public-url", GATEWAY])?;
        let conditions = at.reason(Kind::Policy, "terse", "TooLarge").await?;
        assert_eq!(conditions.state(), "failed", "{conditions:?}");
        all_ready(&at, &DECLARED_NAMES).await?;
        at.edit(Kind::Role, "caller", json!({ "scope": ["dev:*"] })).await?;
        let narrowed = |bundle: &faas_iam::bundle::Bundle| {
            bundle.roles().any(|(name, role)| name == "caller" && role.scope.is_some())
        };
        let bundle = at.bundle_with("the edit", narrowed).await?;
        assert!(bundle.get(Sort::Refused, "JwtIssuer/deep").is_some());
        operator.stop().await
    })
    .await
}
