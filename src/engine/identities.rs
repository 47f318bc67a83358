//! The index over Roles that says which of them a principal's claims can satisfy, by the one claim that
//! tells each Role best from the others. It only narrows down where to look: two texts with one hash cost
//! time and nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::grants::{CompiledRole, sorted};
use crate::model::{ClaimValue, Claims, Comparison, Pattern, Role};

/// Which Roles a principal's claims can satisfy, by the one claim that tells each Role best from others.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// Roles by a claim's value, its beginning or its ending.
    by_value: HashMap<u64, Box<[u32]>>,
    /// The claims that are used, and the lengths of the beginnings and endings that are.
    claims: Box<[(Box<str>, Lengths)]>,
    /// Roles that no value tells apart.
    open: Box<[u32]>,
}

#[derive(Debug, Clone, Default)]
struct Lengths {
    whole: bool,
    /// In rising order.
    beginnings: Vec<usize>,
    /// In rising order.
    endings: Vec<usize>,
}

/// What a claim must have for a Role to hold: a whole value, how it begins or how it ends. ASCII letters are
/// folded throughout, because some operators fold them and an index may find too much.
#[derive(Clone, Copy)]
enum Telling<'a> {
    Whole(&'a [u8]),
    Beginning(&'a [u8]),
    Ending(&'a [u8]),
}

impl Identities {
    /// Indexes the Roles; a Role's place in the list is its number.
    pub fn new(roles: &[CompiledRole]) -> Self {
        let telling: Vec<_> = roles.iter().map(|r| telling_claims(&r.role)).collect();
        let mut crowd: HashMap<u64, u32> = HashMap::new();
        for candidates in &telling {
            let keys = candidates.iter().flat_map(|(claim, values)| values.iter().map(|v| v.key(claim)));
            let distinct: HashSet<_> = keys.collect();
            distinct.into_iter().for_each(|key| *crowd.entry(key).or_default() += 1);
        }
        let worst = |(claim, values): &(&str, Vec<Telling<'_>>)| {
            values.iter().map(|v| crowd.get(&v.key(claim)).copied().unwrap_or(0)).max().unwrap_or(u32::MAX)
        };
        let mut by_value: HashMap<u64, Vec<u32>> = HashMap::new();
        let mut claims: BTreeMap<&str, Lengths> = BTreeMap::new();
        let mut open = Vec::new();
        for (role, candidates) in (0u32..).zip(&telling) {
            match candidates.iter().min_by_key(|c| (worst(c), c.1.len(), c.0)) {
                Some((claim, values)) => {
                    let lengths = claims.entry(claim).or_default();
                    for value in values {
                        lengths.note(*value);
                        by_value.entry(value.key(claim)).or_default().push(role);
                    }
                }
                None => open.push(role),
            }
        }
        Self {
            by_value: by_value.into_iter().map(|(key, list)| (key, sorted(list))).collect(),
            claims: claims.into_iter().map(|(claim, lengths)| (claim.into(), lengths)).collect(),
            open: open.into(),
        }
    }

    /// Calls `found` with the lists of Roles that the claims can satisfy, until it says to stop.
    /// A Role may stand in several.
    pub fn satisfied_by<'g>(&'g self, claims: &Claims, mut found: impl FnMut(&'g [u32]) -> bool) -> bool {
        if !found(&self.open) {
            return false;
        }
        self.claims.iter().all(|(claim, lengths)| {
            let elements = claims.get(claim).map_or(&[][..], ClaimValue::elements);
            elements
                .iter()
                .filter_map(ClaimValue::text)
                .all(|text| self.look_up(claim, lengths, text, &mut found))
        })
    }

    fn look_up<'g>(
        &'g self,
        claim: &str,
        lengths: &Lengths,
        text: &str,
        found: &mut impl FnMut(&'g [u32]) -> bool,
    ) -> bool {
        let mut filed = |key: u64| self.by_value.get(&key).is_none_or(|list| found(list));
        let (mut forward, mut bytes) = (FoldingHasher::new(claim), text.bytes());
        forward.stop_at(&lengths.beginnings, &mut bytes, |seen| filed(seen.beginning()))
            && (!lengths.whole || filed(forward.all(bytes).whole()))
            && FoldingHasher::new(claim)
                .stop_at(&lengths.endings, &mut text.bytes().rev(), |seen| filed(seen.ending()))
    }
}

impl Lengths {
    fn note(&mut self, value: Telling<'_>) {
        let (lengths, length) = match value {
            Telling::Whole(_) => return self.whole = true,
            Telling::Beginning(text) => (&mut self.beginnings, text.len()),
            Telling::Ending(text) => (&mut self.endings, text.len()),
        };
        if let Err(at) = lengths.binary_search(&length) {
            lengths.insert(at, length);
        }
    }
}

impl Telling<'_> {
    fn key(self, claim: &str) -> u64 {
        let hasher = FoldingHasher::new(claim);
        match self {
            Self::Whole(text) => hasher.all(text.iter().copied()).whole(),
            Self::Beginning(text) => hasher.all(text.iter().copied()).beginning(),
            Self::Ending(text) => hasher.all(text.iter().rev().copied()).ending(),
        }
    }
}

/// Hashes a claim's value byte by byte from one of its ends, ASCII letters folded, so that all beginnings of one
/// text cost one walk through it, and all endings another.
struct FoldingHasher {
    hasher: DefaultHasher,
    taken: usize,
}

impl FoldingHasher {
    fn new(claim: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        claim.hash(&mut hasher);
        Self { hasher, taken: 0 }
    }

    /// Takes bytes and calls `at` at each of these lengths that they reach, until it says to stop.
    fn stop_at(
        &mut self,
        lengths: &[usize],
        bytes: &mut impl ExactSizeIterator<Item = u8>,
        mut at: impl FnMut(&Self) -> bool,
    ) -> bool {
        let whole = self.taken + bytes.len();
        lengths.iter().take_while(|length| **length <= whole).all(|length| {
            let missing = length.saturating_sub(self.taken);
            bytes.by_ref().take(missing).for_each(|byte| self.take(byte));
            at(self)
        })
    }

    fn all(mut self, bytes: impl Iterator<Item = u8>) -> Self {
        bytes.for_each(|byte| self.take(byte));
        self
    }

    fn take(&mut self, byte: u8) {
        self.hasher.write_u8(byte.to_ascii_lowercase());
        self.taken += 1;
    }

    fn beginning(&self) -> u64 {
        self.ended(0xFE)
    }

    fn whole(&self) -> u64 {
        self.ended(0xFF)
    }

    fn ending(&self) -> u64 {
        self.ended(0xFD)
    }

    /// By a byte that no text has, so that what is whole is told from how something begins or ends.
    fn ended(&self, by: u8) -> u64 {
        let mut end = self.hasher.clone();
        end.write_u8(by);
        end.finish()
    }
}

/// More beginnings than this would make every look-up walk through them; a longer one is cut to the
/// step below it, and an ending likewise.
const STEP: usize = 16;
const EXACT_UP_TO: usize = 64;

fn indexed_length(length: usize) -> usize {
    if length <= EXACT_UP_TO { length } else { length / STEP * STEP }
}

fn whole(pattern: &Pattern) -> Option<Telling<'_>> {
    pattern.literal().map(|text| Telling::Whole(text.as_bytes()))
}

