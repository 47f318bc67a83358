//! What has to be written so that the cluster holds a bundle: shards first, the index after them, and what
//! an index has retired for long enough goes.
//!
//! Pure: time and randomness are arguments. Deletes only what an index listed and whose bytes are a shard's.

use std::collections::{BTreeMap, BTreeSet};

use super::holdings::{HeldIndex, Holdings, Version, is_name_of, name_of};
use crate::bundle::{Bundle, Digest, Index, Retired, Shard, ShardRef};

/// Retired shards that are kept at most; edits without end would otherwise fill etcd.
const MOST_RETIRED: usize = 256;

/// What the cluster should hold.
#[derive(Debug)]
pub struct Goal {
    /// The shards in order.
    pub shards: Vec<Shard>,
    /// How many records they hold.
    pub records: usize,
}

impl Goal {
    /// What a bundle asks for.
    pub fn of(bundle: &Bundle) -> Self {
        Self { shards: bundle.shards(), records: bundle.len() }
    }

    /// What tells one goal from another: SHA-256 over the digests of its shards.
    pub fn digest(&self) -> Digest {
        let digests: Vec<u8> = self.shards.iter().flat_map(|shard| shard.sha256.0).collect();
        Digest::of(&digests)
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Make a shard.
    Shard {
        /// The ConfigMap's name.
        name: Box<str>,
        /// What it holds.
        text: String,
    },
    /// Write the index.
    Index {
        /// The index.
        index: Index,
        /// The version it replaces; `None` where there is none.
        over: Option<Version>,
    },
    /// Delete a shard that is needed no more.
    Delete {
        /// The ConfigMap's name.
        name: Box<str>,
        /// The version seen.
        version: Version,
    },
}

/// What to write now, and when to look again (ms since 1970).
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// The writes, in order; each needs the ones before it.
    pub writes: Vec<Write>,
    /// When the next retired shard is to go.
    pub wake: Option<i64>,
}

/// Why nothing can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// It is not known yet what the cluster holds.
    #[error("the cluster's bundle was not seen yet")]
    Unknown,
    /// Somebody else's Secret has the index's name.
    #[error(
        "the Secret `faas-iam-bundle` is somebody else's: no bundle is written until it is renamed or deleted"
    )]
    IndexTaken,
}

/// What to write so that the cluster holds `goal`. Retired shards are kept for `keep` ms; `suffix` gives
/// random text for the name of a shard whose first choice is taken.
///
/// # Errors
/// [`Blocked`] where nothing can be written.
pub fn plan(
    goal: &Goal,
    held: &Holdings,
    now: i64,
    keep: i64,
    mut suffix: impl FnMut() -> String,
) -> Result<Plan, Blocked> {
    let over = match held.index() {
        _ if !held.known() => return Err(Blocked::Unknown),
        HeldIndex::Unknown => return Err(Blocked::Unknown),
        HeldIndex::Taken => return Err(Blocked::IndexTaken),
        HeldIndex::Absent => None,
        HeldIndex::Ours(version, _) => Some(version.clone()),
    };
    let names = names(goal, held, &mut suffix);
    let mut writes = missing(goal, held, &names);
    let index = wanted_index(goal, held, &names, now);
    let current = matches!(held.index(), HeldIndex::Ours(_, Some(found)) if is_current(found, &index, held));
    if !current {
        writes.push(Write::Index { index, over });
    }
    let (due, wake) = retired(held, &names, now, keep);
    writes.extend(due);
    Ok(Plan { writes, wake })
}

/// The name of each shard.
fn names(goal: &Goal, held: &Holdings, suffix: &mut impl FnMut() -> String) -> BTreeMap<Digest, Box<str>> {
    let listed = held.last().map(|index| index.shards.as_slice()).unwrap_or_default();
    let listed: BTreeMap<Digest, &str> = listed.iter().map(|s| (s.sha256, &*s.name)).collect();
    let name = |sha256: Digest, suffix: &mut dyn FnMut() -> String| {
        let first = name_of(sha256);
        let usable =
            |name: &&str| held.is_free(name) || held.shard(name).is_some_and(|(_, found)| found == sha256);
        let ours = |name: &&str| is_name_of(name, sha256);
        let known = listed.get(&sha256).copied().filter(ours).filter(usable).or_else(|| held.find(sha256));
        match known {
            Some(name) => name.into(),
            None if held.is_free(&first) => first.into(),
            None => format!("{first}-{}", suffix()).into(),
        }
    };
    goal.shards.iter().map(|shard| (shard.sha256, name(shard.sha256, suffix))).collect()
}

