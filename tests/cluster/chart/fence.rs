//! What RBAC cannot narrow of the operator's rights ends at the policies of the chart: each request is sent with the
//! operator's own token, as a dry run, which goes through everything but storage.

use faas_iam::registry::{ADDED, DOCKER_CONFIG_JSON};
use http::{Method, Request, header::CONTENT_TYPE};
use k8s_openapi::api::{admissionregistration::v1::ValidatingAdmissionPolicy, core::v1::Secret};
use kube::{
    Api, Client, ResourceExt as _,
    api::{WatchEvent, WatchParams},
};
use serde_json::{Value, json};

use super::RELEASE;
use crate::support::{
    Failure, Result,
    chart::{self, WITHIN},
    helm,
    namespace::with_temp_ns,
    shared::shared,
    wait::eventually,
};

const PULL: &str = "faas-iam-pull";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// `{"auths":{}}`
const EMPTY: &str = "eyJhdXRocyI6e319";
/// `{"auths":{"r":{}}}`
const OTHER: &str = "eyJhdXRocyI6eyJyIjp7fX19";

/// What is in a namespace of functions before anybody asks: a pull secret of ours and one of somebody else's, a
/// ServiceAccount on which others write too, a function's Pod and another one.
const THERE: &str = r#"
apiVersion: v1
kind: Secret
metadata: { name: faas-iam-pull, labels: { app.kubernetes.io/managed-by: faas-iam } }
type: kubernetes.io/dockerconfigjson
data: { .dockerconfigjson: eyJhdXRocyI6e319 }
---
apiVersion: v1
kind: Secret
metadata: { name: team-pull, labels: { app.kubernetes.io/managed-by: somebody } }
type: kubernetes.io/dockerconfigjson
data: { .dockerconfigjson: eyJhdXRocyI6e319 }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: robot, annotations: { theirs: "1", iam.openfaas.com/pull-secrets: faas-iam-pull }, labels: { theirs: "1" } }
secrets: [{ name: token }]
imagePullSecrets: [{ name: first }, { name: second }, { name: faas-iam-pull }]
---
apiVersion: v1
kind: Pod
metadata: { name: function, labels: { faas_function: env } }
spec: { serviceAccountName: robot, containers: [{ name: c, image: registry.example.com/env }] }
---
apiVersion: v1
kind: Pod
metadata: { name: database }
spec: { serviceAccountName: robot, containers: [{ name: c, image: registry.example.com/database }] }
"#;

/// The operator's own client, the namespace of the chart, one with functions that has [`THERE`], and an empty one.
struct Fenced {
    admin: Client,
    operator: Client,
    iam: String,
    there: String,
    empty: String,
}

async fn fenced<F>(test: impl FnOnce(Fenced) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let cluster = shared().await?.cluster();
    with_temp_ns(cluster, "fence", async |iam| {
        with_temp_ns(cluster, "functions", async |there| {
            with_temp_ns(cluster, "empty", async |empty| {
                let admin = cluster.admin().await?;
                let values = json!({ "registry": {
                    "enabled": true, "stuckPods": true,
                    "dedicated": [
                        { "namespace": there, "names": ["team-pull"] },
                        { "namespace": empty, "names": ["their-pull"] },
                    ],
                }});
                let account = chart::install(&admin, RELEASE, &iam, &values).await?;
                helm::apply(&admin, &helm::parse(THERE)?, &there).await?;
                let operator = cluster.service_account(&iam, &account).await?;
                let (at, namespace) = (admin.clone(), iam.clone());
                let outcome = test(Fenced { admin, operator, iam, there, empty }).await;
                chart::forget_cluster_wide(&at, &namespace).await?;
                outcome
            })
            .await
        })
        .await
    })
    .await
}

