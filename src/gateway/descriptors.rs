//! How many files and sockets the system lets this process have. There are no more places than it has room for:
//! without descriptors a connection of the first comer would be paid for by the request of another.

use super::peers::Limits;

/// Places within what the system allows; said where that is less than usual.
pub fn within(usual: Limits) -> Limits {
    let Some(most) = std::fs::read_to_string("/proc/self/limits").ok().and_then(|limits| soft(&limits))
    else {
        return usual;
    };
    let limits = usual.within(most);
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

/// The soft limit of open files; nothing where there is none.
fn soft(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_counts() {
        let line = |soft: &str| {
            format!("Max cpu time  unlimited  unlimited  seconds\nMax open files  {soft}  524288  files\n")
        };
        assert_eq!(soft(&line("1024")), Some(1024));
        assert_eq!((soft(&line("unlimited")), soft("")), (None, None));
    }
}
