//! Calls of the REST API: authenticate, read the body, decide, guard, forward, cut lists down.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{Either, Full};

use super::answer::{API_CHALLENGE, Answer, Denial, REASONS};
use super::authenticate::Identity;
use super::buffers::{Whole, Whose};
use super::case::Case;
use super::connection::Passing;
use super::credential::{Shown, authorization};
use super::listing::{MAX_LIST_BYTES, cut_down};
use super::service::{Asking, Gateway};
use super::snapshot::Snapshot;
use super::standing::{Caller, Lasting};
use super::{chain, headers};
use crate::engine::{Permit, Principal, PrincipalKind};
use crate::model::{Action, Request as Question, Resource};
use crate::route::{Call, Endpoint, Forward, MAX_BODY_BYTES};

/// Headers of a client that the provider gets: those that change nothing of what was judged.
const KEPT: [HeaderName; 2] = [ACCEPT, USER_AGENT];

impl Gateway {
    /// Answers a call of the REST API.
    pub async fn api(&self, endpoint: &Endpoint, request: Asking, case: &mut Case) -> Result<Answer, Denial> {
        let now_is = self.ready()?;
        case.decided_by(&now_is);
        case.action = Some(endpoint.action());
        let identity = self.caller(&now_is, request.headers(), case).await?;
        let (parts, body) = request.into_parts();
        let body = if endpoint.takes_body() {
            Some(self.buffers.of_client(body, MAX_BODY_BYTES, case.peer).await?)
        } else {
            None
        };
        let body = body.as_deref().unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        let call = endpoint.call(query, body, &self.settings.default_namespace)?;
        case.asks(&call.request);
        let permit = self.permit(&now_is, &identity.principal, &call)?;
        let forward = self.guarded(&now_is, &identity.principal, &permit, &call, case).await?;
        self.allow(&permit, case);
        let answer = self.to_provider(&permit, &forward, &parts.headers, case).await?;
        if deploys(call.request.action()) && answer.status().is_success() {
            self.provider.list_anew().await;
        }
        self.finish(&now_is, &identity, &parts.headers, &call, answer).await
    }

    /// Takes a queued call back.
    pub async fn cancel(&self, id: &str, request: Asking, case: &mut Case) -> Result<Answer, Denial> {
        let now_is = self.ready()?;
        case.decided_by(&now_is);
        let identity = self.caller(&now_is, request.headers(), case).await?;
        let question = Question::new(Action::FunctionInvoke, Resource::Cluster);
        let question = question.map_err(|error| Denial::bad("name", error.to_string()))?;
        let path = format!("/async-function/{id}");
        let forward = Forward { method: "DELETE", path, query: String::new(), body: None };
        let call = Call { request: question, forward, deployment: None, secret: None, listing: None };
        case.asks(&call.request);
        let permit = self.permit(&now_is, &identity.principal, &call)?;
        self.allow(&permit, case);
        let answer = self.to_provider(&permit, &call.forward, request.headers(), case).await?;
        self.finish(&now_is, &identity, request.headers(), &call, answer).await
    }

    /// Who calls the API: an API token, or the administrator under `migrate`.
    async fn caller(
        &self,
        now_is: &Arc<Snapshot>,
        headers: &HeaderMap,
        case: &mut Case,
    ) -> Result<Arc<Identity>, Denial> {
        let no = |reason, text: &str| Denial::unauthenticated(API_CHALLENGE, reason, text);
        match authorization(headers)? {
            Shown::Bearer(token) => {
                let identity = self.identify(now_is, token, self.now()).await.map_err(|error| {
                    no(error.reason(), "the token is not taken; log in again").because(chain(&error))
                })?;
                case.is_of(&identity);
                if identity.principal.kind() != PrincipalKind::Api {
                    let text = "this takes an API token: exchange yours at /oauth/token, or log in";
                    return Err(no("kind", text));
                }
                Ok(identity)
            }
            Shown::Basic(_) => match self.administrator(headers) {
                Some(principal) => {
                    let identity = Arc::new(Identity { principal, until: i64::MAX });
                    case.is_of(&identity);
                    Ok(identity)
                }
                None => {
                    Err(no("basic_auth", "basic auth is not taken here; log in with your identity provider"))
                }
            },
            Shown::Nothing | Shown::Other => Err(no("no_credential", "log in first: no API token was sent")),
        }
    }

