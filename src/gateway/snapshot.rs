//! What one moment is judged by: the engine, the issuers with their keys, and our own key. Swapped whole,
//! never changed, so that a request sees one state from beginning to end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::{ArcSwapOption, Guard};
use tokio::sync::watch;

use crate::bundle::{Bundle, Record};
use crate::engine::Engine;
use crate::model::{Issuer, KeySource, Resource, SYSTEM_ISSUER_NAME};
use crate::token::{KeySet, SigningKey, VerifyingKeys};

/// Functions that are known, by namespace and name, and whether their watchdog checks tokens, where that is known,
/// too.
type Functions = HashMap<Box<str>, HashMap<Box<str>, Option<bool>>>;

/// An issuer with its keys.
pub struct Known {
    /// The JwtIssuer's name.
    pub name: Box<str>,
    /// What the JwtIssuer says.
    pub issuer: Issuer,
    /// The keys that the bundle has for it.
    pub base: KeySet,
    /// The keys that verify: the bundle's, or newer ones.
    pub keys: Arc<VerifyingKeys>,
}

/// One state.
pub struct Snapshot {
    /// Which one; no two are alike in one process.
    pub epoch: u64,
    /// The bundle's generation.
    pub generation: u64,
    /// What is granted.
    pub engine: Arc<Engine>,
    /// Our own key.
    pub signing: Arc<SigningKey>,
    by_iss: HashMap<Box<str>, Arc<Known>>,
    functions: Arc<Functions>,
}

/// The state that decides now, `None` before the first, and who waits for another one.
#[derive(Default)]
pub struct Now {
    current: ArcSwapOption<Snapshot>,
    swapped: watch::Sender<()>,
}

impl Now {
    /// The state.
    pub fn is(&self) -> Guard<Option<Arc<Snapshot>>> {
        self.current.load()
    }

    /// The same, to be kept.
    pub fn get(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// Has another one decide.
    pub fn set(&self, snapshot: Snapshot) {
        self.current.store(Some(Arc::new(snapshot)));
        self.swapped.send_replace(());
    }

    /// Has what is made of it decide, where there is one.
    pub fn update(&self, make: impl Fn(&Snapshot) -> Snapshot) {
        self.current.rcu(|now_is| now_is.as_ref().map(|snapshot| Arc::new(make(snapshot))));
        self.swapped.send_replace(());
    }

    /// Tells whenever another one decides from now on.
    pub fn swapped(&self) -> watch::Receiver<()> {
        self.swapped.subscribe()
    }
}

/// Keys that are newer than the bundle's.
#[derive(Clone)]
pub struct Successor {
    /// Where they were read.
    pub source: KeySource,
    /// The bundle's keys that they succeed.
    pub of: KeySet,
    /// They.
    pub keys: Arc<VerifyingKeys>,
    /// When they were read.
    pub read: Instant,
}

/// Keys that are newer than the bundle's, by `iss`.
pub type Newer = HashMap<Box<str>, Successor>;

impl Successor {
    /// Whether they are still meant: an issuer whose keys come from elsewhere by now, or whose keys in the
    /// bundle are others, has nothing to do with them.
    fn succeeds(&self, issuer: &Issuer, base: &KeySet) -> bool {
        self.source == issuer.keys && self.of == *base
    }
}

impl Snapshot {
    /// Makes one from a bundle. Newer keys count while the bundle still has the keys that they succeed, from
    /// where they were read.
    pub fn new(
        bundle: &Bundle,
        generation: u64,
        epoch: u64,
        signing: Arc<SigningKey>,
        newer: &Newer,
    ) -> Self {
        let own = KeySet::from_iter([signing.public().clone()]);
        let known = |(name, issuer, keys): (&str, &Issuer, &KeySet)| {
            let base = if name == SYSTEM_ISSUER_NAME { own.clone() } else { keys.clone() };
            let successor = newer.get(&issuer.iss).filter(|newer| newer.succeeds(issuer, &base));
            let keys =
                successor.map_or_else(|| Arc::new(VerifyingKeys::new(&base)), |newer| newer.keys.clone());
            (issuer.iss.clone(), Arc::new(Known { name: name.into(), issuer: issuer.clone(), base, keys }))
        };
        Self {
            epoch,
            generation,
            engine: Arc::new(Engine::new(bundle)),
            by_iss: bundle.issuers().map(known).collect(),
            signing,
            functions: Arc::new(functions(bundle)),
        }
    }

    /// The same state with other keys for an issuer that is as it was when it was asked.
    pub fn with_keys(&self, epoch: u64, asked: &Known, keys: Arc<VerifyingKeys>) -> Self {
        let mut by_iss = self.by_iss.clone();
        let same =
            |known: &&mut Arc<Known>| known.issuer.keys == asked.issuer.keys && known.base == asked.base;
        if let Some(known) = by_iss.get_mut(&asked.issuer.iss).filter(same) {
            let (name, issuer, base) = (known.name.clone(), known.issuer.clone(), known.base.clone());
            *known = Arc::new(Known { name, issuer, base, keys });
        }
        Self {
            epoch,
            generation: self.generation,
            engine: self.engine.clone(),
            signing: self.signing.clone(),
            by_iss,
            functions: self.functions.clone(),
        }
    }

    /// The issuer with exactly this `iss`.
    pub fn issuer(&self, iss: &str) -> Option<&Arc<Known>> {
        self.by_iss.get(iss)
    }

    /// Every issuer that serves.
    pub fn issuers(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.by_iss.values()
    }

    /// The issuers whose keys are read from somewhere.
    pub fn fetched(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.issuers().filter(|known| known.is_fetched())
    }

    /// Whether the function's watchdog is known to check tokens, or not to.
    pub fn checks_tokens(&self, function: &Resource) -> Option<bool> {
        *self.known(function)?
    }

    /// Whether there is such a function, as far as is known.
    pub fn knows(&self, function: &Resource) -> bool {
        self.known(function).is_some()
    }

    fn known(&self, function: &Resource) -> Option<&Option<bool>> {
        let Resource::Function(ns, name) = function else { return None };
        self.functions.get(ns.as_str())?.get(name.as_str())
    }
}

impl Known {
    /// Whether its keys can be read anew.
    pub fn is_fetched(&self) -> bool {
        matches!(self.issuer.keys, KeySource::Discovery | KeySource::Internal(_) | KeySource::Cluster(_))
    }
}

fn functions(bundle: &Bundle) -> Functions {
    let mut known = Functions::new();
    for (key, record) in bundle.iter() {
        let Record::Function { watchdog, .. } = record else { continue };
        if let Some((namespace, name)) = key.name.split_once('/') {
            known.entry(namespace.into()).or_default().insert(name.into(), *watchdog);
        }
    }
    known
}
