//! What kubectl says it applied and the API server did not keep (`semantics.md` 25).
//!
//! Compares names of fields alone; a value that was changed since is nobody's fault.

use serde_json::Value;

use crate::compile::cursor::{Cursor, clipped};

const ANNOTATION: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

/// Warns of every field of `spec` that the annotation shows and the object lacks.
pub(super) fn compare(at: &mut Cursor<'_>, object: &Value) {
    let annotation = object.pointer(ANNOTATION).and_then(Value::as_str);
    let applied = annotation.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let (Some(applied), Some(spec)) = (applied.as_ref().and_then(|a| a.get("spec")), object.get("spec"))
    else {
        return;
    };
    at.within("spec", |at| lacking(at, applied, spec));
}

fn lacking(at: &mut Cursor<'_>, applied: &Value, kept: &Value) {
    match (applied, kept) {
        (Value::Object(applied), Value::Object(kept)) => {
            for (name, value) in applied.iter().filter(|(name, _)| *name != "jwks") {
                at.within(clipped(name), |at| match kept.get(name) {
                    Some(kept) => lacking(at, value, kept),
                    None => at.warn("`kubectl apply` wrote this field and the object does not have it: it is no field of this kind, was null, or was removed since; apply again with `--validate=strict`"),
                });
            }
        }
        (Value::Array(applied), Value::Array(kept)) if applied.len() == kept.len() => {
            for (index, (applied, kept)) in applied.iter().zip(kept).enumerate() {
                at.within(index, |at| lacking(at, applied, kept));
            }
        }
        _ => {}
    }
}
