//! The objects of a cluster, judged by the validator that files get, with the operator's own word
//! where it knows more.
//!
//! What the operator says can only be a warning here: it is about the world (an issuer that cannot
//! be reached), and the files of the same objects would not show it.

use kube::api::DynamicObject;
use serde_json::Value;

use super::cluster::{Cluster, ClusterError};
use crate::api::Kind;
use crate::api::status::READY;
use crate::compile::validate::validate;
use crate::compile::{Catalogue, ObjectRef, Surroundings};
use crate::folder::findings::unplaced;
use crate::folder::{Compiled, Read};
use crate::manifest::{Diagnostic, Severity};
use crate::model::{FieldPath, Unplaced};

/// Lists the objects and judges them.
///
/// # Errors
/// [`ClusterError`] where they cannot be listed.
pub fn compiled(cluster: &Cluster) -> Result<Compiled, ClusterError> {
    let objects: Vec<_> = cluster.objects()?.into_iter().map(read).collect();
    let judged = objects.iter().map(|(of, value)| (of.clone(), validate(of.kind, value, &Unplaced)));
    let catalogue = Catalogue { objects: judged.collect() };
    let mut compiled = Compiled::of_objects(&catalogue, &Surroundings::default(), &Read::default());
    let words = objects.iter().filter_map(|(of, value)| operator_says(of, value));
    let news: Vec<_> = words.filter(|word| !has_problem(&compiled, word)).collect();
    compiled.findings.extend(news);
    compiled.findings.sort();
    Ok(compiled)
}

fn read((kind, object): (Kind, DynamicObject)) -> (ObjectRef, Value) {
    let name = object.metadata.name.as_deref().unwrap_or_default().into();
    (ObjectRef { kind, name }, serde_json::to_value(object).unwrap_or_default())
}

fn has_problem(compiled: &Compiled, word: &Diagnostic) -> bool {
    compiled.problems().any(|problem| problem.object == word.object)
}

/// What the operator has to say about this generation of an object; nothing where it is content.
fn operator_says(of: &ObjectRef, object: &Value) -> Option<Diagnostic> {
    let say = |message| Some(unplaced(of, Severity::Warning, FieldPath::root(), message));
    let generation = object.pointer("/metadata/generation");
    if object.pointer("/status/observedGeneration") != generation {
        return say("the operator has not judged this generation yet".to_owned());
    }
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array)?;
    let ready = conditions.iter().find(|c| c.get("type").is_some_and(|t| t == READY))?;
    let text = |key| ready.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("status") {
        "True" => None,
        _ => say(format!("the operator says {}: {}", text("reason"), text("message"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn says(status: &Value) -> Option<String> {
        let object = json!({ "metadata": { "generation": 2 }, "status": status });
        let of = ObjectRef { kind: Kind::Role, name: "dev".into() };
        operator_says(&of, &object).map(|d| d.to_string())
    }

    #[test]
    fn the_operator_is_quoted_about_this_generation_alone() {
        let ready =
            |status: &str| json!([{ "type": "Ready", "status": status, "reason": "R", "message": "m" }]);
        let told = says(&json!({ "observedGeneration": 2, "conditions": ready("False") }));
        assert_eq!(told.as_deref(), Some("warning: roles.iam.openfaas.com/dev: the operator says R: m"));
        assert_eq!(says(&json!({ "observedGeneration": 2, "conditions": ready("True") })), None);
        let old = says(&json!({ "observedGeneration": 1, "conditions": ready("False") }));
        assert!(old.unwrap().contains("not judged this generation"));
        assert!(says(&json!({ "observedGeneration": -1 })).is_some());
    }
}
