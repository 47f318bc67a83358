//! Places: how many connections and requests there may be at once, altogether and of one address, so that
//! one caller leaves room for the others (`security-rules.md` 27).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many there may be at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections; more wait to be accepted.
    pub connections: usize,
    /// Connections of one address; more are closed.
    pub connections_of_one: usize,
    /// Requests, all streams of HTTP/2 among them; more are answered with 503.
    pub requests: usize,
    /// Requests of one address.
    pub requests_of_one: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 20_000, connections_of_one: 4_000, requests: 20_000, requests_of_one: 4_000 }
    }
}

/// The places, and who has them.
pub struct Places {
    limits: Limits,
    connections: Arc<Semaphore>,
    /// What is measured of them is what they are counted by.
    requests: Gauge,
    shares: Mutex<HashMap<IpAddr, Arc<Share>>>,
}

/// What one address has.
#[derive(Default)]
struct Share {
    connections: AtomicUsize,
    requests: Gauge,
}

/// A connection's place, until it is dropped.
pub struct Place {
    places: Arc<Places>,
    of: IpAddr,
    share: Arc<Share>,
    /// Whether the bounds of one address hold for it.
    bounded: bool,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// All are free; requests are counted by this.
    pub fn new(limits: Limits, requests: Gauge) -> Arc<Self> {
        let connections = Arc::new(Semaphore::new(limits.connections));
        Arc::new(Self { limits, connections, requests, shares: Mutex::default() })
    }

    /// Waits until there is a place for one more connection.
    pub async fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.connections.clone().acquire_owned().await.ok()
    }

    /// The place of a connection of this address; `None` where it has too many. Those of a front end that is
    /// trusted are not `bounded`: it speaks for many.
    pub fn take(
        self: &Arc<Self>,
        address: IpAddr,
        permit: OwnedSemaphorePermit,
        bounded: bool,
    ) -> Option<Place> {
        let of = one(address);
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let share = shares.entry(of).or_default().clone();
        if bounded && share.connections.load(Ordering::Relaxed) >= self.limits.connections_of_one {
            return None;
        }
        share.connections.fetch_add(1, Ordering::Relaxed);
        Some(Place { places: self.clone(), of, share, bounded, _permit: permit })
    }
}

impl Place {
    /// A request more, unless there are too many; whoever begins one ends it.
    pub fn begin(&self) -> bool {
        let of_one = if self.bounded { self.places.limits.requests_of_one } else { usize::MAX };
        if !counted(&self.share.requests, of_one) {
            return false;
        }
        let begun = counted(&self.places.requests, self.places.limits.requests);
        if !begun {
            self.share.requests.dec();
        }
        begun
    }

    /// A request that was begun is over.
    pub fn end(&self) {
        self.share.requests.dec();
        self.places.requests.dec();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut shares = self.places.shares.lock().unwrap_or_else(PoisonError::into_inner);
        // Counted under the lock, so that nobody comes between.
        if self.share.connections.fetch_sub(1, Ordering::Relaxed) == 1 {
            shares.remove(&self.of);
        }
    }
}

fn counted(counter: &Gauge, most: usize) -> bool {
    let before = counter.inc();
    let counted = usize::try_from(before).is_ok_and(|before| before < most);
    if !counted {
        counter.dec();
    }
    counted
}

/// What counts as one address: of IPv6 the network of 64 bits, which is what one customer gets.
pub fn one(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(places: &Arc<Places>, address: &str, bounded: bool) -> Option<Place> {
        let permit = places.connections.clone().try_acquire_owned().unwrap();
        places.take(address.parse().unwrap(), permit, bounded)
    }

    fn places() -> Arc<Places> {
        Places::new(
            Limits { connections: 9, connections_of_one: 2, requests: 3, requests_of_one: 2 },
            Gauge::default(),
        )
    }

    #[test]
    fn s27_one_address_has_so_many_connections_and_gets_them_back() {
        let places = places();
        let first = taken(&places, "10.0.0.1", true).unwrap();
        let _second = taken(&places, "::ffff:10.0.0.1", true).unwrap();
        assert!(taken(&places, "10.0.0.1", true).is_none());
        assert!(taken(&places, "10.0.0.2", true).is_some(), "another address");
        assert!(taken(&places, "10.0.0.1", false).is_some(), "a front end that is trusted");
        drop(first);
        assert!(taken(&places, "10.0.0.1", true).is_some());
    }

    #[test]
    fn s27_of_ipv6_a_whole_network_is_one_address() {
        let places = places();
        let _first = taken(&places, "2001:db8:0:1::1", true).unwrap();
        let _second = taken(&places, "2001:db8:0:1:ffff::2", true).unwrap();
        assert!(taken(&places, "2001:db8:0:1::3", true).is_none());
        assert!(taken(&places, "2001:db8:0:2::3", true).is_some());
    }

    #[test]
    fn s27_requests_have_a_bound_for_one_and_for_all() {
        let places = places();
        let (one, two) =
            (taken(&places, "10.0.0.1", true).unwrap(), taken(&places, "10.0.0.2", true).unwrap());
        assert!(one.begin() && one.begin());
        assert!(!one.begin(), "two of one");
        assert!(two.begin());
        assert!(!two.begin(), "three altogether");
        one.end();
        assert!(two.begin());
    }

    #[test]
    fn who_is_gone_leaves_nothing_behind() {
        let places = places();
        let place = taken(&places, "10.0.0.1", true).unwrap();
        assert!(place.begin());
        place.end();
        drop(place);
        assert!(places.shares.lock().unwrap().is_empty());
        assert_eq!(places.requests.get(), 0);
    }
}
