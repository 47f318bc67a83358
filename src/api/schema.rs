//! The schemas as trees: what a served definition lacks of ours.
//!
//! Looks at the fields there are, not at their rules: a field that is missing is pruned by the API
//! server without a word, and a pruned `Role.scope` would widen a grant.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps, JSONSchemaPropsOrArray,
    JSONSchemaPropsOrBool,
};

use super::crds;

/// The fields of our definition that a found one lacks, as paths such as `spec.scope`, sorted; a
/// missing field stands for all beneath it.
///
/// `status` without its subresource counts as missing: there is nowhere to report to. A version
/// that is not served lacks everything. `x-kubernetes-preserve-unknown-fields` keeps whatever is
/// beneath it, so nothing is missing there. Definitions of other groups and kinds lack nothing.
pub fn missing_fields(found: &CustomResourceDefinition) -> Vec<String> {
    crds::crds()
        .iter()
        .filter(|ours| ours.spec.group == found.spec.group && ours.spec.names.kind == found.spec.names.kind)
        .flat_map(|ours| ours.spec.versions.iter())
        .flat_map(|version| missing_in_version(version, found))
        .collect()
}

fn missing_in_version(
    ours: &CustomResourceDefinitionVersion,
    found: &CustomResourceDefinition,
) -> Vec<String> {
    let served = found.spec.versions.iter().find(|v| v.name == ours.name && v.served);
    let Some(served) = served else { return vec![format!("version {}", ours.name)] };
    let (Some(want), Some(have)) = (root(ours), root(served)) else { return vec!["schema".to_owned()] };
    let mut missing = Vec::new();
    collect_missing(want, have, "", &mut missing);
    let reports = served.subresources.as_ref().is_some_and(|s| s.status.is_some());
    if !reports && !missing.iter().any(|path| path == "status") {
        missing.push("status".to_owned());
    }
    missing.sort();
    missing
}

/// The schema of whole objects of a version.
pub fn root(version: &CustomResourceDefinitionVersion) -> Option<&JSONSchemaProps> {
    version.schema.as_ref()?.open_api_v3_schema.as_ref()
}

fn collect_missing(want: &JSONSchemaProps, have: &JSONSchemaProps, path: &str, missing: &mut Vec<String>) {
    for (name, want) in want.properties.iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        compare(want, property(have, name), have, path, missing);
    }
    if let Some(want) = items(want) {
        compare(want, items(have), have, format!("{path}[]"), missing);
    }
    if let Some(want) = values(want) {
        compare(want, values(have), have, format!("{path}.*"), missing);
    }
}

/// Compares what is at `path` with what was found there, within the found `parent`.
fn compare(
    want: &JSONSchemaProps,
    have: Option<&JSONSchemaProps>,
    parent: &JSONSchemaProps,
    path: String,
    missing: &mut Vec<String>,
) {
    match have {
        Some(have) => collect_missing(want, have, &path, missing),
        None if keeps_unknown(parent) => {}
        None => missing.push(path),
    }
}

fn property<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    schema.properties.as_ref().and_then(|properties| properties.get(name)).or_else(|| values(schema))
}

/// Whether what a schema does not declare is kept all the same.
fn keeps_unknown(schema: &JSONSchemaProps) -> bool {
    schema.x_kubernetes_preserve_unknown_fields == Some(true)
        || matches!(schema.additional_properties, Some(JSONSchemaPropsOrBool::Bool(true)))
}

/// The schema of a list's elements.
pub fn items(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.items.as_ref()? {
        JSONSchemaPropsOrArray::Schema(items) => Some(items),
        JSONSchemaPropsOrArray::Schemas(_) => None,
    }
}

/// The schema of a map's values.
pub fn values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match schema.additional_properties.as_ref()? {
        JSONSchemaPropsOrBool::Schema(values) => Some(values),
        JSONSchemaPropsOrBool::Bool(_) => None,
    }
}

/// The schemas directly beneath a schema: of properties, elements and values.
pub(super) fn children_mut(schema: &mut JSONSchemaProps) -> impl Iterator<Item = &mut JSONSchemaProps> {
    let items = match schema.items.as_mut() {
        Some(JSONSchemaPropsOrArray::Schema(items)) => Some(&mut **items),
        _ => None,
    };
    let values = match schema.additional_properties.as_mut() {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(&mut **values),
        _ => None,
    };
    schema.properties.iter_mut().flatten().map(|(_, property)| property).chain(items).chain(values)
}

#[cfg(test)]
mod tests;
