//! From which address an issuer's keys are asked for (`semantics.md` 19, `security-rules.md` 20). Judges
//! addresses as they are written; dials nothing.

use url::Url;

use crate::compile::cursor::Cursor;
use crate::compile::wording::shown;
use crate::model::KeySource;
use crate::model::address::{is_forbidden_host, is_loopback_host};

/// Names of the API server inside every cluster.
const API_SERVER: &[&str] = &["kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];
/// The way out where `iss` itself cannot be asked.
const ELSEWHERE: &str = "or say where its keys are in `issInternal`, `jwks` or `jwksRef`";

/// Discovery at `issInternal`, where plain http is fine.
pub(super) fn internal(at: &mut Cursor<'_>, text: &str) -> Option<KeySource> {
    let Some(url) = url(text) else {
        at.invalid("no http or https URL; write one such as `http://keycloak.auth:8080/realms/a`");
        return None;
    };
    let source =
        if is_api_server(&url) { KeySource::Cluster(text.into()) } else { KeySource::Internal(text.into()) };
    dialable(at, &url, "or remove it").then_some(source)
}

/// Discovery at `iss` itself. A text that is no URL can only be what the cluster's own issuer is called.
pub(super) fn own(at: &mut Cursor<'_>, iss: &str) -> Option<KeySource> {
    let Some(url) = url(iss) else {
        at.warn(format!(
            "{} is no https URL, so that its tokens are taken only if the API server of this cluster is called so; write `https://…`, {ELSEWHERE}",
            shown(iss)
        ));
        return Some(KeySource::Cluster(iss.into()));
    };
    if is_api_server(&url) {
        return Some(KeySource::Cluster(iss.into()));
    }
    let safe = url.scheme() == "https" || is_loopback_host(&url);
    if !safe {
        at.invalid(format!("plain http is taken on loopback alone; write `https://…`, {ELSEWHERE}"));
    }
    (dialable(at, &url, ELSEWHERE) && safe).then_some(KeySource::Discovery)
}

/// An http or https URL as it stands: no space and no backslash that the parser would repair.
fn url(text: &str) -> Option<Url> {
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    let url = Url::parse(text).ok().filter(|_| clean && text.contains("://"))?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

fn dialable(at: &mut Cursor<'_>, url: &Url, cure: &str) -> bool {
    let named = !url.username().is_empty() || url.password().is_some();
    if named {
        at.invalid(format!("an address with a user or password is never asked; write it without, {cure}"));
    }
    let forbidden = is_forbidden_host(url);
    if forbidden {
        let host = url.host_str().unwrap_or_default();
        at.invalid(format!(
            "{} is a link-local or metadata address, which is never asked; write another, {cure}",
            shown(host)
        ));
    }
    !named && !forbidden
}

/// `https://kubernetes.default.svc[.cluster.local][:443]`.
fn is_api_server(url: &Url) -> bool {
    url.scheme() == "https"
        && url.host_str().is_some_and(|host| API_SERVER.contains(&host))
        && url.port().is_none()
        && matches!(url.path(), "" | "/")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
}
