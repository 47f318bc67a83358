//! Whether a discovery document is believed, and where it sends us for the keys. Pure: asks nobody.

use serde::Deserialize;
use url::Url;

use super::Missed;
use super::route::{is_plain_address, shown};
use crate::api::Reason;
use crate::model::address::is_loopback_host;

/// What we need of a discovery document (OpenID Connect Discovery 1.0, section 3).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Document {
    issuer: String,
    jwks_uri: Option<String>,
}

/// An answer that is no discovery document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoDocument;

impl NoDocument {
    /// What to tell about the answer from this address.
    pub fn at(self, url: &Url) -> Missed {
        let message =
            format!("{} is no discovery document: a JSON object with `issuer` and `jwks_uri`", shown(url));
        Missed::new(Reason::DiscoveryMismatch, message)
    }
}

/// Reads a discovery document.
pub(super) fn read(body: &[u8]) -> Result<Document, NoDocument> {
    serde_json::from_slice(body).map_err(|_| NoDocument)
}

impl Document {
    /// The issuer that it names.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// Whether the document that was read at `from` is this issuer's; gives the address of its keys, and what
/// there is to say about it. With `internal` (`issInternal`) that may be its name as well, and keys on the
/// origin of `iss` are read at the origin of `internal`.
pub(super) fn judge(
    document: &Document,
    iss: &str,
    from: &Url,
    internal: Option<&Url>,
) -> Result<(Url, Option<String>), Missed> {
    check_issuer(&document.issuer, iss, from, internal)?;
    let mismatch = |message| Missed::new(Reason::DiscoveryMismatch, message);
    let text = document.jwks_uri.as_deref();
    let text = text.ok_or_else(|| mismatch(format!("{} has no `jwks_uri`", shown(from))))?;
    let keys = Url::parse(text).ok().filter(is_plain_address);
    let keys = keys.ok_or_else(|| mismatch(format!("the `jwks_uri` in {} is no address", shown(from))))?;
    let (keys, note) = moved(keys, iss, internal);
    if is_safe(&keys, from, internal) {
        return Ok((keys, note));
    }
    let message =
        format!("the `jwks_uri` in {} is {}, and keys are read by https alone", shown(from), shown(&keys));
    Err(Missed::new(Reason::AddressForbidden, message))
}

/// What there is to say where the API server's issuer is called `reported`; refused unless `any_issuer`.
pub(super) fn judge_cluster(reported: &str, iss: &str, any_issuer: bool) -> Result<Option<String>, Missed> {
    if reported == iss {
        return Ok(None);
    }
    let message = format!("the API server calls its issuer `{}`, not `{}`", cut(reported), cut(iss));
    if any_issuer {
        return Ok(Some(format!("{message}; its keys serve here, and new tokens carry the former")));
    }
    let cure = "write that, or keep this one with `issInternal: https://kubernetes.default.svc`";
    Err(Missed::new(Reason::DiscoveryMismatch, format!("{message}; {cure}")))
}

fn check_issuer(named: &str, iss: &str, from: &Url, internal: Option<&Url>) -> Result<(), Missed> {
    let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
    let is_internal = internal.is_some_and(|internal| bare(internal.as_str()) == bare(named));
    if named == iss || is_internal {
        return Ok(());
    }
    let message = format!(
        "{} names the issuer `{}`, not `{}`; `spec.iss` has to be the former to the letter",
        shown(from),
        cut(named),
        cut(iss)
    );
    Err(Missed::new(Reason::DiscoveryMismatch, message))
}

/// An address on the origin of `iss` at the origin of `internal`; any other as it is.
fn moved(keys: Url, iss: &str, internal: Option<&Url>) -> (Url, Option<String>) {
    let (Some(internal), Ok(issuer)) = (internal, Url::parse(iss)) else { return (keys, None) };
    if keys.origin() != issuer.origin() || keys.origin() == internal.origin() {
        return (keys, None);
    }
    let mut here = internal.clone();
    here.set_path(keys.path());
    here.set_query(keys.query());
    let note = format!("the keys at {} are read at {}, because of `issInternal`", shown(&keys), shown(&here));
    (here, Some(note))
}

/// Https; plain http where a user of ours wrote it (the origin of `issInternal`), and from loopback to
/// loopback. Somebody else's document sends nobody to our own machine in clear.
fn is_safe(keys: &Url, from: &Url, internal: Option<&Url>) -> bool {
    let chosen = internal.is_some_and(|internal| internal.origin() == keys.origin());
    keys.scheme() == "https" || chosen || (is_loopback_host(keys) && is_loopback_host(from))
}

/// A name of somebody else's for a message: short, and without characters that nobody sees.
fn cut(text: &str) -> String {
    text.chars().take(256).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISS: &str = "https://idp.example.com/realms/a";
    const INTERNAL: &str = "http://idp.auth:8080/realms/a";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn judged(issuer: &str, jwks_uri: &str, internal: Option<&str>) -> Result<(String, bool), Reason> {
        let document = Document { issuer: issuer.into(), jwks_uri: Some(jwks_uri.into()) };
        let internal = internal.map(url);
        let from = internal.clone().unwrap_or_else(|| url(ISS));
        let judged = judge(&document, ISS, &from, internal.as_ref());
        judged.map(|(url, note)| (url.to_string(), note.is_some())).map_err(|missed| missed.reason)
    }

    #[test]
    fn where_the_keys_of_a_provider_are_read() {
        use Reason::{AddressForbidden, DiscoveryMismatch};
        let same = |text: &str| Ok((text.to_owned(), false));
        let moved = |text: &str| Ok((text.to_owned(), true));
        let keys = "https://idp.example.com/keys?v=2";
        let rows = [
            (ISS, keys, None, same(keys)),
            (ISS, "https://www.googleapis.com/certs", None, same("https://www.googleapis.com/certs")),
            ("https://idp.example.com/realms/a/", keys, None, Err(DiscoveryMismatch)),
            ("https://IDP.example.com/realms/a", keys, None, Err(DiscoveryMismatch)),
            ("https://evil.example.com", keys, None, Err(DiscoveryMismatch)),
            (INTERNAL, keys, None, Err(DiscoveryMismatch)),
            (ISS, "http://idp.example.com/keys", None, Err(AddressForbidden)),
            (ISS, "http://localhost/keys", None, Err(AddressForbidden)),
            (ISS, "http://127.0.0.1/keys", None, Err(AddressForbidden)),
            (ISS, "file:///etc/passwd", None, Err(DiscoveryMismatch)),
            (ISS, "https://u:p@idp.example.com/keys", None, Err(DiscoveryMismatch)),
            (ISS, "/keys", None, Err(DiscoveryMismatch)),
            (ISS, "", None, Err(DiscoveryMismatch)),
            (ISS, keys, Some(INTERNAL), moved("http://idp.auth:8080/keys?v=2")),
            (INTERNAL, keys, Some(INTERNAL), moved("http://idp.auth:8080/keys?v=2")),
            ("http://idp.auth:8080/realms/a/", keys, Some(INTERNAL), moved("http://idp.auth:8080/keys?v=2")),
            (ISS, "http://idp.auth:8080/keys", Some(INTERNAL), same("http://idp.auth:8080/keys")),
            (ISS, "https://cdn.example.com/keys", Some(INTERNAL), same("https://cdn.example.com/keys")),
            (ISS, "http://cdn.example.com/keys", Some(INTERNAL), Err(AddressForbidden)),
            (
                ISS,
                "https://idp.example.com:8443/keys",
                Some(INTERNAL),
                same("https://idp.example.com:8443/keys"),
            ),
            ("https://evil.example.com", keys, Some(INTERNAL), Err(DiscoveryMismatch)),
        ];
        for (issuer, jwks_uri, internal, want) in rows {
            assert_eq!(judged(issuer, jwks_uri, internal), want, "{issuer} {jwks_uri} {internal:?}");
        }
    }

    #[test]
    fn an_issuer_on_loopback_may_have_its_keys_there() {
        let iss = "http://localhost:8080";
        let document = Document { issuer: iss.into(), jwks_uri: Some("http://127.0.0.1:8080/keys".into()) };
        assert!(judge(&document, iss, &url(iss), None).is_ok());
    }

    #[test]
    fn the_message_tells_the_right_issuer() {
        let document = Document { issuer: "https://idp.example.com/".into(), jwks_uri: None };
        let missed = judge(&document, "https://idp.example.com", &url("https://idp.example.com/x"), None);
        insta::assert_snapshot!(missed.unwrap_err().message, @"https://idp.example.com/x names the issuer `https://idp.example.com/`, not `https://idp.example.com`; `spec.iss` has to be the former to the letter");
    }

    #[test]
    fn what_is_no_discovery_document_is_refused() {
        for body in ["", "<html>", "[]", "{}", r#"{"issuer": 7}"#, r#"{"issuer": null, "jwks_uri": "x"}"#] {
            assert_eq!(read(body.as_bytes()), Err(NoDocument), "{body}");
        }
        let document = read(br#"{"issuer": "https://idp.example.com"}"#).unwrap();
        let missed = judge(&document, "https://idp.example.com", &url(ISS), None).unwrap_err();
        assert_eq!(missed.reason, Reason::DiscoveryMismatch);
    }

    #[test]
    fn the_clusters_keys_serve_another_issuer_only_where_the_object_says_so() {
        assert_eq!(judge_cluster("a", "a", false), Ok(None));
        let note = judge_cluster("new", "old", true).unwrap().unwrap();
        insta::assert_snapshot!(note, @"the API server calls its issuer `new`, not `old`; its keys serve here, and new tokens carry the former");
        let missed = judge_cluster("new", "old", false).unwrap_err();
        assert_eq!(missed.reason, Reason::DiscoveryMismatch);
        insta::assert_snapshot!(missed.message, @"the API server calls its issuer `new`, not `old`; write that, or keep this one with `issInternal: https://kubernetes.default.svc`");
    }
}
