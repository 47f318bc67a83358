//! What holds for every field of every definition, and what is found missing in foreign ones.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use super::*;
use crate::api::{Kind, crd, crds};

/// Calls `check` with the path and the schema of everything beneath, the contents of `jwks` aside.
fn walk(schema: &JSONSchemaProps, path: &str, check: &mut impl FnMut(&str, &JSONSchemaProps)) {
    check(path, schema);
    if path.ends_with(".jwks.keys") {
        return;
    }
    for (name, property) in schema.properties.iter().flatten() {
        walk(property, &format!("{path}.{name}"), check);
    }
    items(schema).into_iter().for_each(|items| walk(items, &format!("{path}[]"), check));
    values(schema).into_iter().for_each(|values| walk(values, &format!("{path}.*"), check));
}

fn every_field(mut check: impl FnMut(&str, &JSONSchemaProps)) {
    for crd in crds() {
        let root = root(&crd.spec.versions[0]).unwrap();
        walk(root, &crd.spec.names.kind, &mut check);
    }
}

#[test]
fn every_field_is_documented() {
    every_field(|path, schema| {
        let named = !path.ends_with("[]") && !path.ends_with(".*");
        let documented = schema.description.as_ref().is_some_and(|d| d.len() > 10 && d.ends_with('.'));
        assert!(!named || documented, "{path}: {:?}", schema.description);
    });
}

#[test]
fn every_text_list_and_map_is_bounded() {
    every_field(|path, schema| match schema.type_.as_deref() {
        Some("string") => assert!(schema.max_length.is_some(), "{path} has no maxLength"),
        Some("array") => assert!(schema.max_items.is_some(), "{path} has no maxItems"),
        Some("object") if schema.additional_properties.is_some() => {
            assert!(schema.max_properties.is_some(), "{path} has no maxProperties");
        }
        Some("object" | "integer" | "boolean") => {}
        other => panic!("{path} has the type {other:?}"),
    });
}

#[test]
fn unknown_fields_are_kept_under_jwks_alone() {
    let mut keeping = Vec::new();
    every_field(|path, schema| {
        if schema.x_kubernetes_preserve_unknown_fields.is_some() {
            keeping.push(path.to_owned());
        }
    });
    assert_eq!(keeping, ["JwtIssuer.spec.jwks"]);
}

#[test]
fn null_arrives_where_its_loss_would_widen_and_nowhere_else() {
    let mut nullable = Vec::new();
    every_field(|path, schema| {
        if schema.nullable == Some(true) {
            nullable.push(path.to_owned());
        }
    });
    let maps = |path: &str| [path.to_owned(), format!("{path}.*"), format!("{path}.*.*")];
    let mut expected = Vec::new();
    for path in ["Policy.spec.statement[].condition", "Policy.spec.statement[].conditions"] {
        expected.extend(maps(path));
    }
    for path in ["Role.spec.condition", "Role.spec.conditions"] {
        expected.extend(maps(path));
    }
    for path in ["Role.spec.principal", "Role.spec.principals"] {
        expected.extend([path.to_owned(), format!("{path}.*")]);
    }
    expected.extend(["Role.spec.scope".to_owned(), "Role.spec.scopes".to_owned()]);
    let targets = ["", ".namespaces", ".namespaces.selector", ".namespaces.names"];
    expected.extend(targets.map(|below| format!("RegistryCredential.spec.targets{below}")));
    nullable.sort();
    expected.sort();
    assert_eq!(nullable, expected);
}

#[test]
fn every_rule_has_a_message_that_names_a_field_or_tells_a_cure() {
    let mut rules = 0;
    every_field(|path, schema| {
        for rule in schema.x_kubernetes_validations.iter().flatten() {
            rules += 1;
            let message = rule.message.as_deref().unwrap_or_default();
            assert!(message.len() > 30 && !message.ends_with('.'), "{path}: {message}");
        }
    });
    assert!(rules > 10, "{rules}");
}

fn served(kind: Kind) -> CustomResourceDefinition {
    crd(kind).unwrap()
}

