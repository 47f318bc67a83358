//! What a deployment or a change of a Secret may not do, whatever was granted (`security-rules.md` 11a):
//! name a Secret of ours, replace one, or set labels that groups of functions go by.

use std::collections::BTreeMap;

use super::answer::Denial;
use crate::bundle::names::SIGNING_SECRET;
use crate::model::Namespace;
use crate::route::{Deployment, PROTECTED_PREFIX};

/// Secrets of ours in the IAM namespace, besides those with a prefix or ending of ours.
const OURS: [&str; 3] = [SIGNING_SECRET, "ca-bundle", "basic-auth"];
/// How the names of all other Secrets of ours begin.
const PREFIX: &str = "faas-iam-";
/// How the name of a function's identity ends.
const IDENTITY: &str = "-identity";

/// Whether a Secret of this name is ours.
fn is_ours(namespace: &Namespace, name: &str, iam_namespace: &str) -> bool {
    name.starts_with(PREFIX)
        || name.ends_with(IDENTITY)
        || (namespace.as_str() == iam_namespace && OURS.contains(&name))
}

/// Whether the Secret may be written or deleted through the gateway.
///
/// # Errors
/// [`Denial`] where it is ours.
pub fn secret(namespace: &Namespace, name: &str, iam_namespace: &str) -> Result<(), Denial> {
    if is_ours(namespace, name, iam_namespace) {
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
pub fn secrets(deployment: &Deployment, iam_namespace: &str) -> Result<(), Denial> {
    let own = format!("{}{IDENTITY}", deployment.name);
    let theirs = |name: &&String| **name != own && is_ours(&deployment.namespace, name, iam_namespace);
    match deployment.secrets.iter().find(theirs) {
        None => Ok(()),
        Some(name) => {
            let text =
                format!("a function may not be given the Secret `{name}`, which is managed by faas-iam");
            Err(Denial::forbidden("managed_secret", text))
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
        let may = |ns: &str, name: &str| secrets(&deployment(ns, &["fine", name], &[]), "openfaas").is_ok();
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
        let may = |ns: &str, name: &str| secret(&Namespace::new(ns).unwrap(), name, "openfaas").is_ok();
        assert!(may("dev", "api-key") && may("dev", "issuer-key"));
        assert!(
            !may("dev", "env-identity") && !may("dev", "faas-iam-bundle") && !may("openfaas", "issuer-key")
        );
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
