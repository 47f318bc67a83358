//! Every example, asked on its files and on a cluster that has them: one answer.

use serde_json::Value;

use super::{Run, apply, objects, publish, run_args};
use crate::schema::cluster;
use crate::support::{
    Result,
    cluster::Cluster,
    examples::{self, Example},
    namespace::with_temp_ns,
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
    for example in examples::all()? {
        with_temp_ns(cluster, "example", async |namespace| {
            let client = cluster.admin().await?;
            apply(&client, &namespace, objects(std::slice::from_ref(&example.folder))).await?;
            publish(&client, &namespace, |text| Some(text.to_owned())).await?;
            for question in questions(&example) {
                let there = on_cluster(cluster, &namespace, &question)?;
                let here = on_files(&example, &question)?;
                assert_eq!(there.code, here.code, "{question:?}: {there:?}");
                assert_eq!(there.comparable(), here.comparable(), "{question:?}");
            }
            assert_checked_alike(cluster, &namespace, &example)
        })
        .await?;
    }
    Ok(())
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
