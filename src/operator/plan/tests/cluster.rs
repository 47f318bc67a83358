//! A namespace with ConfigMaps and a Secret, and what the API server does with each write.

use super::*;

/// A namespace as it is, and what the operator has seen of it.
#[derive(Default)]
pub struct Cluster {
    pub maps: BTreeMap<Box<str>, (HeldMap, String)>,
    pub index: Option<(Version, Vec<u8>)>,
    pub held: Holdings,
    pub version: u64,
    pub suffixes: u32,
    pub now: i64,
}

impl Cluster {
    /// An empty namespace of which everything was seen.
    pub fn empty() -> Self {
        let mut cluster = Self { now: START, ..Self::default() };
        cluster.restart();
        cluster
    }

    /// An operator that has seen nothing yet sees everything.
    pub fn restart(&mut self) {
        self.held = Holdings::default();
        self.relist();
        self.show_index();
    }

    pub fn relist(&mut self) {
        self.held.begin();
        self.maps.iter().for_each(|(name, (map, _))| self.held.item(name.clone(), map.clone()));
        self.held.end();
    }

    pub fn show_index(&mut self) {
        let read = |(version, bytes): &(Version, Vec<u8>)| {
            HeldIndex::Ours(version.clone(), Index::decode(bytes, usize::MAX).ok())
        };
        self.held.see_index(self.index.as_ref().map_or(HeldIndex::Absent, read));
    }

    pub fn next(&mut self) -> Version {
        self.version += 1;
        Version { uid: format!("uid-{}", self.version), resource_version: self.version.to_string() }
    }

    pub fn plan(&mut self, goal: &Goal) -> Result<Plan, Blocked> {
        let suffixes = &mut self.suffixes;
        plan(goal, &self.held, self.now, KEEP, || {
            *suffixes += 1;
            format!("{suffixes:08x}")
        })
    }

    /// Plans and writes until nothing is left to write.
    pub fn settle(&mut self, goal: &Goal) -> Vec<Write> {
        let mut all = Vec::new();
        for _ in 0..8 {
            let plan = self.plan(goal).unwrap();
            if plan.writes.is_empty() {
                return all;
            }
            for write in plan.writes {
                all.push(write.clone());
                if !self.write(write) {
                    break;
                }
            }
        }
        panic!("it never settles: {all:#?}");
    }

    /// Does what the API server does; whether the plan can go on.
    pub fn write(&mut self, write: Write) -> bool {
        match write {
            Write::Shard { name, text } => return self.create(name, text),
            Write::Index { index, over } => {
                assert_eq!(
                    self.index.as_ref().map(|(version, _)| version),
                    over.as_ref(),
                    "against what is there"
                );
                let version = Version { resource_version: self.next().resource_version, uid: "index".into() };
                self.index = Some((version.clone(), index.encode()));
                self.held.see_index(HeldIndex::Ours(version, Some(index)));
            }
            Write::Delete { name, version } => {
                let (there, _) = self.maps.remove(&name).unwrap();
                assert_eq!(there.version, version, "against what is there");
                self.held.delete(&name);
            }
        }
        true
    }

    pub fn create(&mut self, name: Box<str>, text: String) -> bool {
        if self.maps.contains_key(&name) {
            self.held.is_taken(name);
            return false;
        }
        let map = self.put(&name, &text, true);
        self.held.made(name, map);
        true
    }

    /// Somebody makes a ConfigMap.
    pub fn put(&mut self, name: &str, text: &str, immutable: bool) -> HeldMap {
        let map = HeldMap { version: self.next(), sha256: Some(Digest::of(text.as_bytes())), immutable };
        self.maps.insert(name.into(), (map.clone(), text.to_owned()));
        map
    }

    pub fn written(&self) -> Index {
        Index::decode(&self.index.as_ref().unwrap().1, usize::MAX).unwrap()
    }

    /// The bundle as a gateway reads it.
    pub fn read(&self) -> Bundle {
        assemble(&self.written(), |name| self.maps.get(name).map(|(_, text)| text.as_str())).unwrap()
    }
}
