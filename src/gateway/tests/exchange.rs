//! The token endpoint and what is published for those who verify our tokens.

use serde_json::{Value, json};

use super::support::*;

#[tokio::test]
async fn what_is_minted_is_verified_by_what_is_published() {
    let running = Running::new().await;
    let get = async |target: &str| client().get(running.url(target)).send().await.unwrap();
    let discovery = read_json(get("/.well-known/openid-configuration").await).await;
    assert_eq!(discovery["issuer"], US);
    assert_eq!(discovery["jwks_uri"], format!("{US}/.well-known/keys"));
    assert_eq!(discovery["token_endpoint"], format!("{US}/oauth/token"));
    let keys = get("/.well-known/keys").await;
    assert_eq!(keys.headers()["cache-control"], "public, max-age=300");
    let keys = read_json(keys).await;
    let keys = crate::token::KeySet::parse(&keys, crate::token::Source::Remote).unwrap().set;
    let token = running.api_token("alice").await;
    let us = crate::token::testing::issuer(US, &[]);
    let claims = crate::token::verify(&token, &us, &crate::token::VerifyingKeys::new(&keys)).unwrap();
    assert_eq!((&claims["sub"], &claims["policy"]), (&json!("fed:alice"), &json!(["dev"])));
}

#[tokio::test]
async fn an_answer_is_what_clients_read_and_is_kept_by_nobody() {
    let running = Running::new().await;
    let query = format!(
        "grant_type={EXCHANGE}&subject_token_type={ID_TOKEN}&scope=function&subject_token={}",
        running.id_token("alice")
    );
    let answer = client().post(running.url(&format!("/oauth/token?{query}"))).send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let answer = read_json(answer).await;
    let keys: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["access_token", "expires_in", "issued_token_type", "scope", "token_type"]);
    assert_eq!(
        (&answer["expires_in"], &answer["token_type"], &answer["scope"]),
        (&json!(1800), &json!("Bearer"), &json!("function"))
    );
    assert_eq!(answer["issued_token_type"], ID_TOKEN);
}

#[tokio::test]
async fn subject_tokens_that_prove_nothing_are_refused_with_a_reason() {
    let running = Running::new().await;
    let now = running.gateway.now();
    let claims = |more: Value| {
        let mut claims = json!({"iss": IDP, "aud": "gw", "sub": "alice", "exp": now + 600});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    let good = running.id_token("alice");
    let (head, _) = good.rsplit_once('.').unwrap();
    let rows = [
        ("rubbish".to_owned(), "three parts"),
        (format!("{head}.AAAA"), "the signature"),
        (signed("other", claims(json!({}))), "no key with the kid `other`"),
        (
            signed("idp", claims(json!({"iss": "https://evil"}))),
            "no JwtIssuer that serves has the iss `https://evil`",
        ),
        (signed("idp", claims(json!({"exp": now - 31}))), "it expired"),
        (signed("idp", claims(json!({"exp": "9999999999"}))), "`exp` is not a number"),
        (signed("idp", claims(json!({"aud": "other"}))), "the audience"),
        (signed("idp", claims(json!({"sub": "nobody"}))), "No policies found for subject: nobody"),
        (signed("idp", claims(json!({"iss": US}))), "no key with the kid"),
    ];
    for (token, want) in rows {
        let refused = running.exchange(&token, &[]).await.unwrap_err();
        let text = refused["error_description"].as_str().unwrap();
        assert!(refused["error"] == "invalid_request" && text.contains(want), "{want}: {refused}");
    }
}

#[tokio::test]
async fn an_api_token_is_exchanged_for_a_function_token_and_for_nothing_else() {
    let running = Running::new().await;
    let api = running.api_token("alice").await;
    let function = running.exchange(&api, &[("scope", "function"), ("audience", "dev:env")]).await.unwrap();
    for (token, more) in [(&api, &[][..]), (&function, &[("scope", "function")][..]), (&function, &[][..])] {
        assert!(running.exchange(token, more).await.is_err());
    }
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let running = Running::new().await;
    let post = |kind: &str, body: String| {
        client().post(running.url("/oauth/token")).header("content-type", kind).body(body)
    };
    let large = "x".repeat(70_000);
    for request in [post("application/json", "{}".into()), post("application/x-www-form-urlencoded", large)] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(read_json(answer).await["error"], "invalid_request");
    }
}
