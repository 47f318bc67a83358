//! The commands that ask a cluster: the same answers as on the files that were applied to it, and no
//! answer from a bundle that is broken.
//!
//! The bundle is written by these tests, so that it can be broken at will; that the operator writes the
//! same one is a test of the operator's.

mod examples;
mod registry;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use faas_iam::api::{GROUP, Kind};
use faas_iam::bundle::names::INDEX_TYPE;
use faas_iam::bundle::names::{INDEX_KEY, INDEX_SECRET, SHARD_KEY};
use faas_iam::bundle::{Bundle, Index};
use faas_iam::compile::link::link;
use faas_iam::compile::validate::validate;
use faas_iam::compile::{Catalogue, ObjectRef, Surroundings};
use faas_iam::manifest::{self, Object};
use faas_iam::model::Unplaced;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, DynamicObject, ObjectMeta};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use crate::schema::cluster;
use crate::support::{Result, cluster::Cluster, namespace::with_temp_ns, product::binary, scratch::Scratch};

const GENERATION: u64 = 7;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/fixtures")
}

/// The objects in files and folders, as the commands read them.
fn objects(paths: &[PathBuf]) -> Vec<Object> {
    let inputs = faas_iam::folder::files::read(paths, false, &mut std::io::empty());
    assert!(inputs.errors.is_empty(), "{:?}", inputs.errors);
    manifest::select(inputs.documents, "openfaas").objects
}

/// The objects of the fixtures.
fn team() -> Vec<Object> {
    objects(&["grants.yaml", "issuers.yaml"].map(|name| folder().join("team").join(name)))
}

async fn apply(client: &Client, namespace: &str, objects: Vec<Object>) -> Result<()> {
    for object in objects {
        let mut sent: DynamicObject = serde_json::from_value(object.document.value)?;
        sent.metadata.namespace = Some(namespace.to_owned());
        of_kind(client, namespace, object.kind).create(&Default::default(), &sent).await?;
    }
    Ok(())
}

fn of_kind(client: &Client, namespace: &str, kind: Kind) -> Api<DynamicObject> {
    let named = GroupVersionKind::gvk(GROUP, kind.version(), kind.kind());
    let resource = ApiResource::from_gvk_with_plural(&named, kind.plural());
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// The bundle of a namespace's objects, as the API server gives them back.
async fn compiled(client: &Client, namespace: &str) -> Result<Bundle> {
    let mut catalogue = Catalogue::default();
    for kind in Kind::ACCESS {
        for object in of_kind(client, namespace, kind).list(&Default::default()).await? {
            let of = ObjectRef { kind, name: object.name_any().into() };
            let judged = validate(kind, &serde_json::to_value(object)?, &Unplaced);
            catalogue.objects.insert(of, judged);
        }
    }
    Ok(link(&catalogue, &Surroundings::default()).bundle)
}

/// Writes a namespace's bundle as the operator does, shards first, the index last. `alter` may break the shards.
async fn publish(client: &Client, namespace: &str, alter: impl Fn(&str) -> Option<String>) -> Result<()> {
    let bundle = compiled(client, namespace).await?;
    let maps = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    let shards = bundle.shards();
    let name = |sha256| format!("{INDEX_SECRET}-{sha256}");
    for shard in &shards {
        let Some(text) = alter(&shard.text) else { continue };
        let data = Some([(SHARD_KEY.to_owned(), text)].into());
        let map = ConfigMap { metadata: named(&name(shard.sha256)), data, ..Default::default() };
        maps.create(&Default::default(), &map).await?;
    }
    let index = Index::new(GENERATION, bundle.len(), &shards, |shard| name(shard.sha256).into());
    write_index(client, namespace, index.encode()).await
}

async fn write_index(client: &Client, namespace: &str, bytes: Vec<u8>) -> Result<()> {
    write_secret(client, namespace, INDEX_TYPE, bytes).await
}

async fn write_secret(client: &Client, namespace: &str, type_: &str, bytes: Vec<u8>) -> Result<()> {
    let secret = Secret {
        metadata: named(INDEX_SECRET),
        type_: Some(type_.to_owned()),
        data: Some([(INDEX_KEY.to_owned(), ByteString(bytes))].into()),
        ..Default::default()
    };
    Api::namespaced(client.clone(), namespace).create(&Default::default(), &secret).await?;
    Ok(())
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..Default::default() }
}

