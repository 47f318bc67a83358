//! Bad tokens at the three doors, each beside the good one that it was made of.

use serde_json::{Value, json};

use super::forged::Good;
use super::{counted, refused};
use crate::gateway::tests::support::*;
use crate::token::testing::P256;

/// The reason of a refused exchange as the other doors tell it.
fn at_a_door(reason: &'static str) -> &'static str {
    match reason {
        "expired" | "not_yet" | "claim" | "token_audience" | "kind" => "claims",
        same => same,
    }
}

async fn guarded() -> Running {
    let mut running = Running::new().await;
    running.change(|bundle| bundle.insert("p", private(&["dev:*"])));
    running
}

/// A token of ours of this kind, for root.
fn ours(running: &Running, kind: &str, more: Value) -> Value {
    let now = running.gateway.now();
    let mut claims = json!({"iss": US, "aud": US, "sub": "fed:root", "fed:iss": IDP, "fed:aud": "gw", "iat": now,
        "exp": now + 600, "openfaas:kind": kind});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

async fn exchange_status(running: &Running, token: &str) -> u16 {
    let form = [
        ("grant_type", EXCHANGE),
        ("subject_token_type", ID_TOKEN),
        ("subject_token", token),
        ("scope", "function"),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = client().post(running.url("/oauth/token")).body(form);
    request
        .header("content-type", "application/x-www-form-urlencoded")
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

/// The status where a header can carry the token at all.
async fn status(running: &Running, target: &str, header: &str, value: &str) -> Option<u16> {
    let value = http::HeaderValue::from_bytes(value.as_bytes()).ok()?;
    Some(client().get(running.url(target)).header(header, value).send().await.unwrap().status().as_u16())
}

#[tokio::test]
async fn s12_s13_no_bad_subject_token_is_exchanged() {
    let running = guarded().await;
    let now = running.gateway.now();
    let good = Good {
        signer: &P256,
        kid: "idp",
        claims: json!({"iss": IDP, "aud": "gw", "sub": "root", "exp": now + 600, "iat": now}),
    };
    assert_eq!(exchange_status(&running, &good.token()).await, 200);
    for forged in good.forged(now) {
        let before = counted(&running);
        let status = exchange_status(&running, &forged.token).await;
        refused(&running, &before, status, forged.reason, &forged.what);
    }
}

#[tokio::test]
async fn s12_s13_no_bad_token_of_ours_opens_the_rest_api() {
    let running = guarded().await;
    let (signer, now) = (running.signer(), running.gateway.now());
    let kid = running.signing().kid().to_owned();
    let good =
        Good { signer: &signer, kid: &kid, claims: ours(&running, "api", json!({"policy": ["root"]})) };
    let target = "/system/info";
    assert_eq!(
        status(&running, target, "authorization", &format!("Bearer {}", good.token())).await,
        Some(200)
    );
    running.provider.take();
    // Our own clock has a second of leeway, and no more.
    for forged in good.forged(now).into_iter().chain(kinds(&running, &signer, &kid, "api")) {
        let before = counted(&running);
        let value = format!("Bearer {}", forged.token);
        let Some(status) = status(&running, target, "authorization", &value).await else { continue };
        let own_scheme = forged.what == "a scheme in front";
        let reason = if own_scheme { "malformed" } else { at_a_door(forged.reason) };
        if forged.token.is_ascii() && !forged.token.contains('\t') {
            refused(&running, &before, status, reason, &forged.what);
        } else {
            // What is no text is no credential at all.
            assert!((400..500).contains(&status), "{}: {status}", forged.what);
            assert!(running.provider.take().is_empty(), "{}", forged.what);
        }
    }
}

#[tokio::test]
async fn s12_s13_no_bad_token_of_ours_opens_a_function_by_either_header() {
    let running = guarded().await;
    let (signer, now) = (running.signer(), running.gateway.now());
    let kid = running.signing().kid().to_owned();
    let claims = ours(&running, "function", json!({"function": {"permissions": ["dev:*"]}}));
    let good = Good { signer: &signer, kid: &kid, claims };
    let target = "/function/env.dev";
    for (header, scheme) in [("authorization", "Bearer "), ("x-auth-token", "")] {
        assert_eq!(status(&running, target, header, &format!("{scheme}{}", good.token())).await, Some(200));
        running.provider.take();
        for forged in good.forged(now).into_iter().chain(kinds(&running, &signer, &kid, "function")) {
            let before = counted(&running);
            let value = format!("{scheme}{}", forged.token);
            let Some(status) = status(&running, target, header, &value).await else { continue };
            if forged.token.is_ascii() && !forged.token.contains('\t') {
                refused(
                    &running,
                    &before,
                    status,
                    at_a_door(forged.reason),
                    &format!("{header}: {}", forged.what),
                );
            } else {
                assert!((400..500).contains(&status), "{}: {status}", forged.what);
                assert!(running.provider.take().is_empty(), "{}", forged.what);
            }
        }
    }
}

/// Tokens that we signed and that are of no kind that is taken there.
fn kinds(
    running: &Running,
    signer: &crate::token::testing::Signer,
    kid: &str,
    good: &str,
) -> Vec<super::forged::Forged> {
    let base = json!({"policy": ["root"], "function": {"permissions": ["dev:*"]}, "jti": "x"});
    let of = |more: Value| {
        let mut claims = ours(running, good, base.clone());
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Good { signer, kid, claims }.token()
    };
    let rows = [
        (json!({"openfaas:kind": "API"}), "kind"),
        (json!({"openfaas:kind": "access"}), "kind"),
        (json!({"openfaas:kind": ["api"]}), "kind"),
        (json!({"openfaas:kind": null}), "kind"),
        (json!({"openfaas:kind": "identity"}), "kind"),
        (json!({"sub": "root"}), "kind"),
        (json!({"sub": "FED:root"}), "kind"),
        (json!({"sub": "fed:"}), "claim"),
        (json!({"sub": "fed:fed:root", "fed:iss": US, "fed:aud": US}), "kind"),
        (json!({"fed:iss": "https://evil.example.com"}), "unknown_issuer"),
        (json!({"fed:iss": null}), "claim"),
        (json!({"fed:aud": "other"}), "token_audience"),
        (json!({"fed:aud": []}), "claim"),
    ];
    let rows = rows.into_iter().map(|(more, reason)| super::forged::Forged {
        what: format!("{more}"),
        token: of(more),
        // The engine finds it, not the search for a key.
        reason: if reason == "unknown_issuer" { "claim" } else { reason },
    });
    rows.collect()
}

#[tokio::test]
async fn a_credential_stands_in_one_header_under_one_scheme() {
    let running = guarded().await;
    let (api, function) = (running.api_token("root").await, running.function_token("root", &[]).await);
    for (target, token) in [("/system/info", &api), ("/function/env.dev", &function)] {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(
                status(&running, target, "authorization", &format!("{scheme} {token}")).await,
                Some(200)
            );
        }
        running.provider.take();
        for (value, reason) in [
            (format!("DPoP {token}"), "no_credential"),
            (format!("Token {token}"), "no_credential"),
            (format!("Bearer\t{token}"), "no_credential"),
            (format!("Bearer:{token}"), "no_credential"),
            (format!("Bearer={token}"), "no_credential"),
            (token.to_string(), "no_credential"),
            (format!("Bearer, Bearer {token}"), "no_credential"),
            (String::new(), "no_credential"),
            ("Bearer".to_owned(), "malformed"),
            ("Bearer ".to_owned(), "malformed"),
            (format!("Bearer Bearer {token}"), "malformed"),
            (format!("Bearer {token} {token}"), "malformed"),
            (format!("Bearer {token}, Bearer {token}"), "malformed"),
            (format!("Bearer {token},"), "malformed"),
            (format!("Bearer \"{token}\""), "malformed"),
            (format!("Bearer token={token}"), "malformed"),
        ] {
            let before = counted(&running);
            let found = status(&running, target, "authorization", &value).await.unwrap();
            let reason = if value.ends_with(',') { "signature" } else { reason };
            refused(&running, &before, found, reason, &value);
        }
        let before = counted(&running);
        let twice = client().get(running.url(target));
        let twice = twice
            .header("authorization", format!("Bearer {token}"))
            .header("authorization", format!("Bearer {token}"));
        refused(&running, &before, twice.send().await.unwrap().status().as_u16(), "header", "twice");
    }
    let before = counted(&running);
    let twice = client()
        .get(running.url("/function/env.dev"))
        .header("x-auth-token", &function)
        .header("x-auth-token", &function);
    refused(&running, &before, twice.send().await.unwrap().status().as_u16(), "header", "x-auth-token twice");
}

#[tokio::test]
async fn a_credential_anywhere_else_is_none() {
    let running = guarded().await;
    let (api, function) = (running.api_token("root").await, running.function_token("root", &[]).await);
    for (target, name, value) in [
        (format!("/system/info?access_token={api}"), "accept", "*/*".to_owned()),
        (format!("/system/info?token={api}"), "accept", "*/*".to_owned()),
        ("/system/info".to_owned(), "cookie", format!("token={api}; access_token={api}")),
        ("/system/info".to_owned(), "x-auth-token", api.clone()),
        ("/system/info".to_owned(), "proxy-authorization", format!("Bearer {api}")),
        ("/system/info".to_owned(), "x-forwarded-access-token", api.clone()),
        ("/system/info".to_owned(), "x-forwarded-authorization", format!("Bearer {api}")),
        ("/system/info".to_owned(), "remote-user", "root".to_owned()),
        ("/system/info".to_owned(), "x-original-url", "/healthz".to_owned()),
        ("/system/info".to_owned(), "x-http-method-override", "OPTIONS".to_owned()),
        ("/system/info".to_owned(), "user-agent", "kube-probe/1.36".to_owned()),
        (format!("/function/env.dev?access_token={function}"), "accept", "*/*".to_owned()),
        ("/function/env.dev".to_owned(), "cookie", format!("token={function}")),
        ("/function/env.dev".to_owned(), "proxy-authorization", format!("Bearer {function}")),
        ("/function/env.dev/healthz".to_owned(), "user-agent", "kube-probe/1.36".to_owned()),
        ("/function/env.dev/_/health.json".to_owned(), "x-original-uri", "/_/health".to_owned()),
    ] {
        let before = counted(&running);
        let found = status(&running, &target, name, &value).await.unwrap();
        refused(&running, &before, found, "no_credential", &format!("{target:.40} {name}"));
        assert_eq!(found, 401);
    }
}
