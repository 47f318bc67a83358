//! How long calls take, by what they are about. Each histogram is looked up once, not for every call.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::case::Kind;

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabels {
    /// `system`, `function`, `exchange` or `other`.
    pub kind: &'static str,
}

/// A time for each kind of call.
pub struct Times {
    /// All of them.
    pub family: Family<KindLabels, Histogram, fn() -> Histogram>,
    system: Histogram,
    function: Histogram,
    exchange: Histogram,
    other: Histogram,
}

impl Times {
    /// None yet.
    pub fn new(histogram: fn() -> Histogram) -> Self {
        let family: Family<_, _, fn() -> Histogram> = Family::new_with_constructor(histogram);
        let of = |kind: Kind| family.get_or_create_owned(&KindLabels { kind: kind.as_str() });
        Self {
            system: of(Kind::System),
            function: of(Kind::Function),
            exchange: of(Kind::Exchange),
            other: of(Kind::Other),
            family,
        }
    }

    /// That of one kind.
    pub fn of(&self, kind: Kind) -> &Histogram {
        match kind {
            Kind::System => &self.system,
            Kind::Function => &self.function,
            Kind::Exchange => &self.exchange,
            Kind::Other => &self.other,
        }
    }
}

/// From half a millisecond to a minute.
pub fn long() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 18))
}

/// From ten microseconds to a third of a second.
pub fn short() -> Histogram {
    Histogram::new(exponential_buckets(0.000_01, 2.0, 16))
}
