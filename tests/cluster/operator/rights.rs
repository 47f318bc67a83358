//! Least privilege, counted: over a run in which the operator does everything that it ever does, each verb that the
//! chart grants is used, and nothing is asked that it does not grant.

use std::{collections::BTreeSet, fmt};

use faas_iam::{api::Kind, bundle::names::INDEX_SECRET};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::{Api, ResourceExt as _, api::ListParams};
use serde_json::json;

use super::{
    installed::{Installed, all_ready, installed, swept},
    main_job::{DECLARED, DECLARED_NAMES, GATEWAY},
};
use crate::support::{Result, audit::Request, shared::shared, skip::skip};

/// One verb on one resource (with its group), on the one object of that name where the right is for named ones alone.
/// A path that is no resource is its own resource.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    verb: String,
    resource: String,
    name: Option<String>,
}

impl fmt::Debug for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map(|name| format!(" `{name}`"));
        write!(f, "{} {}{}", self.verb, self.resource, name.unwrap_or_default())
    }
}

impl Right {
    fn new(verb: &str, resource: String, name: Option<&str>) -> Self {
        Self { verb: verb.to_owned(), resource, name: name.map(str::to_owned) }
    }

    /// Every right of a rule, one by one.
    fn of_rule(rule: &PolicyRule) -> Vec<Self> {
        let groups = rule.api_groups.iter().flatten();
        let resources = groups.flat_map(|group| {
            rule.resources.iter().flatten().map(move |resource| format!("{resource}.{group}"))
        });
        let resources: Vec<_> = resources.chain(rule.non_resource_urls.iter().flatten().cloned()).collect();
        let names: Vec<_> = match &rule.resource_names {
            Some(names) => names.iter().map(|name| Some(name.as_str())).collect(),
            None => vec![None],
        };
        let each = rule.verbs.iter().flat_map(|verb| resources.iter().map(move |resource| (verb, resource)));
        each.flat_map(|(verb, resource)| names.iter().map(|name| Self::new(verb, resource.clone(), *name)))
            .collect()
    }

    /// The granted right by which a request was let in: the one for the object's name where there is one.
    pub fn of_request(request: &Request, granted: &BTreeSet<Self>) -> Option<Self> {
        let resource = match request.resource.as_str() {
            "" => request.uri.split('?').next().unwrap_or_default().to_owned(),
            resource => format!("{resource}.{}", request.group),
        };
        let named = Self::new(&request.verb, resource.clone(), Some(&request.name));
        [named, Self::new(&request.verb, resource, None)].into_iter().find(|right| granted.contains(right))
    }
}

/// What the chart grants in the cluster, as it was applied, by the roles that are so named.
pub async fn granted_by(at: &Installed, is: impl Fn(&str) -> bool) -> Result<BTreeSet<Right>> {
    let roles: Api<Role> = Api::namespaced(at.client.clone(), &at.namespace);
    let wide: Api<ClusterRole> = Api::all(at.client.clone());
    let prefix = format!("{}:faas-iam-operator", at.namespace);
    let named = roles.list(&ListParams::default().labels("app.kubernetes.io/component=operator")).await?;
    let wide = wide.list(&Default::default()).await?.items.into_iter();
    let wide = wide.filter(|role| role.name_any().starts_with(&prefix) && is(&role.name_any()));
    let wide = wide.filter_map(|role| role.rules);
    let named = named.items.into_iter().filter(|role| is(&role.name_any()));
    let rules = named.filter_map(|role| role.rules).chain(wide).flatten();
    Ok(rules.flat_map(|rule| Right::of_rule(&rule)).collect())
}

/// An issuer whose keys are in a Secret that the chart's values name, and one with a bundle of certificates of its own.
const REFERRING: &str = r#"
apiVersion: v1
kind: Secret
metadata: { name: partner-keys }
stringData: { jwks.json: '{"keys": [{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}' }
---
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: partner }
spec: { iss: "https://partner.example.com", aud: [gw], jwksRef: { kind: Secret, name: partner-keys, key: jwks.json } }
---
apiVersion: iam.openfaas.com/v1
kind: JwtIssuer
metadata: { name: private }
spec: { iss: "https://localhost:1", aud: [gw], caBundleRef: { kind: ConfigMap, name: roots, key: ca.crt } }
"#;

/// The main job, references, Events that come twice, shards that nobody needs any more.
async fn everything(at: &Installed) -> Result<()> {
    at.apply(DECLARED).await?;
    at.apply(REFERRING).await?;
    let mut operator = at.start("one", &["--public-url", GATEWAY, "--keep-shards-for", "1s"])?;
    all_ready(at, &DECLARED_NAMES).await?;
    all_ready(at, &[(Kind::JwtIssuer, "partner")]).await?;
    at.reason(Kind::JwtIssuer, "private", "CaBundleNotFound").await?;
    for (policy, reason) in
        [("nowhere", "PolicyNotFound"), ("invoke-dev", "Accepted"), ("nowhere", "PolicyNotFound")]
    {
        at.edit(Kind::Role, "caller", json!({ "policy": [policy] })).await?;
        at.reason(Kind::Role, "caller", reason).await?;
    }
    swept(at).await?;
    undone(at).await?;
    operator.ready().await?;
    operator.stop().await
}

/// What others undo is done again.
async fn undone(at: &Installed) -> Result<()> {
    let index = at.index().await?;
    at.maps().delete(&index.shards[0].name, &Default::default()).await?;
    at.bundle_with("its shards", |_| true).await?;
    at.secrets().delete(INDEX_SECRET, &Default::default()).await?;
    at.bundle_with("an index", |bundle| bundle.roles().next().is_some()).await.map(drop)
}

/// A restart, which begins from what is there.
async fn once_more(at: &Installed) -> Result<()> {
    let mut operator = at.start("one", &["--public-url", GATEWAY])?;
    at.edit(Kind::Role, "caller", json!({ "policy": ["invoke-dev"] })).await?;
    all_ready(at, &DECLARED_NAMES).await?;
    operator.ready().await?;
    operator.stop().await
}

#[tokio::test]
async fn every_verb_that_the_chart_grants_is_used_and_every_verb_used_is_granted() -> Result<()> {
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    let values = json!({ "rbac": { "referencedSecrets": ["partner-keys"] } });
    installed(shared.cluster(), values, async |at| {
        let mark = audit.mark().await?;
        everything(&at).await?;
        once_more(&at).await?;
        let asked = audit.by_user_since(&at.user(), &mark).await?;

        let granted = granted_by(&at, |_| true).await?;
        let by = |request| Right::of_request(request, &granted);
        let beyond: Vec<_> =
            asked.iter().filter(|r| r.code == 403 || by(r).is_none()).map(|r| (&r.verb, &r.uri)).collect();
        assert!(beyond.is_empty(), "asked without a right: {beyond:?}");
        let used: BTreeSet<Right> = asked.iter().filter_map(by).collect();
        let idle: Vec<&Right> = granted.difference(&used).collect();
        assert!(idle.is_empty(), "granted and never used: {idle:#?}");
        Ok(())
    })
    .await
}
