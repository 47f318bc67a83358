//! Bodies of `/system`: read strictly and written anew, because the provider reads JSON as Go does: keys
//! match whatever their case, and the last of two wins (`security-rules.md` 5).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Refused;
use crate::model::{FunctionName, Namespace};
use crate::token;

/// Bytes of a body of `/system`: a function's largest spec in Kubernetes.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// Labels that only who may `Function:Tag` sets, and that groups of functions go by.
pub const PROTECTED_PREFIX: &str = "iam.openfaas.com/";

const DEPLOYMENT: &[&str] = &[
    "service",
    "namespace",
    "image",
    "network",
    "envProcess",
    "envVars",
    "registryAuth",
    "constraints",
    "secrets",
    "labels",
    "annotations",
    "limits",
    "requests",
    "readOnlyRootFilesystem",
    "debug",
];

/// The fields that a body may have, for those that are near misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Deployment,
    Deletion,
    Scale,
    Secret,
    Namespace,
    Alert,
}

impl Shape {
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Deployment => DEPLOYMENT,
            Self::Deletion => &["functionName", "namespace"],
            Self::Scale => &["serviceName", "namespace", "replicas"],
            Self::Secret => &["name", "namespace", "value", "rawValue"],
            Self::Namespace => &["name", "annotations", "labels"],
            Self::Alert => &["alerts", "receiver", "status"],
        }
    }
}

/// A body that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Body(Map<String, Value>);

/// What a deployment says that has to be judged besides the function itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Where.
    pub namespace: Namespace,
    /// The function.
    pub name: FunctionName,
    /// The Secrets that it names.
    pub secrets: Vec<String>,
    /// The labels under [`PROTECTED_PREFIX`] that it sets.
    pub protected: BTreeMap<String, String>,
}

impl Body {
    /// Reads a body.
    pub(super) fn parse(bytes: &[u8], shape: Shape) -> Result<Self, Refused> {
        let map = token::parse_object(bytes, MAX_BODY_BYTES)
            .map_err(|error| Refused::bad("body", format!("the body is not taken: {error}")))?;
        let body = Self(map);
        body.check_keys(shape.fields())?;
        Ok(body)
    }

    /// No two keys that Go takes for one, and none that it takes for a field that it is not.
    fn check_keys(&self, fields: &[&str]) -> Result<(), Refused> {
        let mut folded: BTreeMap<String, &str> = BTreeMap::new();
        for key in self.0.keys() {
            if let Some(field) = fields.iter().find(|field| **field != *key && folds(field, key)) {
                return Err(bad(format!("the key `{}` is almost `{field}`", short(key))));
            }
            if let Some(other) = folded.insert(fold(key), key) {
                return Err(bad(format!(
                    "the keys `{}` and `{}` are one to the provider",
                    short(other),
                    short(key)
                )));
            }
        }
        Ok(())
    }

    /// A text field; absent where it is empty, as it is for the provider.
    pub(super) fn text(&self, field: &str) -> Result<Option<&str>, Refused> {
        match self.0.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(bad(format!("`{field}` is no text"))),
        }
    }

    pub(super) fn required(&self, field: &str) -> Result<&str, Refused> {
        self.text(field)?.ok_or_else(|| bad(format!("`{field}` is missing")))
    }

    #[must_use]
    pub(super) fn with(mut self, field: &str, text: &str) -> Self {
        self.0.insert(field.to_owned(), Value::from(text));
        self
    }

    /// What a deployment says that has to be judged.
    pub(super) fn deployment(
        &self,
        namespace: &Namespace,
        name: &FunctionName,
    ) -> Result<Deployment, Refused> {
        Ok(Deployment {
            namespace: namespace.clone(),
            name: name.clone(),
            secrets: self.secrets()?,
            protected: self
                .labels()?
                .into_iter()
                .filter(|(key, _)| key.starts_with(PROTECTED_PREFIX))
                .collect(),
        })
    }

    fn secrets(&self) -> Result<Vec<String>, Refused> {
        let items = match self.0.get("secrets") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(bad("`secrets` is no list")),
        };
        let name = |item: &Value| item.as_str().filter(|text| is_object_name(text)).map(ToOwned::to_owned);
        let names: Option<Vec<_>> = items.iter().map(name).collect();
        names.ok_or_else(|| bad("`secrets` is a list of names of Secrets in the function's own namespace"))
    }

    fn labels(&self) -> Result<BTreeMap<String, String>, Refused> {
        let map = match self.0.get("labels") {
            None | Some(Value::Null) => return Ok(BTreeMap::new()),
            Some(Value::Object(map)) => map,
            Some(_) => return Err(bad("`labels` is no map of texts")),
        };
        let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        map.iter().map(pair).collect::<Option<_>>().ok_or_else(|| bad("`labels` is no map of texts"))
    }

    /// The body with these labels added.
    #[must_use]
    pub fn with_labels(mut self, labels: &BTreeMap<String, String>) -> Self {
        if labels.is_empty() {
            return self;
        }
        let own = self.0.remove("labels").and_then(|own| own.as_object().cloned());
        let mut all = own.unwrap_or_default();
        all.extend(labels.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))));
        self.0.insert("labels".to_owned(), Value::Object(all));
        self
    }

    /// The bytes to forward.
    pub fn to_bytes(&self) -> Vec<u8> {
        Value::Object(self.0.clone()).to_string().into_bytes()
    }
}

/// The name of a Kubernetes object: a DNS subdomain (RFC 1123), at most 253 characters.
pub fn is_object_name(text: &str) -> bool {
    let label = |part: &str| Namespace::new(part).is_ok();
    text.len() <= 253 && text.split('.').all(label)
}

/// Whether Go's encoding/json takes one key for the other (`strings.EqualFold`, of which nothing else
/// concerns keys of ASCII).
pub(super) fn folds(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}

fn fold(key: &str) -> String {
    let one = |c: char| match c {
        '\u{212A}' => 'k', // the Kelvin sign
        '\u{17F}' => 's',  // the long s
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(one).collect()
}

fn bad(text: impl Into<String>) -> Refused {
    Refused::bad("body", text)
}

fn short(key: &str) -> String {
    key.chars().take(64).collect()
}
