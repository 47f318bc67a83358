//! A question with a password in it, within the bounds of every other one: the addresses, the bytes, the time. What the
//! answer means, and whether the password may go there, is decided elsewhere.

use std::sync::Arc;

use reqwest::Response;
use reqwest::dns::Resolve;
use reqwest::header::{HeaderMap, HeaderValue};
use tokio::sync::Semaphore;
use url::Url;

use super::guard::{Guard, SystemResolver};
use super::http::{Clients, GetError, Manner, body};
use super::{AT_ONCE, Options, TrustRoots};

/// Asks, by https alone, and follows no redirect at all.
pub struct SecretAsker {
    clients: Clients,
    room: Semaphore,
}

/// What was answered. Has no `Debug`: its body may be a secret.
pub struct Answer(Response);

impl SecretAsker {
    /// One that resolves names as the system does.
    pub fn new(options: Options) -> Self {
        Self::with_resolver(options, Arc::new(SystemResolver))
    }

    /// The same with another resolver of names; what it answers is guarded all the same.
    pub fn with_resolver(options: Options, resolver: Arc<dyn Resolve>) -> Self {
        let guard = Guard::new(options.forbid_private, resolver);
        let clients = Clients::new(guard, options.timeout, Manner::Secretly);
        Self { clients, room: Semaphore::new(AT_ONCE) }
    }

    /// Asks, once few enough others are being asked; says who asks where that is given.
    ///
    /// # Errors
    /// [`GetError`].
    pub async fn ask(
        &self,
        url: &Url,
        authorization: Option<HeaderValue>,
        roots: &TrustRoots,
    ) -> Result<Answer, GetError> {
        // Never closed, so that there is nothing to fail.
        let _room = self.room.acquire().await.ok();
        self.clients.with(roots)?.ask(url, authorization).await.map(Answer)
    }
}

impl Answer {
    /// Its status.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// Its body, which has the rest of the same time.
    ///
    /// # Errors
    /// [`GetError`].
    pub async fn body(self) -> Result<Vec<u8>, GetError> {
        body(self.0).await
    }
}
