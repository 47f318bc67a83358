//! A RegistryCredential as it is meant: a login for a registry, and which namespaces and ServiceAccounts get it.
//!
//! The password is in the Secret that it names, and nowhere here.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::{Selector, SelectorExt as _};

use super::Registry;

/// The annotation by which OpenFaaS knows a function namespace; any value counts in the provider's code.
pub const FUNCTION_NAMESPACE: &str = "openfaas";
/// The annotation by which a namespace's owner takes credentials where no functions are, with the value `true`.
pub const OPT_IN: &str = "iam.openfaas.com/registry-credentials";
/// The ServiceAccount of Pods that name none.
const DEFAULT_ACCOUNT: &str = "default";

/// A valid RegistryCredential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// What it is a login for.
    pub registry: Registry,
    /// The Secret with the login, of the object's own namespace.
    pub secret: Box<str>,
    /// The user's name, where the object itself says it.
    pub username: Option<Box<str>>,
    /// Which of the function namespaces get it.
    pub namespaces: NamespaceTargets,
    /// Which of their ServiceAccounts name the pull secret.
    pub accounts: AccountTargets,
    /// The Secret into which it goes there.
    pub output: Output,
    /// When the login ends, as the object states it, seconds since 1970.
    pub expires: Option<i64>,
    /// For how long before the end it counts as expiring, seconds.
    pub warning: i64,
    /// What the registry is asked.
    pub check: Check,
    /// Whether a login that the registry refuses for certain leaves the last good one in its place.
    pub gate_rollout: bool,
    /// Whether a Secret of somebody else's is taken over where it holds the very same.
    pub adopt_equal: bool,
    /// Whether everything stays where it is when the object goes.
    pub retain: bool,
    /// Whether Pods of functions that cannot pull are deleted, so that new ones can.
    pub recreate_stuck: bool,
    /// Whether the login is handed out nowhere for now.
    pub suspended: bool,
}

/// Which of the function namespaces: where both are given, both have to fit, and where none is, all are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceTargets {
    /// By their labels.
    pub selector: Option<Selector>,
    /// By their names.
    pub names: Option<BTreeSet<Box<str>>>,
}

/// Which ServiceAccounts of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AccountTargets {
    /// Those that functions run as, and `default`.
    #[default]
    Functions,
    /// `default` alone.
    Default,
    /// Those that one of the two fits.
    Selected {
        /// By their labels.
        selector: Option<Selector>,
        /// By their names.
        names: BTreeSet<Box<str>>,
    },
    /// All of them.
    All,
    /// None: the Secret is there for whoever names it.
    None,
}

/// The Secret of a namespace in which the login is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Output {
    /// The one that all logins of the namespace share.
    #[default]
    Merged,
    /// One of its own, of this name.
    Dedicated(Box<str>),
}

/// What the registry is asked about the login.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Check {
    /// Nothing.
    #[default]
    Off,
    /// Whether it may log in.
    Login,
    /// Whether it may pull these images: their whole path at the registry's host.
    Pull(Box<str>),
}

impl Credential {
    /// Whether a function namespace of this name and these labels gets it. Whether it is a function namespace,
    /// [`is_function_namespace`] says.
    pub fn matches_namespace(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        let NamespaceTargets { selector, names } = &self.namespaces;
        selector.as_ref().is_none_or(|selector| selector.matches(labels))
            && names.as_ref().is_none_or(|names| names.contains(name))
    }
}

impl AccountTargets {
    /// Whether a ServiceAccount of this name and these labels names the pull secret; `runs_functions` is whether a
    /// function of its namespace runs as it.
    pub fn matches(&self, name: &str, labels: &BTreeMap<String, String>, runs_functions: bool) -> bool {
        match self {
            Self::Functions => runs_functions || name == DEFAULT_ACCOUNT,
            Self::Default => name == DEFAULT_ACCOUNT,
            Self::Selected { selector, names } => {
                names.contains(name) || selector.as_ref().is_some_and(|selector| selector.matches(labels))
            }
            Self::All => true,
            Self::None => false,
        }
    }
}

