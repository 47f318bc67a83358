//! The route table: which call a method and a path are, what it is judged as, and what is forwarded for it.
//!
//! Pure. Decides nothing about rights; says which right decides. What is forwarded is built from what was
//! judged, never passed through (`security-rules.md` 2–6); a route that nobody decided on is refused.

mod api;
mod body;
mod function;
mod path;
mod query;

use crate::model::{FunctionName, Namespace};

pub use api::{Call, Endpoint, Forward, Listing, ui};
pub use body::{Body, Deployment, MAX_BODY_BYTES, PROTECTED_PREFIX, is_object_name};
pub use function::{Invocation, target};

/// A call that nobody may make, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    /// The HTTP status: 400 for what is ambiguous or malformed, 403 for what nobody decided on.
    pub status: u16,
    /// The reason for logs and metrics: one of a fixed set.
    pub reason: &'static str,
    /// What is wrong, for the client.
    pub text: String,
}

impl Refused {
    fn bad(reason: &'static str, text: impl Into<String>) -> Self {
        Self { status: 400, reason, text: text.into() }
    }

    fn undecided() -> Self {
        let text = "there is no such route here; a route that nobody decided on is denied".to_owned();
        Self { status: 403, reason: "undecided_route", text }
    }
}

/// What a method and a path are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route<'p> {
    /// `GET /healthz`: ours, nothing forwarded.
    Health,
    /// `/` and `/ui/…`: a page of ours that tells how to log in.
    Page,
    /// `GET /.well-known/openid-configuration`.
    Discovery,
    /// `GET /.well-known/keys`: the key set that discovery names.
    Keys,
    /// `POST /oauth/token`.
    Token,
    /// A call of the REST API.
    Api(Endpoint),
    /// `DELETE /async-function/{call-id}`: takes a queued call back.
    CancelCall(&'p str),
    /// A call of a function.
    Function(Invocation<'p>),
}

/// The path of the key set.
pub const KEYS_PATH: &str = "/.well-known/keys";
/// Where the Go SDK, and so faas-cli, creates a namespace.
const NAMED_IN_BODY: &str = "/system/namespace/";

/// Finds the route. `path` is the request's path as it came, still encoded, without its query;
/// `default_namespace` is where functions are whose caller names no namespace.
///
/// # Errors
/// [`Refused`] for an ambiguous path, a name that is none, and every route that nobody decided on.
pub fn route<'p>(method: &str, path: &'p str, default_namespace: &Namespace) -> Result<Route<'p>, Refused> {
    // Its target is a host and no path: forwarded, it would ask the upstream for a tunnel (RFC 9110 section 9.3.6).
    if method == "CONNECT" {
        return Err(Refused::bad("method", "nothing here is connected to"));
    }
    if let Some(rest) = path.strip_prefix("/function/") {
        return Invocation::parse(rest, false, default_namespace).map(Route::Function);
    }
    if let Some(rest) = path.strip_prefix("/async-function/") {
        return asynchronous(method, rest, default_namespace);
    }
    // Two addresses have a slash at their end: the UI's own, and where faas-cli creates a namespace.
    if path == "/ui/" && matches!(method, "GET" | "HEAD") {
        return Ok(Route::Page);
    }
    if (method, path) == ("POST", NAMED_IN_BODY) {
        return Ok(Route::Api(Endpoint::ChangeNamespace(api::Method::Post, None)));
    }
    let segments = path::segments(path)?;
    match (method, segments.as_slice()) {
        ("GET" | "HEAD", ["healthz"]) => Ok(Route::Health),
        ("GET" | "HEAD", [""] | ["ui"] | ["ui", ..]) => Ok(Route::Page),
        ("GET" | "HEAD", [".well-known", "openid-configuration"]) => Ok(Route::Discovery),
        ("GET" | "HEAD", [".well-known", "keys"]) => Ok(Route::Keys),
        ("POST", ["oauth", "token"]) => Ok(Route::Token),
        (method, ["system", rest @ ..]) => Endpoint::find(method, rest).map(Route::Api),
        _ => Err(Refused::undecided()),
    }
}

fn asynchronous<'p>(method: &str, rest: &'p str, default: &Namespace) -> Result<Route<'p>, Refused> {
    match method {
        "POST" => Invocation::parse(rest, true, default).map(Route::Function),
        "DELETE" => {
            let text = "the id of a queued call is a UUID, as `X-Call-Id` gave it";
            is_call_id(rest).then_some(Route::CancelCall(rest)).ok_or_else(|| Refused::bad("name", text))
        }
        _ => Err(Refused::undecided()),
    }
}

/// Whether this is the id of a queued call as OpenFaaS makes it: a UUID. Anything else may be a function's name, and an
/// upstream that takes it for one would hand the function our credential.
fn is_call_id(text: &str) -> bool {
    let groups = text.split('-').map(str::len);
    groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// A function's name in a path or a field.
fn function_name(text: &str) -> Result<FunctionName, Refused> {
    FunctionName::new(text).map_err(|error| Refused::bad("name", error.to_string()))
}

fn namespace(text: &str) -> Result<Namespace, Refused> {
    Namespace::new(text).map_err(|error| Refused::bad("namespace", error.to_string()))
}

#[cfg(test)]
mod tests;