/// One request: what it does, its method, where, and with which body.
struct Ask(&'static str, Method, String, Value);

fn create(what: &'static str, namespace: &str, resource: &str, object: Value) -> Ask {
    Ask(what, Method::POST, format!("/api/v1/namespaces/{namespace}/{resource}"), object)
}

fn patch(what: &'static str, namespace: &str, path: &str, steps: Value) -> Ask {
    Ask(what, Method::PATCH, format!("/api/v1/namespaces/{namespace}/{path}"), steps)
}

/// With a body, which is where the API server then looks for the dry run, and not in the query.
fn delete(what: &'static str, namespace: &str, path: &str) -> Ask {
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"] });
    Ask(what, Method::DELETE, format!("/api/v1/namespaces/{namespace}/{path}"), options)
}

impl Ask {
    /// The API server's answer to it as a dry run: nothing, or the message of its refusal.
    async fn refusal(&self, client: &Client) -> Result<Option<String>> {
        let Self(_, method, path, body) = self;
        let kind = if method == Method::PATCH { "application/json-patch+json" } else { "application/json" };
        let request = Request::builder().method(method).uri(format!("{path}?dryRun=All"));
        let request = request.header(CONTENT_TYPE, kind).body(body.to_string().into_bytes())?;
        match client.request_text(request).await {
            Ok(_) => Ok(None),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(Some(status.message.clone())),
            Err(error) => Err(Failure::from(error).during(self.0.to_owned())),
        }
    }
}

impl Fenced {
    /// Each of these is refused by a policy that says so in these words. A policy takes a moment to be in force.
    async fn refuses(&self, words: &str, asks: Vec<Ask>) -> Result<()> {
        for ask in asks {
            eventually(&format!("a refusal to {}: {words}", ask.0), WITHIN, async || {
                let said = ask.refusal(&self.operator).await?.unwrap_or_else(|| "it went through".into());
                let by_policy = said.contains(&format!("{}.{RELEASE}-operator.", self.iam));
                if by_policy && said.contains(words) { Ok(Some(())) } else { Err(Failure::new(said)) }
            })
            .await?;
        }
        Ok(())
    }

    /// Each of these goes through, once the others do not.
    async fn lets(&self, asks: Vec<Ask>) -> Result<()> {
        for ask in asks {
            assert_eq!(ask.refusal(&self.operator).await?, None, "to {}", ask.0);
        }
        Ok(())
    }
}

fn pull(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "labels": { MANAGED_BY: "faas-iam" } },
        "type": "kubernetes.io/dockerconfigjson", "data": { DOCKER_CONFIG_JSON: EMPTY },
    })
}

/// A pull secret of ours with something else about it.
fn pull_with(path: &str, value: Value) -> Value {
    let mut secret = pull(PULL);
    *secret.pointer_mut(path).unwrap() = value;
    secret
}

fn other_file() -> Value {
    json!([{ "op": "replace", "path": format!("/data/{DOCKER_CONFIG_JSON}"), "value": OTHER }])
}

fn another_key() -> Value {
    json!([{ "op": "add", "path": "/data/more", "value": EMPTY }])
}

fn opaque(name: &str) -> Value {
    json!({ "metadata": { "name": name }, "data": { "key": EMPTY } })
}

