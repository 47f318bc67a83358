//! Calls of functions: public ones pass, private ones need a function token; bodies, streams and upgrades
//! go through without being read.

use std::sync::Arc;
use std::time::Instant;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Either;

use super::answer::{Answer, Denial, INVOKE_CHALLENGE, REASONS};
use super::callback::callback;
use super::case::Case;
use super::credential::{Shown, X_AUTH_TOKEN, authorization, is_ours, single, strip_ours};
use super::service::{Asking, Gateway, Peer, no_bundle};
use super::snapshot::Snapshot;
use super::standing::{Caller, Lasting, Standing};
use super::{chain, headers, upgrade};
use crate::engine::{Permit, Principal, PrincipalKind};
use crate::model::Request as Question;
use crate::route::Invocation;

/// How a private function's caller sent its token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Authorization,
    XAuthToken,
}

impl Way {
    fn header(self) -> HeaderName {
        match self {
            Self::Authorization => AUTHORIZATION,
            Self::XAuthToken => X_AUTH_TOKEN,
        }
    }
}

impl Gateway {
    /// Answers a call of a function.
    pub async fn invoke(
        &self,
        call: Invocation<'_>,
        mut request: Asking,
        peer: &Peer,
        case: &mut Case,
    ) -> Result<Answer, Denial> {
        let heard = self.provider.hears(&call.namespace).await;
        let (asynchronous, target) = (call.asynchronous, call.target(request.uri().query()));
        let question = Arc::new(call.into_request()?);
        case.asks(&question);
        if request.headers().get_all(AUTHORIZATION).iter().nth(1).is_some() {
            return Err(Denial::bad("header", "more than one `authorization`"));
        }
        if asynchronous {
            callback(request.headers(), &self.settings.callback_hosts)?;
        }
        let (permit, standing) = self.judge(&question, heard, request.headers_mut(), case).await?;
        self.allow(&permit, case);
        self.to_function(&permit, target, request, peer, standing, case).await
    }

