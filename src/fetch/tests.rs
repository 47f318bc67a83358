mod provider;

use serde_json::json;

use super::*;
use crate::token::testing::{P384, RSA};
use provider::{Crowd, HOST, Names, Page, Provider, discovery, honest, one_key};

const LOOPBACK: &[(&str, &[&str])] = &[(HOST, &["127.0.0.1"]), ("localhost", &["127.0.0.1"])];

/// A fetcher without a cluster for which names lead to these addresses.
fn fetcher(names: &[(&'static str, &[&str])], options: Options) -> Fetcher {
    Fetcher::with_resolver(options, None, Names::new(names))
}

fn roots() -> TrustRoots {
    TrustRoots::none().with(&provider::root())
}

async fn ask(iss: &str) -> Result<Found, Missed> {
    fetcher(LOOPBACK, Options::default()).fetch(iss, &KeySource::Discovery, &roots()).await
}

async fn ask_internally(iss: &str, internal: &str) -> Result<Found, Missed> {
    let source = KeySource::Internal(internal.into());
    fetcher(LOOPBACK, Options::default()).fetch(iss, &source, &roots()).await
}

/// What a provider with these pages comes to, by its own origin.
async fn verdict(pages: impl FnOnce(&str) -> Vec<(&'static str, Page)>) -> Missed {
    let idp = Provider::tls(pages).await;
    ask(&idp.base).await.unwrap_err()
}

#[tokio::test]
async fn an_honest_providers_keys_are_read_with_a_slash_at_the_end_and_without() {
    let idp = Provider::tls(honest).await;
    let found = ask(&idp.base).await.unwrap();
    assert_eq!((found.set.len(), found.notes), (1, vec![]));
    let slashed = Provider::tls(|base| {
        vec![discovery(&format!("{base}/"), &format!("{base}/keys")), ("/keys", Page::Json(one_key()))]
    })
    .await;
    assert!(ask(&format!("{}/", slashed.base)).await.is_ok());
    let missed = ask(&slashed.base).await.unwrap_err();
    assert_eq!(missed.reason, Reason::DiscoveryMismatch);
    assert!(missed.message.contains(&format!("`{}/`", slashed.base)), "{missed}");
}

#[tokio::test]
async fn a_provider_that_lies_is_not_believed() {
    let missed = verdict(|base| vec![discovery("https://other.test", &format!("{base}/keys"))]).await;
    assert_eq!(missed.reason, Reason::DiscoveryMismatch);
    let missed = verdict(|base| vec![discovery(base, &base.replace("https", "http"))]).await;
    assert_eq!(missed.reason, Reason::AddressForbidden);
    let missed = verdict(|_| vec![("/.well-known/openid-configuration", Page::Text("<html>".into()))]).await;
    assert_eq!(missed.reason, Reason::DiscoveryMismatch);
}

#[tokio::test]
async fn s20_no_redirect_to_another_host_is_followed() {
    let other = Provider::tls(honest).await;
    let to = format!("{}/keys", other.base);
    let discovery_elsewhere =
        verdict(|_| vec![("/.well-known/openid-configuration", Page::Redirect(to.clone()))]);
    let keys_elsewhere =
        verdict(|base| vec![discovery(base, &format!("{base}/keys")), ("/keys", Page::Redirect(to.clone()))]);
    for missed in [discovery_elsewhere.await, keys_elsewhere.await] {
        assert_eq!(missed.reason, Reason::IssuerUnreachable);
        assert!(missed.message.contains("redirects"), "{missed}");
    }
    assert_eq!(other.asked(), 0);
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_and_a_circle_is_left() {
    let moved = Provider::tls(|base| {
        let keys = [("/keys", Page::Redirect("/new".into())), ("/new", Page::Json(one_key()))];
        keys.into_iter().chain([discovery(base, &format!("{base}/keys"))]).collect()
    })
    .await;
    assert!(ask(&moved.base).await.is_ok());
    let circle = Provider::tls(|base| {
        vec![discovery(base, &format!("{base}/keys")), ("/keys", Page::Redirect("/keys".into()))]
    })
    .await;
    assert!(ask(&circle.base).await.unwrap_err().message.contains("redirects"));
    assert_eq!(circle.asked(), 1 + 4, "the document, and the keys with three redirects");
}

#[tokio::test]
async fn s20_an_answer_without_end_is_left() {
    let missed =
        verdict(|base| vec![discovery(base, &format!("{base}/keys")), ("/keys", Page::Endless)]).await;
    assert_eq!(missed.reason, Reason::IssuerUnreachable);
    assert!(missed.message.contains("more than 1048576 bytes"), "{missed}");
}

#[tokio::test]
async fn s20_an_answer_that_stalls_is_left() {
    let idp = Provider::tls(|_| vec![("/.well-known/openid-configuration", Page::Stalled)]).await;
    let impatient = Options { timeout: Duration::from_millis(300), ..Options::default() };
    let missed =
        fetcher(LOOPBACK, impatient).fetch(&idp.base, &KeySource::Discovery, &roots()).await.unwrap_err();
    assert_eq!(missed.reason, Reason::IssuerUnreachable);
    assert!(missed.message.contains("in time"), "{missed}");
}

#[tokio::test]
async fn an_error_status_is_named_and_its_body_is_not() {
    let missed =
        verdict(|base| vec![discovery(base, &format!("{base}/keys")), ("/keys", Page::Status(503))]).await;
    assert_eq!(missed.reason, Reason::IssuerUnreachable);
    assert!(missed.message.contains("status 503"), "{missed}");
}

#[tokio::test]
async fn key_sets_that_cannot_be_used_are_refused_with_a_reason_of_their_own() {
    let many: Vec<_> = (0..65).map(|i| P384.jwk(json!({ "kid": i.to_string() }))).collect();
    let sets = [
        json!({ "keys": many }),
        json!({ "keys": [] }),
        json!({ "keys": [RSA.jwk(json!({ "use": "enc" }))] }),
        json!({ "keys": [{ "kty": "oct", "k": "canary" }] }),
        json!("canary"),
    ];
    for set in sets {
        let missed = verdict(|base| {
            vec![discovery(base, &format!("{base}/keys")), ("/keys", Page::Json(set.clone()))]
        })
        .await;
        assert_eq!(missed.reason, Reason::KeysInvalid, "{missed}");
        assert!(!missed.message.contains("canary"), "{missed}");
    }
}

#[tokio::test]
async fn keys_for_other_purposes_are_left_out_in_silence_and_leaked_ones_are_named() {
    let good = P384.jwk(json!({ "kid": "good" }));
    let keys = json!({ "keys": [
        RSA.jwk(json!({ "use": "enc" })),
        { "kty": "XYZ" },
        P384.jwk(json!({ "kid": "leaked", "d": "canary" })),
        good,
    ] });
    let idp =
        Provider::tls(|base| vec![discovery(base, &format!("{base}/keys")), ("/keys", Page::Json(keys))])
            .await;
    let found = ask(&idp.base).await.unwrap();
    assert_eq!(found.set.iter().map(|key| key.kid()).collect::<Vec<_>>(), [Some("good")]);
    let want = "the key set shows a secret to everybody: `keys[2]` (kid `leaked`) holds private or symmetric material";
    assert_eq!(found.notes, [want]);
}

#[tokio::test]
async fn s20_a_link_local_address_is_not_dialled_as_jwks_uri() {
    for address in [
        "https://169.254.169.254/keys",
        "https://[::ffff:a9fe:a9fe]/keys",
        "https://metadata.google.internal/",
    ] {
        let missed = verdict(|base| vec![discovery(base, address)]).await;
        assert_eq!(missed.reason, Reason::AddressForbidden, "{address}: {missed}");
    }
}

#[tokio::test]
async fn s20_a_name_that_leads_to_a_forbidden_address_is_not_dialled() {
    let idp = Provider::tls(honest).await;
    for addresses in
        [&["169.254.169.254"][..], &["127.0.0.1", "fe80::1"], &["::ffff:169.254.1.1", "127.0.0.1"]]
    {
        let fetcher = fetcher(&[(HOST, addresses)], Options::default());
        let missed = fetcher.fetch(&idp.base, &KeySource::Discovery, &roots()).await.unwrap_err();
        assert_eq!(missed.reason, Reason::AddressForbidden, "{addresses:?}: {missed}");
    }
    assert_eq!(idp.asked(), 0);
}

#[tokio::test]
async fn s20_private_addresses_are_dialled_unless_a_flag_forbids_them() {
    let idp = Provider::tls(honest).await;
    let strict = Options { forbid_private: true, ..Options::default() };
    let missed =
        fetcher(LOOPBACK, strict).fetch(&idp.base, &KeySource::Discovery, &roots()).await.unwrap_err();
    assert_eq!(missed.reason, Reason::AddressForbidden);
    let literal = fetcher(LOOPBACK, strict).fetch("https://10.0.0.1", &KeySource::Discovery, &roots()).await;
    assert_eq!(literal.unwrap_err().reason, Reason::AddressForbidden);
    assert_eq!(idp.asked(), 0);
}

#[tokio::test]
async fn s27_only_so_many_issuers_are_asked_at_once() {
    let (crowd, mut arrivals) = Crowd::new();
    let fetcher = Arc::new(Fetcher::with_resolver(Options::default(), None, Arc::new(crowd.clone())));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..AT_ONCE + 8 {
        let fetcher = fetcher.clone();
        tasks.spawn(async move {
            let iss = format!("https://idp{number}.test");
            fetcher.fetch(&iss, &KeySource::Discovery, &roots()).await
        });
    }
    for _ in 0..AT_ONCE {
        arrivals.recv().await.unwrap();
    }
    crowd.let_go();
    let answers = tasks.join_all().await;
    assert!(answers.len() == AT_ONCE + 8 && answers.iter().all(Result::is_err));
    assert_eq!(crowd.most(), AT_ONCE);
}

#[tokio::test]
async fn an_issuer_behind_an_unknown_root_is_reached_once_the_root_is_there() {
    let idp = Provider::tls(honest).await;
    let fetcher = fetcher(LOOPBACK, Options::default());
    for unknown in [TrustRoots::system(), TrustRoots::none().with(&provider::other_root())] {
        let missed = fetcher.fetch(&idp.base, &KeySource::Discovery, &unknown).await.unwrap_err();
        assert_eq!(missed.reason, Reason::IssuerUnreachable);
        assert!(missed.message.contains("`ca-bundle`"), "{missed}");
        let with_root = unknown.with(&provider::root());
        assert!(fetcher.fetch(&idp.base, &KeySource::Discovery, &with_root).await.is_ok());
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_and_a_closed_port_are_told_apart() {
    let missed = ask("https://nowhere.test").await.unwrap_err();
    assert!(missed.message.contains("name cannot be resolved"), "{missed}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let missed = ask(&format!("https://{HOST}:{closed}")).await.unwrap_err();
    assert_eq!(missed.reason, Reason::IssuerUnreachable);
    assert!(missed.message.contains("cannot be reached"), "{missed}");
}

#[tokio::test]
async fn keys_on_the_origin_of_iss_are_read_at_the_internal_address_and_it_is_said() {
    let iss = "https://login.example.com";
    let idp = Provider::clear(HOST, |_| {
        vec![discovery(iss, "https://login.example.com/keys"), ("/keys", Page::Json(one_key()))]
    })
    .await;
    let found = ask_internally(iss, &idp.base).await.unwrap();
    let want = format!("the keys at {iss}/keys are read at {}/keys, because of `issInternal`", idp.base);
    assert_eq!(found.notes, [want]);
}

#[tokio::test]
async fn an_internal_document_may_name_its_own_address() {
    let idp = Provider::clear(HOST, honest).await;
    let found = ask_internally("https://login.example.com", &idp.base).await.unwrap();
    assert_eq!(found.notes, Vec::<String>::new());
}

#[tokio::test]
async fn plain_http_is_asked_on_loopback() {
    let idp = Provider::clear("localhost", honest).await;
    assert!(ask(&idp.base).await.is_ok());
}

/// A fetcher with a cluster whose API server calls its issuer so.
async fn with_cluster(issuer: &'static str) -> (Fetcher, Provider) {
    let api = Provider::clear("127.0.0.1", |_| {
        vec![discovery(issuer, "https://10.0.0.1:6443/elsewhere"), ("/openid/v1/jwks", Page::Json(one_key()))]
    })
    .await;
    let config = kube::Config::new(api.base.parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    let cluster = Cluster::new(client, api.base.parse().unwrap());
    (Fetcher::with_resolver(Options::default(), Some(cluster), Names::new(LOOPBACK)), api)
}

#[tokio::test]
async fn the_clusters_own_keys_are_read_from_the_api_server_whatever_jwks_uri_says() {
    let svc = "https://kubernetes.default.svc.cluster.local";
    let (fetcher, _api) = with_cluster(svc).await;
    let found = fetcher.fetch(svc, &KeySource::Cluster(svc.into()), &roots()).await.unwrap();
    assert_eq!((found.set.len(), found.notes), (1, vec![]));
}

#[tokio::test]
async fn a_former_issuer_of_the_cluster_serves_with_a_word_where_issinternal_points_at_the_api_server() {
    let (fetcher, api) = with_cluster("https://new.example.com").await;
    for internal in [
        KeySource::Cluster("https://kubernetes.default.svc".into()),
        KeySource::Internal(api.base.as_str().into()),
    ] {
        let found = fetcher.fetch("https://old.example.com", &internal, &roots()).await.unwrap();
        assert_eq!(found.notes.len(), 1);
        assert!(found.notes[0].contains("`https://new.example.com`"), "{:?}", found.notes);
    }
}

#[tokio::test]
async fn an_issuer_that_is_no_url_serves_with_the_clusters_keys_only_if_the_cluster_is_called_so() {
    let (fetcher, _api) = with_cluster("api").await;
    assert!(fetcher.fetch("api", &KeySource::Cluster("api".into()), &roots()).await.is_ok());
    let missed = fetcher.fetch("other", &KeySource::Cluster("other".into()), &roots()).await.unwrap_err();
    assert_eq!(missed.reason, Reason::DiscoveryMismatch);
    assert!(missed.message.contains("`api`"), "{missed}");
}

#[tokio::test]
async fn an_issuer_of_a_managed_cluster_is_known_by_what_the_api_server_reports() {
    let (fetcher, api) = with_cluster("https://managed.example.com/id/7").await;
    assert!(fetcher.fetch("https://managed.example.com/id/7", &KeySource::Discovery, &roots()).await.is_ok());
    let before = api.asked();
    let idp = Provider::tls(honest).await;
    assert!(fetcher.fetch(&idp.base, &KeySource::Discovery, &roots()).await.is_ok());
    assert_eq!(api.asked(), before, "other issuers cost the API server nothing");
}

#[tokio::test]
async fn an_api_server_that_refuses_is_told_with_the_cure() {
    let api =
        Provider::clear("127.0.0.1", |_| vec![("/.well-known/openid-configuration", Page::Status(403))])
            .await;
    let client = kube::Client::try_from(kube::Config::new(api.base.parse().unwrap())).unwrap();
    let cluster = Cluster::new(client, api.base.parse().unwrap());
    let fetcher = Fetcher::new(Options::default(), Some(cluster));
    let missed = fetcher.fetch("api", &KeySource::Cluster("api".into()), &roots()).await.unwrap_err();
    assert_eq!(missed.reason, Reason::IssuerUnreachable);
    assert!(missed.message.contains("system:service-account-issuer-discovery"), "{missed}");
}

#[test]
fn r28_a_private_key_behind_a_reference_is_refused() {
    let set = json!({ "keys": [P384.jwk(json!({ "d": "canary" })), P384.jwk(json!({}))] });
    let missed = read_reference(set.to_string().as_bytes()).unwrap_err();
    assert_eq!(missed.reason, Reason::KeysInvalid);
    assert!(!missed.message.contains("canary"));
    assert_eq!(read_reference(one_key().to_string().as_bytes()).unwrap().set.len(), 1);
}
