//! What is known of a kind's definition: whether the API server keeps every field of ours.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use crate::api::schema::missing_fields;

/// The definition of a kind as it was read last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Schema {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// There is none.
    Absent,
    /// It keeps every field of ours; which version of which definition this is.
    Whole(String),
    /// Fields of ours are dropped from what is shown.
    Lacking {
        /// Which version of which definition this is.
        mark: String,
        /// Their paths.
        fields: Vec<String>,
    },
}

impl Schema {
    /// What a definition that was read says; `None` is one that is not there.
    pub fn of(found: Option<&CustomResourceDefinition>) -> Self {
        let Some(found) = found else { return Self::Absent };
        let meta = &found.metadata;
        let uid = meta.uid.as_deref().unwrap_or_default();
        let mark = format!("{uid}/{}", meta.generation.unwrap_or_default());
        let fields = missing_fields(found);
        if fields.is_empty() { Self::Whole(mark) } else { Self::Lacking { mark, fields } }
    }

    /// Which version of which definition keeps every field, where one does.
    pub fn whole(&self) -> Option<&str> {
        match self {
            Self::Whole(mark) => Some(mark),
            _ => None,
        }
    }

    /// Whether a status can be written.
    pub fn takes_status(&self) -> bool {
        match self {
            Self::Whole(_) => true,
            Self::Lacking { fields, .. } => {
                !fields.iter().any(|f| f == "status" || f.starts_with("version "))
            }
            Self::Unknown | Self::Absent => false,
        }
    }
}
