//! The manifests of OpenFaaS' documentation and charts, and the mistakes that people copy, at the door.

use std::{collections::BTreeSet, fs, path::PathBuf};

use faas_iam::api::Kind;
use serde::Deserialize;
use serde_json::Value;

use super::{
    cluster, none,
    ways::{Answer, Way, Writer},
};
use crate::support::{Result, namespace::with_temp_ns};

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Door {
    Accepted,
    Refused,
}

/// An entry of `expected.yaml`; what the validator makes of the file is for its own tests.
#[derive(Deserialize)]
struct Expected {
    file: String,
    door: Door,
    #[serde(default)]
    says: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openfaas")
}

fn expected() -> Result<Vec<Expected>> {
    Ok(serde_saphyr::from_str(&fs::read_to_string(folder().join("expected.yaml"))?)?)
}

fn documents(file: &str) -> Result<Vec<(Kind, Value)>> {
    let text = fs::read_to_string(folder().join(format!("{file}.yaml")))?;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text)?;
    Ok(documents
        .into_iter()
        .map(|d| (d["kind"].as_str().unwrap().parse().unwrap(), d["spec"].clone()))
        .collect())
}

#[test]
fn every_manifest_has_a_verdict() -> Result<()> {
    let judged = expected()?.into_iter().map(|e| format!("{}.yaml", e.file)).collect::<BTreeSet<_>>();
    let found = fs::read_dir(folder())?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .filter(|name: &Result<String>| name.as_ref().map_or(true, |name| name != "expected.yaml"))
        .collect::<Result<BTreeSet<_>>>()?;
    assert_eq!(judged, found);
    Ok(())
}

/// What is wrong about an answer; none where it is as expected.
fn fault(expected: &Expected, way: Way, spec: &Value, answer: &Answer) -> Option<String> {
    let right = match (&expected.door, answer) {
        (Door::Accepted, Answer::Stored(stored)) => stored == spec,
        // Server-side apply finds wrong types first, in words of its own.
        (Door::Refused, Answer::Refused(message)) => {
            message.contains(&expected.says)
                || (way == Way::ServerSideApply && message.contains("typed patch"))
        }
        _ => false,
    };
    (!right).then(|| format!("{} by {way:?}: {answer:?}", expected.file))
}

#[tokio::test]
async fn every_manifest_of_openfaas_is_let_in_as_it_is_and_every_mistake_refused_with_its_cure() -> Result<()>
{
    let cluster = cluster().await?;
    with_temp_ns(cluster, "documents", async |namespace| {
        let client = cluster.admin().await?;
        let mut wrong = Vec::new();
        for expected in expected()? {
            for (kind, spec) in documents(&expected.file)? {
                let writer = Writer { client: client.clone(), namespace: namespace.clone(), kind };
                for way in Way::ALL {
                    let answer = writer.write(way, &spec).await?;
                    wrong.extend(fault(&expected, way, &spec, &answer));
                }
            }
        }
        none(&wrong)
    })
    .await
}
