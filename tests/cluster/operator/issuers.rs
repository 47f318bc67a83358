//! Where keys come from: a real provider behind a private authority, and the API server itself.

use faas_iam::api::Kind;
use serde_json::json;

use super::{
    installed::{Installed, WITHIN, all_ready, installed},
    main_job::{DECLARED, DECLARED_NAMES, GATEWAY},
};
use crate::support::{
    Result,
    certs::TokenKeys,
    controlplane::ControlPlane,
    flags,
    oidc::{Options, Provider},
    shared::shared,
    wait::eventually,
};

/// A JwtIssuer for a provider, and a Role for its service.
async fn declare(at: &Installed, provider: &Provider, more: serde_json::Value) -> Result<()> {
    let mut spec = json!({ "iss": provider.issuer(), "aud": ["sid1"] });
    spec.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    at.apply(DECLARED).await?;
    let version = Kind::JwtIssuer.api_version();
    at.apply(
        &json!({ "apiVersion": version, "kind": "JwtIssuer", "metadata": { "name": "acme" }, "spec": spec })
            .to_string(),
    )
    .await?;
    let role = json!({
        "policy": ["invoke-dev"],
        "principal": { "jwt:sub": ["sid1"] },
        "condition": { "StringEqual": { "jwt:iss": [provider.issuer()] } },
    });
    at.apply(
        &json!({ "apiVersion": version, "kind": "Role", "metadata": { "name": "acme" }, "spec": role })
            .to_string(),
    )
    .await
}

/// Whether a token of the provider may invoke: the exit code of `can-i --token`, and what it says.
async fn may(at: &Installed, provider: &Provider) -> Result<(Option<i32>, String)> {
    let token = at.file("token", &provider.token(&json!({})).await?)?;
    at.run(&["can-i", "Function:Invoke", "dev:env", "--token", &token])
}

fn map(name: &str, key: &str, text: &str) -> String {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { key: text } })
        .to_string()
}

#[tokio::test]
async fn a_provider_behind_a_private_authority_is_trusted_by_its_bundle_reference() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let provider = Provider::start(&Options { path: "/realms/acme".into(), ..Default::default() })?;
        declare(
            &at,
            &provider,
            json!({ "caBundleRef": { "kind": "ConfigMap", "name": "acme-ca", "key": "ca.crt" } }),
        )
        .await?;
        let operator = at.start("one", &[])?;
        at.reason(Kind::JwtIssuer, "acme", "CaBundleNotFound").await?;
        at.apply(&map("acme-ca", "ca.crt", &provider.ca())).await?;
        all_ready(&at, &[(Kind::JwtIssuer, "acme"), (Kind::Role, "acme")]).await?;
        let (code, said) = may(&at, &provider).await?;
        assert_eq!(code, Some(0), "{said}");
        let issuer = at.objects(Kind::JwtIssuer).get("acme").await?;
        assert_eq!(issuer.data["status"]["keys"]["count"], 1);
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn a_provider_behind_a_private_authority_is_trusted_by_the_installations_bundle() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let provider = Provider::start(&Options { algorithm: "ES256".into(), ..Default::default() })?;
        declare(&at, &provider, json!({})).await?;
        let operator = at.start("one", &[])?;
        at.reason(Kind::JwtIssuer, "acme", "IssuerUnreachable").await?;
        let bundle = |pem: &str| {
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "ca-bundle" }, "stringData": { "ca.crt": pem } }).to_string()
        };
        at.apply(&bundle(&provider.ca())).await?;
        all_ready(&at, &[(Kind::JwtIssuer, "acme"), (Kind::Role, "acme")]).await?;
        let (code, said) = may(&at, &provider).await?;
        assert_eq!(code, Some(0), "{said}");

        at.apply(&bundle("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).await?;
        eventually("an Event about the broken bundle", WITHIN, async || {
            let events = at.events(faas_iam::bundle::names::INDEX_SECRET).await?;
            Ok(events.iter().any(|event| event.starts_with("CaBundleRefused: ")).then_some(()))
        })
        .await?;
        at.edit(Kind::JwtIssuer, "acme", json!({ "aud": ["sid1", "other"] })).await?;
        all_ready(&at, &[(Kind::JwtIssuer, "acme")]).await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn an_operator_that_starts_while_the_provider_is_away_keeps_its_keys() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({}), async |at| {
        let provider = Provider::start(&Options::default())?;
        at.apply(&map("acme-ca", "ca.crt", &provider.ca())).await?;
        declare(
            &at,
            &provider,
            json!({ "caBundleRef": { "kind": "ConfigMap", "name": "acme-ca", "key": "ca.crt" } }),
        )
        .await?;
        let operator = at.start("one", &[])?;
        all_ready(&at, &[(Kind::JwtIssuer, "acme"), (Kind::Role, "acme")]).await?;
        operator.stop().await?;
        let token = at.file("token", &provider.token(&json!({})).await?)?;
        drop(provider);

        let operator = at.start("one", &[])?;
        at.edit(Kind::Role, "acme", json!({ "scope": ["dev:*"] })).await?;
        all_ready(&at, &[(Kind::Role, "acme")]).await?;
        let (code, said) = at.run(&["can-i", "Function:Invoke", "dev:env", "--token", &token])?;
        assert_eq!(code, Some(0), "{said}");
        operator.stop().await
    })
    .await
}

/// The cluster's own issuer, under these keys.
async fn tokens_of_the_cluster_are_judged(keys: TokenKeys) -> Result<()> {
    let plane = ControlPlane::start(flags::Options { token_keys: keys, ..Default::default() }).await?;
    let judged = installed(plane.cluster(), json!({}), async |at| {
        at.apply(DECLARED).await?;
        let operator = at.start("one", &["--public-url", GATEWAY])?;
        all_ready(&at, &DECLARED_NAMES).await?;
        let issuer = at.objects(Kind::JwtIssuer).get("kubernetes").await?;
        assert_eq!(issuer.data["status"]["keys"]["source"], "cluster");
        for (audience, code) in [(GATEWAY, Some(0)), ("https://elsewhere.example.com", Some(1))] {
            let token = at.file("token", &at.cluster.token("default", "default", &[audience]).await?)?;
            let (found, said) = at.run(&["can-i", "Function:Invoke", "dev:env", "--token", &token])?;
            assert_eq!(found, code, "{audience}: {said}");
        }
        operator.stop().await
    })
    .await;
    plane.shut_down().await?;
    judged
}

#[tokio::test]
async fn the_clusters_own_issuer_serves_with_rsa_keys() -> Result<()> {
    tokens_of_the_cluster_are_judged(TokenKeys::Rsa).await
}

#[tokio::test]
async fn the_clusters_own_issuer_serves_with_ec_keys() -> Result<()> {
    tokens_of_the_cluster_are_judged(TokenKeys::default()).await
}
