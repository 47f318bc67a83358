//! What the cluster holds of the bundle: the index and the shards, as they were seen. Decides what counts
//! as ours: an index by its type, which Kubernetes lets nobody change, and a shard by its bytes.
//!
//! Pure: fed by plain calls. Keeps digests, no texts.

use std::collections::{BTreeMap, BTreeSet};

use super::objects::is_older;
use crate::bundle::names::INDEX_SECRET;
use crate::bundle::{Digest, Index};

/// Names of shards that were asked for and are listed nowhere, at most: where each attempt fails and is followed by an edit,
/// there is another one each time. Beyond them they count as anybody's.
const MOST_UNLISTED: usize = 256;

/// Which version of which object was seen; what every write and deletion names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its uid.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
}

impl Version {
    /// Whether this is an older version of the same object, as an event that comes late is.
    pub(super) fn is_older_than(&self, other: &Self) -> bool {
        self.uid == other.uid && is_older(&self.resource_version, &other.resource_version)
    }
}

/// A ConfigMap with our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldMap {
    /// Which version.
    pub version: Version,
    /// SHA-256 of what it holds under [`crate::bundle::names::SHARD_KEY`]; `None` where it holds anything else.
    pub sha256: Option<Digest>,
    /// Whether nobody can change it.
    pub immutable: bool,
}

/// The index Secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HeldIndex {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// There is none.
    Absent,
    /// Somebody else's Secret has the name.
    Taken,
    /// Ours; without an index where it cannot be read.
    Ours(Version, Option<Index>),
}

/// Everything that the cluster holds of the bundle.
#[derive(Debug, Default)]
pub struct Holdings {
    index: HeldIndex,
    /// The last index that could be read, and the highest generation ever seen.
    last: Option<Index>,
    highest: Option<u64>,
    maps: BTreeMap<Box<str>, HeldMap>,
    listing: Option<BTreeMap<Box<str>, HeldMap>>,
    listed: bool,
    /// Names that somebody else holds without our labels.
    taken: BTreeSet<Box<str>>,
    /// Shards that we have asked for and that no index has listed yet.
    unlisted: BTreeSet<Box<str>>,
}

impl Holdings {
    /// The index was seen.
    pub fn see_index(&mut self, seen: HeldIndex) {
        if let (HeldIndex::Ours(new, _), HeldIndex::Ours(known, _)) = (&seen, &self.index)
            && new.is_older_than(known)
        {
            return;
        }
        if let HeldIndex::Ours(_, Some(index)) = &seen {
            self.highest = self.highest.max(Some(index.generation));
            index.shards.iter().for_each(|shard| {
                self.unlisted.remove(&shard.name);
            });
            self.last = Some(index.clone());
        }
        self.index = seen;
    }

    /// The index as it was seen.
    pub fn index(&self) -> &HeldIndex {
        &self.index
    }

    /// The last index that could be read.
    pub fn last(&self) -> Option<&Index> {
        self.last.as_ref()
    }

    /// The highest generation there ever was.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Whether index and shards were seen.
    pub fn known(&self) -> bool {
        self.listed && self.index != HeldIndex::Unknown
    }

    /// A list of ConfigMaps begins.
    pub fn begin(&mut self) {
        self.listing = Some(BTreeMap::new());
    }

    /// A ConfigMap of the list that has begun.
    pub fn item(&mut self, name: Box<str>, map: HeldMap) {
        if let Some(listing) = &mut self.listing {
            listing.insert(name, map);
        }
    }

    /// The list ends.
    pub fn end(&mut self) {
        if let Some(listing) = self.listing.take() {
            self.maps = listing;
            self.listed = true;
        }
    }

    /// A ConfigMap with our labels was made or changed.
    pub fn apply(&mut self, name: Box<str>, map: HeldMap) {
        if self.maps.get(&name).is_some_and(|known| map.version.is_older_than(&known.version)) {
            return;
        }
        self.taken.remove(&name);
        self.maps.insert(name, map);
    }

    /// A ConfigMap has gone, or has lost our labels.
    pub fn delete(&mut self, name: &str) {
        self.maps.remove(name);
    }

    /// We ask for a shard, which no index lists yet. It is ours from now on: the answer may be lost, and the shard be there
    /// all the same.
    pub fn asked_for(&mut self, name: Box<str>) {
        if self.unlisted.len() >= MOST_UNLISTED {
            self.unlisted.clear();
        }
        self.unlisted.insert(name);
    }

    /// A shard was made by us.
    pub fn made(&mut self, name: Box<str>, map: HeldMap) {
        self.asked_for(name.clone());
        // A list that was asked for before may not show it.
        self.item(name.clone(), map.clone());
        self.apply(name, map);
    }

    /// A name turned out to be somebody else's.
    pub fn is_taken(&mut self, name: Box<str>) {
        self.taken.insert(name);
    }

    /// The names that others hold, as far as they are known.
    pub fn strangers(&self) -> impl Iterator<Item = &str> {
        self.taken.iter().map(|name| &**name)
    }

    /// Shards of ours that no index lists.
    pub fn unlisted(&self) -> impl Iterator<Item = &str> {
        self.unlisted.iter().map(|name| &**name)
    }

    /// Shards that no index lists and none is about to: what an operator leaves that ends after writing them and
    /// before writing the index. They are used again where the bundle wants their bytes, and never deleted,
    /// since only what an index has listed is known to be ours.
    pub fn orphans(&self) -> impl Iterator<Item = &str> {
        let last = self.last.iter();
        let listed = last.flat_map(|index| {
            index.shards.iter().map(|s| &*s.name).chain(index.retired.iter().map(|r| &*r.name))
        });
        let known: BTreeSet<&str> = listed.chain(self.unlisted()).collect();
        let names = self.maps.keys().map(|name| &**name).filter(|name| self.shard(name).is_some());
        names.filter(move |name| !known.contains(name))
    }

    /// Whether nobody holds the name, as far as is known.
    pub fn is_free(&self, name: &str) -> bool {
        !self.maps.contains_key(name) && !self.taken.contains(name)
    }

    /// The version of a shard, where the ConfigMap is one: immutable, with the bytes that its name tells.
    pub fn shard(&self, name: &str) -> Option<(&Version, Digest)> {
        let map = self.maps.get(name)?;
        let sha256 = map.sha256.filter(|sha256| map.immutable && is_name_of(name, *sha256))?;
        Some((&map.version, sha256))
    }

    /// The name of a shard with these bytes that is there already.
    pub fn find(&self, sha256: Digest) -> Option<&str> {
        let first = name_of(sha256);
        let names = self.maps.range(Box::from(first.as_str())..).map(|(name, _)| &**name);
        names.take_while(|name| name.starts_with(&first)).find(|name| self.shard(name).is_some())
    }
}

/// The first choice of a shard's name.
pub fn name_of(sha256: Digest) -> String {
    format!("{INDEX_SECRET}-{sha256}")
}

/// Whether a name is the first choice or one with a suffix.
pub fn is_name_of(name: &str, sha256: Digest) -> bool {
    let rest = name.strip_prefix(name_of(sha256).as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
