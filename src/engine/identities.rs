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
    /// Roles by a claim's value or its beginning.
    by_value: HashMap<u64, Box<[u32]>>,
    /// The claims that are used, and the lengths of the beginnings that are.
    claims: Box<[(Box<str>, Lengths)]>,
    /// Roles that no value tells apart.
    open: Box<[u32]>,
}

#[derive(Debug, Clone, Default)]
struct Lengths {
    whole: bool,
    /// In rising order.
    beginnings: Vec<usize>,
}

/// A value that a claim must have for a Role to hold: all of it, or how it begins. ASCII letters are
/// folded throughout, because some operators fold them and an index may find too much.
#[derive(Clone, Copy)]
enum Telling<'a> {
    Whole(&'a str),
    Beginning(&'a str),
}

impl Identities {
    /// Indexes the Roles; a Role's place in the list is its number.
    pub fn new(roles: &[CompiledRole]) -> Self {
        let telling: Vec<_> = roles.iter().map(|r| telling_claims(&r.role)).collect();
        let mut crowd: HashMap<u64, u32> = HashMap::new();
        for (claim, values) in telling.iter().flatten() {
            let distinct: HashSet<_> = values.iter().map(|v| v.key(claim)).collect();
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
        let mut hasher = FoldingHasher::new(claim);
        for length in &lengths.beginnings {
            let Some(next) = text.as_bytes().get(hasher.taken..*length) else { break };
            hasher.take(next);
            if let Some(list) = self.by_value.get(&hasher.beginning())
                && !found(list)
            {
                return false;
            }
        }
        if lengths.whole {
            hasher.take(text.as_bytes().get(hasher.taken..).unwrap_or_default());
            return self.by_value.get(&hasher.whole()).is_none_or(|list| found(list));
        }
        true
    }
}

impl Lengths {
    fn note(&mut self, value: Telling<'_>) {
        match value {
            Telling::Whole(_) => self.whole = true,
            Telling::Beginning(text) => {
                if let Err(at) = self.beginnings.binary_search(&text.len()) {
                    self.beginnings.insert(at, text.len());
                }
            }
        }
    }
}

impl Telling<'_> {
    fn key(self, claim: &str) -> u64 {
        let mut hasher = FoldingHasher::new(claim);
        match self {
            Self::Whole(text) => {
                hasher.take(text.as_bytes());
                hasher.whole()
            }
            Self::Beginning(text) => {
                hasher.take(text.as_bytes());
                hasher.beginning()
            }
        }
    }
}

/// Hashes a claim's value piece by piece, ASCII letters folded, so that all beginnings of one text cost
/// one walk through it.
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

    fn take(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.hasher.write_u8(b.to_ascii_lowercase()));
        self.taken += bytes.len();
    }

    fn beginning(&self) -> u64 {
        let mut end = self.hasher.clone();
        end.write_u8(0xFE);
        end.finish()
    }

    fn whole(&self) -> u64 {
        let mut end = self.hasher.clone();
        end.write_u8(0xFF);
        end.finish()
    }
}

/// More beginnings than this would make every look-up walk through them; a longer one is cut to the
/// step below it.
const STEP: usize = 16;
const EXACT_UP_TO: usize = 64;

fn beginning(pattern: &Pattern) -> Option<Telling<'_>> {
    if let Some(text) = pattern.literal() {
        return Some(Telling::Whole(text));
    }
    let prefix = pattern.prefix();
    let mut length = if prefix.len() <= EXACT_UP_TO { prefix.len() } else { prefix.len() / STEP * STEP };
    while !prefix.is_char_boundary(length) {
        length -= 1;
    }
    prefix.get(..length).filter(|p| !p.is_empty()).map(Telling::Beginning)
}

/// The claims of which a Role needs one of some values, each with those values. Negated operators, Bool
/// and Null need none.
fn telling_claims(role: &Role) -> Vec<(&str, Vec<Telling<'_>>)> {
    let subjects = role.subjects.iter().map(|s| ("sub", s.iter().map(|v| Telling::Whole(v)).collect()));
    let clauses = role.clauses().iter().filter(|c| !c.op.negated).filter_map(|clause| {
        let values: Option<Vec<_>> = match clause.op.comparison {
            Comparison::Equal | Comparison::EqualIgnoreCase => {
                Some(clause.values.iter().map(|v| Telling::Whole(v.as_str())).collect())
            }
            Comparison::Like => clause.values.iter().map(beginning).collect(),
            Comparison::Bool | Comparison::Null => None,
        };
        values.map(|values| (&*clause.claim, values))
    });
    subjects.chain(clauses).collect()
}
