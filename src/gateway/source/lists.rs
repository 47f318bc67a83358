//! What the provider has listed, namespace by namespace: functions with their protected labels, their own word that
//! they are private, and whether their watchdog checks tokens. A namespace whose list cannot be read keeps its last
//! one, and counts as not heard; the others have nothing to do with that. Asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use crate::bundle::Record;
use crate::model::{FunctionName, Namespace};
use crate::route::PROTECTED_PREFIX;

/// The annotation by which a function says itself that it is private.
const PRIVACY: &str = "iam.openfaas.com/privacy";
/// Functions that are taken, at most.
const FUNCTIONS: usize = 100_000;

/// Functions of one namespace, by `namespace/name`.
pub type Functions = BTreeMap<String, Function>;
/// All functions.
pub type Everything = BTreeMap<Namespace, Arc<Functions>>;

/// What is known of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    labels: BTreeMap<Box<str>, Box<str>>,
    watchdog: Option<bool>,
    private: bool,
}

/// The list of one namespace.
#[derive(Debug, Default)]
struct List {
    functions: Arc<Functions>,
    heard: bool,
    failed: Option<String>,
}

/// All lists.
#[derive(Debug, Default)]
pub struct Lists(BTreeMap<Namespace, List>);

impl Lists {
    /// Begins anew with these namespaces, and forgets others; nobody is heard yet. They come in the order in which to
    /// ask for them: those that failed last, so that they hold up nobody.
    pub fn begin(&mut self, namespaces: impl IntoIterator<Item = Namespace>) -> Vec<Namespace> {
        let mut last = std::mem::take(&mut self.0);
        let again = |ns: Namespace| {
            let list = last.remove(&ns).unwrap_or_default();
            (ns, List { heard: false, ..list })
        };
        self.0 = namespaces.into_iter().map(again).collect();
        let (failed, fine): (Vec<_>, Vec<_>) = self.0.iter().partition(|(_, list)| list.failed.is_some());
        fine.into_iter().chain(failed).map(|(ns, _)| ns.clone()).collect()
    }

    /// The namespaces that are known.
    pub fn namespaces(&self) -> Vec<Namespace> {
        self.0.keys().cloned().collect()
    }

    /// Takes the list of a namespace, or why there is none.
    pub fn take(&mut self, namespace: &Namespace, read: Result<Functions, String>) {
        let elsewhere = self.0.iter().filter(|(ns, _)| *ns != namespace);
        let room = FUNCTIONS.saturating_sub(elsewhere.map(|(_, list)| list.functions.len()).sum());
        let read = read.and_then(|functions| match functions.len() <= room {
            true => Ok(Arc::new(functions)),
            false => Err(format!("there are more than {FUNCTIONS}")),
        });
        let Some(list) = self.0.get_mut(namespace) else { return };
        list.heard = read.is_ok();
        match read {
            Ok(functions) => (list.functions, list.failed) = (functions, None),
            Err(why) => list.failed = Some(why),
        }
    }

    /// All functions that are known.
    pub fn functions(&self) -> Everything {
        self.0.iter().map(|(ns, list)| (ns.clone(), list.functions.clone())).collect()
    }

    /// The namespaces whose functions were listed this time: only there is it known what they say of themselves.
    pub fn heard(&self) -> BTreeSet<Namespace> {
        self.0.iter().filter(|(_, list)| list.heard).map(|(ns, _)| ns.clone()).collect()
    }

    /// The others, and of one why.
    pub fn unheard(&self) -> (Vec<&str>, Option<&str>) {
        let unheard = || self.0.iter().filter(|(_, list)| !list.heard);
        let why = unheard().find_map(|(_, list)| list.failed.as_deref());
        (unheard().map(|(ns, _)| ns.as_str()).collect(), why)
    }
}

/// A function as the provider lists it: keys match as they are written, and what is null is absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    env_vars: Option<BTreeMap<String, String>>,
}

impl Listed {
    /// By its key; nothing for what is no function of this namespace.
    pub fn read(self, namespace: &Namespace) -> Option<(String, Function)> {
        let elsewhere = self.namespace.as_deref().filter(|ns| !ns.is_empty() && *ns != namespace.as_str());
        let name = FunctionName::new(&self.name).ok().filter(|_| elsewhere.is_none())?;
        let protected = self.labels.unwrap_or_default().into_iter();
        let protected = protected.filter(|(key, _)| key.starts_with(PROTECTED_PREFIX));
        let says = |map: &BTreeMap<String, String>, key: &str, value: &str| {
            map.get(key).is_some_and(|found| found.eq_ignore_ascii_case(value))
        };
        let function = Function {
            labels: protected.map(|(key, value)| (key.into(), value.into())).collect(),
            watchdog: self.env_vars.map(|vars| says(&vars, "jwt_auth", "true")),
            private: self.annotations.is_some_and(|map| says(&map, PRIVACY, "private")),
        };
        Some((format!("{namespace}/{name}"), function))
    }
}

impl Function {
    /// As the bundle has it.
    pub fn record(&self) -> Record {
        Record::Function { labels: self.labels.clone(), watchdog: self.watchdog, private: self.private }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(name: &str) -> Namespace {
        Namespace::new(name).unwrap()
    }

    fn functions(names: impl IntoIterator<Item = String>) -> Functions {
        let plain = || Function { labels: BTreeMap::new(), watchdog: None, private: false };
        names.into_iter().map(|name| (name, plain())).collect()
    }

    #[test]
    fn who_failed_is_asked_last_and_keeps_its_last_list_without_being_heard() {
        let mut lists = Lists::default();
        let all = || ["a", "b", "c"].map(ns);
        assert_eq!(lists.begin(all()), all());
        for name in all() {
            lists.take(&name, Ok(functions([format!("{name}/env")])));
        }
        lists.begin(all());
        lists.take(&ns("a"), Err("broken".into()));
        lists.take(&ns("c"), Ok(functions([])));
        assert_eq!(lists.heard(), [ns("c")].into());
        assert_eq!(lists.unheard(), (vec!["a", "b"], Some("broken")));
        let known: Vec<_> = lists.functions().values().map(|functions| functions.len()).collect();
        assert_eq!(known, [1, 1, 0]);
        assert_eq!(lists.begin(all()), ["b", "c", "a"].map(ns));
        assert_eq!(lists.begin([ns("b")]), [ns("b")]);
        assert_eq!(lists.functions().len(), 1, "of a namespace that is gone nothing stays");
    }

    #[test]
    fn s27_a_namespace_with_too_many_functions_takes_no_room_from_others() {
        let mut lists = Lists::default();
        lists.begin(["a", "b"].map(ns));
        lists.take(&ns("a"), Ok(functions(["a/env".to_owned()])));
        lists.take(&ns("b"), Ok(functions((0..FUNCTIONS).map(|n| format!("b/{n}")))));
        assert_eq!(lists.heard(), [ns("a")].into());
        assert_eq!(lists.functions()[&ns("b")].len(), 0);
    }
}
