//! `cleanup` as the administrator, once no operator looks after what was handed out.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use serde_json::{Value, json};

use super::scene::{FIRST, Scene, pulling};
use crate::support::{Result, shared::shared};

/// What another installation has made, as far as its marks go.
async fn another_installations(scene: &Scene) -> Result<Secret> {
    let labels = [
        ("app.kubernetes.io/managed-by", "faas-iam"),
        ("app.kubernetes.io/component", "pull-secret"),
        ("iam.openfaas.com/owner", "another"),
    ];
    let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let metadata =
        ObjectMeta { name: Some("another".to_owned()), labels: Some(labels), ..Default::default() };
    let secret = Secret { metadata, ..Default::default() };
    Ok(scene.secrets(&scene.functions[0]).create(&Default::default(), &secret).await?)
}

#[tokio::test]
async fn a_cleanup_is_refused_while_logins_are_handed_out_and_takes_everything_back_by_force() -> Result<()> {
    pulling(shared().await?.cluster(), 2, async |scene| {
        let theirs = another_installations(&scene).await?;
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        operator.stop().await?;

        let (code, said) = scene.at.run(&["cleanup"])?;
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("still hand out logins (`ghcr`)") && said.contains("`--force`"), "{said}");
        let (code, said) = scene.at.run(&["cleanup", "--dry-run"])?;
        assert_eq!(code, Some(0), "{said}");
        let line = format!("secrets/{} in {} deleted (dry run)\n", scene.secret, scene.functions[0]);
        assert!(said.contains(&line) && said.contains("without `--dry-run` it is refused"), "{said}");
        scene.has(FIRST).await?;

        let (code, said) = scene.at.run(&["cleanup", "--force", "-o", "json"])?;
        assert_eq!(code, Some(0), "{said}");
        let told: Value = serde_json::from_str(&said)?;
        assert_eq!(told["objects"].as_array().map(Vec::len), Some(4), "{told}");
        assert_eq!((&told["failures"], &told["notBegun"]), (&json!([]), &json!(0)));
        scene.is_gone().await?;
        let secrets = scene.secrets(&scene.functions[0]);
        assert_eq!(secrets.get("another").await?.metadata.resource_version, theirs.metadata.resource_version);

        let (code, said) = scene.at.run(&["cleanup", "--force"])?;
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with("nothing is in any namespace"), "{said}");
        Ok(())
    })
    .await
}
