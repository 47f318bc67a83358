//! Others who write to the same ServiceAccounts, and what they see of us.

use std::time::Duration;

use k8s_openapi::{
    api::core::v1::{LocalObjectReference, ServiceAccount},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::scene::{FIRST, SOURCE, Scene, pulling};
use crate::operator::installed::WITHIN;
use crate::support::{
    Result, audit::Request, canary::Canary, controlplane::ControlPlane, flags::Options, shared::shared,
    wait::eventually,
};

/// How often somebody else writes, and for how many times.
const EVERY: Duration = Duration::from_millis(50);
const EDITS: usize = 100;

/// Adds a pull secret of its own to a ServiceAccount, as a platform does: reads, changes, and writes what it has read.
async fn adds(api: &Api<ServiceAccount>, name: &str) -> Result<()> {
    loop {
        let mut account = api.get("default").await?;
        let entry = LocalObjectReference { name: name.to_owned() };
        account.image_pull_secrets.get_or_insert_default().push(entry);
        match api.replace("default", &PostParams::default(), &account).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[tokio::test]
async fn whoever_edits_the_same_account_twenty_times_a_second_loses_nothing_and_neither_do_we() -> Result<()>
{
    pulling(shared().await?.cluster(), 1, async |scene| {
        let operator = scene.start()?;
        let api = scene.accounts(&scene.functions[0]);
        let edits = async {
            for number in 0..EDITS {
                adds(&api, &format!("theirs-{number}")).await?;
                tokio::time::sleep(EVERY).await;
            }
            Ok(())
        };
        let comes_and_goes = async {
            for _ in 0..3 {
                scene.declare(json!({})).await?;
                scene.has(FIRST).await?;
                scene.delete().await?;
                scene.is_gone().await?;
            }
            scene.declare(json!({})).await?;
            scene.has(FIRST).await
        };
        tokio::try_join!(edits, comes_and_goes)?;
        let mut names = scene.references(&scene.functions[0], "default").await?;
        names.retain(|name| *name != scene.secret);
        let expected: Vec<_> = (0..EDITS).map(|number| format!("theirs-{number}")).collect();
        assert_eq!(names, expected, "each once and in their order");
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn who_resets_an_account_every_second_is_told_and_costs_few_requests() -> Result<()> {
    pulling(shared().await?.cluster(), 1, async |scene| {
        let api = scene.accounts(&scene.functions[0]);
        let metadata = ObjectMeta { name: Some("worker".to_owned()), ..Default::default() };
        let worker = ServiceAccount { metadata, ..Default::default() };
        api.create(&PostParams::default(), &worker).await?;
        scene
            .declare(json!({
                "targets": {
                    "namespaces": { "names": scene.functions },
                    "serviceAccounts": { "mode": "Selected", "names": ["default", "worker"] },
                },
            }))
            .await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        scene.status("Accepted").await?;
        let params = PatchParams { field_manager: Some("platform".to_owned()), ..Default::default() };
        let before = operator.metric(REPAIRS).await?.unwrap_or_default();
        for _ in 0..15 {
            let reset = json!({ "imagePullSecrets": [{ "name": "theirs" }] });
            api.patch("worker", &params, &Patch::Merge(reset)).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let repairs = operator.metric(REPAIRS).await?.unwrap_or_default() - before;
        assert!((2.0..=7.0).contains(&repairs), "{repairs} repairs in 15 seconds");
        let words = "the field manager `platform` keeps changing the ServiceAccount `worker`";
        scene.status_with(words, |status| status.to_string().contains(words)).await?;
        operator.stop().await
    })
    .await
}

#[tokio::test]
async fn an_account_that_is_deleted_and_made_again_names_the_pull_secret_again() -> Result<()> {
    pulling(shared().await?.cluster(), 1, async |scene| {
        scene.declare(json!({})).await?;
        let operator = scene.start()?;
        scene.has(FIRST).await?;
        let api = scene.accounts(&scene.functions[0]);
        let before = api.get("default").await?.metadata.uid;
        // The control plane makes another one, as bare as the first.
        api.delete("default", &Default::default()).await?;
        eventually("the reference of another account", WITHIN, async || {
            let account = api.get_opt("default").await?.filter(|account| account.metadata.uid != before);
            let names = account.and_then(|account| account.image_pull_secrets).unwrap_or_default();
            Ok(names.iter().any(|one| one.name == scene.secret).then_some(()))
        })
        .await?;
        operator.stop().await
    })
    .await
}

const REPAIRS: &str = r#"faas_iam_repairs_total{object="service-account"}"#;

/// Everything in which a password must not be, by where it is.
async fn places(scene: &Scene, log: String, metrics: String) -> Result<Vec<(String, String)>> {
    let mut places = vec![("the log".to_owned(), log), ("metrics".to_owned(), metrics)];
    let object = scene.at.objects(faas_iam::api::Kind::RegistryCredential).get(super::scene::NAME).await?;
    places.push(("the status".to_owned(), object.data.to_string()));
    for namespace in [&scene.at.namespace, &scene.functions[0]] {
        let events: Api<k8s_openapi::api::events::v1::Event> =
            Api::namespaced(scene.at.client.clone(), namespace);
        for event in events.list(&ListParams::default()).await? {
            places.push((format!("an Event of {namespace}"), serde_json::to_string(&event)?));
        }
        let account = scene.accounts(namespace).get("default").await?;
        places.push((format!("the account of {namespace}"), serde_json::to_string(&account)?));
    }
    Ok(places)
}

#[tokio::test]
async fn s26_a_password_is_nowhere_but_in_the_secrets_it_belongs_to() -> Result<()> {
    let end = "hunter2-in-the-pull-secret";
    let password = &*format!("canary\"'$`\\ {end}");
    let plane = ControlPlane::start(Options { audit_bodies: true, ..Options::default() }).await?;
    let audit = plane.audit();
    pulling(plane.cluster(), 2, async |scene| {
        // Trouble of every kind makes words.
        let theirs = json!({ "metadata": { "name": scene.secret }, "data": { "a": "Yg==" } });
        let stranger = scene.secrets(&scene.functions[1]);
        stranger.create(&Default::default(), &serde_json::from_value(theirs)?).await?;
        scene.declare(json!({ "expiresAt": "2020-01-01T00:00:00Z" })).await?;
        let arguments = [scene.arguments(), vec!["--log-level", "trace"]].concat();
        let operator = scene.at.start("one", &arguments)?;
        scene.login("robot", password).await?;
        scene.namespace_has(&scene.functions[0], ("robot", password)).await?;
        let trouble = |status: &serde_json::Value| {
            ["ForeignSecret", "Expired"].iter().all(|reason| status.to_string().contains(reason))
        };
        scene.status_with("all that is wrong", trouble).await?;
        let metrics = operator.get("/metrics").await?.1;
        let log = operator.process.stderr() + &operator.process.stdout();
        assert!(log.contains("registrycredentials"), "the log was written");
        let canary = Canary::new("the password", password);
        let auth = Canary::new("the `auth`", &base64(&format!("robot:{password}")));
        // As it is where quotes are escaped.
        let end = Canary::new("the end of the password", end);
        let shows = |text: &str| [&canary, &auth, &end].iter().any(|canary| canary.shows_in(text));
        for (place, text) in places(&scene, log, metrics).await? {
            assert!(!shows(&text), "{place}: {text}");
        }
        audit.mark().await?;
        let lines = audit.lines()?;
        let (told, untold): (Vec<_>, Vec<_>) =
            lines.iter().filter(|(_, line)| shows(line)).partition(|(request, _)| belongs(&scene, request));
        assert!(untold.is_empty(), "{untold:?}");
        let told: Vec<_> = told.iter().map(|(request, _)| request.name.as_str()).collect();
        assert!(told.contains(&SOURCE) && told.contains(&&*scene.secret), "the log has bodies: {told:?}");
        let secret = scene.secrets(&scene.functions[0]).get(&scene.secret).await?;
        assert_eq!(secret.metadata.labels.as_ref().map(std::collections::BTreeMap::len), Some(3));
        let kept = ObjectMeta { labels: None, ..secret.metadata };
        assert!(!canary.shows_in(&serde_json::to_string(&kept)?));
        operator.stop().await
    })
    .await
}

/// Whether a request is about a Secret that the password belongs to, or lists Secrets.
fn belongs(scene: &Scene, request: &Request) -> bool {
    let here = match request.name.as_str() {
        SOURCE => request.namespace == scene.at.namespace,
        name => name.is_empty() || name == scene.secret && request.namespace == scene.functions[0],
    };
    request.resource == "secrets" && here
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
