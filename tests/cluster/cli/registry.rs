//! `registry add --apply`, `registry list` and `namespace enable` against a real API server.

use std::io::Write as _;
use std::process::{Command, Stdio};

use faas_iam::api::RegistryCredential;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::{Run, ask, folder, named};
use crate::schema::cluster;
use crate::support::{
    Result,
    cluster::Cluster,
    namespace::{unique, with_temp_ns},
    product::binary,
};

/// Runs `registry add` with a password on standard input.
fn add(cluster: &Cluster, namespace: &str, args: &str, password: &str) -> Result<Run> {
    let mut child = Command::new(binary()?)
        .env_clear()
        .current_dir(folder())
        .args(["registry", "add", "--kubeconfig", cluster.kubeconfig().to_str().unwrap(), "-n", namespace])
        .args(args.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().unwrap().write_all(password.as_bytes())?;
    let output = child.wait_with_output()?;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ok(Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
}

fn password(secret: &Secret) -> String {
    String::from_utf8(secret.data.as_ref().unwrap()["password"].0.clone()).unwrap()
}

#[tokio::test]
async fn a_login_that_is_applied_again_is_renewed_and_what_nobody_spoke_of_stays() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "logins", async |namespace| {
        let client = cluster.admin().await?;
        let credentials = Api::<RegistryCredential>::namespaced(client.clone(), &namespace);
        let secrets = Api::<Secret>::namespaced(client, &namespace);
        let told = add(cluster, &namespace, "ghcr.io robot$a --verify pull=acme/app --apply", "c4nary-one")?;
        assert_eq!(told.code, Some(0), "{told:?}");
        let made = ["registrycredentials.iam.openfaas.com/ghcr-io created", "secrets/ghcr-io-login created"];
        assert!(made.iter().all(|line| told.out.contains(line)), "{told:?}");
        let before = secrets.get("ghcr-io-login").await?;
        assert_eq!(password(&before), "c4nary-one");

        let patch = json!({ "spec": { "targets": { "namespaces": { "names": ["dev"] } } } });
        credentials.patch("ghcr-io", &Default::default(), &kube::api::Patch::Merge(patch)).await?;
        let told = add(cluster, &namespace, "ghcr.io robot$a --verify login --apply", "c4nary-two")?;
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(!format!("{told:?}").contains("c4nary"), "{told:?}");
        let after = secrets.get("ghcr-io-login").await?;
        assert_eq!((password(&after).as_str(), after.uid()), ("c4nary-two", before.uid()));
        let spec = serde_json::to_value(credentials.get("ghcr-io").await?.spec)?;
        assert_eq!(spec["targets"], json!({ "namespaces": { "names": ["dev"] } }));
        assert_eq!(spec["verification"], json!({ "mode": "Login" }));

        let again = add(cluster, &namespace, "ghcr.io robot$a --apply -o json", "c4nary-two")?;
        let results: serde_json::Value = serde_json::from_str(&again.out)?;
        assert_eq!(
            (&results[0]["result"], &results[1]["result"]),
            (&json!("unchanged"), &json!("unchanged"))
        );

        let listed = ask(cluster, &namespace, "registry list")?;
        assert_eq!(listed.code, Some(0), "{listed:?}");
        assert!(listed.out.contains("ghcr-io  ghcr.io"), "{listed:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn check_judges_the_logins_of_a_cluster_too() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "logins", async |namespace| {
        let credentials = Api::<RegistryCredential>::namespaced(cluster.admin().await?, &namespace);
        let spec = json!({ "registry": "ghcr.io:port", "secretRef": { "name": "login" } });
        let wrong = RegistryCredential::new("wrong", serde_json::from_value(spec)?);
        credentials.create(&Default::default(), &wrong).await?;
        let told = ask(cluster, &namespace, "check")?;
        assert_eq!(told.code, Some(1), "{told:?}");
        let problem = "registrycredentials.iam.openfaas.com/wrong: spec.registry: `port` is no port";
        assert!(told.err.contains(problem), "{told:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn s24_a_secret_of_another_type_is_left_alone_and_another_name_is_asked_for() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "logins", async |namespace| {
        let client = cluster.admin().await?;
        let credentials = Api::<RegistryCredential>::namespaced(client.clone(), &namespace);
        let secrets = Api::<Secret>::namespaced(client, &namespace);
        let data = Some([("key".to_owned(), ByteString(b"theirs".to_vec()))].into());
        let theirs = Secret { metadata: named("ghcr-io-login"), data, ..Default::default() };
        let theirs = secrets.create(&Default::default(), &theirs).await?;
        let told = add(cluster, &namespace, "ghcr.io alice --apply", "c4nary")?;
        assert_eq!(told.code, Some(2), "{told:?}");
        assert!(
            told.err.contains("its type is `Opaque`") && told.err.contains("`--secret-name`"),
            "{told:?}"
        );
        assert_eq!(secrets.get("ghcr-io-login").await?.resource_version(), theirs.resource_version());
        assert!(credentials.get_opt("ghcr-io").await?.is_none(), "no credential without its login");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn s24_a_credential_of_another_registry_keeps_its_registry_and_its_password() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "logins", async |namespace| {
        let client = cluster.admin().await?;
        let told = add(cluster, &namespace, "example.com alice --apply", "c4nary-one")?;
        assert_eq!(told.code, Some(0), "{told:?}");
        let told = add(cluster, &namespace, "*.example.com alice --apply", "c4nary-two")?;
        assert!(told.code == Some(2) && told.err.contains("give another `--name`"), "{told:?}");
        let credential =
            Api::<RegistryCredential>::namespaced(client.clone(), &namespace).get("example-com").await?;
        assert_eq!(credential.spec.registry, "example.com");
        let secret = Api::<Secret>::namespaced(client, &namespace).get("example-com-login").await?;
        assert_eq!(password(&secret), "c4nary-one");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_namespace_becomes_one_of_functions_and_another_value_of_the_annotation_stays() -> Result<()> {
    let cluster = cluster().await?;
    let namespaces = Api::<Namespace>::all(cluster.admin().await?);
    let name = unique("functions");
    let enable = |more: &str| ask(cluster, "openfaas", &format!("namespace enable {name} {more}"));
    let told = enable("")?;
    assert!(told.code == Some(2) && told.err.contains("give `--create`"), "{told:?}");
    let told = enable("--create")?;
    assert!(told.code == Some(0) && told.out.contains("was made"), "{told:?}");
    assert_eq!(namespaces.get(&name).await?.annotations()["openfaas"], "1");
    let patch = |value: serde_json::Value| json!({ "metadata": { "annotations": { "openfaas": value } } });
    for (value, wanted, left) in [(json!(null), "now", "1"), (json!("yes"), "already", "yes")] {
        let patch = kube::api::Patch::Merge(patch(value));
        namespaces.patch(&name, &Default::default(), &patch).await?;
        let told = enable("")?;
        assert!(told.code == Some(0) && told.out.contains(wanted), "{told:?}");
        assert_eq!(namespaces.get(&name).await?.annotations()["openfaas"], left);
    }
    namespaces.delete(&name, &Default::default()).await?;
    Ok(())
}
