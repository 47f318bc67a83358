//! What a watch shows, kept: the objects of one kind as far as somebody needs them. Tells which of them are different
//! since, so that what is unchanged costs nothing, however often it is listed.
//!
//! Pure: fed by plain calls.

use std::collections::BTreeMap;

/// What a watch tells.
#[derive(Debug)]
pub enum Change<K, V> {
    /// Everything there is comes now.
    Begin,
    /// One of it.
    Item(K, V),
    /// That was everything.
    End,
    /// One has changed, or is new.
    Set(K, V),
    /// One is gone.
    Gone(K),
}

/// The objects of one kind.
#[derive(Debug)]
pub struct Mirror<K, V> {
    kept: BTreeMap<K, V>,
    /// What a list has brought so far, while one comes.
    listing: Option<BTreeMap<K, V>>,
    known: bool,
}

impl<K, V> Default for Mirror<K, V> {
    fn default() -> Self {
        Self { kept: BTreeMap::new(), listing: None, known: false }
    }
}

/// What is kept of an object.
pub trait Kept: PartialEq {
    /// Whether this is an older version of the same object, as an event that comes late is.
    fn is_older_than(&self, other: &Self) -> bool;
}

impl<K: Ord + Clone, V: Kept> Mirror<K, V> {
    /// Takes what a watch tells; returns the keys of what is different since.
    pub fn take(&mut self, change: Change<K, V>) -> Vec<K> {
        match change {
            Change::Begin => {
                self.listing = Some(BTreeMap::new());
                Vec::new()
            }
            Change::Item(key, value) => {
                if let Some(listing) = &mut self.listing {
                    listing.insert(key, value);
                }
                Vec::new()
            }
            Change::End => self.listing.take().map_or_else(Vec::new, |listed| self.replace(listed)),
            Change::Set(key, value) => self.set(key.clone(), value).then_some(key).into_iter().collect(),
            Change::Gone(key) => self.kept.remove(&key).map(|_| key).into_iter().collect(),
        }
    }

    /// Whether all of them were listed once.
    pub fn known(&self) -> bool {
        self.known
    }

    /// The object of this key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.kept.get(key)
    }

    /// All of them.
    pub fn all(&self) -> &BTreeMap<K, V> {
        &self.kept
    }

    fn set(&mut self, key: K, value: V) -> bool {
        let before = self.kept.get(&key);
        if before.is_some_and(|before| *before == value || value.is_older_than(before)) {
            return false;
        }
        self.kept.insert(key, value);
        true
    }

    fn replace(&mut self, mut listed: BTreeMap<K, V>) -> Vec<K> {
        self.known = true;
        let mut different: Vec<K> =
            self.kept.keys().filter(|key| !listed.contains_key(key)).cloned().collect();
        self.kept.retain(|key, _| listed.contains_key(key));
        while let Some((key, value)) = listed.pop_first() {
            if self.set(key.clone(), value) {
                different.push(key);
            }
        }
        different
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Seen(u32);

    impl Kept for Seen {
        fn is_older_than(&self, other: &Self) -> bool {
            self.0 < other.0
        }
    }

    fn listed(mirror: &mut Mirror<&'static str, Seen>, items: &[(&'static str, u32)]) -> Vec<&'static str> {
        mirror.take(Change::Begin);
        for (key, version) in items {
            assert!(mirror.take(Change::Item(*key, Seen(*version))).is_empty(), "a list counts as a whole");
        }
        mirror.take(Change::End)
    }

    #[test]
    fn a_list_tells_what_is_different_and_what_is_gone_and_the_same_again_nothing() {
        let mut mirror = Mirror::default();
        assert!(!mirror.known());
        assert_eq!(listed(&mut mirror, &[("a", 1), ("b", 1)]), ["a", "b"]);
        assert!(mirror.known());
        assert_eq!(listed(&mut mirror, &[("a", 1), ("b", 1)]), [""; 0]);
        assert_eq!(listed(&mut mirror, &[("b", 2), ("c", 1)]), ["a", "b", "c"]);
        assert_eq!(mirror.all().keys().copied().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn an_event_that_comes_late_changes_nothing() {
        let mut mirror = Mirror::default();
        listed(&mut mirror, &[("a", 5)]);
        assert!(mirror.take(Change::Set("a", Seen(4))).is_empty());
        assert!(mirror.take(Change::Set("a", Seen(5))).is_empty());
        assert_eq!(mirror.take(Change::Set("a", Seen(6))), ["a"]);
        assert_eq!(mirror.take(Change::Gone("a")), ["a"]);
        assert!(mirror.take(Change::Gone("a")).is_empty());
    }
}
