//! What there is to say about a manifest, with its place, as one line that editors can follow.
//!
//! A carrier for findings of any part of the program; it finds nothing itself.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::model::{FieldPath, Position};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is invalid and grants nothing.
    Problem,
    /// It works.
    Warning,
}

/// One finding. Ordered by file, place, object and field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// The name of the file, `-` for standard input; absent for what comes from a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Arc<str>>,
    /// The line and column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The object as `<plural>.<group>/<name>`, once that much is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The field, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldPath>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what to do, without a full stop.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    /// `file.yaml:12:7: warning: roles.iam.openfaas.com/dev: spec.condition: message`, without
    /// what is not known; a problem has no word for its severity.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}:")?;
            self.position.iter().try_for_each(|position| write!(f, "{position}:"))?;
            f.write_str(" ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        self.object.iter().try_for_each(|object| write!(f, "{object}: "))?;
        if let Some(field) = self.field.as_ref().filter(|field| !field.is_root()) {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Diagnostic {
        Diagnostic {
            source: Some("role.yaml".into()),
            position: Some(Position { line: 12, column: 7 }),
            object: Some("roles.iam.openfaas.com/dev".to_owned()),
            field: Some(FieldPath::root().child("spec").child("condition")),
            severity: Severity::Problem,
            message: "an empty map".to_owned(),
        }
    }

    #[test]
    fn a_finding_is_one_line_that_names_file_line_object_and_field() {
        assert_eq!(
            finding().to_string(),
            "role.yaml:12:7: roles.iam.openfaas.com/dev: spec.condition: an empty map"
        );
    }

    #[test]
    fn a_warning_says_so_and_what_is_unknown_is_left_out() {
        let warning = Diagnostic { severity: Severity::Warning, field: None, ..finding() };
        assert_eq!(warning.to_string(), "role.yaml:12:7: warning: roles.iam.openfaas.com/dev: an empty map");
        let unplaced = Diagnostic { source: None, position: None, object: None, ..warning };
        assert_eq!(unplaced.to_string(), "warning: an empty map");
    }
}
