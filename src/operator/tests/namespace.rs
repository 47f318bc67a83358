//! The API server, as far as the operator sees it: objects with versions, what each write leads to, and what each
//! watcher is told, which may be late. Holds that no write touches what somebody else has made.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::written::Written;
use crate::api::Kind;
use crate::bundle::{Bundle, Digest, Index, assemble};
use crate::compile::ObjectRef;
use crate::operator::apply::Applied;
use crate::operator::holdings::{HeldIndex, HeldMap, Version};
use crate::operator::plan::Write;
use crate::operator::shown::Shown;
use crate::operator::statuses::StatusWrite;

/// What is watched, each in its own order.
pub const STREAMS: usize = Kind::ACCESS.len() + 2;
pub const MAPS: usize = Kind::ACCESS.len();
pub const INDEX: usize = MAPS + 1;

/// What a watcher is told.
pub enum Event {
    /// A list begins, of what is there when this is heard.
    List,
    /// It ends.
    End,
    Object(Box<Shown>),
    Gone(ObjectRef),
    Map(Box<str>, HeldMap),
    MapGone(Box<str>),
    Index(HeldIndex),
}

/// What one watcher was not told yet.
pub type Inbox = [VecDeque<Event>; STREAMS];

#[derive(Clone)]
struct Object {
    uid: u64,
    generation: i64,
    version: u64,
    spec: Value,
    status: Value,
    /// Who has written the status last, where that is a stranger.
    stranger: Option<&'static str>,
}

/// A ConfigMap or a Secret.
#[derive(Debug, Clone, PartialEq)]
struct Stored {
    uid: u64,
    version: u64,
    bytes: Vec<u8>,
    ours: bool,
    /// Whether it has the labels that are watched.
    labelled: bool,
}

impl Stored {
    fn version(&self) -> Version {
        Version { uid: format!("u{}", self.uid), resource_version: self.version.to_string() }
    }

    fn map(&self) -> HeldMap {
        HeldMap { version: self.version(), sha256: Some(Digest::of(&self.bytes)), immutable: self.ours }
    }
}

#[derive(Default)]
pub struct Namespace {
    last: u64,
    objects: BTreeMap<ObjectRef, Object>,
    maps: BTreeMap<Box<str>, Stored>,
    index: Option<Stored>,
    pub inboxes: Vec<Inbox>,
    /// Every index that ever was.
    pub history: Vec<Vec<u8>>,
}

fn stream(kind: Kind) -> usize {
    Kind::ACCESS.iter().position(|k| *k == kind).unwrap()
}

impl Namespace {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn tell(&mut self, stream: usize, event: impl Fn() -> Event) {
        self.inboxes.iter_mut().for_each(|inbox| inbox[stream].push_back(event()));
    }

    /// Text for a name that is another each time.
    pub fn suffix(&mut self) -> String {
        format!("{:08x}", self.next())
    }

    /// Somebody makes or changes an object.
    pub fn write(&mut self, written: &Written) {
        let (key, spec, version) = (written.key(), written.spec(), self.next());
        let object = self.objects.entry(key.clone()).or_insert_with(|| Object {
            uid: version,
            generation: 0,
            version,
            spec: Value::Null,
            status: Value::Null,
            stranger: None,
        });
        if object.spec != spec {
            (object.generation, object.spec, object.version) = (object.generation + 1, spec, version);
            self.show(&key);
        }
    }

    pub fn delete(&mut self, key: &ObjectRef) {
        if self.objects.remove(key).is_some() {
            self.next();
            self.tell(stream(key.kind), || Event::Gone(key.clone()));
        }
    }

    fn show(&mut self, key: &ObjectRef) {
        let shown = self.shown(key);
        self.tell(stream(key.kind), || Event::Object(Box::new(shown.clone())));
    }

    fn shown(&self, key: &ObjectRef) -> Shown {
        let object = &self.objects[key];
        let whole = json!({
            "apiVersion": key.kind.api_version(),
            "kind": key.kind.kind(),
            "metadata": {
                "name": key.name,
                "uid": format!("u{}", object.uid),
                "generation": object.generation,
                "resourceVersion": object.version.to_string(),
            },
            "spec": object.spec,
            "status": object.status,
        });
        let rival = object.stranger.map(Into::into);
        Shown { rival, ..Shown::new(key.kind, serde_json::from_value(whole).unwrap()) }
    }

    /// What a list of a kind shows.
    pub fn list(&self, kind: Kind) -> Vec<Shown> {
        self.objects.keys().filter(|key| key.kind == kind).map(|key| self.shown(key)).collect()
    }

    /// What a list of shards shows.
    pub fn list_maps(&self) -> Vec<(Box<str>, HeldMap)> {
        self.maps
            .iter()
            .filter(|(_, map)| map.labelled)
            .map(|(name, map)| (name.clone(), map.map()))
            .collect()
    }

    pub fn read_index(&self) -> HeldIndex {
        let read = |held: &Stored| match held.ours {
            true => HeldIndex::Ours(held.version(), Index::decode(&held.bytes, usize::MAX).ok()),
            false => HeldIndex::Taken,
        };
        self.index.as_ref().map_or(HeldIndex::Absent, read)
    }

    /// The bundle, where there is a whole one.
    pub fn bundle(&self) -> Option<(Index, Bundle)> {
        let HeldIndex::Ours(_, Some(index)) = self.read_index() else { return None };
        let text = |name: &str| std::str::from_utf8(&self.maps.get(name)?.bytes).ok();
        let bundle = assemble(&index, text).ok()?;
        Some((index, bundle))
    }

