//! Bodies that are read whole: each of bounded size and within a time, and all of them together, those of one
//! address, and answers for one person, within a budget (`security-rules.md` 27). What is held counts until
//! nobody holds it any more.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Denial;
use super::connection::Passing;
use super::peers::one;

/// What may be held.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes of clients' bodies, altogether.
    pub clients: usize,
    /// Bytes of the bodies of one address.
    pub client: usize,
    /// Bytes of the provider's answers, altogether.
    pub provider: usize,
    /// Bytes of those for one person, who may take them as slowly as anybody.
    pub person: usize,
    /// How long a client may take for its body,
    pub client_within: Duration,
    /// and how long the provider.
    pub provider_within: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        let [client_within, provider_within] = [30, 60].map(Duration::from_secs);
        let [clients, client, provider, person] = [256, 64, 256, 64].map(|mebibytes| mebibytes << 20);
        Self { clients, client, provider, person, client_within, provider_within }
    }
}

/// Who reads bodies.
pub struct Buffers {
    budget: Budget,
    clients: Arc<Semaphore>,
    provider: Arc<Semaphore>,
    shares: Shares,
}

/// Bytes that are held, by whose they are.
type Shares = Arc<Mutex<HashMap<Whose, usize>>>;

/// Whose bytes they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Those of who sent them.
    Address(IpAddr),
    /// Those of whom they are for.
    Person(Box<str>),
}

impl Whose {
    fn at(peer: IpAddr) -> Self {
        Self::Address(one(peer))
    }
}

/// A whole body.
pub struct Whole {
    bytes: Bytes,
    kept: Kept,
}

/// Part of the budget, until it is dropped.
#[derive(Default)]
struct Kept {
    permits: Option<OwnedSemaphorePermit>,
    share: Option<Share>,
}

/// Part of what one address or person may have.
struct Share {
    of: Whose,
    bytes: usize,
    most: usize,
    shares: Shares,
}

impl Buffers {
    /// Nothing is held yet.
    pub fn new(budget: Budget) -> Self {
        let semaphore = |bytes: usize| Arc::new(Semaphore::new(bytes));
        let (clients, provider) = (semaphore(budget.clients), semaphore(budget.provider));
        Self { budget, clients, provider, shares: Arc::default() }
    }

    /// The body of a client at this address.
    ///
    /// # Errors
    /// [`Denial`]: 413, 408, 400 where it breaks off, 503 where too much is held.
    pub async fn of_client(&self, body: Incoming, most: usize, peer: IpAddr) -> Result<Whole, Denial> {
        let kept = self.share(Whose::at(peer), self.budget.client);
        let read = self.read(body, most, &self.clients, kept);
        let late = |_| {
            let text = "the body did not come in time";
            Denial::new(StatusCode::REQUEST_TIMEOUT, "slow_body", text)
        };
        tokio::time::timeout(self.budget.client_within, read).await.map_err(late)?
    }

    /// The body of an answer of the provider's, and for whom it is held until it is sent.
    ///
    /// # Errors
    /// [`Denial`]: as for a client, and 504.
    pub async fn of_provider(
        &self,
        body: Passing,
        most: usize,
        person: Option<Whose>,
    ) -> Result<Whole, Denial> {
        let kept = person.map(|person| self.share(person, self.budget.person)).unwrap_or_default();
        let read = self.read(body, most, &self.provider, kept);
        let late = |_| {
            let text = "the upstream's answer did not come in time";
            Denial::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", text)
        };
        tokio::time::timeout(self.budget.provider_within, read).await.map_err(late)?
    }

    fn share(&self, of: Whose, most: usize) -> Kept {
        Kept { permits: None, share: Some(Share { of, bytes: 0, most, shares: self.shares.clone() }) }
    }

    async fn read(
        &self,
        mut body: impl Body<Data = Bytes, Error = hyper::Error> + Unpin,
        most: usize,
        pool: &Arc<Semaphore>,
        mut kept: Kept,
    ) -> Result<Whole, Denial> {
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let broken = |error: hyper::Error| {
                Denial::bad("body", "the body ends too soon").because(error.to_string())
            };
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            if bytes.len() + data.len() > most {
                let text = format!("the body has more than {most} bytes");
                return Err(Denial::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", text));
            }
            kept.more(data.len(), pool)?;
            bytes.extend_from_slice(&data);
        }
        Ok(Whole { bytes: bytes.freeze(), kept })
    }
}

impl Whole {
    /// What was made of it, which takes its place in the budget until it has been sent.
    pub fn made_into(self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Made { bytes, _kept: self.kept })
    }
}

impl std::ops::Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

struct Made {
    bytes: Vec<u8>,
    _kept: Kept,
}

impl AsRef<[u8]> for Made {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Kept {
    fn more(&mut self, bytes: usize, pool: &Arc<Semaphore>) -> Result<(), Denial> {
        let full = || {
            let text = "too much is being read at once; try again soon";
            Denial::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", text)
        };
        if let Some(share) = &mut self.share
            && !share.more(bytes)
        {
            return Err(full());
        }
        let count = u32::try_from(bytes).map_err(|_| full())?;
        let permit = pool.clone().try_acquire_many_owned(count).map_err(|_| full())?;
        match &mut self.permits {
            Some(permits) => permits.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

impl Share {
    fn more(&mut self, bytes: usize) -> bool {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let held = shares.entry(self.of.clone()).or_default();
        let fits = held.saturating_add(bytes) <= self.most;
        if fits {
            *held += bytes;
            self.bytes += bytes;
        } else if *held == 0 {
            shares.remove(&self.of);
        }
        fits
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let left = shares.get_mut(&self.of).map(|held| {
            *held = held.saturating_sub(self.bytes);
            *held
        });
        if left == Some(0) {
            shares.remove(&self.of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s27_of_ipv6_a_whole_network_has_one_share() {
        let at = |address: &str| Whose::at(address.parse().unwrap());
        assert_eq!(at("2001:db8:0:1::1"), at("2001:db8:0:1:ffff::2"));
        assert_ne!(at("2001:db8:0:1::1"), at("2001:db8:0:2::1"));
    }
}
