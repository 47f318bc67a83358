//! Bad requests at the token endpoint: parameters, encodings, bodies, methods.

use super::{counted, reason, refused};
use crate::exchange::MAX_AUDIENCES;
use crate::gateway::tests::support::*;

const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters of a good exchange, encoded, with the subject token last.
fn good(token: &str) -> String {
    let pairs = [("grant_type", EXCHANGE), ("subject_token_type", ID_TOKEN), ("subject_token", token)];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

struct Sent {
    status: u16,
    body: String,
    kept: bool,
}

async fn post(running: &Running, query: &str, kind: Option<&str>, body: impl Into<reqwest::Body>) -> Sent {
    let target = if query.is_empty() { "/oauth/token".to_owned() } else { format!("/oauth/token?{query}") };
    let request = client().post(running.url(&target)).body(body);
    let answer = match kind {
        Some(kind) => request.header("content-type", kind),
        None => request,
    };
    let answer = answer.send().await.unwrap();
    let kept = answer.headers().get("cache-control").is_none_or(|value| value != "no-store");
    Sent { status: answer.status().as_u16(), body: answer.text().await.unwrap(), kept }
}

/// Status 400, the words of RFC 6749 section 5.2 alone, this reason, and nothing of the token.
async fn is_refused(
    running: &Running,
    sent: Sent,
    before: &std::collections::BTreeMap<String, u64>,
    code: &str,
    want: &str,
    row: &str,
) {
    let told: serde_json::Value =
        serde_json::from_str(&sent.body).unwrap_or_else(|_| panic!("{row}: {}", sent.body));
    let members: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        (members, told["error"].as_str()),
        (vec!["error", "error_description"], Some(code)),
        "{row}: {told}"
    );
    assert!(!sent.kept, "{row}");
    // RFC 6749 section 5.2: printable, no quote, no backslash.
    let text = told["error_description"].as_str().unwrap();
    assert!(
        text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\') && text.len() < 2_000,
        "{row}: {text}"
    );
    refused(running, before, sent.status, want, row);
    assert_eq!(sent.status, 400, "{row}");
}

