//! What is measured: under which names, and that it is true.

use std::collections::BTreeSet;

use super::support::*;
use crate::bundle::Sort;
use crate::gateway::config::BasicAuth;

#[tokio::test]
async fn what_is_measured_is_what_the_charts_table_tells() {
    let (running, _folder) = super::audit::audited(Default::default(), Some(world())).await;
    running.api_token("alice").await;
    running.gateway.metrics.refreshed("https://idp", true);
    running.gateway.metrics.listed(true);
    let text = running.gateway.measured().unwrap();
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/charts/faas-iam/README.md")).unwrap();
    let table =
        readme.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let told: BTreeSet<_> =
        table.flat_map(|cell| cell.split(',')).map(|name| name.trim().to_owned()).collect();
    let measured =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE faas_iam_gateway_")?.split_once(' '));
    let shown =
        |(name, kind)| if kind == "counter" { format!("`{name}_total`") } else { format!("`{name}`") };
    assert_eq!(measured.map(shown).collect::<BTreeSet<_>>(), told, "in charts/faas-iam/README.md");
}

#[tokio::test]
async fn calls_are_timed_by_what_they_are_about_and_the_upstream_apart() {
    let running = Running::new().await;
    let token = running.api_token("alice").await;
    for (target, token) in [
        ("/system/functions?namespace=dev", Some(token.as_str())),
        ("/system/info", None),
        ("/function/env", None),
        ("/healthz", None),
    ] {
        running.send("GET", target, token, "").await;
    }
    let count = |what: &str, kind: &str| {
        running.metric(&format!("faas_iam_gateway_{what}_duration_seconds_count{{kind=\"{kind}\"}}")).unwrap()
    };
    for (kind, requests, upstream) in
        [("system", 2.0, 1.0), ("function", 1.0, 1.0), ("exchange", 1.0, 0.0), ("other", 1.0, 0.0)]
    {
        assert_eq!((count("request", kind), count("judgement", kind)), (requests, requests), "{kind}");
        assert_eq!(count("upstream", kind), upstream, "{kind}");
    }
    assert_eq!(running.metric("faas_iam_gateway_requests_in_flight"), Some(0.0));
}

#[tokio::test]
async fn exchanges_are_counted_by_declared_issuers_alone() {
    let running = Running::new().await;
    running.api_token("alice").await;
    let _ = running.exchange(&running.id_token("nobody"), &[]).await.unwrap_err();
    let exp = running.gateway.now() + 60;
    let evil = signed("idp", serde_json::json!({"iss": "https://evil", "aud": "gw", "sub": "a", "exp": exp}));
    let _ = running.exchange(&evil, &[]).await.unwrap_err();
    let _ = running.exchange("rubbish", &[]).await.unwrap_err();
    let forged = format!("{}.AAAA", running.id_token("alice").rsplit_once('.').unwrap().0);
    let _ = running.exchange(&forged, &[]).await.unwrap_err();
    for (issuer, result) in [
        ("idp", "ok"),
        ("idp", "no_policies"),
        ("unknown", "unknown_issuer"),
        ("unknown", "malformed"),
        ("idp", "signature"),
    ] {
        let sample = format!("faas_iam_gateway_exchanges_total{{issuer=\"{issuer}\",result=\"{result}\"}}");
        assert_eq!(running.metric(&sample), Some(1.0), "{sample}");
    }
    assert!(!running.gateway.measured().unwrap().contains("evil"));
}

#[tokio::test]
async fn what_decides_now_is_measured_and_what_is_gone_is_not() {
    let mut running = Running::new().await;
    let token = running.api_token("alice").await;
    for _ in 0..3 {
        running.send("GET", "/system/functions?namespace=dev", Some(&token), "").await;
    }
    let metric = |running: &Running, name: &str| running.metric(&format!("faas_iam_gateway_{name}"));
    assert_eq!(metric(&running, "token_cache_entries"), Some(1.0));
    assert_eq!(metric(&running, "token_cache_hits_total"), Some(2.0));
    assert_eq!(metric(&running, "bundle_generation"), Some(1.0));
    assert_eq!(metric(&running, "issuer_keys{issuer=\"idp\"}"), Some(1.0));
    let kid = running.gateway.snapshot().unwrap().signing.kid().to_owned();
    assert_eq!(metric(&running, &format!("signing_key{{kid=\"{kid}\"}}")), Some(1.0));
    assert_eq!(metric(&running, "out_of_contact_seconds"), Some(0.0), "there is no cluster");
    running.remove(Sort::Issuer, "idp");
    assert_eq!(metric(&running, "issuer_keys{issuer=\"idp\"}"), None);
    assert_eq!(metric(&running, "bundle_generation"), Some(2.0));
    let allowed = "decisions_total{action=\"Function:List\",outcome=\"allowed\"}";
    assert_eq!(metric(&running, allowed), Some(3.0));
}

#[tokio::test]
async fn s29_it_is_alive_at_once_and_ready_once_there_is_something_to_decide_by() {
    let mut running = Running::with(BasicAuth::Deny, None).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(crate::endpoints::serve(listener, running.gateway.clone(), Default::default()));
    let status =
        async |path: &str| client().get(format!("{url}{path}")).send().await.unwrap().status().as_u16();
    assert_eq!((status("/livez").await, status("/readyz").await), (200, 503));
    running.change(|bundle| *bundle = world());
    assert_eq!(status("/readyz").await, 200);
}
