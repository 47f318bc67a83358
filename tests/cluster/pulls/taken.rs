//! Rights that are taken away from the operator: what lacks is told with its verb, the others are served, and all heals
//! once it is back.

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role, RoleBinding};
use kube::{Api, ResourceExt as _, api::Patch};
use serde_json::{Value, json};

use super::scene::{FIRST, Scene, pulling};
use crate::support::{Failure, Result, faults::Proxy, shared::shared, skip::skip};

/// A right that was taken away.
struct Taken {
    roles: Api<ClusterRole>,
    name: String,
    before: Vec<PolicyRule>,
}

impl Taken {
    /// Takes a verb on a resource from what the chart grants for pull secrets in all namespaces.
    async fn from(scene: &Scene, verb: &str, resource: &str) -> Result<Self> {
        let roles: Api<ClusterRole> = Api::all(scene.at.client.clone());
        let ours = |role: &ClusterRole| {
            let name = role.name_any();
            name.starts_with(&format!("{}:", scene.at.namespace)) && name.ends_with("-registry")
        };
        let role = roles.list(&Default::default()).await?.items.into_iter().find(ours);
        let role = role.ok_or_else(|| Failure::new("the chart has no ClusterRole for pull secrets"))?;
        let (name, before) = (role.name_any(), role.rules.unwrap_or_default());
        let mut rules = before.clone();
        for rule in rules.iter_mut().filter(|rule| rule.resources.iter().flatten().any(|one| one == resource))
        {
            rule.verbs.retain(|one| one != verb);
        }
        rules.retain(|rule| !rule.verbs.is_empty());
        assert_ne!(rules, before, "the chart grants `{verb}` on {resource}");
        let taken = Self { roles, name, before };
        taken.set(&rules).await?;
        Ok(taken)
    }

    async fn give_back(self) -> Result<()> {
        self.set(&self.before).await
    }

    async fn set(&self, rules: &[PolicyRule]) -> Result<()> {
        let patch = Patch::Merge(json!({ "rules": rules }));
        self.roles.patch(&self.name, &Default::default(), &patch).await?;
        Ok(())
    }
}

/// Waits until `Synced` says that this may not be done, and nothing else.
async fn told(scene: &Scene, lack: &str) -> Result<Value> {
    let words = format!("the operator may not {lack}: what changes there is not seen");
    scene
        .status_with(lack, |status| {
            let synced =
                status["conditions"].as_array().into_iter().flatten().find(|one| one["type"] == "Synced");
            synced.is_some_and(|one| one["message"].as_str().unwrap_or_default().starts_with(&words))
        })
        .await
}

#[tokio::test]
async fn a_right_to_list_or_watch_that_is_taken_away_is_told_with_its_verb_and_all_heals_once_it_is_back()
-> Result<()> {
    pulling(shared().await?.cluster(), 2, async |scene| {
        let namespaces = Taken::from(&scene, "list", "namespaces").await?;
        scene.declare(json!({})).await?;
        let proxy = Proxy::before(scene.at.account().kubeconfig()).await?;
        let mut operator = scene.start_behind(&proxy)?;
        told(&scene, "`list` namespaces").await?;
        let readyz = operator.get("/readyz").await?;
        assert!(readyz.0 == 503 && readyz.1.contains("may not `list` namespaces"), "{readyz:?}");
        assert_eq!(operator.metric(REFUSED).await?, Some(1.0));
        namespaces.give_back().await?;
        scene.has(FIRST).await?;
        scene.status("Accepted").await?;
        operator.ready().await?;

        let accounts = Taken::from(&scene, "watch", "serviceaccounts").await?;
        proxy.cut_watches();
        let status = told(&scene, "`watch` serviceaccounts").await?;
        assert_eq!(status["namespaces"]["summary"], "2/2", "what is handed out stays: {status}");
        scene.login("robot", "two").await?;
        scene.has(("robot", "two")).await?;
        accounts.give_back().await?;
        scene.status("Accepted").await?;
        operator.stop().await
    })
    .await
}

const REFUSED: &str = r#"faas_iam_registry_credential_refused_watches{resource="namespaces",verb="list"}"#;

/// Gives a right back in one namespace alone.
async fn granted_in(scene: &Scene, namespace: &str, verb: &str, resource: &str) -> Result<()> {
    let rule = json!({ "apiGroups": [""], "resources": [resource], "verbs": [verb] });
    let role = json!({ "metadata": { "name": "back" }, "rules": [rule] });
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "metadata": { "name": "back" },
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "back" },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": scene.at.user() }],
    });
    let roles: Api<Role> = Api::namespaced(scene.at.client.clone(), namespace);
    let bindings: Api<RoleBinding> = Api::namespaced(scene.at.client.clone(), namespace);
    roles.create(&Default::default(), &serde_json::from_value(role)?).await?;
    bindings.create(&Default::default(), &serde_json::from_value(binding)?).await?;
    Ok(())
}

#[tokio::test]
async fn a_verb_that_lacks_is_told_where_it_does_is_tried_in_bounds_keeps_no_other_namespace_back_and_heals()
-> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    for (verb, resource) in [("patch", "serviceaccounts"), ("create", "secrets")] {
        pulling(shared.cluster(), 2, async |scene| {
            let mark = audit.mark().await?;
            let taken = Taken::from(&scene, verb, resource).await?;
            let (lacks, has) = (&scene.functions[0], &scene.functions[1]);
            granted_in(&scene, has, verb, resource).await?;
            scene.declare(json!({})).await?;
            let operator = scene.start()?;
            scene.namespace_has(has, FIRST).await?;
            let words = format!("cannot {verb} resource \"{resource}\"");
            let is = |status: &Value| {
                let failure = &status["failures"][0];
                let told = failure["message"].as_str().unwrap_or_default().contains(&words);
                told && failure["reason"] == "Forbidden" && failure["namespace"] == lacks.as_str()
            };
            let status = scene.status_with(&words, is).await?;
            assert_eq!(status["namespaces"]["summary"], "1/2", "{status}");
            scene.login("robot", "two").await?;
            scene.namespace_has(has, ("robot", "two")).await?;
            taken.give_back().await?;
            scene.has(("robot", "two")).await?;
            scene.status("Accepted").await?;
            operator.stop().await?;
            let asked = audit.by_user_since(&scene.at.user(), &mark).await?;
            let refused = asked.iter().filter(|asked| asked.namespace == *lacks && asked.code == 403).count();
            assert!((1..=16).contains(&refused), "{refused} tries to {verb} {resource}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