#[tokio::test]
async fn parameters_that_are_no_exchange_are_refused_in_the_words_of_oauth() {
    let running = Running::new().await;
    let token = running.id_token("alice");
    let good = good(&token);
    assert_eq!(post(&running, "", Some(FORM), good.clone()).await.status, 200);
    assert_eq!(post(&running, &good, None, "").await.status, 200, "in the query of a POST, as some do");
    let split = good.split_once('&').unwrap();
    assert_eq!(
        post(&running, split.0, Some(FORM), split.1.to_owned()).await.status,
        200,
        "some here, some there"
    );
    let without = |name: &str| {
        good.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect::<Vec<_>>().join("&")
    };
    let with = |more: &str| format!("{good}&{more}");
    let instead = |name: &str, value: &str| format!("{}&{name}={value}", without(name));
    let many = "audience=dev:env&".repeat(MAX_AUDIENCES + 1);
    let (bad, target) = ("invalid_request", "invalid_target");
    let rows = [
        ("nothing", String::new(), bad, "parameter"),
        ("one &", "&".to_owned(), bad, "parameter"),
        ("no names", "=a&=b".to_owned(), bad, "parameter"),
        ("no grant", without("grant_type"), bad, "parameter"),
        ("no token", without("subject_token"), bad, "parameter"),
        ("no type", without("subject_token_type"), bad, "parameter"),
        ("an empty grant", instead("grant_type", ""), "unsupported_grant_type", "grant_type"),
        ("an empty token", instead("subject_token", ""), bad, "parameter"),
        ("an empty type", instead("subject_token_type", ""), bad, "token_type"),
        (
            "another grant",
            instead("grant_type", "client_credentials"),
            "unsupported_grant_type",
            "grant_type",
        ),
        (
            "a grant in capitals",
            good.replace("token-exchange", "TOKEN-EXCHANGE"),
            "unsupported_grant_type",
            "grant_type",
        ),
        (
            "a longer grant",
            good.replace("token-exchange", "token-exchange%20"),
            "unsupported_grant_type",
            "grant_type",
        ),
        (
            "a grant of its own",
            instead("grant_type", "%22%5C%0D%0Ax%00%E2%80%AE"),
            "unsupported_grant_type",
            "grant_type",
        ),
        ("saml", good.replace("id_token", "saml2"), bad, "token_type"),
        ("a refresh token", good.replace("id_token", "refresh_token"), bad, "token_type"),
        ("a bare type", instead("subject_token_type", "id_token"), bad, "token_type"),
        ("another namespace", good.replace("token-type%3A", "token-type%3A%3A"), bad, "token_type"),
        (
            "another result",
            with("requested_token_type=urn:ietf:params:oauth:token-type:saml2"),
            bad,
            "token_type",
        ),
        ("the grant twice", with(&format!("grant_type={EXCHANGE}")), bad, "parameter"),
        ("the type twice", with(&format!("subject_token_type={ID_TOKEN}")), bad, "parameter"),
        ("the token twice", with("subject_token=a.b.c"), bad, "parameter"),
        ("the token twice, once empty", with("subject_token="), bad, "parameter"),
        ("the scope twice", with("scope=function&scope=function"), bad, "parameter"),
        ("the scope twice, once empty", with("scope=&scope=function"), bad, "parameter"),
        ("the result twice", with("requested_token_type=&requested_token_type="), bad, "parameter"),
        ("somebody acts", with("actor_token=a.b.c"), bad, "parameter"),
        ("the type of who acts", with(&format!("actor_token_type={ID_TOKEN}")), bad, "parameter"),
        ("a resource", with("resource=https://gw.example.com"), target, "audience"),
        ("a scope that there is not", with("scope=openid"), "invalid_scope", "scope"),
        ("two scopes", with("scope=function%20openid"), "invalid_scope", "scope"),
        ("a scope by +", with("scope=function+"), "invalid_scope", "scope"),
        ("a scope in capitals", with("scope=Function"), "invalid_scope", "scope"),
        ("a scope with NUL", with("scope=function%00"), "invalid_scope", "scope"),
        ("an audience for the api", with("audience=dev:env"), target, "audience"),
        ("another gateway", with("audience=https://evil.example.com"), target, "audience"),
        ("ourselves, and another", with("audience=https://gw.example.com&audience=x"), target, "audience"),
        ("ourselves with a slash", with("audience=https://gw.example.com/"), target, "audience"),
        ("too many audiences", with(&format!("{many}scope=function")), target, "audience"),
        ("an audience without a namespace", with("scope=function&audience=env"), target, "audience"),
        ("everything as an audience", with("scope=function&audience=*"), target, "audience"),
        ("every namespace as an audience", with("scope=function&audience=*:*"), target, "audience"),
        ("part of a name", with("scope=function&audience=dev:e*"), target, "audience"),
        ("part of a namespace", with("scope=function&audience=d*:env"), target, "audience"),
        ("a list in one", with("scope=function&audience=dev:env,dev:other"), target, "audience"),
        ("a list by spaces", with("scope=function&audience=dev:env+dev:other"), target, "audience"),
        ("the other order", with("scope=function&audience=env.dev"), target, "audience"),
        ("a second colon", with("scope=function&audience=dev:env:x"), target, "audience"),
        ("capitals", with("scope=function&audience=Dev:env"), target, "audience"),
        ("an audience with NUL", with("scope=function&audience=dev:env%00"), target, "audience"),
        ("not granted", with("scope=function&audience=prod:env"), target, "audience"),
        ("where nobody may act", with("scope=function&audience=kube-system:*"), target, "audience"),
        ("no UTF-8", with("x=%FF"), bad, "parameter"),
        ("a name that is no UTF-8", with("%C0%AF=x"), bad, "parameter"),
        ("half a character", with("x=%E2%82"), bad, "parameter"),
        ("a token without end", instead("subject_token", &"x".repeat(17_000)), bad, "malformed"),
        ("a token encoded twice", good.replace('.', "%252E"), bad, "malformed"),
        ("a token with +", good.replace('.', ".+"), bad, "malformed"),
        ("a token with NUL", format!("{good}%00"), bad, "signature"),
        ("a token with a line feed", format!("{good}%0A"), bad, "signature"),
        ("a part of the token in another parameter", good.replacen(".", "&x=", 1), bad, "malformed"),
        ("; between", good.replace('&', ";"), "unsupported_grant_type", "grant_type"),
        ("names in capitals", good.to_uppercase(), bad, "parameter"),
        ("brackets", good.replace("subject_token=", "subject_token[]="), bad, "parameter"),
        ("json in a form", "{\"grant_type\":\"x\"}".to_owned(), bad, "parameter"),
    ];
    for (what, body, code, want) in rows {
        let before = counted(&running);
        let sent = post(&running, "", Some(FORM), body.clone()).await;
        is_refused(&running, sent, &before, code, want, what).await;
        // By the query they mean the same; what is no UTF-8 or has a control character is none there, either.
        if !body.is_empty() && body.is_ascii() && !body.contains('"') && body.len() < 16_000 {
            let before = counted(&running);
            let sent = post(&running, &body, None, "").await;
            is_refused(&running, sent, &before, code, want, &format!("query: {what}")).await;
        }
    }
}

