//! Whatever people do in whatever order, and whenever the operator starts anew: at the end each namespace has what the
//! credentials say, and what is somebody else's is as they left it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::cluster::{Cluster, PULL, key};

const NAMESPACES: [&str; 3] = ["dev", "qa", "other"];
const CREDENTIALS: [&str; 3] = ["a", "b", "c"];
const REGISTRIES: [&str; 2] = ["ghcr.io", "quay.io"];

#[derive(Debug, Clone)]
enum Step {
    /// A credential for a registry, for one namespace or all.
    Declare(usize, usize, Option<usize>),
    Delete(usize),
    Suspend(usize),
    /// Somebody writes what the validator refuses.
    Break(usize),
    /// The login of a credential.
    Rotate(usize, u8),
    Function(usize, bool),
    /// Somebody resets a ServiceAccount to their own entry.
    Reset(usize),
    /// Somebody deletes our Secret, or theirs.
    Drop(usize),
    /// Somebody makes a Secret of our name, where there is none.
    Squat(usize),
    Restart,
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let (namespace, credential) = (0..NAMESPACES.len(), 0..CREDENTIALS.len());
    prop_oneof![
        3 => (credential.clone(), 0..REGISTRIES.len(), proptest::option::of(namespace.clone()))
            .prop_map(|(c, r, n)| Step::Declare(c, r, n)),
        2 => credential.clone().prop_map(Step::Delete),
        1 => credential.clone().prop_map(Step::Suspend),
        1 => credential.clone().prop_map(Step::Break),
        2 => (credential, any::<u8>()).prop_map(|(c, p)| Step::Rotate(c, p)),
        1 => (namespace.clone(), any::<bool>()).prop_map(|(n, is)| Step::Function(n, is)),
        1 => namespace.clone().prop_map(Step::Reset),
        1 => namespace.clone().prop_map(Step::Drop),
        1 => namespace.prop_map(Step::Squat),
        1 => Just(Step::Restart),
        3 => Just(Step::Settle),
    ]
}

/// What a person who knows nothing of the operator expects.
#[derive(Default)]
struct Model {
    /// Name → registry, namespace, and the place in the order of making; of those that are not suspended.
    declared: BTreeMap<usize, (usize, Option<usize>, usize)>,
    born: BTreeMap<usize, usize>,
    broken: BTreeSet<usize>,
    passwords: BTreeMap<usize, u8>,
    functions: [bool; 3],
    squatted: [bool; 3],
}

impl Model {
    fn logins(&self, namespace: usize) -> Vec<String> {
        let mut logins = BTreeMap::new();
        let mut all: Vec<_> = self.declared.iter().collect();
        all.sort_by_key(|(_, (.., born))| *born);
        for (credential, (registry, only, _)) in all {
            let fits = self.functions[namespace] && only.is_none_or(|only| only == namespace);
            if let Some(password) = self.passwords.get(credential).filter(|_| fits) {
                let login = format!("{}=u:{password}", REGISTRIES[*registry]);
                logins.entry(*registry).or_insert(login);
            }
        }
        logins.into_values().collect()
    }

    fn is_for(&self, namespace: usize) -> bool {
        self.functions[namespace]
            && self.declared.values().any(|(_, only, _)| only.is_none_or(|only| only == namespace))
    }
}

fn spec(credential: usize, registry: usize, only: Option<usize>, suspend: bool) -> serde_json::Value {
    let mut spec = json!({
        "registry": REGISTRIES[registry], "secretRef": {"name": CREDENTIALS[credential]}, "suspend": suspend,
    });
    if let Some(only) = only {
        spec["targets"] = json!({"namespaces": {"names": [NAMESPACES[only]]}});
    }
    spec
}

fn squatter() -> serde_json::Value {
    json!({"type": "Opaque", "metadata": {"labels": {"app": "theirs"}}})
}

