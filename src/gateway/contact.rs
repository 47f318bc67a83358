//! How long the API server has been out of contact (`security-rules.md` 29): nothing while it answered whatever
//! it was asked last, else since it last did. Every request to it is seen on its way; a watch alone would say
//! nothing when it is taken up again and nothing has changed.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use tower::{Layer, Service};

/// Whether the API server answers.
#[derive(Debug)]
pub struct Contact(Mutex<State>);

#[derive(Debug, Clone, Copy)]
struct State {
    answered: Instant,
    failing: bool,
}

impl Contact {
    /// Nobody was asked yet. Without a cluster nobody will be, and nothing is out of contact.
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(State { answered: now, failing: false }))
    }

    /// It answered, or did not.
    pub fn heard(&self, answered: bool, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failing = !answered;
        if answered {
            state.answered = now;
        }
    }

    /// For how long it has not answered.
    pub fn lost_for(&self, now: Instant) -> Duration {
        let state = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failing { now.saturating_duration_since(state.answered) } else { Duration::ZERO }
    }
}

/// Has a client's requests seen.
#[derive(Clone)]
pub struct Seen(pub Arc<Contact>);

impl<S> Layer<S> for Seen {
    type Service = Seeing<S>;

    fn layer(&self, inner: S) -> Seeing<S> {
        Seeing { inner, contact: self.0.clone() }
    }
}

/// A client whose requests are seen.
#[derive(Clone)]
pub struct Seeing<S> {
    inner: S,
    contact: Arc<Contact>,
}

impl<S, A, B> Service<Request<A>> for Seeing<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (answer, contact) = (self.inner.call(request), self.contact.clone());
        Box::pin(async move {
            let answer = answer.await;
            // What it refuses it has answered; a proxy in front of it, or an API server that only begins, has not.
            let answered = answer.as_ref().is_ok_and(|answer| !answer.status().is_server_error());
            contact.heard(answered, Instant::now());
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s29_contact_is_lost_since_the_last_answer_and_until_the_next() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let contact = Contact::new(began);
        let lost = |seconds| contact.lost_for(at(seconds)).as_secs();
        assert_eq!(lost(100), 0, "without a cluster");
        contact.heard(false, at(1));
        assert_eq!(lost(10), 10, "never yet");
        contact.heard(true, at(20));
        assert_eq!(lost(80), 0, "a quiet cluster says nothing");
        contact.heard(false, at(80));
        contact.heard(false, at(95));
        assert_eq!(lost(100), 80, "trying again does not begin anew");
        contact.heard(true, at(101));
        assert_eq!(lost(102), 0);
    }
}
