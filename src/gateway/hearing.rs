//! The end of every call, whatever it was: counted, timed, logged where it was refused, and told to the audit
//! trail where it matters. A client that leaves early does not get around that.

use std::sync::atomic::Ordering;

use http::{HeaderMap, Method};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::answer::{Answer, Denial};
use super::audit::{Actor, DETAIL_BYTES, Event, Exchanged, METHOD_BYTES, NAME_BYTES, PATH_BYTES, cut};
use super::case::{Case, Kind, Subject};
use super::service::{Gateway, Peer};
use crate::engine::{Because, Principal, PrincipalKind};

/// The status in metrics and audit of a call whose client left before it was answered; nginx has it, too.
const LEFT: u16 = 499;

/// A call from its beginning to its end.
pub struct Hearing<'g> {
    /// What is known of it.
    pub case: Case,
    gateway: &'g Gateway,
    method: &'g Method,
    path: &'g str,
    ended: bool,
}

/// How a call ended.
struct End<'d> {
    status: u16,
    denial: Option<&'d Denial>,
    /// The id that was told, where it was told.
    decision: Option<String>,
}

impl<'g> Hearing<'g> {
    /// Begins.
    pub fn new(gateway: &'g Gateway, method: &'g Method, path: &'g str, peer: &Peer) -> Self {
        let case = Case::new(path, peer.address, gateway.audit.is_on());
        Self { case, gateway, method, path, ended: false }
    }

    /// What a front end that is believed says of where the call came from.
    pub fn forwarded(&mut self, headers: &HeaderMap) {
        if self.gateway.audit.is_on() {
            let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
            let all = values.collect::<Vec<_>>().join(", ");
            self.case.forwarded_for = (!all.is_empty()).then(|| cut(&all, NAME_BYTES).to_owned());
        }
    }

    /// The answer, once everybody was told of it.
    pub fn end(mut self, result: Result<Answer, Denial>) -> Answer {
        self.ended = true;
        let (answer, denial, decision) = match result {
            Ok(answer) => (answer, None, None),
            Err(denial) => {
                let id = self.gateway.next_id();
                self.log(&denial, &id);
                (denial.answer(&id), Some(denial), Some(id))
            }
        };
        let gateway = self.gateway;
        gateway.metrics.answered(&self.case, denial.as_ref().map(|denial| denial.reason));
        self.tell(End { status: answer.status().as_u16(), denial: denial.as_ref(), decision });
        answer
    }

    fn log(&self, denial: &Denial, id: &str) {
        tracing::info!(
            decision = id,
            status = denial.status.as_u16(),
            reason = denial.reason,
            method = cut(self.method.as_str(), METHOD_BYTES),
            path = cut(self.path, PATH_BYTES),
            peer = %self.case.peer,
            text = cut(&denial.text, DETAIL_BYTES),
            detail = cut(&denial.detail, DETAIL_BYTES),
            "refused"
        );
    }

    /// Refusals matter, and whatever was allowed to somebody; what everybody may do does not, however it ends.
    fn matters(&self, denial: Option<&Denial>) -> bool {
        match self.case.allowed {
            Some(because) => because != Because::Public,
            None => denial.is_some() || self.case.kind == Kind::Exchange,
        }
    }

    fn tell(&self, end: End<'_>) {
        if self.gateway.audit.is_on() && self.matters(end.denial) {
            self.gateway.audit.tell(self.event(end));
        }
    }

    fn event(&self, end: End<'_>) -> Event {
        let case = &self.case;
        let took = case.took();
        let allowed = end.denial.is_none() || case.allowed.is_some();
        let reason = self.reason(&end);
        let text = |text: Option<&String>| cut(text.map_or("", String::as_str), DETAIL_BYTES).to_owned();
        Event {
            time: Timestamp::now() - SignedDuration::try_from(took).unwrap_or_default(),
            event: case.kind.as_str(),
            decision: end.decision.unwrap_or_else(|| self.gateway.next_id()),
            outcome: if allowed { "allowed" } else { "refused" },
            reason,
            text: text(end.denial.map(|denial| &denial.text)),
            detail: text(end.denial.map(|denial| &denial.detail)),
            actor: self.actor(),
            path: cut(self.path, PATH_BYTES).to_owned(),
            method: cut(self.method.as_str(), METHOD_BYTES).to_owned(),
            actions: case.action.iter().map(|action| action.as_str()).collect(),
            resource: case.resource.as_ref().map(ToString::to_string),
            exchange: self.exchanged(),
            response_code: end.status,
            generation: case.generation,
            peer: case.peer,
            forwarded_for: case.forwarded_for.clone(),
            duration_ms: (took.as_secs_f64() * 1e6).round() / 1e3,
        }
    }

    fn reason(&self, end: &End<'_>) -> &'static str {
        match (end.denial, self.case.allowed) {
            (Some(denial), _) => denial.reason,
            (None, _) if end.status == LEFT => "client_left",
            (None, Some(Because::ItemByItem)) => "item_by_item",
            (None, Some(Because::Public)) => "public",
            (None, Some(Because::Granted)) => "granted",
            (None, Some(Because::Listed)) => "listed",
            (None, Some(Because::Own)) => "own",
            (None, None) => "ok",
        }
    }

    fn actor(&self) -> Option<Actor> {
        let us = &self.gateway.settings.public_url;
        let presented = self.case.identity.as_ref().map(|identity| of_principal(&identity.principal, us));
        presented.or_else(|| self.case.exchange.subject.as_ref().map(of_subject))
    }

    fn exchanged(&self) -> Option<Exchanged> {
        let exchange = &self.case.exchange;
        let asked = Exchanged::new(exchange.scope?, &exchange.audience);
        Some(Exchanged { permissions: exchange.permissions, expires_in: exchange.expires_in, ..asked })
    }
}

impl Drop for Hearing<'_> {
    /// A client that leaves takes its answer away, and not what was done for it.
    fn drop(&mut self) {
        if !self.ended && self.case.allowed.is_some() {
            self.tell(End { status: LEFT, denial: None, decision: None });
        }
    }
}

impl Gateway {
    /// An id for a decision; two are never the same in one process.
    pub fn next_id(&self) -> String {
        format!("{:x}", self.ids.fetch_add(1, Ordering::Relaxed))
    }
}

fn of_principal(principal: &Principal, us: &str) -> Actor {
    let (sub, iss) = (principal.sub(), principal.iss());
    let (kind, exchanged) = match principal.kind() {
        PrincipalKind::Api => ("api", true),
        PrincipalKind::Function => ("function", true),
        PrincipalKind::Access => ("access", false),
        PrincipalKind::Identity => ("identity", false),
        PrincipalKind::BasicAuth => ("basic_auth", false),
        PrincipalKind::Subject | PrincipalKind::Anonymous => ("subject", false),
    };
    let name = principal.claims().get("name").and_then(|name| name.text());
    let kept = |text: &str| cut(text, NAME_BYTES).to_owned();
    let sub = if exchanged { kept(&format!("fed:{sub}")) } else { kept(sub) };
    let (issuer, fed_issuer) = if exchanged { (kept(us), kept(iss)) } else { (kept(iss), String::new()) };
    Actor { sub, name: name.map(kept), issuer, fed_issuer, kind }
}

fn of_subject(subject: &Subject) -> Actor {
    let kept = |text: &String| cut(text, NAME_BYTES).to_owned();
    Actor {
        sub: kept(&subject.sub),
        name: subject.name.as_ref().map(kept),
        issuer: kept(&subject.iss),
        fed_issuer: subject.fed_iss.as_ref().map(kept).unwrap_or_default(),
        kind: "subject",
    }
}
