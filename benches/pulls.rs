//! A thousand function namespaces in a real API server, with the operator under the chart's account and behind its fence:
//! how long a rotation takes beside a bare writer, how soon a new namespace has what it needs, memory, and what a quiet
//! operator asks. README.md has the method. Asserts nothing about time, prints verdicts.
//!
//!     cargo bench --bench pulls                  1,000 namespaces
//!     cargo bench --bench pulls -- 200           so many
//!     cargo bench --bench pulls -- 1000 idle     and ten quiet minutes
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "a bench that meets the unexpected ends there"
)]

#[allow(dead_code, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../tests/cluster/operator/installed.rs"]
mod installed;
#[allow(dead_code, unused_imports, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use faas_iam::api::Kind;
use faas_iam::registry::DOCKER_CONFIG_JSON;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use installed::{Installed, Operator, installed};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, ServiceAccount};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use support::audit::Audit;
use support::chart::{self, Account};
use support::controlplane::ControlPlane;
use support::flags::Options;
use support::scratch::Scratch;
use support::{Failure, Result};

const MERGED: &str = "faas-iam-pull";
/// What the bare writer writes, under an account with the same rights and the same fence.
const BARE: &str = "bare-pull";
const SOURCE: &str = "login";
/// As many as the operator writes at a time.
const AT_ONCE: usize = 16;
/// Rotations of each, taken in turns.
const ROUNDS: usize = 5;
/// Namespaces that come when all others are done.
const NEW: usize = 100;
/// Secrets of others, and their size.
const FOREIGN: usize = 10_000;
const FOREIGN_BYTES: usize = 10 * 1024;
/// Until when after the first one Pods of a new namespace are counted, ms, each row from the one before.
const RACES: [u128; 6] = [5, 10, 20, 50, 100, 500];
const PATIENCE: Duration = Duration::from_secs(300);
const QUIET: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let known = |word: &String| word == "idle" || word == "pulls" || word.parse::<usize>().is_ok();
    if !words.iter().all(known) {
        return Ok(());
    }
    let namespaces = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1_000);
    let idle = words.iter().any(|word| word == "idle");
    let plane = ControlPlane::start(Options::default()).await?;
    let audit = plane.audit();
    let values = values(MERGED);
    installed(plane.cluster(), values, async |at| measure(&at, &audit, namespaces, idle).await).await
}

fn values(secret: &str) -> Value {
    json!({ "rbac": { "referencedSecrets": [SOURCE] }, "registry": { "enabled": true, "secretName": secret } })
}

async fn measure(at: &Installed, audit: &Audit, namespaces: usize, idle: bool) -> Result<()> {
    println!(
        "\n{namespaces} function namespaces, {FOREIGN} Secrets of others with {FOREIGN_BYTES} bytes each"
    );
    let names: Vec<String> = (0..namespaces).map(|n| format!("functions-{n}")).collect();
    stream::iter(&names)
        .map(|name| function_namespace(at, name))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    foreign(at).await?;
    let mut watched = Watched::start(at, MERGED).await?;
    rotate(at, "zero").await?;
    declare(at).await?;
    let begun = Instant::now();
    let mut operator = at.start("one", &["--registry-credentials"])?;
    operator.ready().await?;
    watched.all_have("zero", &names).await?;
    row("from the operator's start until all have it", &millis(begun.elapsed()));
    rotations(at, audit, &mut watched, &names).await?;
    newcomers(at, &mut watched).await?;
    first_pods(at).await?;
    let peak = operator.process.peak_memory()?;
    row("resident, at most", &format!("{} of at most 60 MB: {}", mb(peak), word(peak * 1024 <= 60_000_000)));
    if idle {
        quiet(at, audit, &operator).await?;
    }
    operator.stop().await
}

async fn function_namespace(at: &Installed, name: &str) -> Result<()> {
    let namespace = json!({ "metadata": { "name": name, "annotations": { "openfaas": "1" } } });
    let api: Api<Namespace> = Api::all(at.client.clone());
    api.create(&Default::default(), &serde_json::from_value(namespace)?).await?;
    Ok(())
}

async fn foreign(at: &Installed) -> Result<()> {
    let client = at.client.clone();
    stream::iter(0..FOREIGN)
        .map(|n| {
            let api: Api<Secret> = Api::namespaced(client.clone(), "default");
            let mut secret = Secret::default();
            secret.metadata.name = Some(format!("foreign-{n}"));
            secret.data = Some(BTreeMap::from([("a".to_owned(), ByteString(vec![b'x'; FOREIGN_BYTES]))]));
            async move { api.create(&Default::default(), &secret).await.map(drop) }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    Ok(())
}

async fn declare(at: &Installed) -> Result<()> {
    let kind = Kind::RegistryCredential;
    let object = json!({
        "apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": { "name": "ghcr" },
        "spec": { "registry": "ghcr.io", "secretRef": { "name": SOURCE } },
    });
    at.apply(&object.to_string()).await
}

async fn rotate(at: &Installed, password: &str) -> Result<()> {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth", "metadata": { "name": SOURCE },
        "stringData": { "username": "robot", "password": password },
    });
    at.apply(&secret.to_string()).await
}

