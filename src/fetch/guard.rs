//! Keeps forbidden addresses from being dialled, before and after name resolution (`security-rules.md` 20).
//! Which addresses those are is `model::address`'s.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::model::address::{is_forbidden, is_forbidden_host, is_private};

/// An address that is never dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// It is link-local, or serves a machine's metadata.
    #[error("link-local and metadata addresses are never asked")]
    Local,
    /// It is private or this machine's, and a flag forbids those.
    #[error("private addresses are forbidden here")]
    Private,
}

/// A resolver whose answers hold no forbidden address.
#[derive(Clone)]
pub struct Guard {
    forbid_private: bool,
    inner: Arc<dyn Resolve>,
}

impl Guard {
    /// Guards what `inner` answers.
    pub fn new(forbid_private: bool, inner: Arc<dyn Resolve>) -> Self {
        Self { forbid_private, inner }
    }

    /// Whether the host of a URL may be dialled as it is written. A name may still lead to a forbidden
    /// address.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn check_host(&self, url: &Url) -> Result<(), Forbidden> {
        if is_forbidden_host(url) {
            return Err(Forbidden::Local);
        }
        match url.host() {
            Some(Host::Ipv4(v4)) => self.check(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => self.check(IpAddr::V6(v6)),
            _ => Ok(()),
        }
    }

    fn check(&self, address: IpAddr) -> Result<(), Forbidden> {
        if is_forbidden(address) {
            Err(Forbidden::Local)
        } else if self.forbid_private && is_private(address) {
            Err(Forbidden::Private)
        } else {
            Ok(())
        }
    }
}

impl Resolve for Guard {
    /// One forbidden address among good ones makes the whole answer unusable: nobody means that.
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, resolving) = (self.clone(), self.inner.resolve(name));
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = resolving.await?.collect();
            addresses.iter().try_for_each(|address| guard.check(address.ip()))?;
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Names as the system resolves them.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: io::Result<Vec<_>> =
                tokio::net::lookup_host((name.as_str(), 0)).await.map(Iterator::collect);
            let addresses: Addrs = Box::new(addresses?.into_iter());
            Ok(addresses)
        })
    }
}
