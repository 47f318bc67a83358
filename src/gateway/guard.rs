//! What a deployment or a change of a Secret may not do, whatever was granted (`security-rules.md` 11a):
//! name a Secret of ours, replace one, or set labels that groups of functions go by.

use std::collections::BTreeMap;

use super::answer::Denial;
use crate::bundle::names::SIGNING_SECRET;
use crate::model::Namespace;
use crate::route::{Deployment, PROTECTED_PREFIX, is_object_name};

/// Secrets of ours in the IAM namespace, besides those with a prefix or ending of ours.
const OURS: [&str; 3] = [SIGNING_SECRET, "ca-bundle", "basic-auth"];
/// How the names of all other Secrets of ours begin.
const PREFIX: &str = "faas-iam-";
/// How the name of a function's identity ends.
const IDENTITY: &str = "-identity";

/// The Secrets that are ours.
#[derive(Debug, Clone, Default)]
pub struct Ours {
    /// The IAM namespace.
    pub namespace: String,
    /// What else of it is ours, whatever its name: `--guarded-secrets`.
    pub guarded: Vec<SecretName>,
}

/// The name of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretName(String);

/// A text that no Secret can have for its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a Secret, such as basic-auth; several are joined by commas")]
pub struct NoSecretName(String);

impl std::str::FromStr for SecretName {
    type Err = NoSecretName;

    /// Reads a name.
    ///
    /// # Errors
    /// [`NoSecretName`]: what guards nothing is not to look as if it did.
    fn from_str(text: &str) -> Result<Self, NoSecretName> {
        if is_object_name(text) { Ok(Self(text.to_owned())) } else { Err(NoSecretName(text.to_owned())) }
    }
}

impl Ours {
    /// Whether a Secret of this name is ours.
    fn has(&self, namespace: &Namespace, name: &str) -> bool {
        let listed = || OURS.contains(&name) || self.guarded.iter().any(|guarded| guarded.0 == name);
        name.starts_with(PREFIX)
            || name.ends_with(IDENTITY)
            || (namespace.as_str() == self.namespace && listed())
    }

    /// Whether the Secret may be written or deleted through the gateway.
    ///
    /// # Errors
    /// [`Denial`] where it is ours.
    pub fn secret(&self, namespace: &Namespace, name: &str) -> Result<(), Denial> {
        if self.has(namespace, name) {
            let text =
                format!("the Secret `{name}` is managed by faas-iam and is not changed through the gateway");
            return Err(Denial::forbidden("managed_secret", text));
        }
        Ok(())
    }

    /// Whether the Secrets that a deployment names may be named: none of ours but the function's own identity.
    ///
    /// # Errors
    /// [`Denial`] that names the first that may not.
    pub fn secrets(&self, deployment: &Deployment) -> Result<(), Denial> {
        let own = format!("{}{IDENTITY}", deployment.name);
        let theirs = |name: &&String| **name != own && self.has(&deployment.namespace, name);
        match deployment.secrets.iter().find(theirs) {
            None => Ok(()),
            Some(name) => {
                let text =
                    format!("a function may not be given the Secret `{name}`, which is managed by faas-iam");
                Err(Denial::forbidden("managed_secret", text))
            }
        }
    }
}

/// The protected labels to be kept for a caller without `Function:Tag`: those that are deployed.
///
/// # Errors
/// [`Denial`] where the deployment sets others.
pub fn labels(
    deployment: &Deployment,
    deployed: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Denial> {
    let kept: BTreeMap<_, _> = deployed
        .iter()
        .filter(|(key, _)| key.starts_with(PROTECTED_PREFIX))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    match deployment.protected.iter().find(|(key, value)| kept.get(*key) != Some(value)) {
        None => Ok(kept),
        Some((key, _)) => {
            let text = format!("the label `{key}` is protected: setting it takes Function:Tag");
            Err(Denial::forbidden("protected_label", text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FunctionName;

    fn ours(guarded: &[&str]) -> Ours {
        let guarded = guarded.iter().map(|name| name.parse().unwrap()).collect();
        Ours { namespace: "openfaas".into(), guarded }
    }

    fn deployment(ns: &str, secrets: &[&str], protected: &[(&str, &str)]) -> Deployment {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        Deployment {
            namespace: Namespace::new(ns).unwrap(),
            name: FunctionName::new("env").unwrap(),
            secrets: secrets.iter().map(ToString::to_string).collect(),
            protected: protected.iter().map(owned).collect(),
        }
    }

    #[test]
    fn s11a_a_function_is_given_no_secret_of_ours_but_its_own_identity() {
        let may = |ns: &str, name: &str| ours(&[]).secrets(&deployment(ns, &["fine", name], &[])).is_ok();
        assert!(may("dev", "env-identity"));
        assert!(may("dev", "basic-auth"), "of that name there, it is not ours");
        for (ns, name) in [
            ("dev", "other-identity"),
            ("dev", "faas-iam-pull"),
            ("openfaas", "issuer-key"),
            ("openfaas", "basic-auth"),
            ("openfaas", "ca-bundle"),
        ] {
            assert!(!may(ns, name), "{ns} {name}");
        }
    }

    #[test]
    fn s11a_a_secret_of_ours_is_not_changed_through_the_gateway() {
        let may = |ns: &str, name: &str| ours(&[]).secret(&Namespace::new(ns).unwrap(), name).is_ok();
        assert!(may("dev", "api-key") && may("dev", "issuer-key"));
        assert!(
            !may("dev", "env-identity") && !may("dev", "faas-iam-bundle") && !may("openfaas", "issuer-key")
        );
    }

    #[test]
    fn s11a_what_is_guarded_by_name_is_ours_in_the_iam_namespace_alone() {
        let ours = ours(&["upstream-login", "gateway.tls"]);
        let may = |ns: &str, name: &str| {
            let named = ours.secrets(&deployment(ns, &[name], &[])).is_ok();
            assert_eq!(ours.secret(&Namespace::new(ns).unwrap(), name).is_ok(), named, "{ns} {name}");
            named
        };
        for name in ["upstream-login", "gateway.tls", "basic-auth"] {
            assert!(!may("openfaas", name) && may("dev", name), "{name}");
        }
        assert!(may("openfaas", "upstream"));
        for no_name in ["", "Login", "a,b", "a/b", "-a", "a..b", &"a".repeat(254)] {
            assert!(no_name.parse::<SecretName>().is_err(), "{no_name}");
        }
    }

    #[test]
    fn s11a_protected_labels_stay_as_they_are_deployed() {
        let deployed =
            [("iam.openfaas.com/g", "1"), ("free", "x")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let kept = |protected: &[(&str, &str)]| labels(&deployment("dev", &[], protected), &deployed);
        let same = BTreeMap::from([("iam.openfaas.com/g".to_owned(), "1".to_owned())]);
        assert_eq!(kept(&[]), Ok(same.clone()));
        assert_eq!(kept(&[("iam.openfaas.com/g", "1")]), Ok(same));
        assert!(kept(&[("iam.openfaas.com/g", "2")]).is_err());
        assert!(kept(&[("iam.openfaas.com/new", "1")]).is_err());
    }
}
