//! Which functions are private (design section 4, FunctionPrivacy): Private wins where several objects
//! match, the installation's default holds where none does, and what broke keeps private what it covered.

use std::collections::HashMap;

use crate::bundle::{Bundle, Record, Sort};
use crate::model::{Resource, ResourcePattern};

/// Privacy, indexed: whole names are looked up, patterns are walked.
#[derive(Debug, Default)]
pub(super) struct Privacy {
    /// By namespace and name; `true` is private.
    named: HashMap<Box<str>, HashMap<Box<str>, bool>>,
    patterns: Vec<(ResourcePattern, bool)>,
    /// A record that cannot be read may cover anything.
    all_private: bool,
}

impl Privacy {
    pub fn new(bundle: &Bundle) -> Self {
        let mut privacy = Self::default();
        for (_, record) in bundle.iter() {
            match record {
                Record::Privacy { functions, private, last_valid, .. } => match last_valid {
                    None => functions.iter().for_each(|f| privacy.add(f, *private)),
                    // Broken: what it covered stays private, whatever it says now.
                    Some(covered) => covered.iter().for_each(|f| privacy.add(f, true)),
                },
                Record::Unreadable(Sort::Privacy) => privacy.all_private = true,
                _ => {}
            }
        }
        privacy
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
        let named = self.named.get(namespace.as_str()).and_then(|names| names.get(name.as_str()));
        let matching = self.patterns.iter().filter(|(pattern, _)| pattern.covers(resource));
        let said = matching.map(|(_, private)| *private).chain(named.copied());
        // Private wins; nobody having said anything, the default does.
        self.all_private || said.reduce(|a, b| a || b).unwrap_or(default)
    }
}