#[tokio::test]
async fn s23_the_operator_writes_no_secrets_but_its_own_and_pull_secrets_under_their_names() -> Result<()> {
    fenced(async |at| {
        let (iam, there, empty) = (&at.iam, &at.there, &at.empty);
        at.refuses(
            "no Secrets but its own, registry.secretName, and those of registry.dedicated",
            vec![
                create("make a Secret of any name", empty, "secrets", pull("any")),
                create("make a Secret of any name in the IAM namespace", iam, "secrets", opaque("basic-auth")),
                create("make the signing key elsewhere", empty, "secrets", opaque("issuer-key")),
                create("make a dedicated one elsewhere", empty, "secrets", pull("team-pull")),
                create("let the name be generated", empty, "secrets", pull_with("/metadata", json!({
                    "generateName": PULL, "labels": { MANAGED_BY: "faas-iam" },
                }))),
            ],
        )
        .await?;
        let any_type = json!({
            "metadata": { "name": PULL, "labels": { MANAGED_BY: "faas-iam" } }, "data": { DOCKER_CONFIG_JSON: EMPTY },
        });
        at.refuses(
            "of the type kubernetes.io/dockerconfigjson alone",
            vec![create("make one of another type", empty, "secrets", any_type)],
        )
        .await?;
        let more = pull_with("/data", json!({ DOCKER_CONFIG_JSON: EMPTY, "more": EMPTY }));
        at.refuses(
            "no key but .dockerconfigjson",
            vec![
                create("make one with another key", empty, "secrets", more),
                patch("add another key", there, "secrets/faas-iam-pull", another_key()),
            ],
        )
        .await?;
        let foreign = pull_with("/metadata/labels", json!({ MANAGED_BY: "somebody" }));
        at.refuses(
            "that lacks the label app.kubernetes.io/managed-by: faas-iam",
            vec![
                create("make one under another label", empty, "secrets", foreign),
                create("make one under no label", empty, "secrets", pull_with("/metadata/labels", json!({}))),
                patch("change somebody else's", there, "secrets/team-pull", other_file()),
                delete("delete somebody else's", there, "secrets/team-pull"),
            ],
        )
        .await?;

        let own = json!([{ "op": "replace", "path": "/metadata/labels", "value": { MANAGED_BY: "faas-iam" } }]);
        let none = json!([{ "op": "remove", "path": "/metadata/labels" }]);
        at.lets(vec![
            create("make a pull secret", empty, "secrets", pull(PULL)),
            create("make a pull secret in the IAM namespace", iam, "secrets", pull(PULL)),
            create("make the signing key", iam, "secrets", opaque("issuer-key")),
            create("make the index", iam, "secrets", opaque("faas-iam-bundle")),
            patch("rotate a login", there, "secrets/faas-iam-pull", other_file()),
            patch("leave one to its namespace", there, "secrets/faas-iam-pull", none),
            patch("adopt one as it is", there, "secrets/team-pull", own),
            delete("delete its own", there, "secrets/faas-iam-pull"),
        ])
        .await
    })
    .await
}

/// Steps on the ServiceAccount, each `[op, path, value]`.
fn steps(all: &[(&str, &str, Value)]) -> Value {
    all.iter().map(|(op, path, value)| json!({ "op": op, "path": path, "value": value })).collect()
}

fn robot(what: &'static str, at: &Fenced, all: &[(&str, &str, Value)]) -> Ask {
    patch(what, &at.there, "serviceaccounts/robot", steps(all))
}

#[tokio::test]
async fn s23_of_a_service_account_the_operator_changes_its_own_references_and_nothing_else() -> Result<()> {
    fenced(async |at| {
        let at = &at;
        let names = |names: &[&str]| names.iter().map(|name| json!({ "name": name })).collect::<Value>();
        let list = |what, all: &[&str]| robot(what, at, &[("replace", "/imagePullSecrets", names(all))]);
        let ours = format!("/metadata/annotations/{}", ADDED.replace('/', "~1"));
        at.refuses(
            "leaves imagePullSecrets of other names as they are, and in their order",
            vec![
                list("change the order", &["second", "first", PULL]),
                list("drop somebody's", &["first", PULL]),
                list("add another name", &["first", "second", "third"]),
                list("add a dedicated one of another namespace", &["first", "second", "their-pull"]),
                robot("add one without a name", at, &[("add", "/imagePullSecrets/-", json!({}))]),
            ],
        )
        .await?;
        at.refuses(
            "no annotation of a ServiceAccount but iam.openfaas.com/pull-secrets",
            vec![
                robot("add an annotation", at, &[("add", "/metadata/annotations/more", json!("1"))]),
                robot("change an annotation", at, &[("replace", "/metadata/annotations/theirs", json!("2"))]),
                robot("drop an annotation", at, &[("remove", "/metadata/annotations/theirs", Value::Null)]),
            ],
        )
        .await?;
        let owner = json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u" }]);
        at.refuses(
            "nothing of a ServiceAccount but its imagePullSecrets",
            vec![
                robot("turn its token off", at, &[("add", "/automountServiceAccountToken", json!(false))]),
                robot("change its secrets", at, &[("replace", "/secrets", names(&["other"]))]),
                robot("change a label", at, &[("replace", "/metadata/labels/theirs", json!("2"))]),
                robot(
                    "hold back its deletion",
                    at,
                    &[("add", "/metadata/finalizers", json!(["a.example/b"]))],
                ),
                robot("give it an owner", at, &[("add", "/metadata/ownerReferences", owner)]),
            ],
        )
        .await?;

        at.lets(vec![
            robot(
                "take its own away",
                at,
                &[("remove", "/imagePullSecrets/2", Value::Null), ("remove", &ours, Value::Null)],
            ),
            robot(
                "add a dedicated one",
                at,
                &[
                    ("add", "/imagePullSecrets/-", json!({ "name": "team-pull" })),
                    ("replace", &ours, json!("faas-iam-pull,team-pull")),
                ],
            ),
        ])
        .await
    })
    .await
}

