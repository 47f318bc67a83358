//! What the API server serves beside `spec`: status, names, columns, and what another definition makes of an object.

use axum::http::Request;
use faas_iam::api::{Kind, schema::missing_fields, status::NamespaceCounts};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::{cluster, least, ways::Writer};
use crate::support::{
    Result, cluster::Cluster, controlplane::ControlPlane, crds, flags::Options, namespace::with_temp_ns,
};

async fn get(client: &Client, path: &str, accept: &str) -> Result<Value, kube::Error> {
    client.request(Request::get(path).header("accept", accept).body(Vec::new()).unwrap()).await
}

async fn put_status(writer: &Writer, name: &str, object: &Value) -> Result<Value, kube::Error> {
    let path = writer.path(&format!("{name}/status"), "");
    let request = Request::put(path).header("content-type", "application/json");
    writer.client.request(request.body(object.to_string().into_bytes()).unwrap()).await
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "why",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    })
}

#[tokio::test]
async fn an_object_that_nobody_looked_at_says_so_and_its_status_is_a_resource_of_its_own() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "status", async |namespace| {
        for kind in Kind::DEFINED {
            let client = cluster.admin().await?;
            let writer = Writer { client, namespace: namespace.clone(), kind };
            let mut object = writer.post(writer.object("one", &least(kind))).await?;
            assert_eq!(object["status"], json!({ "observedGeneration": -1 }), "{kind}");

            object["status"] =
                json!({ "observedGeneration": 1, "conditions": [condition("Ready", "True", "Accepted")] });
            object["spec"] = json!({});
            let written = put_status(&writer, "one", &object).await?;
            assert_eq!(written["spec"], least(kind), "{kind}");
            assert_eq!(written["metadata"]["generation"], 1, "{kind}");
            assert_eq!(written["status"], object["status"], "{kind}");

            object["metadata"] = written["metadata"].clone();
            object["status"]["conditions"] = json!([condition("Ready", "True", "")]);
            let refused = put_status(&writer, "one", &object).await.unwrap_err();
            assert!(refused.to_string().contains("status.conditions[0].reason"), "{kind}: {refused}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn kubectl_knows_the_short_names_the_category_and_the_status() -> Result<()> {
    let client = cluster().await?.admin().await?;
    for kind in Kind::DEFINED {
        let served = client.list_api_group_resources(&kind.api_version()).await?.resources;
        let found = served.iter().find(|r| r.name == kind.plural()).unwrap();
        assert_eq!(found.short_names, Some(vec![kind.short_name().to_owned()]));
        assert_eq!(found.categories, Some(vec!["openfaas".to_owned()]));
        assert!(found.namespaced && found.kind == kind.kind() && found.singular_name == kind.singular());
        assert!(served.iter().any(|r| r.name == format!("{}/status", kind.plural())));
    }
    Ok(())
}

/// The columns that `kubectl get` shows by default, with the cells of the one object there is.
async fn columns(writer: &Writer) -> Result<Vec<(String, Value)>> {
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let table = get(&writer.client, &writer.path("", ""), accept).await?;
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    let named = table["columnDefinitions"].as_array().unwrap().iter().zip(cells);
    Ok(named
        .filter(|(column, _)| column["priority"] == 0 && column["name"] != "Age")
        .map(|(column, cell)| (column["name"].as_str().unwrap().to_owned(), cell.clone()))
        .collect())
}

#[tokio::test]
async fn kubectl_get_shows_whether_and_why_an_object_is_ready_and_what_it_is_about() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "columns", async |namespace| {
        let own = [
            (Kind::JwtIssuer, vec![("Issuer", json!("https://base.example.com")), ("Keys", json!(2))]),
            (Kind::Policy, vec![("Statements", json!("1"))]),
            (Kind::Role, vec![("Policies", json!(r#"["a","b"]"#)), ("Scope", json!(r#"["dev:*"]"#))]),
        ];
        for (kind, own) in own {
            let writer = Writer { client: cluster.admin().await?, namespace: namespace.clone(), kind };
            let mut spec = least(kind);
            if kind == Kind::Role {
                spec = super::merged(spec, json!({ "policy": ["a", "b"], "scope": ["dev:*"] }));
            }
            let mut object = writer.post(writer.object("one", &spec)).await?;
            object["status"] = json!({ "conditions": [condition("Ready", "False", "Invalid")] });
            if kind == Kind::JwtIssuer {
                object["status"]["keys"] = json!({ "source": "jwks", "count": 2, "kids": ["a", "b"] });
            }
            put_status(&writer, "one", &object).await?;
            let ready = [("Name", json!("one")), ("Ready", json!("False")), ("Reason", json!("Invalid"))];
            let expected = ready.into_iter().chain(own).map(|(name, cell)| (name.to_owned(), cell));
            assert_eq!(columns(&writer).await?, expected.collect::<Vec<_>>(), "{kind}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn kubectl_get_shows_of_a_login_where_it_is_when_it_ends_and_whether_it_works() -> Result<()> {
    let cluster = cluster().await?;
    with_temp_ns(cluster, "logins", async |namespace| {
        let kind = Kind::RegistryCredential;
        let writer = Writer { client: cluster.admin().await?, namespace: namespace.clone(), kind };
        let mut object = writer.post(writer.object("one", &least(kind))).await?;
        let failure = json!({ "namespace": "dev", "reason": "QuotaExceeded", "message": "no more Secrets" });
        object["status"] = json!({
            "observedGeneration": 1,
            "conditions": [
                condition("Ready", "False", "NamespacesFailing"),
                condition("Verified", "True", "LoginAccepted"),
            ],
            "registry": "ghcr.io",
            "namespaces": NamespaceCounts::new(3, 2, 1),
            "failures": [failure],
            "failuresLeftOut": 0,
            "expiresAt": "2027-01-31T12:00:00Z",
        });
        let written = put_status(&writer, "one", &object).await?;
        assert_eq!(written["status"], object["status"]);
        let expected = [
            ("Name", json!("one")),
            ("Registry", json!("ghcr.io")),
            ("Namespaces", json!("2/3")),
            ("Expires", json!("2027-01-31T12:00:00Z")),
            ("Verified", json!("True")),
            ("Ready", json!("False")),
        ];
        let expected = expected.map(|(name, cell)| (name.to_owned(), cell));
        assert_eq!(columns(&writer).await?, expected);
        object["metadata"] = written["metadata"].clone();
        object["status"]["failures"] = vec![object["status"]["failures"][0].clone(); 11].into();
        let refused = put_status(&writer, "one", &object).await.unwrap_err();
        assert!(refused.to_string().contains("status.failures"), "{refused}");
        Ok(())
    })
    .await
}

async fn found_missing(cluster: &Cluster, kind: Kind) -> Result<Vec<String>> {
    let api: Api<CustomResourceDefinition> = Api::all(cluster.admin().await?);
    Ok(missing_fields(&api.get(&kind.resource()).await?))
}

#[tokio::test]
async fn the_upstream_definition_over_ours_widens_a_role_on_read_and_is_recognised_as_lacking_fields()
-> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let cluster = plane.cluster();
    crds::install(cluster).await?;
    assert_eq!(found_missing(cluster, Kind::Role).await?, Vec::<String>::new());
    let writer = Writer { client: cluster.admin().await?, namespace: "default".to_owned(), kind: Kind::Role };
    let spec = super::merged(least(Kind::Role), json!({ "scope": ["dev:*"] }));
    let made = writer.post(writer.object("narrow", &spec)).await?;

    crds::install_these(cluster, &crds::upstream()?).await?;
    let missing = ["spec.conditions", "spec.principals", "spec.scope", "spec.scopes", "status"];
    assert_eq!(found_missing(cluster, Kind::Role).await?, missing);
    let read = get(&writer.client, &writer.path("narrow", ""), "application/json").await?;
    assert_eq!(read["spec"], least(Kind::Role));
    assert_eq!(read["metadata"]["uid"], made["metadata"]["uid"]);
    assert_eq!(read["metadata"]["generation"], made["metadata"]["generation"]);
    assert_eq!(read["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);

    crds::install(cluster).await?;
    assert_eq!(found_missing(cluster, Kind::Role).await?, Vec::<String>::new());
    let read = get(&writer.client, &writer.path("narrow", ""), "application/json").await?;
    assert_eq!(read["spec"], spec, "what was pruned on read is still there");
    plane.shut_down().await
}