fn is_theirs(cluster: &Cluster, namespace: &str) -> bool {
    cluster.secrets.get(&key(namespace, PULL)).is_some_and(|secret| secret["type"] == "Opaque")
}

fn play(cluster: &mut Cluster, model: &mut Model, step: &Step, turn: usize) {
    match *step {
        Step::Declare(c, r, n) => {
            let born = *model.born.entry(c).or_insert(turn);
            model.declared.insert(c, (r, n, born));
            model.broken.remove(&c);
            cluster.credential(CREDENTIALS[c], spec(c, r, n, false));
        }
        Step::Delete(c) => {
            model.declared.remove(&c);
            model.born.remove(&c);
            model.broken.remove(&c);
            cluster.delete(CREDENTIALS[c]);
        }
        Step::Suspend(c) => {
            if let Some((r, n, _)) = model.declared.remove(&c) {
                model.broken.remove(&c);
                cluster.credential(CREDENTIALS[c], spec(c, r, n, true));
            }
        }
        Step::Break(c) => {
            model.born.entry(c).or_insert(turn);
            model.broken.insert(c);
            cluster.credential(CREDENTIALS[c], json!({"registry": "ghcr.io", "secretRef": {}}));
        }
        Step::Rotate(c, password) => {
            model.passwords.insert(c, password);
            cluster.source(CREDENTIALS[c], "u", &password.to_string());
        }
        Step::Function(n, is) => {
            model.functions[n] = is;
            let annotations = if is { json!({"openfaas": "1"}) } else { json!({}) };
            cluster.namespace(NAMESPACES[n], annotations);
        }
        Step::Reset(n) => {
            let account = json!({"imagePullSecrets": [{"name": "theirs"}]});
            cluster.account(NAMESPACES[n], "default", account);
        }
        Step::Drop(n) => {
            model.squatted[n] = false;
            cluster.secret(NAMESPACES[n], PULL, None);
        }
        Step::Squat(n) => {
            if !cluster.secrets.contains_key(&key(NAMESPACES[n], PULL)) {
                model.squatted[n] = true;
                cluster.secret(NAMESPACES[n], PULL, Some(squatter()));
            }
        }
        Step::Restart => cluster.restart(),
        Step::Settle => drop(cluster.settle()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_order_the_end_is_what_the_credentials_say_and_nothing_foreign_is_touched(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut cluster = Cluster::of(&NAMESPACES);
        let mut model = Model { functions: [true; 3], ..Model::default() };
        for (turn, step) in steps.iter().enumerate() {
            play(&mut cluster, &mut model, step, turn);
            // No pause of the operator's is longer.
            cluster.now += 600_001;
        }
        cluster.settle();
        // What a broken one leads to depends on who knows what it said; when it is gone, nothing of it does.
        for c in model.broken.clone() {
            play(&mut cluster, &mut model, &Step::Delete(c), steps.len());
        }
        cluster.settle();
        for (number, namespace) in NAMESPACES.into_iter().enumerate() {
            prop_assert_eq!(is_theirs(&cluster, namespace), model.squatted[number], "{}", namespace);
            if model.squatted[number] {
                prop_assert_eq!(&cluster.secrets[&key(namespace, PULL)]["metadata"]["labels"], &json!({"app": "theirs"}));
                continue;
            }
            let logins = cluster.logins(namespace, PULL);
            prop_assert_eq!(logins.clone(), model.logins(number), "{}", namespace);
            prop_assert_eq!(cluster.secrets.contains_key(&key(namespace, PULL)), !logins.is_empty());
            let referred = cluster.references(namespace, "default").contains(&PULL.to_owned());
            prop_assert_eq!(referred, model.is_for(number), "{}", namespace);
        }
        let writes = cluster.settle();
        prop_assert_eq!(writes, Vec::<String>::new(), "once it is quiet it stays so");
        cluster.restart();
        let writes = cluster.settle();
        prop_assert_eq!(writes, Vec::<String>::new(), "nor does another operator find anything");
    }
}
