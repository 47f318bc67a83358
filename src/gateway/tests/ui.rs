//! `/` and `/ui/…`: whose they are.

use super::support::*;
use crate::bundle::{Origin, Record, Sort};
use crate::gateway::config::BasicAuth;

const ADMIN: (&str, &str) = ("authorization", "Basic YWRtaW46aHVudGVyMg==");

/// Status, whether it is our page, and what the upstream got.
async fn get(running: &Running, target: &str, headers: &[(&str, &str)]) -> (u16, bool, Vec<Got>) {
    let mut request = client().get(running.url(target));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    assert!(answer.headers().get("www-authenticate").is_none(), "no browser is asked for the credential");
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap().contains("guarded by faas-iam"), running.provider.take())
}

#[tokio::test]
async fn the_ui_is_for_who_shows_the_administrators_credential_unasked_while_migrating() {
    let running = Running::with(BasicAuth::Migrate, Some(world())).await;
    for target in ["/", "/ui/", "/ui/app.js?v=1", "/ui"] {
        let (status, page, got) =
            get(&running, target, &[ADMIN, ("cookie", "a=b"), ("x-forwarded-user", "x")]).await;
        assert_eq!((status, page), (200, false), "{target}");
        assert_eq!((got[0].method.as_str(), got[0].target.as_str()), ("GET", target));
        assert_eq!(got[0].header("authorization"), Some(ADMIN.1), "our own credential");
        assert_eq!((got[0].header("cookie"), got[0].header("x-forwarded-user")), (None, None));
    }
}

#[tokio::test]
async fn everybody_else_gets_our_page_and_nothing_is_forwarded() {
    let denying = Running::new().await;
    assert_eq!(get(&denying, "/ui/index.html", &[ADMIN]).await, (200, true, vec![]));
    let mut running = Running::with(BasicAuth::Migrate, Some(world())).await;
    let api = format!("Bearer {}", running.api_token("root").await);
    let (origin, host) = ("https://evil.example.com", running.address.to_string());
    for headers in [
        &[][..],
        &[("authorization", "Basic YWRtaW46d3Jvbmc=")],
        &[("authorization", "Basic rubbish")],
        &[("authorization", api.as_str())],
        &[ADMIN, ("sec-fetch-site", "cross-site")],
        &[ADMIN, ("origin", origin)],
        &[ADMIN, ADMIN],
    ] {
        for target in ["/", "/ui/index.html"] {
            assert_eq!(get(&running, target, headers).await, (200, true, vec![]), "{target} {headers:?}");
        }
    }
    let same = format!("http://{host}");
    assert_eq!(
        get(&running, "/ui/x", &[ADMIN, ("origin", &same), ("sec-fetch-site", "same-origin")]).await.2.len(),
        1
    );
    // Not everything: `*` on `*` is what it takes.
    for (actions, resource) in
        [(&["*"][..], "*:*"), (&["Function:*", "Secret:*", "Namespace:*"], "*"), (&["System:Info"], "*")]
    {
        let statement = serde_json::json!({"sid": "s", "actions": actions, "resources": [resource]});
        let policy = serde_json::from_value(serde_json::json!({"statements": [statement]})).unwrap();
        running.change(|bundle| bundle.insert("root", Record::Policy { origin: Origin::default(), policy }));
        assert_eq!(get(&running, "/ui/x", &[ADMIN]).await, (200, true, vec![]), "{actions:?}");
    }
    running.remove(Sort::Role, "root-basic");
    assert_eq!(get(&running, "/ui/x", &[ADMIN]).await, (200, true, vec![]));
}

#[tokio::test]
async fn what_another_site_makes_a_browser_send_is_not_the_administrators_call() {
    let running = Running::with(BasicAuth::Migrate, Some(world())).await;
    let post = async |headers: &[(&str, &str)]| {
        let mut request =
            client().post(running.url("/system/functions")).body(r#"{"service":"env","namespace":"dev"}"#);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&[ADMIN]).await, 200);
    running.provider.take();
    for headers in [
        [ADMIN, ("sec-fetch-site", "cross-site")],
        [ADMIN, ("sec-fetch-site", "same-site")],
        [ADMIN, ("origin", "https://evil.example.com")],
        [ADMIN, ("origin", "null")],
    ] {
        assert_eq!(post(&headers).await, 401, "{headers:?}");
    }
    assert!(running.provider.take().is_empty());
}
