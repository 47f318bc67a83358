//! The schema of the API server and the validator know the same fields.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;

use super::super::{credential, issuer, keys, policy, role, selector};
use super::Kind;
use crate::api::crd;
use crate::api::schema::{items, root};

fn spec(kind: Kind) -> JSONSchemaProps {
    let crd = crd(kind).unwrap();
    root(&crd.spec.versions[0]).unwrap().properties.as_ref().unwrap()["spec"].clone()
}

fn property(schema: &JSONSchemaProps, name: &str) -> JSONSchemaProps {
    schema.properties.as_ref().unwrap()[name].clone()
}

fn names(schema: &JSONSchemaProps) -> Vec<String> {
    schema.properties.iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn the_validator_knows_the_fields_of_the_schema_and_no_others() {
    let issuer_spec = spec(Kind::JwtIssuer);
    let statement = items(&property(&spec(Kind::Policy), "statement")).unwrap().clone();
    let credentials = spec(Kind::RegistryCredential);
    let targets = property(&credentials, "targets");
    let namespaces = property(&targets, "namespaces");
    let by_labels = property(&namespaces, "selector");
    let expression = items(&property(&by_labels, "matchExpressions")).unwrap().clone();
    for (what, schema, known) in [
        ("RegistryCredential", credentials.clone(), credential::FIELDS),
        ("secretRef", property(&credentials, "secretRef"), credential::SECRET),
        ("targets", targets.clone(), credential::TARGETS),
        ("namespaces", namespaces.clone(), credential::NAMESPACES),
        ("serviceAccounts", property(&targets, "serviceAccounts"), credential::ACCOUNTS),
        ("output", property(&credentials, "output"), credential::OUTPUT),
        ("verification", property(&credentials, "verification"), credential::VERIFICATION),
        ("selector", by_labels, selector::FIELDS),
        ("matchExpressions", expression, selector::EXPRESSION),
        ("JwtIssuer", issuer_spec.clone(), issuer::FIELDS),
        ("jwksRef", property(&issuer_spec, "jwksRef"), keys::REFERENCE),
        ("caBundleRef", property(&issuer_spec, "caBundleRef"), keys::REFERENCE),
        ("Policy", spec(Kind::Policy), policy::FIELDS),
        ("statement", statement, policy::STATEMENT),
        ("Role", spec(Kind::Role), role::FIELDS),
    ] {
        let mut known: Vec<_> = known.iter().map(|f| (*f).to_owned()).collect();
        known.sort();
        assert_eq!(names(&schema), known, "{what}");
    }
}

#[test]
fn what_the_schema_requires_the_validator_requires() {
    for kind in Kind::DEFINED {
        for field in spec(kind).required.unwrap_or_default() {
            let (problems, _) = super::told(&super::judge(kind, super::with(kind, &field, None)));
            assert!(
                problems.iter().any(|p| p.contains(&field) && p.contains("missing")),
                "{field}: {problems:?}"
            );
        }
    }
}

#[test]
fn every_operator_of_the_schema_is_one_of_the_validator() {
    for operator in crate::api::condition::operators() {
        assert!(operator.parse::<crate::model::Operator>().is_ok(), "{operator}");
    }
}