/// The served definition of a kind, changed.
fn changed(kind: Kind, change: impl FnOnce(&mut Value)) -> CustomResourceDefinition {
    let mut crd = serde_json::to_value(served(kind)).unwrap();
    change(&mut crd);
    serde_json::from_value(crd).unwrap()
}

fn spec_properties(crd: &mut Value) -> &mut serde_json::Map<String, Value> {
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        .as_object_mut()
        .unwrap()
}

#[test]
fn our_own_definitions_lack_nothing() {
    for crd in crds() {
        assert_eq!(missing_fields(&crd), Vec::<String>::new());
    }
}

#[test]
fn a_field_that_is_gone_is_missing() {
    let crd = changed(Kind::Role, |crd| {
        spec_properties(crd).remove("scope");
    });
    assert_eq!(missing_fields(&crd), ["spec.scope"]);
}

#[test]
fn a_field_in_the_elements_of_a_list_is_missed_too() {
    let crd = changed(Kind::Policy, |crd| {
        let items = &mut spec_properties(crd)["statement"]["items"];
        items["properties"].as_object_mut().unwrap().remove("condition");
    });
    assert_eq!(missing_fields(&crd), ["spec.statement[].condition"]);
}

#[test]
fn a_map_that_lost_the_schema_of_its_values_is_missed() {
    let crd = changed(Kind::Role, |crd| {
        spec_properties(crd)["condition"].as_object_mut().unwrap().remove("additionalProperties");
    });
    assert_eq!(missing_fields(&crd), ["spec.condition.*"]);
}

#[test]
fn a_status_without_its_subresource_is_missing() {
    let crd = changed(Kind::JwtIssuer, |crd| {
        crd["spec"]["versions"][0].as_object_mut().unwrap().remove("subresources");
    });
    assert_eq!(missing_fields(&crd), ["status"]);
}

#[test]
fn what_keeps_unknown_fields_lacks_none() {
    let crd = changed(Kind::Role, |crd| {
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
            json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    });
    assert_eq!(missing_fields(&crd), Vec::<String>::new());
}

#[test]
fn the_definitions_of_the_upstream_chart_lack_what_we_added() {
    let upstream = include_str!("../../../tests/fixtures/upstream-crds.yaml");
    let upstream: Vec<CustomResourceDefinition> = serde_saphyr::from_multiple(upstream).unwrap();
    let missing = upstream.iter().map(missing_fields).collect::<Vec<_>>();
    let issuer = ["algorithms", "caBundleRef", "capExpiry", "emailVerified", "jwks", "jwksRef", "shared"];
    let role = ["conditions", "principals", "scope", "scopes"];
    let with_status = |fields: &[&str]| {
        fields.iter().map(|f| format!("spec.{f}")).chain(["status".to_owned()]).collect::<Vec<_>>()
    };
    assert_eq!(missing, [with_status(&issuer), with_status(&["statement[].conditions"]), with_status(&role)]);
}

#[test]
fn what_is_declared_beneath_kept_fields_is_still_compared() {
    let crd = changed(Kind::Role, |crd| {
        let spec = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        *spec = json!({
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
            "properties": { "principal": { "type": "object" } },
        });
    });
    assert_eq!(missing_fields(&crd), ["spec.principal.*"]);
}

#[test]
fn a_version_that_is_not_served_lacks_everything() {
    let crd = changed(Kind::Role, |crd| crd["spec"]["versions"][0]["served"] = json!(false));
    assert_eq!(missing_fields(&crd), ["version v1"]);
}

#[test]
fn more_than_we_know_is_no_loss() {
    let crd = changed(Kind::Role, |crd| {
        spec_properties(crd).insert("novel".to_owned(), json!({ "type": "string" }));
    });
    assert_eq!(missing_fields(&crd), Vec::<String>::new());
}

#[test]
fn a_kind_that_is_not_ours_lacks_nothing() {
    let crd = changed(Kind::Role, |crd| crd["spec"]["names"]["kind"] = json!("Other"));
    assert_eq!(missing_fields(&crd), Vec::<String>::new());
}
