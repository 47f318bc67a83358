//! One request as a person would name it: `PUT secrets/faas-iam-bundle #2`, the same in every namespace and run.

use std::fmt;

use axum::http::{Method, Uri};
use serde_json::Value;

/// A run of so many hexadecimal digits is a hash, a time or a uid.
const HASH: usize = 12;

/// A request, and how often it was made before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Such as `PUT secrets/faas-iam-bundle`.
    pub what: String,
    /// 1 for the first time that this was asked.
    pub ordinal: usize,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.what, self.ordinal)
    }
}

impl Call {
    /// Whether it is meant to change something.
    pub fn writes(&self) -> bool {
        !self.what.starts_with("GET ")
    }

    /// Whether it watches.
    pub fn watches(&self) -> bool {
        self.what.starts_with("GET ") && self.what.contains(" (watch)")
    }
}

/// The name of a request: method, resource, and the object's name, which a POST has in its body.
pub fn name(method: &Method, uri: &Uri, body: &[u8]) -> String {
    let query = uri.query().unwrap_or_default();
    let mut what = format!("{method} {}", resource(uri.path()));
    if *method == Method::POST
        && let Ok(object) = serde_json::from_slice::<Value>(body)
        && let Some(name) = object["metadata"]["name"].as_str()
    {
        what = format!("{what}/{name}");
    }
    let parameters = || url::form_urlencoded::parse(query.as_bytes());
    if let Some((_, field)) = parameters().find(|(key, _)| key == "fieldSelector") {
        what = format!("{what}?{field}");
    }
    let is_watch = parameters().any(|(key, value)| key == "watch" && matches!(&*value, "true" | "1"));
    without_hashes(&what, HASH) + if is_watch { " (watch)" } else { "" }
}

/// What follows group, version and namespace in a path.
fn resource(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let rest = match parts.as_slice() {
        ["api", _, "namespaces", _, rest @ ..] | ["apis", _, _, "namespaces", _, rest @ ..] => rest,
        ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
        rest => rest,
    };
    rest.join("/")
}

/// The text with `*` for each run of at least so many hexadecimal digits, in small letters.
pub fn without_hashes(text: &str, least: usize) -> String {
    let (mut out, mut run) = (String::new(), String::new());
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_hexdigit() && !letter.is_ascii_uppercase() {
            run.push(letter);
            continue;
        }
        out.push_str(if run.len() >= least { "*" } else { &run });
        run.clear();
        out.extend((letter != '\0').then_some(letter));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_same_name_in_every_namespace_and_whatever_the_hash() {
        let named = |method: &str, uri: &str, body: &str| {
            name(&method.parse().unwrap(), &uri.parse().unwrap(), body.as_bytes())
        };
        let post = r#"{"metadata": {"name": "faas-iam-bundle-0123456789abcdef"}}"#;
        for (method, uri, body, expected) in [
            (
                "POST",
                "/api/v1/namespaces/a/configmaps?fieldManager=x",
                post,
                "POST configmaps/faas-iam-bundle-*",
            ),
            (
                "PATCH",
                "/apis/iam.openfaas.com/v1/namespaces/b/roles/caller/status",
                "",
                "PATCH roles/caller/status",
            ),
            (
                "GET",
                "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Dx&watch=true",
                "",
                "GET secrets?metadata.name=x (watch)",
            ),
            (
                "GET",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/r",
                "",
                "GET customresourcedefinitions/r",
            ),
            ("GET", "/version", "", "GET version"),
        ] {
            assert_eq!(named(method, uri, body), expected);
        }
    }
}
