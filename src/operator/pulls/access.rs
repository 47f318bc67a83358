//! What the operator may not look at, though it has to: told once that goes on. Pure.

use std::collections::BTreeMap;
use std::fmt;

use super::world::{Install, Key};

/// Refusals in a row that count: an API server that has only begun refuses everybody for a moment.
const COUNTS: u32 = 3;

/// Something that is watched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// RegistryCredentials.
    Credentials,
    /// Namespaces.
    Namespaces,
    /// ServiceAccounts.
    Accounts,
    /// The Deployments of functions.
    Functions,
    /// Their Pods.
    Pods,
    /// The merged Secrets.
    Secrets,
    /// The Secret of a single credential.
    Dedicated(Key),
    /// What a `secretRef` leads to.
    Source(Box<str>),
}

impl Watched {
    /// Whether nothing is known for certain of any credential without it.
    const fn is_for_all(&self) -> bool {
        !matches!(self, Self::Pods | Self::Dedicated(_) | Self::Source(_))
    }

    /// The resource, as RBAC has it.
    pub const fn resource(&self) -> &'static str {
        match self {
            Self::Credentials => "registrycredentials",
            Self::Namespaces => "namespaces",
            Self::Accounts => "serviceaccounts",
            Self::Functions => "deployments",
            Self::Pods => "pods",
            Self::Secrets | Self::Dedicated(_) | Self::Source(_) => "secrets",
        }
    }

    fn named(&self, install: &Install) -> String {
        match self {
            Self::Secrets => format!("{self} of the name `{}`", install.secret),
            Self::Credentials => format!("{self} in `{}`", install.namespace),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dedicated((namespace, name)) => write!(f, "the Secret `{name}` in `{namespace}`"),
            Self::Source(name) => write!(f, "the Secret `{name}`"),
            _ => f.write_str(self.resource()),
        }
    }
}

/// The right that lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// To list.
    List,
    /// To watch.
    Watch,
}

impl Verb {
    /// As RBAC has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Watch => "watch",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is refused, how often in a row.
#[derive(Debug, Default)]
pub struct Access(BTreeMap<Watched, (Verb, u32)>);

impl Access {
    /// We may not look, or may.
    pub fn take(&mut self, watched: Watched, refused: Option<Verb>) {
        let Some(verb) = refused else {
            self.0.remove(&watched);
            return;
        };
        let (lacks, times) = self.0.entry(watched).or_insert((verb, 0));
        (*lacks, *times) = (verb, times.saturating_add(1));
    }

    /// Forgets the sources that are not watched any more.
    pub fn retain_sources(&mut self, wanted: impl Fn(&str) -> bool) {
        self.0.retain(|watched, _| !matches!(watched, Watched::Source(name) if !wanted(name)));
    }

    /// The right that lacks for this.
    pub fn lacks(&self, watched: &Watched) -> Option<Verb> {
        self.0.get(watched).filter(|(_, times)| *times >= COUNTS).map(|(verb, _)| *verb)
    }

    /// All that is refused.
    pub fn refused(&self) -> impl Iterator<Item = (&Watched, Verb)> {
        self.0.keys().filter_map(|watched| Some((watched, self.lacks(watched)?)))
    }

    /// What is refused that matters to every credential, in words with the cure.
    pub fn blind(&self, install: &Install) -> Option<String> {
        let all: Vec<String> = self
            .refused()
            .filter(|(watched, _)| watched.is_for_all())
            .map(|(watched, verb)| format!("`{verb}` {}", watched.named(install)))
            .collect();
        (!all.is_empty()).then(|| {
            format!(
                "the operator may not {}: what changes there is not seen, and what is handed out stays; give the rights back with the chart",
                all.join(", ")
            )
        })
    }

    /// That Pods are not seen, in words with the cure.
    pub fn unseen_pods(&self) -> Option<String> {
        let verb = self.lacks(&Watched::Pods)?;
        Some(format!(
            "the operator may not `{verb}` pods: nothing is said or done about those that cannot pull; give the right back with the chart"
        ))
    }

    /// That the Secret of a single credential is not seen, in words with the cure.
    pub fn unseen_dedicated(&self, namespace: &str, secret: &str) -> Option<String> {
        let watched = Watched::Dedicated((namespace.into(), secret.into()));
        let verb = self.lacks(&watched)?;
        Some(format!("the operator may not `{verb}` {watched}; give the right back with the chart"))
    }
}
