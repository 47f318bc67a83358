//! The ground the other tests stand on: the control plane is the real thing, and its audit log tells all.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::{Api, Client, api::ObjectMeta};

use crate::support::{
    Result,
    certs::TokenKeys,
    controlplane::{ControlPlane, Program},
    flags::Options,
    namespace::with_temp_ns,
    shared::shared,
    skip::skip,
};

async fn make_account(client: &Client, namespace: &str, name: &str) -> Result<()> {
    let account = ServiceAccount { metadata: named(name), ..Default::default() };
    Api::namespaced(client.clone(), namespace).create(&Default::default(), &account).await?;
    Ok(())
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..Default::default() }
}

/// The header of a JWT.
fn header(token: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').next().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn status_of<T: std::fmt::Debug>(answer: Result<T, kube::Error>) -> u16 {
    match answer {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("the API server did not refuse: {other:?}"),
    }
}

#[tokio::test]
async fn a_service_account_without_rights_is_refused_and_the_audit_log_says_so() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster whose audit log is out of reach");
    };
    with_temp_ns(shared.cluster(), "rbac", async |namespace| {
        make_account(&shared.cluster().admin().await?, &namespace, "nobody").await?;
        let nobody = shared.cluster().service_account(&namespace, "nobody").await?;
        let mark = audit.mark().await?;

        let maps: Api<ConfigMap> = Api::namespaced(nobody, &namespace);
        assert_eq!(status_of(maps.list(&Default::default()).await), 403);

        let user = format!("system:serviceaccount:{namespace}:nobody");
        let requests = audit.by_user_since(&user, &mark).await?;
        let [request] = requests.as_slice() else { panic!("one request expected: {requests:#?}") };
        assert_eq!(
            (request.verb.as_str(), request.resource.as_str(), request.code),
            ("list", "configmaps", 403)
        );
        assert_eq!(request.namespace, namespace);
        assert_eq!(audit.by_user_since(&user, &audit.mark().await?).await?, []);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_ec_key_signs_es256_and_the_token_has_the_audience_asked_for() -> Result<()> {
    let shared = shared().await?;
    if shared.audit().is_none() {
        return skip("TEST_KUBECONFIG names a cluster whose keys may be of another kind");
    }
    let cluster = shared.cluster();
    let token = cluster.token("default", "default", &["https://gw.example.com"]).await?;
    assert_eq!(header(&token)["alg"], "ES256");
    let claims: serde_json::Value = serde_json::from_slice(&base64::Engine::decode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        token.split('.').nth(1).unwrap(),
    )?)?;
    assert_eq!(claims["aud"], serde_json::json!(["https://gw.example.com"]));
    assert_eq!(claims["sub"], "system:serviceaccount:default:default");
    Ok(())
}

#[tokio::test]
async fn data_outlives_the_death_of_the_api_server_and_of_etcd_and_rsa_keys_sign_rs256() -> Result<()> {
    let options = Options {
        token_keys: TokenKeys::Rsa,
        issuers: vec!["https://new.example.com".into(), "https://old.example.com".into()],
        ..Default::default()
    };
    let mut plane = ControlPlane::start(options).await?;
    let cluster = plane.cluster().clone();
    assert_eq!(header(&cluster.token("default", "default", &[]).await?)["alg"], "RS256");

    let namespace = Namespace { metadata: named("kept"), ..Default::default() };
    let namespaces: Api<Namespace> = Api::all(cluster.admin().await?);
    let made = namespaces.create(&Default::default(), &namespace).await?;
    for program in Program::ALL {
        plane.kill(program).await?;
        plane.start_program(program).await?;
    }
    plane.ready(Program::Apiserver).await?;
    let namespaces: Api<Namespace> = Api::all(cluster.admin().await?);
    assert_eq!(namespaces.get("kept").await?.metadata.uid, made.metadata.uid);
    plane.shut_down().await
}
