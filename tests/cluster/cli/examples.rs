//! Every example, asked on its files and on a cluster that has them: one answer.

use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::{Run, apply, forget, objects, run_args};
use crate::schema::cluster;
use crate::support::{
    Failure, Result,
    cluster::Cluster,
    examples::{self, Example},
    helm,
    namespace::with_temp_ns,
    ports, product,
    scratch::Scratch,
    tools::root,
    wait::eventually,
};

/// The operator's ServiceAccount, as the chart calls it.
const OPERATOR: &str = "faas-iam-operator";

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
        with_operator(cluster, async |namespace| {
            let client = cluster.admin().await?;
            apply(&client, &namespace, objects(std::slice::from_ref(&example.folder))).await?;
            served(cluster, &namespace, &example).await?;
            for question in questions(&example) {
                let there = on_cluster(cluster, &namespace, &question)?;
                let here = on_files(&example, &question)?;
                assert_eq!(there.code, here.code, "{question:?}: {there:?}");
                assert_eq!(without_keys(&there), without_keys(&here), "{question:?}");
            }
            assert_checked_alike(cluster, &namespace, &example)
        })
        .await
        .map_err(|failure| failure.during(&example.name))?;
    }
    Ok(())
}

/// Runs a test beside the operator, which has the chart's rights and no others.
async fn with_operator<F>(cluster: &Cluster, test: impl FnOnce(String) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    with_temp_ns(cluster, "example", async |namespace| {
        let client = cluster.admin().await?;
        let chart = helm::render(&root().join("charts/faas-iam"), "faas-iam", &namespace, &json!({}))?;
        helm::apply(&client, &chart, &namespace).await?;
        let scratch = Scratch::new()?;
        let account = cluster.service_account_kubeconfig(&namespace, OPERATOR, scratch.path()).await?;
        let (account, address) = (account.display().to_string(), format!("127.0.0.1:{}", ports::free()));
        let flags = ["-n", &namespace, "--kubeconfig", &account, "--metrics-listen", &address];
        let arguments: Vec<_> = ["operator"].into_iter().chain(flags).collect();
        let _operator = product::start("operator", scratch.path(), &arguments, &[])?;
        let outcome = test(namespace.clone()).await;
        forget_cluster_wide(&client, &format!("{namespace}:{OPERATOR}")).await?;
        outcome
    })
    .await
}

async fn forget_cluster_wide(client: &Client, name: &str) -> Result<()> {
    Api::<ClusterRoleBinding>::all(client.clone()).delete(name, &Default::default()).await?;
    Api::<ClusterRole>::all(client.clone()).delete(name, &Default::default()).await?;
    Ok(())
}

/// Waits until the operator has the example's objects in its bundle.
async fn served(cluster: &Cluster, namespace: &str, example: &Example) -> Result<()> {
    let question = ["render".to_owned()];
    let wanted = without_keys(&on_files(example, &question)?);
    eventually("the bundle of the files", Duration::from_secs(30), async || {
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
