//! Answers of our own, and refusals: what the client is told, and the reason for log and metrics.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use serde::Serialize;

use super::audit::{DETAIL_BYTES, cut};
use super::standing::Lasting;
use crate::exchange::{Code, Refusal};
use crate::route::Refused;

/// A body that passes through, or one of our own.
pub type Body = Either<Lasting, Full<Bytes>>;
/// What a client gets.
pub type Answer = Response<Body>;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The challenge at which faas-cli gets itself a function token and tries again (`openfaas-wire.md`).
pub const INVOKE_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=IAM function invoke");
/// The challenge of the REST API.
pub const API_CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"OpenFaaS API\"");

/// Roles that the log tells about, with a refusal.
pub const REASONS: usize = 10;

/// A call that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The HTTP status.
    pub status: StatusCode,
    /// The reason for metrics and log: one of a fixed set.
    pub reason: &'static str,
    /// What the client is told.
    pub text: String,
    /// What `WWW-Authenticate` says, with a 401.
    pub challenge: Option<HeaderValue>,
    /// What only the log is told.
    pub detail: String,
    /// The error code of OAuth 2.0, where the token endpoint refuses.
    pub oauth: Option<Code>,
}

/// A refusal in the words of RFC 6749 section 5.2.
#[derive(Serialize)]
struct Described<'a> {
    error: Code,
    error_description: &'a str,
}

impl Denial {
    /// A refusal.
    pub fn new(status: StatusCode, reason: &'static str, text: impl Into<String>) -> Self {
        Self { status, reason, text: text.into(), challenge: None, detail: String::new(), oauth: None }
    }

    /// 400.
    pub fn bad(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, text)
    }

    /// 403.
    pub fn forbidden(reason: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason, text)
    }

    /// 401 with a challenge.
    pub fn unauthenticated(challenge: HeaderValue, reason: &'static str, text: impl Into<String>) -> Self {
        Self { challenge: Some(challenge), ..Self::new(StatusCode::UNAUTHORIZED, reason, text) }
    }

    /// With what only the log is told.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// As the token endpoint tells it: what is wrong with a request is 400 there.
    #[must_use]
    pub fn of_exchange(self) -> Self {
        let theirs = self.status.is_client_error();
        let code = if theirs { Code::InvalidRequest } else { Code::TemporarilyUnavailable };
        let large = self.status == StatusCode::PAYLOAD_TOO_LARGE;
        let status = if large { StatusCode::BAD_REQUEST } else { self.status };
        Self { status, oauth: Some(code), ..self }
    }

    /// The answer, with the id under which the log tells the whole reason.
    pub fn answer(&self, id: &str) -> Answer {
        let told = format!("{} (decision {id})", cut(&self.text, DETAIL_BYTES));
        let mut answer = match self.oauth {
            Some(error) => unkept(json(
                self.status,
                &Described { error, error_description: &told.chars().map(describing).collect::<String>() },
            )),
            None => text(self.status, told + "\n"),
        };
        if let Some(challenge) = &self.challenge {
            answer.headers_mut().insert(WWW_AUTHENTICATE, challenge.clone());
        }
        answer
    }
}

impl From<Refused> for Denial {
    fn from(refused: Refused) -> Self {
        let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::FORBIDDEN);
        Self::new(status, refused.reason, refused.text)
    }
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            Code::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { oauth: Some(refusal.code), ..Self::new(status, refusal.reason, refusal.description) }
    }
}

/// The characters that an `error_description` may have (RFC 6749 section 5.2); the log has them as they came.
fn describing(c: char) -> char {
    match c {
        '"' => '\'',
        ' '..='~' if c != '\\' => c,
        _ => '?',
    }
}

/// What holds a token, or tells of one, is never kept (RFC 6749 section 5.1).
pub fn unkept(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

/// An answer of ours.
pub fn own(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Right(Full::new(body.into())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    own(status, TEXT, body)
}

/// JSON. What cannot be written is a fault of ours, and says nothing.
pub fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    match serde_json::to_vec(body) {
        Ok(bytes) => own(status, JSON, bytes),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written\n"),
    }
}