fn beginning(pattern: &Pattern) -> Option<Telling<'_>> {
    let text = pattern.prefix().as_bytes();
    text.get(..indexed_length(text.len())).filter(|text| !text.is_empty()).map(Telling::Beginning)
}

fn ending(pattern: &Pattern) -> Option<Telling<'_>> {
    let text = pattern.suffix().as_bytes();
    let cut = text.len() - indexed_length(text.len());
    text.get(cut..).filter(|text| !text.is_empty()).map(Telling::Ending)
}

/// The claims of which a Role needs one of some values, each with those values. Negated operators, Bool
/// and Null need none. Patterns are told by how they begin and, as another candidate, by how they end.
fn telling_claims(role: &Role) -> Vec<(&str, Vec<Telling<'_>>)> {
    let subjects =
        role.subjects.iter().map(|s| ("sub", s.iter().map(|v| Telling::Whole(v.as_bytes())).collect()));
    let clauses = role.clauses().iter().filter(|c| !c.op.negated).flat_map(|clause| {
        let by = |telling: fn(&Pattern) -> Option<Telling<'_>>| clause.values.iter().map(telling).collect();
        let candidates: [Option<Vec<_>>; 2] = match clause.op.comparison {
            Comparison::Equal | Comparison::EqualIgnoreCase => {
                [by(|v| Some(Telling::Whole(v.as_str().as_bytes()))), None]
            }
            Comparison::Like => [
                by(|v| whole(v).or_else(|| beginning(v)).or_else(|| ending(v))),
                by(|v| whole(v).or_else(|| ending(v)).or_else(|| beginning(v))),
            ],
            Comparison::Bool | Comparison::Null => [None, None],
        };
        candidates.into_iter().flatten().map(|values| (&*clause.claim, values))
    });
    subjects.chain(clauses).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bundle::{Bundle, Origin, Record};
    use crate::engine::grants::Grants;
    use crate::engine::issuers::Issuers;

    /// Which of the Roles, each with a pattern for the claim, are looked at for who holds a value of it.
    fn looked_at(patterns: &[&str], value: &str) -> Vec<u32> {
        let mut bundle = Bundle::new();
        for (number, pattern) in patterns.iter().enumerate() {
            let clause = json!({"op": "StringLike", "claim": "team", "values": [pattern]});
            let role = serde_json::from_value(json!({"policies": ["p"], "condition": [clause]})).unwrap();
            bundle.insert(format!("r{number}"), Record::Role { origin: Origin::default(), role });
        }
        let grants = Grants::new(&bundle, &Issuers::new(&bundle));
        let mut roles = Vec::new();
        let claims = Claims::from_json(json!({"team": value}).as_object().unwrap());
        grants.identities.satisfied_by(&claims, |list| {
            roles.extend_from_slice(list);
            true
        });
        roles
    }

    #[test]
    fn roles_are_told_by_how_a_value_ends_where_the_pattern_begins_with_a_wildcard() {
        let patterns = ["*@a.example.com", "*@b.example.com", "?@c.example.com"];
        assert_eq!(looked_at(&patterns, "alice@b.example.com"), [1]);
        assert_eq!(looked_at(&patterns, "alice@C.Example.com"), [2], "an index may find too much");
        assert!(looked_at(&patterns, "alice@example.com").is_empty());
        assert!(looked_at(&patterns, "").is_empty());
    }

    #[test]
    fn of_a_patterns_two_ends_the_one_tells_that_fewer_others_have() {
        let patterns = ["acme/*/a", "acme/*/b", "x/*/main", "y/*/main", "acme/*"];
        assert_eq!(looked_at(&patterns, "acme/api/b"), [4, 1]);
        assert_eq!(looked_at(&patterns, "y/api/main"), [3]);
    }

    #[test]
    fn a_long_ending_is_cut_between_bytes_and_still_finds_its_role() {
        let long = "é".repeat(70);
        let pattern = format!("*{long}");
        assert_eq!(looked_at(&[&pattern], &format!("x{long}")), [0]);
        assert!(looked_at(&[&pattern], &long.replace('é', "e")).is_empty());
    }
}
