//! What the chart adds for RegistryCredentials: rights that are named one by one, policies where they cannot be, and none of
//! it where nobody asked.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{ClusterRole, Role};
use kube::{ResourceExt as _, api::DynamicObject};
use serde_json::{Value, json};

use super::{RELEASE, of_kind, render};
use crate::support::{Result, chart};

/// Everything that can be set.
fn everything() -> Value {
    json!({ "registry": {
        "enabled": true, "stuckPods": true, "admission": { "mutating": true },
        "dedicated": [
            { "namespace": "team-a", "names": ["a-pull"] }, { "namespace": "team-b", "names": ["b-pull"] },
            { "namespace": "team-a", "names": ["more-pull"] },
        ],
    }})
}

/// What the objects are, as `kind namespace/name`; the definitions are there in any case.
fn what(objects: &[DynamicObject]) -> BTreeSet<String> {
    let what = |object: &DynamicObject| {
        let kind = object.types.as_ref().map_or("", |types| &types.kind);
        format!("{kind} {}/{}", object.namespace().unwrap_or_default(), object.name_any())
    };
    objects.iter().map(what).filter(|what| !what.starts_with("CustomResourceDefinition ")).collect()
}

#[test]
fn the_rights_on_pull_secrets_are_these_and_no_others() -> Result<()> {
    let (objects, without) = (render("openfaas", everything())?, what(&render("openfaas", json!({}))?));
    let roles = of_kind::<Role>(&objects, "Role").into_iter();
    let roles =
        roles.map(|role| (format!("Role {}/{}", role.namespace().unwrap(), role.name_any()), role.rules));
    let wide = of_kind::<ClusterRole>(&objects, "ClusterRole").into_iter();
    let wide = wide.map(|role| (format!("ClusterRole /{}", role.name_any()), role.rules));
    let added: Vec<_> = roles.chain(wide).filter(|(what, _)| !without.contains(what)).collect();
    insta::assert_yaml_snapshot!(added);
    Ok(())
}

#[test]
fn nothing_of_it_is_there_unless_it_is_asked_for() -> Result<()> {
    let mut values = everything();
    values["registry"]["enabled"] = false.into();
    assert_eq!(what(&render("openfaas", values)?), what(&render("openfaas", json!({}))?));

    let bare = json!({ "registry": { "enabled": true, "admission": { "validating": false } } });
    let bare = what(&render("openfaas", bare)?);
    assert!(!bare.iter().any(|what| what.contains("AdmissionPolicy")), "{bare:?}");
    Ok(())
}

#[test]
fn a_kubernetes_that_is_too_old_for_a_policy_is_refused_with_the_value_to_set() {
    for (policy, first, last_without) in
        [("validating", "1.30.0", "1.29.9"), ("mutating", "1.36.0", "1.35.9")]
    {
        let values = json!({ "registry": { "enabled": true, "admission": { policy: true } } });
        let rendered = |kubernetes| chart::render_for(kubernetes, RELEASE, "openfaas", &values);
        let refusal = rendered(last_without).unwrap_err().to_string();
        assert!(refusal.contains(&format!("registry.admission.{policy} needs Kubernetes")), "{refusal}");
        assert!(refusal.contains(last_without) && refusal.contains("set it to false"), "{refusal}");
        assert!(rendered(first).is_ok(), "{policy} with {first}");
    }
}

#[test]
fn of_two_releases_nothing_has_the_same_name() -> Result<()> {
    let of =
        |release, namespace| -> Result<_> { Ok(what(&chart::render(release, namespace, &everything())?)) };
    for (a, b) in [(("one", "iam"), ("two", "iam")), (("one", "iam"), ("one", "other"))] {
        let (a, b) = (of(a.0, a.1)?, of(b.0, b.1)?);
        assert_eq!(a.intersection(&b).collect::<Vec<_>>(), Vec::<&String>::new());
    }
    Ok(())
}