#[tokio::test]
async fn query_and_form_may_not_contradict_nor_repeat_each_other() {
    let running = Running::new().await;
    let token = running.id_token("alice");
    let good = good(&token);
    for query in [
        "subject_token=a.b.c",
        "scope=function&scope=",
        &good,
        "grant_type=x",
        &format!("subject_token={token}"),
    ] {
        let before = counted(&running);
        let sent = post(&running, query, Some(FORM), good.clone()).await;
        is_refused(&running, sent, &before, "invalid_request", "parameter", query).await;
    }
    let narrowed =
        post(&running, "audience=dev:env", Some(FORM), format!("{good}&scope=function&audience=dev:other"))
            .await;
    assert_eq!(narrowed.status, 200, "audiences may repeat, wherever");
}

#[tokio::test]
async fn bodies_that_are_no_form_are_refused() {
    let running = Running::new().await;
    let token = running.id_token("alice");
    let good = good(&token);
    let multipart =
        format!("--x\r\nContent-Disposition: form-data; name=\"subject_token\"\r\n\r\n{token}\r\n--x--\r\n");
    let json =
        serde_json::json!({"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ID_TOKEN})
            .to_string();
    let rows = [
        ("no type", None, good.clone(), "malformed"),
        ("an empty type", Some(""), good.clone(), "malformed"),
        ("json", Some("application/json"), json, "malformed"),
        ("a form that is called json", Some("application/json"), good.clone(), "malformed"),
        ("text", Some("text/plain"), good.clone(), "malformed"),
        ("parts", Some("multipart/form-data; boundary=x"), multipart, "malformed"),
        ("almost the type", Some("application/x-www-form-urlencodedx"), good.clone(), "malformed"),
        ("two types", Some("text/plain, application/x-www-form-urlencoded"), good.clone(), "malformed"),
        ("more than 64 KiB", Some(FORM), format!("{good}&x={}", "x".repeat(64 * 1024)), "body_too_large"),
    ];
    for (what, kind, body, want) in rows {
        let before = counted(&running);
        let sent = post(&running, "", kind, body).await;
        is_refused(&running, sent, &before, "invalid_request", want, what).await;
    }
    for kind in ["application/x-www-form-urlencoded; charset=utf-8", "APPLICATION/X-WWW-FORM-URLENCODED"] {
        assert_eq!(post(&running, "", Some(kind), good.clone()).await.status, 200, "{kind}");
    }
    let padded = format!("{good}&x={}", "x".repeat(64 * 1024 - good.len() - 3));
    assert_eq!(
        post(&running, "", Some(FORM), padded).await.status,
        200,
        "64 KiB to the byte, of unknown parameters"
    );
}

#[tokio::test]
async fn every_other_method_and_address_is_no_exchange() {
    let running = Running::new().await;
    let good = good(&running.id_token("alice"));
    for (method, path) in [
        ("GET", "/oauth/token"),
        ("HEAD", "/oauth/token"),
        ("PUT", "/oauth/token"),
        ("PATCH", "/oauth/token"),
        ("DELETE", "/oauth/token"),
        ("OPTIONS", "/oauth/token"),
        ("TRACE", "/oauth/token"),
        ("post", "/oauth/token"),
        ("POST", "/oauth/token/"),
        ("POST", "/oauth//token"),
        ("POST", "/oauth/Token"),
        ("POST", "/oauth/tok%65n"),
        ("POST", "/oauth"),
        ("POST", "/oauth/token/x"),
        ("POST", "/oauth/authorize"),
    ] {
        let before = counted(&running);
        let target = format!("{path}?{good}");
        let status = client()
            .request(method.parse().unwrap(), running.url(&target))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16();
        assert!((400..500).contains(&status), "{method} {path}: {status}");
        let why = reason(&running, &before);
        assert!(["undecided_route", "ambiguous_path"].contains(&why.as_str()), "{method} {path}: {why}");
    }
}
