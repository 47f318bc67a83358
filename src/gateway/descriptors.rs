//! How many files and sockets the system lets this process have: all that it may have, since the soft limit stands at
//! 1,024 for programs of another age. There are no more places than it has room for: without descriptors a connection
//! of the first comer would be paid for by the request of another.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::peers::Limits;
use crate::endpoints::FEW;

/// Descriptors that are for neither connections nor requests: idle connections to the upstream, those to the metrics,
/// files, the API server.
const OTHERS: usize = 256 + FEW + 64;

/// Places within what the system allows; said where that is less than usual.
pub fn within(usual: Limits) -> Limits {
    raise();
    let most = getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok());
    let Some(descriptors) = most else { return usual };
    let limits = bounded(usual, descriptors);
    if limits.connections < usual.connections {
        let connections = limits.connections;
        tracing::warn!(
            descriptors,
            connections,
            "the system's limit of open files (ulimit -Hn) leaves room for fewer connections"
        );
    }
    limits
}

/// As many as so many descriptors have room for, each connection and each request being one; two addresses at least
/// share what there is.
fn bounded(usual: Limits, descriptors: usize) -> Limits {
    // Most connections are idle most of the time.
    let third = (descriptors.saturating_sub(OTHERS) / 3).max(2);
    Limits {
        connections: usual.connections.min(third * 2),
        connections_of_one: usual.connections_of_one.min(third),
        requests: usual.requests.min(third),
        requests_of_one: usual.requests_of_one.min(third / 2),
    }
}

/// Raises the soft limit to the hard one.
fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let (from, to) = (shown(current), shown(maximum));
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::info!(from, to, "the limit of open files was raised"),
        Err(error) => tracing::warn!(from, to, %error, "the limit of open files cannot be raised"),
    }
}

fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s27_there_are_no_more_places_than_descriptors_and_one_address_never_has_all() {
        for descriptors in [512, 1024, 65_536, 1 << 20] {
            let limits = bounded(Limits::default(), descriptors);
            assert!(limits.connections + limits.requests + OTHERS <= descriptors, "{limits:?}");
            assert!(limits.connections_of_one * 2 <= limits.connections, "{limits:?}");
            assert!(limits.requests_of_one * 2 <= limits.requests, "{limits:?}");
        }
        assert_eq!(bounded(Limits::default(), 1 << 20).connections, Limits::default().connections);
    }

    #[test]
    fn s27_the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let fewer = maximum.map_or(1 << 20, |most| most - 1);
        setrlimit(Resource::Nofile, Rlimit { current: Some(fewer), maximum }).unwrap();
        within(Limits::default());
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
    }
}