/// What a rotation takes, the operator's and the bare writer's, in turns and beside the same watch.
async fn rotations(at: &Installed, audit: &Audit, watched: &mut Watched, names: &[String]) -> Result<()> {
    let bare = Bare::prepare(at, names).await?;
    let (mut ours, mut theirs, mut asked) = (Vec::new(), Vec::new(), (0, 0));
    for round in 0..ROUNDS {
        let mark = audit.mark().await?;
        let begun = Instant::now();
        bare.write(&format!("bare-{round}"), names).await?;
        theirs.push(begun.elapsed());
        let password = format!("ours-{round}");
        rotate(at, &password).await?;
        let begun = Instant::now();
        watched.all_have(&password, names).await?;
        ours.push(begun.elapsed());
        asked.0 += patches(audit, &at.user(), &mark).await?;
        asked.1 += patches(audit, &bare.user, &mark).await?;
    }
    row("Secrets patched, the operator and the bare writer", &format!("{} and {}", asked.0, asked.1));
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    row("a rotation by the bare writer, median", &millis(theirs));
    row("a rotation by the operator, median", &millis(ours));
    row("ratio", &format!("{ratio:.2} of at most 1.25: {}", word(ratio <= 1.25)));
    Ok(())
}

/// Which share of the Pods that are made right after a namespace's ServiceAccount names the pull secret, by their age since
/// the first that the API server let in, without the admission policy that puts the name in.
async fn first_pods(at: &Installed) -> Result<()> {
    let mut made = [(0, 0); RACES.len()];
    for n in 0..NEW {
        let namespace = format!("first-{n}");
        function_namespace(at, &namespace).await?;
        let pods: Api<Pod> = Api::namespaced(at.client.clone(), &namespace);
        let mut begun = None;
        loop {
            let age = begun.map_or(0, |begun: Instant| begun.elapsed().as_millis());
            let Some(row) = RACES.iter().position(|until| age < *until) else { break };
            match pods.create(&Default::default(), &pod()?).await {
                Ok(pod) => {
                    begun.get_or_insert_with(Instant::now);
                    let names = pod.spec.and_then(|spec| spec.image_pull_secrets).unwrap_or_default();
                    made[row].0 += usize::from(names.iter().any(|one| one.name == MERGED));
                    made[row].1 += 1;
                }
                // There is no ServiceAccount yet.
                Err(kube::Error::Api(status)) if status.code == 403 => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    for (until, (named, made)) in RACES.iter().zip(made) {
        row(&format!("Pods made before {until} ms that name it"), &format!("{named} of {made}"));
    }
    Ok(())
}

fn pod() -> Result<Pod> {
    let pod = json!({
        "metadata": { "generateName": "pod-" }, "spec": { "containers": [{ "name": "a", "image": "ghcr.io/a/b" }] },
    });
    Ok(serde_json::from_value(pod)?)
}

async fn patches(audit: &Audit, user: &str, mark: &support::audit::Mark) -> Result<usize> {
    let requests = audit.by_user_since(user, mark).await?;
    Ok(requests.iter().filter(|request| request.verb == "patch" && request.resource == "secrets").count())
}

/// A program that does nothing but write: the same library and connections, verb and payload, and as many at a time.
struct Bare {
    client: Client,
    user: String,
    _folder: Scratch,
}

impl Bare {
    async fn prepare(at: &Installed, names: &[String]) -> Result<Self> {
        let name = chart::install(&at.client, "bare", &at.namespace, &values(BARE)).await?;
        let folder = Scratch::new()?;
        let account = Account::new(&at.cluster, &at.namespace, &name, folder.path()).await?;
        let client = at.cluster.service_account(&at.namespace, &name).await?;
        let bare = Self { client, user: account.user(), _folder: folder };
        let each = stream::iter(names).map(|namespace| async {
            let secret = json!({
                "metadata": { "name": BARE, "labels": labels() }, "type": "kubernetes.io/dockerconfigjson",
                "data": { DOCKER_CONFIG_JSON: file("none") },
            });
            bare.secrets(namespace).create(&Default::default(), &serde_json::from_value(secret)?).await?;
            Ok::<_, Failure>(())
        });
        each.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
        Ok(bare)
    }

    fn secrets(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    async fn write(&self, password: &str, names: &[String]) -> Result<()> {
        let data = file(password);
        let each = stream::iter(names).map(|namespace| async {
            let patch = json!({
                "metadata": { "labels": labels(), "annotations": { "iam.openfaas.com/logins-of": "ghcr" } },
                "data": { DOCKER_CONFIG_JSON: data },
            });
            let params = PatchParams { field_manager: Some("bare".to_owned()), ..PatchParams::default() };
            self.secrets(namespace).patch(BARE, &params, &Patch::Merge(patch)).await?;
            Ok::<_, Failure>(())
        });
        each.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
        Ok(())
    }
}

fn labels() -> Value {
    json!({ "app.kubernetes.io/managed-by": "faas-iam", "app.kubernetes.io/component": "pull-secret" })
}

fn file(password: &str) -> Value {
    let registry = faas_iam::model::Registry::parse("ghcr.io").unwrap();
    let login = faas_iam::registry::Login::new("robot", password).unwrap();
    json!(ByteString(faas_iam::registry::merge([(&registry, &login)]).file.to_vec()))
}

/// The pull secrets of all namespaces, as a watch shows them.
struct Watched {
    seen: tokio::sync::mpsc::UnboundedReceiver<(String, String)>,
    passwords: BTreeMap<String, String>,
    _task: tokio::task::JoinSet<()>,
}

impl Watched {
    async fn start(at: &Installed, name: &str) -> Result<Self> {
        let (tell, seen) = tokio::sync::mpsc::unbounded_channel();
        let api: Api<Secret> = Api::all(at.cluster.admin().await?);
        let config = Config::default().fields(&format!("metadata.name={name}"));
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let mut events = watcher(api, config).boxed();
            while let Some(event) = events.next().await {
                if let Ok(Event::Apply(secret) | Event::InitApply(secret)) = event {
                    let namespace = secret.namespace().unwrap_or_default();
                    let data = secret.data.unwrap_or_default().remove(DOCKER_CONFIG_JSON).unwrap_or_default();
                    let logins = faas_iam::registry::read(&data.0);
                    let password = logins.values().next().map(|login| login.password().to_owned());
                    let _ = tell.send((namespace, password.unwrap_or_default()));
                }
            }
        });
        Ok(Self { seen, passwords: BTreeMap::new(), _task: task })
    }

    /// Waits until all of these namespaces have this password.
    async fn all_have(&mut self, password: &str, names: &[String]) -> Result<()> {
        let mut missing: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        missing.retain(|name| self.passwords.get(*name).is_none_or(|is| is != password));
        let deadline = Instant::now() + PATIENCE;
        while !missing.is_empty() {
            let next = tokio::time::timeout_at(deadline.into(), self.seen.recv()).await;
            let Ok(Some((namespace, is))) = next else {
                return Err(Failure::new(format!("{} namespaces never have `{password}`", missing.len())));
            };
            if is == password {
                missing.remove(namespace.as_str());
            }
            self.passwords.insert(namespace, is);
        }
        Ok(())
    }
}

async fn refers(api: &Api<ServiceAccount>) -> Result<bool> {
    let references = api.get("default").await?.image_pull_secrets.unwrap_or_default();
    Ok(references.iter().any(|one| one.name == MERGED))
}

/// How long a new namespace lacks something, from the moment at which its ServiceAccount is seen.
async fn newcomers(at: &Installed, watched: &mut Watched) -> Result<()> {
    let mut took = Vec::new();
    for n in 0..NEW {
        let name = format!("newcomer-{n}");
        function_namespace(at, &name).await?;
        let api: Api<ServiceAccount> = Api::namespaced(at.client.clone(), &name);
        while api.get_opt("default").await?.is_none() {}
        let begun = Instant::now();
        watched.all_have(&format!("ours-{}", ROUNDS - 1), std::slice::from_ref(&name)).await?;
        while !refers(&api).await? {}
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    row("a new namespace has both, p50", &millis(at_share(&took, 0.5)));
    let worst = at_share(&took, 0.99);
    let bound = Duration::from_secs(1);
    row(
        "a new namespace has both, p99",
        &format!("{} of at most 1 s: {}", millis(worst), word(worst <= bound)),
    );
    Ok(())
}

async fn quiet(at: &Installed, audit: &Audit, operator: &Operator) -> Result<()> {
    let mark = audit.mark().await?;
    tokio::time::sleep(QUIET).await;
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for request in audit.by_user_since(&at.user(), &mark).await? {
        *asked.entry(format!("{} {}", request.verb, request.resource)).or_default() += 1;
    }
    row("asked in ten quiet minutes", &format!("{asked:?}"));
    row("resident, quiet", &mb(operator.process.memory()?));
    Ok(())
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    at_share(&all, 0.5)
}

fn at_share<T: Copy>(sorted: &[T], share: f64) -> T {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

fn mb(kib: u64) -> String {
    format!("{:.1} MB", kib as f64 * 1024.0 / 1e6)
}

fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}

fn word(holds: bool) -> &'static str {
    if holds { "within" } else { "over" }
}

fn row(what: &str, value: &str) {
    println!("  {what:56} {value}");
}