    /// Whether the call is allowed by what is decided now, and by what right it goes on; leaves the headers as the
    /// function is to get them.
    async fn judge<'q>(
        &self,
        question: &'q Arc<Question>,
        heard: bool,
        headers: &mut HeaderMap,
        case: &mut Case,
    ) -> Result<(Permit<'q>, Standing), Denial> {
        // Looked at and not kept: a count of who keeps it would be handed from core to core by all calls.
        let (state, now) = (self.current.is(), self.now());
        let now_is = state.as_ref().ok_or_else(no_bundle)?;
        case.decided_by(now_is);
        let (permit, caller) = match now_is.engine.permit_public(question, self.settings.private) {
            Some(_) if !heard && !now_is.knows(question.resource()) => {
                let text = "which functions are private is not known yet; try again soon";
                return Err(Denial::new(StatusCode::SERVICE_UNAVAILABLE, "no_functions", text));
            }
            Some(permit) => {
                strip_ours(headers, &self.settings.public_url, self.admin.as_ref());
                (permit, None)
            }
            None => self.admit(now_is, question, headers, now, case).await?,
        };
        Ok((permit, self.standing(now_is, question.clone(), caller, now)))
    }

    /// Whether who holds this token may invoke the private function, and who that is.
    async fn admit<'q>(
        &self,
        now_is: &Arc<Snapshot>,
        question: &'q Question,
        headers: &mut HeaderMap,
        now: i64,
        case: &mut Case,
    ) -> Result<(Permit<'q>, Option<Caller>), Denial> {
        let no = |reason, text: &str| Denial::unauthenticated(INVOKE_CHALLENGE, reason, text);
        let checks = now_is.checks_tokens(question.resource()).unwrap_or(false);
        let (token, way) = self.token(headers, checks)?;
        let identity = self.identify(now_is, token, now).await.map_err(|error| {
            no(error.reason(), "the token is not taken; get a new function token").because(chain(&error))
        })?;
        case.is_of(&identity);
        let principal = &identity.principal;
        let permit = match principal.kind() {
            PrincipalKind::Function => now_is.engine.permit(principal, question),
            PrincipalKind::Access => now_is.engine.permit_access(principal, question),
            _ => {
                let text = "this takes a function token: exchange yours with `scope=function`";
                return Err(no("kind", text));
            }
        };
        let permit = permit.ok_or_else(|| {
            let text = format!("`{}` may not {question}", principal.sub());
            Denial::forbidden("not_granted", text).because(refused(now_is, principal, question))
        })?;
        let shown = headers.get(way.header()).cloned();
        self.hand_on(headers, way, checks);
        Ok((permit, shown.map(|shown| Caller { identity, shown })))
    }

    /// The caller's token and where it stood.
    fn token<'h>(&self, headers: &'h HeaderMap, checks: bool) -> Result<(&'h str, Way), Denial> {
        let own = single(headers, &X_AUTH_TOKEN)?;
        match (own, authorization(headers)?) {
            (Some(token), Shown::Nothing) => Ok((token, Way::XAuthToken)),
            (Some(token), _) => {
                let public_url = &self.settings.public_url;
                let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
                if checks || is_ours(value, public_url, self.admin.as_ref()) {
                    return Err(Denial::bad("two_tokens", "send one of `Authorization` and `X-Auth-Token`"));
                }
                Ok((token, Way::XAuthToken))
            }
            (None, Shown::Bearer(token)) => Ok((token, Way::Authorization)),
            (None, _) => {
                let text = "this function is private: no function token was sent";
                Err(Denial::unauthenticated(INVOKE_CHALLENGE, "no_credential", text))
            }
        }
    }

    /// A watchdog that checks tokens gets the token where it looks for it; any other function gets nothing
    /// of ours, and the application's own `Authorization` untouched.
    fn hand_on(&self, headers: &mut HeaderMap, way: Way, checks: bool) {
        let own = headers.remove(X_AUTH_TOKEN);
        match (way, checks) {
            (Way::XAuthToken, true) => {
                if let Some(value) = own.as_ref().and_then(bearer) {
                    headers.insert(AUTHORIZATION, value);
                }
            }
            (Way::Authorization, true) => {}
            // What was taken as a token of ours needs not be read again to know whose it is.
            (Way::Authorization, false) => drop(headers.remove(AUTHORIZATION)),
            (Way::XAuthToken, false) => {
                strip_ours(headers, &self.settings.public_url, self.admin.as_ref());
            }
        }
    }

    async fn to_function(
        &self,
        permit: &Permit<'_>,
        target: String,
        mut request: Asking,
        peer: &Peer,
        standing: Standing,
        case: &mut Case,
    ) -> Result<Answer, Denial> {
        let protocol = headers::upgrade(request.headers());
        if let Some(named) = request.uri().authority().cloned() {
            headers::name_host(request.headers_mut(), &named);
        }
        headers::for_function(request.headers_mut(), peer);
        let client = protocol.map(|protocol| {
            upgrade::ask(request.headers_mut(), protocol);
            hyper::upgrade::on(&mut *request)
        });
        let asked = Instant::now();
        let answer = self.upstream.send(permit, request, target).await;
        case.waited_since(asked);
        let mut answer = answer?;
        let agreed = headers::upgrade(answer.headers());
        upgrade::follow(client, &mut answer, &standing);
        headers::for_client(answer.headers_mut());
        if let Some(protocol) = agreed.filter(|_| answer.status() == http::StatusCode::SWITCHING_PROTOCOLS) {
            upgrade::ask(answer.headers_mut(), protocol);
        }
        Ok(Response::map(answer, |body| Either::Left(Lasting::new(body, Some(standing)))))
    }
}

/// A token as watchdogs read it.
fn bearer(token: &HeaderValue) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(&[b"Bearer ", token.as_bytes()].concat()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Why a token does not open a function, for the log.
fn refused(now_is: &Snapshot, principal: &Principal, question: &Question) -> String {
    match principal.privacy() {
        Some(name) => format!("the FunctionPrivacy `{name}`, whose access token it is, does not cover it"),
        None => now_is.engine.explain(principal, question, REASONS).to_string(),
    }
}