/// Whether credentials may go into a namespace: its owner has said so, by making it a function namespace or by
/// [`OPT_IN`], or it is the one in which functions are that name none. Whoever writes a credential alone opens
/// nothing (`security-rules.md` 25).
pub fn is_function_namespace(
    name: &str,
    annotations: &BTreeMap<String, String>,
    default_namespace: &str,
) -> bool {
    name == default_namespace
        || annotations.contains_key(FUNCTION_NAMESPACE)
        || annotations.get(OPT_IN).is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn team(value: &str) -> Selector {
        [("team".to_owned(), value.to_owned())].into_iter().collect()
    }

    fn names(names: &[&str]) -> BTreeSet<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    fn for_namespaces(selector: Option<Selector>, names: Option<BTreeSet<Box<str>>>) -> Credential {
        Credential {
            registry: Registry::parse("ghcr.io").unwrap(),
            secret: "login".into(),
            username: None,
            namespaces: NamespaceTargets { selector, names },
            accounts: AccountTargets::Functions,
            output: Output::Merged,
            expires: None,
            warning: 0,
            check: Check::Off,
            gate_rollout: false,
            adopt_equal: false,
            retain: false,
            recreate_stuck: false,
            suspended: false,
        }
    }

    #[test]
    fn a_credential_without_targets_is_for_every_function_namespace() {
        assert!(for_namespaces(None, None).matches_namespace("dev", &map(&[])));
    }

    #[test]
    fn where_selector_and_names_are_given_both_have_to_fit() {
        let credential = for_namespaces(Some(team("a")), Some(names(&["dev", "qa"])));
        for (name, labels, want) in [
            ("dev", &[("team", "a")][..], true),
            ("dev", &[("team", "b")], false),
            ("dev", &[], false),
            ("prod", &[("team", "a")], false),
        ] {
            assert_eq!(credential.matches_namespace(name, &map(labels)), want, "{name} {labels:?}");
        }
    }

    #[test]
    fn either_of_names_and_selector_selects_a_service_account() {
        let selected = AccountTargets::Selected { selector: Some(team("a")), names: names(&["builder"]) };
        for (name, labels, want) in [
            ("builder", &[][..], true),
            ("other", &[("team", "a")], true),
            ("other", &[], false),
            ("default", &[], false),
        ] {
            assert_eq!(selected.matches(name, &map(labels), true), want, "{name} {labels:?}");
        }
    }

    #[test]
    fn which_service_accounts_are_meant_is_what_the_mode_says() {
        for (targets, default, of_functions, other) in [
            (AccountTargets::Functions, true, true, false),
            (AccountTargets::Default, true, false, false),
            (AccountTargets::All, true, true, true),
            (AccountTargets::None, false, false, false),
        ] {
            let is = |name: &str, runs| targets.matches(name, &map(&[]), runs);
            assert_eq!(
                (is("default", false), is("worker", true), is("other", false)),
                (default, of_functions, other),
                "{targets:?}"
            );
        }
    }

    #[test]
    fn s25_a_namespace_gets_no_credential_unless_its_owner_says_so() {
        for (name, annotations, want) in [
            ("team-a", &[][..], false),
            ("team-a", &[("openfaas", "1")], true),
            ("team-a", &[("openfaas", "")], true),
            ("team-a", &[(OPT_IN, "true")], true),
            ("team-a", &[(OPT_IN, "false")], false),
            ("team-a", &[(OPT_IN, "")], false),
            ("openfaas-fn", &[], true),
        ] {
            let annotations = map(annotations);
            assert_eq!(
                is_function_namespace(name, &annotations, "openfaas-fn"),
                want,
                "{name} {annotations:?}"
            );
        }
    }
}
