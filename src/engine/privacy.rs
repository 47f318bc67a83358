//! Which functions are private (design section 4, FunctionPrivacy): Private wins where several objects
//! match, the installation's default holds where none does, and what broke keeps private what it covered.

use std::collections::{HashMap, HashSet};

use crate::bundle::{Bundle, Record, Sort};
use crate::model::{FunctionName, Namespace, Resource, ResourcePattern};

/// Privacy, indexed: whole names are looked up, patterns are walked.
#[derive(Debug, Default)]
pub(super) struct Privacy {
    /// By namespace and name; `true` is private.
    named: HashMap<Box<str>, HashMap<Box<str>, bool>>,
    patterns: Vec<(ResourcePattern, bool)>,
    /// A record that cannot be read may cover anything.
    all_private: bool,
    /// What access tokens open, by the name of their FunctionPrivacy.
    opened: HashMap<Box<str>, Opened>,
}

/// What the access tokens of one FunctionPrivacy open: what it says, and where it broke no more than what
/// stays private by it.
#[derive(Debug)]
struct Opened {
    says: Vec<ResourcePattern>,
    within: Option<Vec<ResourcePattern>>,
}

impl Privacy {
    pub fn new(bundle: &Bundle) -> Self {
        let mut privacy = Self::default();
        let named: HashSet<_> = bundle.iter().filter_map(|(_, record)| of_token(record)).collect();
        for (key, record) in bundle.iter() {
            if named.contains(&*key.name) {
                privacy.opened.extend(opened(record).map(|opened| (key.name.clone(), opened)));
            }
            match record {
                Record::Privacy { functions, private, last_valid, .. } => match last_valid {
                    None => functions.iter().for_each(|f| privacy.add(f, *private)),
                    // Broken: what it covered stays private, whatever it says now.
                    Some(covered) => covered.iter().for_each(|f| privacy.add(f, true)),
                },
                Record::Unreadable(Sort::Privacy) => privacy.all_private = true,
                // A function's own word can only tighten; one that cannot be read may have been such a word.
                Record::Function { private: true, .. } | Record::Unreadable(Sort::Function) => {
                    privacy.add_function(&key.name);
                }
                _ => {}
            }
        }
        privacy
    }

    fn add_function(&mut self, name: &str) {
        if let Some((namespace, name)) = name.split_once('/') {
            self.named.entry(namespace.into()).or_default().insert(name.into(), true);
        }
    }

    /// Whether the access tokens of this FunctionPrivacy open a function.
    pub fn opens(&self, name: &str, resource: &Resource) -> bool {
        let covers = |patterns: &Vec<ResourcePattern>| patterns.iter().any(|p| p.covers(resource));
        matches!(resource, Resource::Function(..))
            && self.opened.get(name).is_some_and(|o| covers(&o.says) && o.within.as_ref().is_none_or(covers))
    }

    fn add(&mut self, pattern: &ResourcePattern, private: bool) {
        let whole = match pattern {
            ResourcePattern::Within(ns, name) => ns.literal().zip(name.literal()),
            ResourcePattern::Cluster => None,
        };
        match whole {
            Some((ns, name)) => {
                let slot = self.named.entry(ns.into()).or_default().entry(name.into()).or_default();
                *slot = *slot || private;
            }
            None => self.patterns.push((pattern.clone(), private)),
        }
    }

    /// Whether what is asked about is a private function; what is no function is never public.
    pub fn of(&self, resource: &Resource, default: bool) -> bool {
        let Resource::Function(namespace, name) = resource else { return true };
        // Nobody having said anything, the default does.
        self.all_private
            || self.said(resource).unwrap_or(default)
            || alike(namespace, name).into_iter().flatten().any(|same| self.said(&same) == Some(true))
    }

    /// What was said of a function under just this name; private wins.
    fn said(&self, resource: &Resource) -> Option<bool> {
        let Resource::Function(namespace, name) = resource else { return None };
        let named = self.named.get(namespace.as_str()).and_then(|names| names.get(name.as_str()));
        let matching = self.patterns.iter().filter(|(pattern, _)| pattern.covers(resource));
        matching.map(|(_, private)| *private).chain(named.copied()).reduce(|a, b| a || b)
    }
}

/// The functions that an upstream may find under this name although they are called otherwise: one that makes
/// a host of it (`direct_functions`) asks a name server, to which letters have no case and what stands before
/// the name of a Service is a Pod or port of it.
fn alike(namespace: &Namespace, name: &FunctionName) -> [Option<Resource>; 2] {
    let text = name.as_str();
    if !text.bytes().any(|b| b.is_ascii_uppercase() || b == b'.') {
        return [None, None];
    }
    let lower = text.to_ascii_lowercase();
    let service = lower.rsplit('.').next().unwrap_or_default();
    [&lower, service].map(|text| Some(Resource::Function(namespace.clone(), FunctionName::new(text).ok()?)))
}

/// The FunctionPrivacy whose access token is listed.
fn of_token(record: &Record) -> Option<&str> {
    match record {
        Record::AccessToken { privacy, .. } => Some(privacy),
        _ => None,
    }
}

/// What the access tokens of a FunctionPrivacy open; those of a public one open nothing.
fn opened(record: &Record) -> Option<Opened> {
    match record {
        Record::Privacy { functions, private: true, last_valid, .. } => {
            Some(Opened { says: functions.clone(), within: last_valid.clone() })
        }
        _ => None,
    }
}
