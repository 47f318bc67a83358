//! The labels and annotations of pull secrets: how they are found again, for which installation they were made, and that
//! Argo CD leaves them alone. Whoever takes the labels off makes a Secret their own.

use std::collections::BTreeMap;

use crate::model::Registry;
use crate::registry::Marks;

/// Never `openfaas`: the provider would list and replace what has that.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "faas-iam");
const COMPONENT: (&str, &str) = ("app.kubernetes.io/component", "pull-secret");
/// The IAM namespace of the installation that made it.
const OWNER: &str = "iam.openfaas.com/owner";
const IGNORED: (&str, &str) = ("argocd.argoproj.io/compare-options", "IgnoreExtraneous");
/// The RegistryCredentials whose logins are in it, by commas.
const FROM: &str = "iam.openfaas.com/logins-of";
/// Registries whose entries stay when nobody hands them out any more, by commas.
const RETAINED: &str = "iam.openfaas.com/retained-registries";

/// The labels of ours.
pub fn labels(owner: &str) -> BTreeMap<String, String> {
    [MANAGED_BY, COMPONENT, (OWNER, owner)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The annotations of ours; what is `None` is not there.
pub fn annotations(marks: &Marks) -> BTreeMap<&'static str, Option<String>> {
    let listed = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(","));
    let from = listed(marks.from.iter().map(|name| &**name).collect());
    let retained = listed(marks.retained.iter().map(Registry::as_str).collect());
    [(IGNORED.0, Some(IGNORED.1.to_owned())), (FROM, from), (RETAINED, retained)].into()
}

/// The names of all of them.
pub fn all() -> ([&'static str; 3], [&'static str; 3]) {
    ([MANAGED_BY.0, COMPONENT.0, OWNER], [IGNORED.0, FROM, RETAINED])
}

/// Whether a Secret says that this installation made it.
pub fn is_ours(found: &BTreeMap<String, String>, owner: &str) -> bool {
    labels(owner).iter().all(|(key, value)| found.get(key) == Some(value))
}

/// Whether it has the annotation that all of ours have.
pub fn is_marked(found: &BTreeMap<String, String>) -> bool {
    found.get(IGNORED.0).is_some_and(|value| value == IGNORED.1)
}

/// What it says of the entries in it.
pub fn marks(found: &BTreeMap<String, String>) -> Marks {
    let listed = |name: &str| found.get(name).into_iter().flat_map(|names| names.split(','));
    let retained = listed(RETAINED).filter_map(|name| Registry::parse(name).ok()).collect();
    Marks { from: listed(FROM).map(Into::into).collect(), retained }
}