    fn permit<'c>(
        &self,
        now_is: &Snapshot,
        principal: &Principal,
        call: &'c Call,
    ) -> Result<Permit<'c>, Denial> {
        let engine = &now_is.engine;
        let whole = engine.permit(principal, &call.request);
        whole.or_else(|| engine.permit_list(principal, &call.request)).ok_or_else(|| {
            let text = format!("`{}` may not {}", principal.sub(), call.request);
            let why = engine.explain(principal, &call.request, REASONS).to_string();
            Denial::forbidden("not_granted", text).because(why)
        })
    }

    /// Sends a call to the provider: nothing of the client's but a header or two, and our own credential.
    pub async fn to_provider(
        &self,
        permit: &Permit<'_>,
        forward: &Forward,
        from: &HeaderMap,
        case: &mut Case,
    ) -> Result<Response<Passing>, Denial> {
        let bytes = forward.body.as_ref().map(crate::route::Body::to_bytes).unwrap_or_default();
        let mut request = Request::new(Bytes::from(bytes));
        *request.method_mut() =
            forward.method.parse().map_err(|_| Denial::bad("method", "no such method"))?;
        let headers = request.headers_mut();
        for name in KEPT {
            if let Some(value) = from.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        if forward.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(credential) = self.admin.as_ref().and_then(super::credential::Admin::header) {
            headers.insert(AUTHORIZATION, credential);
        }
        let asked = Instant::now();
        let answer = self.upstream.ask(permit, request, forward.target()).await;
        case.waited_since(asked);
        let answer = answer?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let text = "the upstream does not take this gateway's own credential";
            return Err(Denial::new(StatusCode::BAD_GATEWAY, "upstream_credential", text));
        }
        Ok(answer)
    }

    async fn finish(
        &self,
        now_is: &Snapshot,
        identity: &Arc<Identity>,
        from: &HeaderMap,
        call: &Call,
        mut answer: Response<Passing>,
    ) -> Result<Answer, Denial> {
        let principal = &identity.principal;
        headers::for_client(answer.headers_mut());
        answer.headers_mut().remove(WWW_AUTHENTICATE);
        let Some(listing) = call.listing.filter(|_| answer.status().is_success()) else {
            let shown = from.get(AUTHORIZATION).cloned();
            let caller = shown.map(|shown| Caller { identity: identity.clone(), shown });
            let standing = self.standing(now_is, Arc::new(call.request.clone()), caller, self.now());
            return Ok(answer.map(|body| Either::Left(Lasting::new(body, Some(standing)))));
        };
        let (mut parts, body) = answer.into_parts();
        let list = self.list_for(principal, body).await?;
        let place = call.request.resource().namespace();
        let cut = cut_down(listing, &list, &now_is.engine, principal, place)?;
        // A count of the upstream's would tell how much is there.
        parts.headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CONTENT_LENGTH, HeaderValue::from(cut.len())),
        ]);
        Ok(Response::from_parts(parts, Either::Right(Full::new(list.made_into(cut)))))
    }

    /// A list of the provider's, held on behalf of this caller.
    pub async fn list_for(&self, principal: &Principal, body: Passing) -> Result<Whole, Denial> {
        let person = Whose::Person(format!("{}\n{}", principal.iss(), principal.sub()).into());
        let list = self.buffers.of_provider(body, MAX_LIST_BYTES, Some(person)).await;
        list.map_err(|denial| of_upstream(denial, "upstream_list"))
    }
}

/// Whether the functions there are, or what they say of themselves, are others afterwards.
fn deploys(action: Action) -> bool {
    matches!(action, Action::FunctionCreate | Action::FunctionUpdate | Action::FunctionDelete)
}

/// A refusal because of the provider's body: what would be the client's fault in its own is the provider's.
pub fn of_upstream(denial: Denial, reason: &'static str) -> Denial {
    match denial.status.is_client_error() {
        true => Denial { status: StatusCode::BAD_GATEWAY, reason, ..denial },
        false => denial,
    }
}