/// What a run has left behind.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Run {
    /// The answer without what only a cluster or only files have.
    fn comparable(&self) -> Value {
        let mut answer: Value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        forget(&mut answer, &["generation", "digest", "size", "origin", "skipped", "source", "position"]);
        answer
    }
}

/// Takes fields out, however deep they are.
fn forget(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|value| forget(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| forget(item, names)),
        _ => {}
    }
}

fn run(command: &str, more: &[&str]) -> Result<Run> {
    run_args(command.split_whitespace().chain(more.iter().copied()))
}

fn run_args(arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>) -> Result<Run> {
    let output = Command::new(binary()?)
        .env_clear()
        .current_dir(folder())
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ok(Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
}

fn ask(cluster: &Cluster, namespace: &str, command: &str) -> Result<Run> {
    ask_as(cluster.kubeconfig(), namespace, command)
}

fn ask_as(kubeconfig: &Path, namespace: &str, command: &str) -> Result<Run> {
    run(command, &["--kubeconfig", kubeconfig.to_str().unwrap(), "-n", namespace])
}

const QUESTIONS: [&str; 6] = [
    "can-i Function:Invoke dev:env --claims claims/alice.json -o json",
    "can-i Secret:List dev:* --claims claims/alice.json -o json",
    "can-i Function:Get dev:report --as https://partner.example.net,robot -o json",
    "who-can Function:Delete dev:report -o json",
    "who-can Function:Delete prod:report -o json",
    "render -o json",
];

#[tokio::test]
async fn a_cluster_gives_the_answers_of_the_files_that_were_applied_to_it() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "cli", async |namespace| {
        let client = cluster.admin().await?;
        apply(&client, &namespace, team()).await?;
        publish(&client, &namespace, |text| Some(text.to_owned())).await?;
        let files = ["-f", "team/grants.yaml", "-f", "team/issuers.yaml"];
        for question in QUESTIONS {
            let (there, here) = (ask(cluster, &namespace, question)?, run(question, &files)?);
            assert_eq!(there.code, here.code, "{question}: {there:?}");
            assert_eq!(there.comparable(), here.comparable(), "{question}");
        }
        let told = ask(cluster, &namespace, "can-i Function:Get dev:env --claims claims/alice.json")?;
        assert!(told.out.contains("from generation 7\n"), "{told:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn r30_a_token_that_no_loaded_key_can_verify_is_denied_and_claims_are_answered_with_a_remark()
-> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "cli", async |namespace| {
        let (client, scratch) = (cluster.admin().await?, Scratch::new()?);
        apply(&client, &namespace, team()).await?;
        publish(&client, &namespace, |text| Some(text.to_owned())).await?;
        let token = scratch.path().join("token");
        std::fs::write(&token, forged()?)?;
        let question = format!("can-i Function:Invoke dev:env --token {}", token.display());
        let told = ask(cluster, &namespace, &question)?;
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.out.starts_with("denied\n"), "{told:?}");
        assert!(told.out.contains("no key of JwtIssuer `keycloak` is loaded"), "{told:?}");
        let told = ask(cluster, &namespace, &format!("{question} -o json"))?;
        assert_eq!(told.comparable()["verified"], false);

        let told = ask(cluster, &namespace, "can-i Function:Invoke dev:env --claims claims/alice.json")?;
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(told.err.contains("no key of JwtIssuer `keycloak` is loaded"), "{told:?}");

        // In check's eyes a namespace without objects is the wrong one.
        let told = run("check", &["--kubeconfig", cluster.kubeconfig().to_str().unwrap(), "-n", "nosuch"])?;
        assert_eq!(told.code, Some(2), "{told:?}");
        assert!(told.err.contains("no JwtIssuer, Policy or Role in the namespace `nosuch`"), "{told:?}");
        Ok(())
    })
    .await
}

