//! Every example, asked on its files and on a cluster that has them: one answer.

use serde_json::{Value, json};

use super::{Run, apply, forget, objects, run_args};
use crate::operator::installed::{WITHIN, installed};
use crate::schema::cluster;
use crate::support::{
    Failure, Result,
    cluster::Cluster,
    examples::{self, Example},
    wait::eventually,
};

/// The questions of an example: its decisions, the same the other way round, and the bundle.
fn questions(example: &Example) -> Vec<Vec<String>> {
    let decisions = example.decisions.iter().map(|decision| example.question(decision));
    let whom = example.decisions.iter().map(|d| vec!["who-can".into(), d.action.clone(), d.resource.clone()]);
    decisions.chain(whom).chain([vec!["render".into()]]).collect()
}

fn on_files(example: &Example, question: &[String]) -> Result<Run> {
    let folder = example.folder.display().to_string();
    run_args(question.iter().map(String::as_str).chain(["-o", "json", "-f", &folder]))
}

fn on_cluster(cluster: &Cluster, namespace: &str, question: &[String]) -> Result<Run> {
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let place = ["-o", "json", "--kubeconfig", &kubeconfig, "-n", namespace];
    run_args(question.iter().map(String::as_str).chain(place))
}

#[tokio::test]
async fn a_cluster_answers_every_question_of_the_examples_as_their_files_do() -> Result<()> {
    let cluster = cluster().await?;
    let mut asked = 0;
    for example in examples::all()? {
        if !example.is_for_clusters()? {
            continue;
        }
        asked += 1;
        installed(cluster, json!({}), async |at| {
            let _operator = at.start("one", &[])?;
            apply(&at.client, &at.namespace, objects(std::slice::from_ref(&example.folder))).await?;
            served(cluster, &at.namespace, &example).await?;
            for question in questions(&example) {
                let there = on_cluster(cluster, &at.namespace, &question)?;
                let here = on_files(&example, &question)?;
                assert_eq!(there.code, here.code, "{question:?}: {there:?}");
                assert_eq!(without_keys(&there), without_keys(&here), "{question:?}");
            }
            assert_checked_alike(cluster, &at.namespace, &example)
        })
        .await
        .map_err(|failure| failure.during(&example.name))?;
    }
    assert!(asked >= 7, "{asked} examples were asked");
    Ok(())
}

/// Waits until the operator has the example's objects in its bundle.
async fn served(cluster: &Cluster, namespace: &str, example: &Example) -> Result<()> {
    let question = ["render".to_owned()];
    let wanted = without_keys(&on_files(example, &question)?);
    eventually("the bundle of the files", WITHIN, async || {
        let there = on_cluster(cluster, namespace, &question)?;
        match there.code {
            Some(0) if without_keys(&there) == wanted => Ok(Some(())),
            _ => Err(Failure::new(format!("{}{}", there.out, there.err))),
        }
    })
    .await
}

/// An answer without the keys that only the operator can know, its own among them.
fn without_keys(run: &Run) -> Value {
    let mut answer = run.comparable();
    forget(&mut answer, &["keys", "keysElsewhere"]);
    if let Some(records) = answer.get_mut("records").and_then(Value::as_array_mut) {
        records.retain(|record| record["sort"] != "keyState");
    }
    answer
}

/// What the operator has to say of its own is no finding of the files.
fn assert_checked_alike(cluster: &Cluster, namespace: &str, example: &Example) -> Result<()> {
    let question = ["check".to_owned()];
    let there = on_cluster(cluster, namespace, &question)?;
    let here = on_files(example, &question)?;
    assert_eq!(there.code, here.code, "{there:?}");
    let (there, here) = (there.comparable(), here.comparable());
    assert_eq!(there["objects"], here["objects"]);
    assert_eq!(own_findings(&there), own_findings(&here), "{}", example.name);
    Ok(())
}

fn own_findings(answer: &Value) -> Vec<&Value> {
    let findings = answer["findings"].as_array().unwrap();
    findings.iter().filter(|f| !f["message"].as_str().unwrap().starts_with("the operator ")).collect()
}
