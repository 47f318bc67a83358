//! What goes on for long, a stream of an answer or a connection that went over to WebSocket, ends where whoever began it
//! would not be let in any more: a revocation is felt there, too (`security-rules.md` 17). An upgraded connection ends
//! as soon as that is decided, a stream before its next piece; that a token has expired meanwhile ends neither.
//!
//! Costs an ordinary call a look at whether anything was decided anew, and allocates nothing for it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderValue;
use hyper::body::{Body, Frame, SizeHint};

use super::authenticate::{Identity, identified};
use super::connection::Passing;
use super::service::Gateway;
use super::snapshot::{Now, Snapshot};
use crate::engine::{Principal, PrincipalKind};
use crate::model::Request as Question;

/// Who began it. Has no `Debug`: the token is there.
#[derive(Clone)]
pub struct Caller {
    /// Who it was then.
    pub identity: Arc<Identity>,
    /// The header that proved it.
    pub shown: HeaderValue,
}

/// By what right something goes on.
#[derive(Clone)]
pub struct Standing {
    now: Arc<Now>,
    /// What it was last held against.
    epoch: u64,
    began: i64,
    question: Arc<Question>,
    /// Nobody where everybody may.
    caller: Option<Caller>,
    /// Whether functions are private where nothing says otherwise.
    private: bool,
}

impl Gateway {
    /// By what right a call goes on that was allowed by this state, at a time in seconds since 1970.
    pub fn standing(
        &self,
        now_is: &Snapshot,
        question: Arc<Question>,
        caller: Option<Caller>,
        began: i64,
    ) -> Standing {
        Standing {
            now: self.current.clone(),
            epoch: now_is.epoch,
            began,
            question,
            caller,
            private: self.settings.private,
        }
    }
}

impl Standing {
    /// Whether it would be let in by what is decided now.
    pub fn holds(&mut self) -> bool {
        let Some(now_is) = &*self.now.is() else { return false };
        if now_is.epoch == self.epoch {
            return true;
        }
        let holds = self.would_begin(now_is);
        if holds {
            self.epoch = now_is.epoch;
        } else {
            tracing::info!(call = %self.question, "what was going on is ended: it would not be allowed any more");
        }
        holds
    }

    /// Returns once it does not hold any more.
    pub async fn over(mut self) {
        let mut swapped = self.now.swapped();
        while self.holds() && swapped.changed().await.is_ok() {}
    }

    fn would_begin(&self, now_is: &Snapshot) -> bool {
        let everybody = now_is.engine.permit_public(&self.question, self.private).is_some();
        everybody || self.caller.as_ref().is_some_and(|caller| self.may(now_is, caller))
    }

    fn may(&self, now_is: &Snapshot, caller: &Caller) -> bool {
        let principal = &caller.identity.principal;
        if principal.kind() == PrincipalKind::BasicAuth {
            return self.permits(now_is, principal);
        }
        // With its scheme before it, or alone.
        let token = caller.shown.to_str().ok().and_then(|text| text.split_whitespace().last());
        let identity = token.and_then(|token| identified(now_is, token, self.began).ok());
        identity.is_some_and(|principal| self.permits(now_is, &principal))
    }

    fn permits(&self, now_is: &Snapshot, principal: &Principal) -> bool {
        let (engine, question) = (&now_is.engine, &self.question);
        match principal.kind() {
            PrincipalKind::Access => engine.permit_access(principal, question).is_some(),
            _ => engine.decide(principal, question) || engine.permit_list(principal, question).is_some(),
        }
    }
}

/// The body of an answer that passes through, for as long as that stands.
pub struct Lasting {
    body: Passing,
    standing: Option<Standing>,
    begun: bool,
}

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// Who asked for it may not have more of it.
    #[error("who asked for it would not be allowed to any more")]
    Over,
    /// The upstream ended it.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

impl Lasting {
    /// A body that ends where this does not hold any more.
    pub fn new(body: Passing, standing: Option<Standing>) -> Self {
        Self { body, standing, begun: false }
    }
}

impl Body for Lasting {
    type Data = Bytes;
    type Error = Ended;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ended>>> {
        // A piece that has come with the head is there by the same right; most answers have no other.
        let lasts = std::mem::replace(&mut self.begun, true);
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let over = lasts && self.standing.as_mut().is_some_and(|standing| !standing.holds());
        Poll::Ready(match frame {
            Some(Ok(_)) if over => Some(Err(Ended::Over)),
            other => other.map(|frame| frame.map_err(Ended::Broken)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
