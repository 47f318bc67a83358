//! How many files and sockets the system lets this process have. There are no more places than it has room for:
//! without descriptors a connection of the first comer would be paid for by the request of another.

use super::peers::Limits;
use crate::endpoints::FEW;

/// Descriptors that are for neither connections nor requests: idle connections to the upstream, those to the metrics,
/// files, the API server.
const OTHERS: usize = 256 + FEW + 64;

/// Places within what the system allows; said where that is less than usual.
pub fn within(usual: Limits) -> Limits {
    let Some(most) = std::fs::read_to_string("/proc/self/limits").ok().and_then(|limits| soft(&limits))
    else {
        return usual;
    };
    let limits = bounded(usual, most);
    if limits.connections < usual.connections {
        let (descriptors, connections) = (most, limits.connections);
        tracing::warn!(
            descriptors,
            connections,
            "the system's limit of open files (ulimit -n) leaves room for fewer connections"
        );
    }
    limits
}

/// As many as so many descriptors have room for, each connection and each request being one; two addresses at least
/// share what there is.
fn bounded(usual: Limits, descriptors: usize) -> Limits {
    let room = (descriptors.saturating_sub(OTHERS) / 2).max(2);
    Limits {
        connections: usual.connections.min(room),
        connections_of_one: usual.connections_of_one.min(room / 2),
        requests: usual.requests.min(room),
        requests_of_one: usual.requests_of_one.min(room / 2),
    }
}

/// The soft limit of open files; nothing where there is none.
fn soft(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
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
    fn the_soft_limit_counts() {
        let line = |soft: &str| {
            format!("Max cpu time  unlimited  unlimited  seconds\nMax open files  {soft}  524288  files\n")
        };
        assert_eq!(soft(&line("1024")), Some(1024));
        assert_eq!((soft(&line("unlimited")), soft("")), (None, None));
    }
}
