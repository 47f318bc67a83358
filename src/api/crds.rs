//! The CustomResourceDefinitions as they are installed, as values and as YAML.
//!
//! Adds to what the types say: the default of `status`, and descriptions as running text. Writes
//! no file: `faas-iam crds` prints, and a test keeps `crds/` equal to this.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::kind::Kind;
use super::schema::children_mut;
use super::status::UNOBSERVED;
use super::{JwtIssuer, Policy, RegistryCredential, Role};

/// Why the definitions could not be written as text.
#[derive(Debug, thiserror::Error)]
#[error("could not write the definition of {kind} as YAML")]
pub struct CrdsError {
    kind: String,
    source: serde_saphyr::ser::Error,
}

/// Every CustomResourceDefinition of ours, always the same and in the same order.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let all = [JwtIssuer::crd(), Policy::crd(), RegistryCredential::crd(), Role::crd()];
    all.into_iter().map(finish).collect()
}

/// The definition of one kind; `None` for a kind that is not served yet.
pub fn crd(kind: Kind) -> Option<CustomResourceDefinition> {
    crds().into_iter().find(|crd| crd.spec.names.kind == kind.kind())
}

/// The definitions as one YAML text of several documents.
///
/// # Errors
/// [`CrdsError`] where one of them cannot be written, which would be a fault of ours.
pub fn crds_yaml() -> Result<String, CrdsError> {
    crds().iter().map(|crd| Ok(format!("---\n{}", crd_yaml(crd)?))).collect()
}

/// One definition as a YAML document, ending in a line feed.
///
/// # Errors
/// [`CrdsError`] where it cannot be written, which would be a fault of ours.
pub fn crd_yaml(crd: &CustomResourceDefinition) -> Result<String, CrdsError> {
    serde_saphyr::to_string(crd)
        .map(|yaml| format!("{}\n", yaml.trim_end()))
        .map_err(|source| CrdsError { kind: crd.spec.names.kind.clone(), source })
}

fn finish(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    for version in &mut crd.spec.versions {
        if let Some(root) = version.schema.as_mut().and_then(|s| s.open_api_v3_schema.as_mut()) {
            root.title = None;
            default_status(root);
            reflow(root);
        }
    }
    crd
}

/// An object that nobody has looked at yet says so, lest a tool that waits for health take a
/// missing status for a good one.
fn default_status(root: &mut JSONSchemaProps) {
    let Some(status) = root.properties.as_mut().and_then(|p| p.get_mut("status")) else { return };
    status.nullable = None;
    status.default = Some(JSON(json!({ "observedGeneration": UNOBSERVED })));
}

/// Joins the lines of each paragraph of each description: `kubectl explain` breaks them itself.
fn reflow(schema: &mut JSONSchemaProps) {
    if let Some(text) = &mut schema.description {
        let paragraphs = text.split("\n\n").map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
        *text = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
    children_mut(schema).for_each(reflow);
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::api::schema::root;

    const HEADER: &str =
        "# Written by `make crds` from the types in src/api; a test compares. Do not edit.\n";

    fn file(crd: &CustomResourceDefinition) -> PathBuf {
        let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
        Path::new(env!("CARGO_MANIFEST_DIR")).join("crds").join(name)
    }

    #[test]
    fn the_files_are_what_the_types_say() {
        for crd in crds() {
            let (file, yaml) = (file(&crd), format!("{HEADER}{}", crd_yaml(&crd).unwrap()));
            if std::env::var_os("UPDATE_CRDS").is_some() {
                std::fs::write(&file, &yaml).unwrap();
            }
            let found = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(found == yaml, "{} is not what the types say: run `make crds`", file.display());
        }
    }

    #[test]
    fn the_text_says_what_the_values_say() {
        let read: Vec<CustomResourceDefinition> = serde_saphyr::from_multiple(&crds_yaml().unwrap()).unwrap();
        assert_eq!(read, crds());
    }

    #[test]
    fn every_definition_has_the_names_of_its_kind() {
        for kind in Kind::DEFINED {
            let crd = crd(kind).unwrap();
            let names = &crd.spec.names;
            assert_eq!(crd.metadata.name, Some(kind.resource()));
            assert_eq!((names.plural.as_str(), names.kind.as_str()), (kind.plural(), kind.kind()));
            assert_eq!(names.singular.as_deref(), Some(kind.singular()));
            assert_eq!(names.short_names, Some(vec![kind.short_name().to_owned()]));
            assert_eq!(names.categories, Some(vec!["openfaas".to_owned()]));
            assert_eq!(crd.spec.versions.first().map(|v| v.name.as_str()), Some(kind.version()));
        }
    }

    #[test]
    fn a_status_that_nobody_wrote_says_so() {
        for crd in crds() {
            let version = &crd.spec.versions[0];
            assert!(version.subresources.as_ref().unwrap().status.is_some());
            let status = &root(version).unwrap().properties.as_ref().unwrap()["status"];
            assert_eq!(status.default, Some(JSON(json!({ "observedGeneration": -1 }))));
            assert_eq!(status.nullable, None);
        }
    }

    #[test]
    fn descriptions_are_running_text() {
        let mut schema =
            JSONSchemaProps { description: Some("a\nb\n\nc\n d".to_owned()), ..Default::default() };
        reflow(&mut schema);
        assert_eq!(schema.description.as_deref(), Some("a b\n\nc d"));
    }
}