    /// A status is written, against the version that was seen.
    pub fn report(&mut self, write: &StatusWrite) -> Option<(String, Value)> {
        let version = self.next();
        let object = self.objects.get_mut(&write.key)?;
        let seen = (write.uid.as_str(), write.resource_version.as_str());
        if seen != (format!("u{}", object.uid).as_str(), object.version.to_string().as_str()) {
            return None;
        }
        object.status = write.status.clone();
        object.status.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        (object.version, object.stranger) = (version, None);
        let answer = (version.to_string(), object.status.clone());
        self.show(&write.key);
        Some(answer)
    }

    /// A write of the bundle.
    pub fn apply(&mut self, write: &Write) -> Applied {
        match write {
            Write::Shard { name, text } => self.create(name, text),
            Write::Index { index, over } => self.replace(index, over.as_ref()),
            Write::Delete { name, version } => self.sweep(name, version),
        }
    }

    fn create(&mut self, name: &str, text: &str) -> Applied {
        if let Some(there) = self.maps.get(name) {
            let same = there.ours && there.bytes == text.as_bytes();
            return if same { Applied::Shard(name.into(), there.map()) } else { Applied::Taken(name.into()) };
        }
        self.put(name, text.as_bytes(), true, true);
        Applied::Shard(name.into(), self.maps[name].map())
    }

    fn put(&mut self, name: &str, bytes: &[u8], ours: bool, labelled: bool) {
        let version = self.next();
        let map = Stored { uid: version, version, bytes: bytes.to_vec(), ours, labelled };
        self.maps.insert(name.into(), map.clone());
        if labelled {
            self.tell(MAPS, || Event::Map(name.into(), map.map()));
        }
    }

    fn replace(&mut self, index: &Index, over: Option<&Version>) -> Applied {
        if self.index.as_ref().map(Stored::version).as_ref() != over {
            return Applied::Stale;
        }
        assert!(self.index.as_ref().is_none_or(|held| held.ours), "somebody else's Secret is written over");
        self.put_index(index.encode());
        Applied::Index(self.read_index())
    }

    /// The index is written, whoever does it.
    fn put_index(&mut self, bytes: Vec<u8>) {
        let version = self.next();
        let uid = self.index.as_ref().map_or(version, |held| held.uid);
        self.history.push(bytes.clone());
        self.index = Some(Stored { uid, version, bytes, ours: true, labelled: true });
        self.tell_index();
    }

    fn tell_index(&mut self) {
        let held = self.read_index();
        self.tell(INDEX, || Event::Index(held.clone()));
    }

    fn sweep(&mut self, name: &str, version: &Version) -> Applied {
        let Some(there) = self.maps.get(name) else { return Applied::Deleted(name.into()) };
        if there.version() != *version {
            return Applied::Stale;
        }
        assert!(there.ours, "somebody else's ConfigMap `{name}` is deleted");
        self.remove_map(name);
        Applied::Deleted(name.into())
    }

    fn remove_map(&mut self, name: &str) {
        self.next();
        self.maps.remove(name);
        self.tell(MAPS, || Event::MapGone(name.into()));
    }
}

/// What strangers do.
impl Namespace {
    /// Somebody makes a ConfigMap of this name, where there is none.
    pub fn squat(&mut self, name: &str, labelled: bool) {
        if !self.maps.contains_key(name) {
            self.put(name, b"theirs", false, labelled);
        }
    }

    /// Somebody deletes one of our shards.
    pub fn lose_shard(&mut self, nth: usize) {
        let ours: Vec<_> =
            self.maps.iter().filter(|(_, map)| map.ours).map(|(name, _)| name.clone()).collect();
        if let Some(name) = ours.get(nth % ours.len().max(1)) {
            self.remove_map(name);
        }
    }

    /// Somebody deletes the index, and may make a Secret of its name.
    pub fn lose_index(&mut self, taken: bool) {
        let version = self.next();
        let theirs = Stored { uid: version, version, bytes: b"theirs".into(), ours: false, labelled: false };
        self.index = taken.then_some(theirs);
        self.tell_index();
    }

    /// Somebody writes an index of before, or rubbish, where the index is ours.
    pub fn spoil_index(&mut self, bytes: Vec<u8>) {
        if self.index.as_ref().is_some_and(|held| held.ours) {
            self.put_index(bytes);
        }
    }

    /// Somebody empties the status of an object.
    pub fn undo_status(&mut self, nth: usize) {
        let keys: Vec<_> = self.objects.keys().cloned().collect();
        let Some(key) = keys.get(nth % keys.len().max(1)) else { return };
        let version = self.next();
        let object = self.objects.get_mut(key).unwrap();
        object.status = json!({ "conditions": [] });
        (object.version, object.stranger) = (version, Some("argo"));
        self.show(key);
    }

    /// Whoever made the Secret of the index's name takes it away again.
    pub fn give_back_index(&mut self) {
        if self.index.as_ref().is_some_and(|held| !held.ours) {
            self.lose_index(false);
        }
    }

    /// Everything that is not ours, to see that nobody touched it.
    pub fn foreign(&self) -> Vec<(Box<str>, Vec<u8>)> {
        let maps = self.maps.iter().filter(|(_, map)| !map.ours);
        maps.map(|(name, map)| (name.clone(), map.bytes.clone())).collect()
    }
}