/// A token with alice's claims that nobody signed.
fn forged() -> Result<String> {
    let mut claims: Value =
        serde_json::from_str(&std::fs::read_to_string(folder().join("claims/alice.json"))?)?;
    claims["exp"] = 4_000_000_000_u64.into();
    let parts =
        [json!({ "alg": "RS256", "kid": "k" }), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    Ok(format!("{}.c2ln", parts.join(".")))
}

#[tokio::test]
async fn check_judges_the_objects_of_a_cluster_as_it_judges_files() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "cli", async |namespace| {
        let client = cluster.admin().await?;
        apply(&client, &namespace, team()).await?;
        let told = ask(cluster, &namespace, "check")?;
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(told.out.starts_with("6 objects: 0 problems"), "{told:?}");
        // Nobody has looked at them, and that is said.
        assert_eq!(
            told.err.matches("the operator has not judged this generation yet").count(),
            6,
            "{told:?}"
        );

        of_kind(&client, &namespace, Kind::Policy).delete("deploy", &Default::default()).await?;
        let told = ask(cluster, &namespace, "check")?;
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.err.contains("roles.iam.openfaas.com/team-dev: spec.policy[0]: "), "{told:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_bundle_that_is_missing_or_broken_is_no_answer() -> Result<()> {
    type Alter = fn(&str) -> Option<String>;
    let cases: [(Alter, &str); 2] =
        [(|_| None, "is missing"), (|text| Some(text.replace("dev", "prd")), "the index says")];
    let cluster = cluster().await?;
    with_temp_ns(cluster, "cli", async |namespace| {
        assert_refused(cluster, &namespace, "there is no bundle in namespace")
    })
    .await?;
    with_temp_ns(cluster, "cli", async |namespace| {
        write_index(&cluster.admin().await?, &namespace, b"{}".to_vec()).await?;
        assert_refused(cluster, &namespace, "the index is broken")
    })
    .await?;
    with_temp_ns(cluster, "cli", async |namespace| {
        write_secret(&cluster.admin().await?, &namespace, "Opaque", b"{}".to_vec()).await?;
        assert_refused(cluster, &namespace, "is not the operator's")
    })
    .await?;
    for (alter, message) in cases {
        with_temp_ns(cluster, "cli", async |namespace| {
            let client = cluster.admin().await?;
            apply(&client, &namespace, team()).await?;
            publish(&client, &namespace, alter).await?;
            assert_refused(cluster, &namespace, message)
        })
        .await?;
    }
    Ok(())
}

fn assert_refused(cluster: &Cluster, namespace: &str, message: &str) -> Result<()> {
    for question in QUESTIONS {
        let told = ask(cluster, namespace, question)?;
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{question}: {told:?}");
        assert!(told.err.contains(message), "{question}: {told:?}");
    }
    Ok(())
}

#[tokio::test]
async fn asking_takes_the_right_to_read_the_index_and_its_shards_and_no_other() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "cli", async |namespace| {
        let (client, scratch) = (cluster.admin().await?, Scratch::new()?);
        apply(&client, &namespace, team()).await?;
        publish(&client, &namespace, |text| Some(text.to_owned())).await?;
        let account = ServiceAccount { metadata: named("asker"), ..Default::default() };
        Api::namespaced(client.clone(), &namespace).create(&Default::default(), &account).await?;
        let kubeconfig = cluster.service_account_kubeconfig(&namespace, "asker", scratch.path()).await?;

        let question = "can-i Function:Get dev:env --claims claims/alice.json";
        let told = ask_as(&kubeconfig, &namespace, question)?;
        assert_eq!(told.code, Some(2), "{told:?}");
        assert!(told.err.contains("not allowed") && told.err.contains(INDEX_SECRET), "{told:?}");

        allow_reading(&client, &namespace).await?;
        crate::support::wait::eventually(
            "the right to arrive",
            std::time::Duration::from_secs(10),
            async || Ok((ask_as(&kubeconfig, &namespace, question)?.code == Some(0)).then_some(())),
        )
        .await
    })
    .await
}

async fn allow_reading(client: &Client, namespace: &str) -> Result<()> {
    let role: Role = serde_json::from_value(json!({
        "metadata": { "name": "asker" },
        "rules": [
            { "apiGroups": [""], "resources": ["secrets"], "resourceNames": [INDEX_SECRET], "verbs": ["get"] },
            { "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] },
        ],
    }))?;
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": { "name": role.name_any() },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role.name_any() },
        "subjects": [{ "kind": "ServiceAccount", "name": "asker", "namespace": namespace }],
    }))?;
    Api::namespaced(client.clone(), namespace).create(&Default::default(), &role).await?;
    Api::namespaced(client.clone(), namespace).create(&Default::default(), &binding).await?;
    Ok(())
}