#[tokio::test]
async fn s23_the_operator_writes_shards_and_deletes_functions_pods_and_no_others() -> Result<()> {
    fenced(async |at| {
        let map = |name: &str| json!({ "metadata": { "name": name } });
        helm::apply(&at.admin, &helm::parse(MAPS)?, &at.iam).await?;
        at.refuses(
            "no ConfigMaps but shards of the bundle",
            vec![
                create("make any ConfigMap", &at.iam, "configmaps", map("kube-root-ca.crt.more")),
                delete("delete somebody's roots", &at.iam, "configmaps/roots"),
            ],
        )
        .await?;
        at.refuses(
            "no Pods but those of functions",
            vec![delete("delete any Pod", &at.there, "pods/database")],
        )
        .await?;
        at.lets(vec![
            create("write a shard", &at.iam, "configmaps", map("faas-iam-bundle-1")),
            delete("sweep a shard", &at.iam, "configmaps/faas-iam-bundle-0"),
            delete("delete a function's Pod", &at.there, "pods/function"),
        ])
        .await
    })
    .await
}

const MAPS: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: { name: roots }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: faas-iam-bundle-0 }
"#;

#[tokio::test]
async fn s23_of_all_secrets_the_operator_sees_those_of_the_one_name_when_it_asks_for_them_alone() -> Result<()>
{
    fenced(async |at| {
        let secrets: Api<Secret> = Api::all(at.operator.clone());
        let one = format!("metadata.name={PULL}");
        let mut seen = Box::pin(secrets.watch(&WatchParams::default().fields(&one), "0").await?);
        let first = futures::TryStreamExt::try_next(&mut seen).await?;
        assert!(matches!(&first, Some(WatchEvent::Added(secret)) if secret.name_any() == PULL), "{first:?}");

        for (fields, allowed) in [(one.as_str(), true), ("metadata.name=basic-auth", false), ("", false)] {
            let list = Request::get(format!("/api/v1/secrets?fieldSelector={fields}")).body(Vec::new())?;
            let listed = at.operator.request_text(list).await;
            assert_eq!(listed.is_ok(), allowed, "{fields}: {:?}", listed.err());
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn no_expression_of_a_policy_is_one_that_the_api_server_warns_of() -> Result<()> {
    fenced(async |at| {
        let policies: Api<ValidatingAdmissionPolicy> = Api::all(at.admin.clone());
        for of in ["secrets", "serviceaccounts", "configmaps", "pods"] {
            let name = format!("{}.{RELEASE}-operator.{of}", at.iam);
            let checked = eventually(&format!("{name} to be checked"), WITHIN, async || {
                Ok(policies.get(&name).await?.status.and_then(|status| status.type_checking))
            })
            .await?;
            assert_eq!(checked.expression_warnings, None, "{of}");
        }
        Ok(())
    })
    .await
}
