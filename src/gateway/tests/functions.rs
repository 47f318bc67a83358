//! Calls of functions: public, private, and what the function gets.

use http::header::WWW_AUTHENTICATE;

use super::support::*;
use crate::gateway::config::BasicAuth;
use crate::gateway::forward::Upstream;

async fn guarded(checks: Option<bool>) -> Running {
    let mut running = Running::new().await;
    running.change(|bundle| {
        bundle.insert("p", private(&["dev:*"]));
        if let Some(checks) = checks {
            bundle.insert("dev/env", watchdog(checks));
        }
    });
    running
}

/// Calls with these headers; status, and the headers `authorization` and `x-auth-token` as the function got them.
async fn call(running: &Running, headers: &[(&str, &str)]) -> (u16, Option<String>, Option<String>) {
    let mut request = client().get(running.url("/function/env.dev/a?b=c"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let status = request.send().await.unwrap().status().as_u16();
    let got = running.provider.take().pop();
    let header = |name: &str| got.as_ref().and_then(|got| got.header(name)).map(ToOwned::to_owned);
    (status, header("authorization"), header("x-auth-token"))
}

#[tokio::test]
async fn a_public_function_is_everybodys_and_the_path_goes_through_as_it_came() {
    let running = Running::new().await;
    for (target, forwarded) in [
        ("/function/env", "/function/env.openfaas-fn"),
        ("/function/env.dev/a%2fb//c?x=%41&x=2", "/function/env.dev/a%2fb//c?x=%41&x=2"),
        ("/async-function/env.dev/a", "/async-function/env.dev/a"),
    ] {
        let (status, _) = running.send("POST", target, None, "body").await;
        let got = running.provider.only();
        assert_eq!((status, got.target.as_str(), got.body.as_str()), (200, forwarded, "body"));
        assert_eq!(got.header("x-forwarded-for"), Some("127.0.0.1"));
    }
    assert_eq!(running.send("GET", "/function/env.kube-system", None, "").await.0, 401);
}

#[tokio::test]
async fn s9_the_upstream_is_called_by_its_own_name_and_told_the_clients() {
    let provider = Provider::default();
    let upstream = provider.start().await.to_string();
    let to = Upstream::new(&format!("http://{upstream}")).unwrap();
    let running = Running::before(provider, to, BasicAuth::Deny, Some(world())).await;
    let http2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let named = client().post(running.url("/function/env.dev")).header("host", "priv.dev.svc:8080");
    for (request, version, client) in [
        (
            client().post(running.url("/function/env.dev")),
            http::Version::HTTP_11,
            running.address.to_string(),
        ),
        (http2.post(running.url("/function/env.dev")), http::Version::HTTP_2, running.address.to_string()),
        (named, http::Version::HTTP_11, "priv.dev.svc:8080".to_owned()),
    ] {
        let answer = request.body("body").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        let got = running.provider.only();
        let hosts: Vec<_> = got.headers.iter().filter(|(name, _)| name == "host").collect();
        assert_eq!(hosts, [&("host".to_owned(), upstream.clone())]);
        assert_eq!(got.header("x-forwarded-host"), Some(client.as_str()));
        assert_eq!(got.body, "body");
    }
}

#[tokio::test]
async fn s11_a_public_function_collects_nothing_of_ours() {
    let running = Running::new().await;
    let token = running.api_token("alice").await;
    let ours = format!("Bearer {token}");
    for (sent, arrives) in [
        (ours.as_str(), None),
        ("Basic YWRtaW46aHVudGVyMg==", None),
        ("Basic YWRtaW46b3RoZXI=", Some("Basic YWRtaW46b3RoZXI=")),
        ("Bearer theirs", Some("Bearer theirs")),
    ] {
        let (status, got, _) = call(&running, &[("authorization", sent)]).await;
        assert_eq!((status, got.as_deref()), (200, arrives), "{sent}");
        let (_, _, got) = call(&running, &[("x-auth-token", sent)]).await;
        assert_eq!(got.as_deref(), arrives, "{sent}");
    }
}

#[tokio::test]
async fn a_private_function_answers_401_in_the_words_that_faas_cli_waits_for() {
    let running = guarded(None).await;
    let api = running.api_token("alice").await;
    for token in [None, Some("rubbish"), Some(api.as_str())] {
        let mut request = client().get(running.url("/function/env.dev"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer realm=IAM function invoke");
    }
    assert!(running.provider.take().is_empty());
}

#[tokio::test]
async fn a_preflight_without_credentials_is_no_way_into_a_private_function() {
    let running = guarded(None).await;
    let preflight = async |target: &str| {
        let request = client().request(http::Method::OPTIONS, running.url(target));
        let request = request.header("origin", "https://app.example.com");
        let request = request.header("access-control-request-method", "POST");
        request.header("access-control-request-headers", "authorization").send().await.unwrap()
    };
    let answer = preflight("/function/env.dev").await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer realm=IAM function invoke");
    assert!(answer.headers().get("access-control-allow-origin").is_none());
    assert!(running.provider.take().is_empty());
    assert_eq!(preflight("/function/env.prod").await.status(), 200, "a public one answers for itself");
}

#[tokio::test]
async fn a_private_function_is_open_to_whom_its_token_and_the_roles_both_allow() {
    let mut running = guarded(None).await;
    let alice = running.function_token("alice", &[]).await;
    let narrowed = running.function_token("alice", &["dev:other"]).await;
    let eve = running.function_token("eve", &[]).await;
    let status = async |running: &Running, target: &str, token: &str| {
        running.send("GET", target, Some(token), "").await.0
    };
    assert_eq!(status(&running, "/function/env.dev", &alice).await, 200);
    assert_eq!(status(&running, "/function/other.dev", &narrowed).await, 200);
    assert_eq!(status(&running, "/function/env.dev", &narrowed).await, 403);
    assert_eq!(status(&running, "/function/env.dev", &eve).await, 200);
    assert_eq!(status(&running, "/function/other.dev", &eve).await, 403);
    running.change(|bundle| bundle.insert("q", private(&["prod-dev:env"])));
    assert_eq!(
        status(&running, "/function/env.prod-dev", &alice).await,
        403,
        "where a watchdog's loose match would open"
    );
    running.remove(crate::bundle::Sort::Role, "dev");
    assert_eq!(status(&running, "/function/env.dev", &alice).await, 403, "a token that is out");
}

#[tokio::test]
async fn a_watchdog_that_checks_gets_the_token_where_it_looks_for_it() {
    let running = guarded(Some(true)).await;
    let token = running.function_token("alice", &[]).await;
    let bearer = format!("Bearer {token}");
    let arrives = (200, Some(bearer.clone()), None);
    assert_eq!(call(&running, &[("authorization", &bearer)]).await, arrives);
    assert_eq!(call(&running, &[("x-auth-token", &token)]).await, arrives);
    let both = call(&running, &[("x-auth-token", &token), ("authorization", "Basic dGhlaXJz")]).await;
    assert_eq!(both.0, 400, "there is one place for two");
}

#[tokio::test]
async fn a_function_that_does_not_check_keeps_its_own_authorization_and_gets_nothing_of_ours() {
    for checks in [None, Some(false)] {
        let running = guarded(checks).await;
        let token = running.function_token("alice", &[]).await;
        let bearer = format!("Bearer {token}");
        assert_eq!(call(&running, &[("authorization", &bearer)]).await, (200, None, None));
        assert_eq!(call(&running, &[("x-auth-token", &token)]).await, (200, None, None));
        let theirs = ("authorization", "Bearer theirs");
        let got = call(&running, &[("x-auth-token", &token), theirs]).await;
        assert_eq!(got, (200, Some("Bearer theirs".to_owned()), None));
        assert_eq!(call(&running, &[("x-auth-token", &token), ("authorization", &bearer)]).await.0, 400);
    }
}

#[tokio::test]
async fn results_are_called_back_to_one_address_that_may_be() {
    let running = Running::new().await;
    let post = async |target: &str, callbacks: &[&str]| {
        let mut request = client().post(running.url(target));
        for callback in callbacks {
            request = request.header("x-callback-url", *callback);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let queued = "/async-function/env.dev";
    assert_eq!(post(queued, &["http://gateway.openfaas:8080/function/x"]).await, 200);
    assert_eq!(
        running.provider.only().header("x-callback-url"),
        Some("http://gateway.openfaas:8080/function/x")
    );
    for wrong in [&["http://169.254.169.254/"][..], &["rubbish"], &["http://a/", "http://b/"]] {
        assert_eq!(post(queued, wrong).await, 400, "{wrong:?}");
    }
    assert!(running.provider.take().is_empty());
}
