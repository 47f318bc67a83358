//! Which of the credentials that a namespace gets has the word for a registry, and the file that they become together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Login, Merged, merge};
use crate::bundle::Digest;
use crate::model::{Credential, Registry};

/// A credential, and the login that it hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: Box<str>,
    /// When its object was created, seconds since 1970: of two for one registry the older has the word.
    pub created: i64,
    /// What it says.
    pub credential: Arc<Credential>,
    /// The login, where there is one.
    pub login: Option<Arc<Login>>,
}

impl Part {
    /// Oldest first, and by name where two are of one second.
    pub fn age(&self) -> (i64, &str) {
        (self.created, &self.name)
    }
}

/// What became of a credential in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its login is in there.
    Handed,
    /// That of another credential for the same registry is.
    Beaten(Box<str>),
    /// It had no room: a Secret has at most 1 MiB.
    NoRoom,
    /// It has no login to hand out.
    NoLogin,
    /// Nor has it, and the one that it handed out there before stays.
    Left,
}

/// The file of one pull secret. Has no `Debug`: it is a secret.
pub struct File {
    /// The value of `.dockerconfigjson`; `None` where there is no login at all.
    pub bytes: Option<Zeroizing<Vec<u8>>>,
    /// Of these bytes; never shown, since a weak password could be guessed by it.
    pub digest: Digest,
    /// What became of each credential.
    pub fates: BTreeMap<Box<str>, Fate>,
    /// What is to be known of it by whoever finds it.
    pub marks: Marks,
}

/// What a pull secret says of the entries in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The credentials whose logins are in it: of no other one is it the last good login.
    pub from: BTreeSet<Box<str>>,
    /// The registries whose entries stay when their credential is gone.
    pub retained: BTreeSet<Registry>,
}

/// What stays of what was there before.
#[derive(Default)]
pub struct Left {
    /// Entries that nobody hands out.
    pub logins: BTreeMap<Registry, Login>,
    /// What is known of these.
    pub marks: Marks,
}

impl Left {
    /// Whether the last good login of a part is among them.
    fn is_of(&self, part: &Part) -> bool {
        self.logins.contains_key(&part.credential.registry) && self.marks.from.contains(&part.name)
    }
}

/// The file of these parts, oldest first, and of what stays of before.
pub fn file(parts: &[&Part], left: &Left) -> File {
    let (mut fates, winners) = winners(parts);
    for part in parts.iter().filter(|part| part.login.is_none() && left.is_of(part)) {
        fates.insert(part.name.clone(), Fate::Left);
    }
    let unclaimed: Vec<_> =
        left.logins.iter().filter(|(registry, _)| !winners.iter().any(|(is, ..)| is == registry)).collect();
    let handed = winners.iter().map(|(registry, login, _)| (*registry, *login));
    let Merged { file, left_out } = merge(handed.chain(unclaimed.iter().copied()));
    for (registry, _, part) in &winners {
        if left_out.contains(registry) {
            fates.insert(part.name.clone(), Fate::NoRoom);
        }
    }
    let marks = marks(&fates, &winners, &unclaimed, &left.marks);
    let bytes = (winners.len() + unclaimed.len() > left_out.len()).then_some(file);
    let digest = Digest::of(bytes.as_ref().map_or(&[], |bytes| bytes.as_slice()));
    File { bytes, digest, fates, marks }
}

type Fates = BTreeMap<Box<str>, Fate>;
type Winners<'p> = Vec<(&'p Registry, &'p Login, &'p Part)>;

/// The first part with a login for each registry, and what becomes of the others.
fn winners<'p>(parts: &[&'p Part]) -> (Fates, Winners<'p>) {
    let (mut fates, mut winners) = (Fates::new(), Winners::new());
    for part in parts {
        let registry = &part.credential.registry;
        let winner = winners.iter().find(|(is, ..)| *is == registry);
        let fate = match (&part.login, winner) {
            (None, _) => Fate::NoLogin,
            (Some(_), Some((.., winner))) => Fate::Beaten(winner.name.clone()),
            (Some(login), None) => {
                winners.push((registry, login, part));
                Fate::Handed
            }
        };
        fates.insert(part.name.clone(), fate);
    }
    (fates, winners)
}

fn marks(fates: &Fates, winners: &Winners<'_>, unclaimed: &[(&Registry, &Login)], left: &Marks) -> Marks {
    let handed = fates.iter().filter(|(_, fate)| **fate == Fate::Handed).map(|(name, _)| name);
    let kept = unclaimed.iter().map(|(registry, _)| *registry).filter(|it| left.retained.contains(it));
    let retaining =
        winners.iter().filter(|(.., part)| part.credential.retain).map(|(registry, ..)| *registry);
    Marks {
        from: handed.chain(&left.from).cloned().collect(),
        retained: retaining.chain(kept).cloned().collect(),
    }
}