/// The shards that are not there.
fn missing(goal: &Goal, held: &Holdings, names: &BTreeMap<Digest, Box<str>>) -> Vec<Write> {
    let mut asked = BTreeSet::new();
    let absent = goal.shards.iter().filter_map(|shard| {
        let name = names.get(&shard.sha256)?;
        let absent = held.shard(name).is_none() && asked.insert(shard.sha256);
        absent.then(|| Write::Shard { name: name.clone(), text: shard.text.clone() })
    });
    absent.collect()
}

fn wanted_index(goal: &Goal, held: &Holdings, names: &BTreeMap<Digest, Box<str>>, now: i64) -> Index {
    let generation = Index::next_generation(held.highest(), now);
    let name = |shard: &Shard| names.get(&shard.sha256).cloned().unwrap_or_default();
    let mut index = Index::new(generation, goal.records, &goal.shards, name);
    index.retired = still_retired(held, &index.shards, now);
    index
}

/// What earlier indexes listed and nobody needs any more, as far as it is still there.
fn still_retired(held: &Holdings, needed: &[ShardRef], now: i64) -> Vec<Retired> {
    let needed: BTreeSet<&str> = needed.iter().map(|shard| &*shard.name).collect();
    let mut since: BTreeMap<&str, i64> = held.unlisted().map(|name| (name, now)).collect();
    if let Some(last) = held.last() {
        since.extend(last.shards.iter().map(|shard| (&*shard.name, now)));
        // Retired by a clock that was ahead of ours, it would stay for as long as that was ahead.
        since.extend(last.retired.iter().map(|retired| (&*retired.name, retired.since.min(now))));
    }
    let gone = |name: &str| needed.contains(name) || held.shard(name).is_none();
    let kept = since.into_iter().filter(|(name, _)| !gone(name));
    kept.map(|(name, since)| Retired { name: name.into(), since }).collect()
}

/// Whether the index in place says what is wanted. What it retired may be gone meanwhile: no reason to write.
fn is_current(found: &Index, wanted: &Index, held: &Holdings) -> bool {
    let Index { format, generation, digest, size, records, shards, retired: _ } = found;
    *format == wanted.format
        && Some(*generation) >= held.highest()
        && *digest == wanted.digest
        && *size == wanted.size
        && *records == wanted.records
        && *shards == wanted.shards
}

/// The retired shards that are to go now, and when the next is.
fn retired(
    held: &Holdings,
    names: &BTreeMap<Digest, Box<str>>,
    now: i64,
    keep: i64,
) -> (Vec<Write>, Option<i64>) {
    let needed: BTreeSet<&str> = names.values().map(|name| &**name).collect();
    let listed = held.last().map(|index| index.retired.as_slice()).unwrap_or_default();
    let mut there: Vec<(&Retired, &Version)> = listed
        .iter()
        .filter(|retired| !needed.contains(&*retired.name))
        .filter_map(|retired| Some((retired, held.shard(&retired.name)?.0)))
        .collect();
    there.sort_by_key(|(retired, _)| retired.since);
    let too_many = there.len().saturating_sub(MOST_RETIRED);
    let end = |retired: &Retired| retired.since.saturating_add(keep);
    let is_due = |at: usize, retired: &Retired| at < too_many || end(retired) <= now;
    let delete = |(retired, version): &(&Retired, &Version)| Write::Delete {
        name: retired.name.clone(),
        version: (*version).clone(),
    };
    let due = there.iter().enumerate().filter(|(at, (retired, _))| is_due(*at, retired));
    let due = due.map(|(_, one)| delete(one)).collect();
    let wake =
        there.iter().enumerate().filter(|(at, (r, _))| !is_due(*at, r)).map(|(_, (r, _))| end(r)).min();
    (due, wake)
}

#[cfg(test)]
mod tests;
