//! Thousands of objects in a real API server, with the operator under the chart's account: how soon the bundle is
//! right after the last one, how soon an edited Role is in it and what that rewrites, memory, and what a quiet
//! operator asks. README.md has the method. Asserts nothing about time, prints verdicts.
//!
//!     cargo bench --bench scale                    2,000 Roles and 10,000
//!     cargo bench --bench scale -- 2000 idle       one size, and ten quiet minutes
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
#[allow(dead_code, reason = "shared with other benches, which use all of it")]
#[path = "mix.rs"]
mod mix;
#[allow(dead_code, unused_imports, reason = "shared with the cluster tier, which uses all of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use faas_iam::api::Kind;
use faas_iam::bundle::names::SHARD_KEY;
use faas_iam::bundle::{Bundle, Index, assemble};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use installed::{Installed, Operator, installed, swept};
use kube::api::DynamicObject;
use serde_json::{Value, json};
use support::audit::Audit;
use support::controlplane::ControlPlane;
use support::flags::Options;
use support::wait::eventually;
use support::{Failure, Result};

const POLICIES: usize = 2_000;
const ISSUERS: usize = 50;
/// Roles that are edited, one after the other.
const EDITS: usize = 200;
/// Objects that are on their way to the API server at a time.
const AT_ONCE: usize = 16;
/// What the longest wait may take: a status for every object.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long it is quiet.
const QUIET: Duration = Duration::from_secs(600);

type Objects = Vec<(Kind, String, Value)>;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let known = |word: &String| word == "idle" || word.parse::<usize>().is_ok();
    if !words.iter().all(|word| known(word) || word == "scale") {
        return Ok(());
    }
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![2_000, 10_000] } else { sizes };
    let idle = words.iter().any(|word| word == "idle");
    for roles in sizes {
        let plane = ControlPlane::start(Options::default()).await?;
        let audit = plane.audit();
        installed(plane.cluster(), json!({}), async |at| measure(&at, &audit, roles, idle).await).await?;
    }
    Ok(())
}

async fn measure(at: &Installed, audit: &Audit, roles: usize, idle: bool) -> Result<()> {
    println!("\n{POLICIES} Policies, {roles} Roles, {ISSUERS} JwtIssuers");
    let mut operator = at.start("one", &["--public-url", mix::PUBLIC])?;
    operator.ready().await?;
    row("resident, nothing declared", &resident(&operator)?);
    let objects = objects(roles);
    let begun = Instant::now();
    create(at, &objects).await?;
    let (answered, took) = (Instant::now(), begun.elapsed());
    let mut seen = Seen::default();
    let index = seen.until(at, |seen| seen.bundle().is_ok_and(|bundle| holds(&bundle, roles))).await?;
    let right = answered.elapsed();
    row(
        "objects a second that the API server took",
        &format!("{:.0}", objects.len() as f64 / took.as_secs_f64()),
    );
    verdict("after the last one the bundle is right", right, Duration::from_secs(2));
    eventually("a status of every object", PATIENCE, async || {
        let sample = "faas_iam_writes_total{object=\"status\",result=\"ok\"}";
        let written = operator.metric(sample).await?.unwrap_or_default();
        Ok((written >= objects.len() as f64).then_some(()))
    })
    .await?;
    row("and after that every status is written", &millis(answered.elapsed()));
    show_size(&index, &operator).await?;
    edits(at, &mut seen, roles).await?;
    row("resident, after the edits", &resident(&operator)?);
    let peak = operator.process.peak_memory()?;
    row(
        "resident, at most",
        &format!("{} of at most 100 MB: {}", mb(peak), word(peak * 1024 <= 100_000_000)),
    );
    operator.stop().await?;
    if idle { quiet(at, audit).await } else { Ok(()) }
}

/// The mix, more issuers, and more Roles on the same Policies where there are to be more.
fn objects(roles: usize) -> Objects {
    let mut objects = mix::objects(POLICIES.min(roles));
    for (_, name, spec) in
        objects.iter_mut().filter(|(kind, name, _)| *kind == Kind::JwtIssuer && name != "system")
    {
        spec["jwks"] = key(name);
    }
    objects.extend((3..ISSUERS).map(|n| {
        let name = format!("tenant-{n}");
        let spec =
            json!({"iss": format!("https://idp-{n}.example.com"), "aud": [mix::PUBLIC], "jwks": key(&name)});
        (Kind::JwtIssuer, name, spec)
    }));
    objects.extend((POLICIES..roles).map(|n| {
        let condition = json!({"StringEqual": {"jwt:iss": [mix::KEYCLOAK]}, "ForAnyValue:StringEqual": {"jwt:groups": [format!("guests-{n}")]}});
        (Kind::Role, format!("r-{n}"), json!({"policy": [format!("p-{}", n % POLICIES)], "condition": condition}))
    }));
    objects
}

/// A key set in the manifest, so that nobody asks the network. The key is RFC 7517's example.
fn key(name: &str) -> Value {
    json!({"keys": [{
        "kid": name, "kty": "EC", "crv": "P-256", "use": "sig",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }]})
}

async fn create(at: &Installed, objects: &Objects) -> Result<()> {
    let created = stream::iter(objects).map(|(kind, name, spec)| async move {
        let api = at.objects(*kind);
        let object = json!({"apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": {"name": name}, "spec": spec});
        let object: DynamicObject = serde_json::from_value(object)?;
        api.create(&Default::default(), &object).await?;
        Ok::<_, Failure>(())
    });
    created.buffer_unordered(AT_ONCE).try_collect().await
}

fn holds(bundle: &Bundle, roles: usize) -> bool {
    bundle.roles().count() == roles
        && bundle.policies().count() == POLICIES.min(roles)
        && bundle.issuers().count() == ISSUERS
}

/// The bundle as it was read last, so that only new shards are read.
#[derive(Default)]
struct Seen {
    index: Option<Index>,
    texts: BTreeMap<Box<str>, String>,
}

impl Seen {
    /// Asks without a pause until what is read is as wanted; gives its index.
    async fn until(&mut self, at: &Installed, is: impl Fn(&Self) -> bool) -> Result<Index> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let Ok(index) = at.index().await else { continue };
            if self.index.as_ref() == Some(&index) {
                continue;
            }
            self.read(at, &index).await?;
            self.index = Some(index.clone());
            if is(self) {
                return Ok(index);
            }
        }
        Err(Failure::new("the bundle never becomes right"))
    }

    fn bundle(&self) -> Result<Bundle> {
        let index = self.index.as_ref().ok_or_else(|| Failure::new("nothing is read"))?;
        Ok(assemble(index, |name| self.texts.get(name).map(String::as_str))?)
    }

    async fn read(&mut self, at: &Installed, index: &Index) -> Result<()> {
        self.texts.retain(|name, _| index.shards.iter().any(|shard| shard.name == *name));
        for shard in &index.shards {
            if !self.texts.contains_key(&shard.name) {
                let text = at.maps().get(&shard.name).await?.data.and_then(|mut data| data.remove(SHARD_KEY));
                self.texts.insert(shard.name.clone(), text.unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// Edits one Role after the other and waits until each edit is in the bundle.
async fn edits(at: &Installed, seen: &mut Seen, roles: usize) -> Result<()> {
    let (mut took, mut rewritten) = (Vec::new(), Vec::new());
    let mut before: BTreeSet<Box<str>> = seen.texts.keys().cloned().collect();
    for edit in 0..EDITS {
        let (name, place) = (format!("r-{}", edit * 7_919 % roles), format!("edit-{edit}:*"));
        at.edit(Kind::Role, &name, json!({ "scope": [place] })).await?;
        let answered = Instant::now();
        let index = seen.until(at, |seen| seen.texts.values().any(|text| text.contains(&place))).await?;
        took.push(answered.elapsed());
        let after: BTreeSet<_> = index.shards.into_iter().map(|shard| shard.name).collect();
        rewritten.push(after.difference(&before).count());
        before = after;
        // Edits of people do not come in step with what the last one left behind.
        tokio::time::sleep(Duration::from_millis((edit as u64 * 37) % 300)).await;
    }
    took.sort_unstable();
    rewritten.sort_unstable();
    row("an edited Role in the bundle, p50", &millis(at_share(&took, 0.5)));
    verdict("an edited Role in the bundle, p99", at_share(&took, 0.99), Duration::from_millis(250));
    row(
        "shards that one edit rewrites, median and most",
        &format!("{}, {}", at_share(&rewritten, 0.5), at_share(&rewritten, 1.0)),
    );
    Ok(())
}

/// What an operator asks in ten minutes in which nothing happens. Old shards are gone soon, so that they begin soon.
async fn quiet(at: &Installed, audit: &Audit) -> Result<()> {
    let mut operator = at.start("one", &["--public-url", mix::PUBLIC, "--keep-shards-for", "1s"])?;
    operator.ready().await?;
    swept(at).await?;
    let mark = audit.mark().await?;
    tokio::time::sleep(QUIET).await;
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for request in audit.by_user_since(&at.user(), &mark).await? {
        *asked.entry(format!("{} {}", request.verb, request.resource)).or_default() += 1;
    }
    row("asked in ten quiet minutes", &format!("{asked:?}"));
    operator.stop().await
}

async fn show_size(index: &Index, operator: &Operator) -> Result<()> {
    row("shards", &index.shards.len().to_string());
    row("bundle", &format!("{:.2} MB", index.size as f64 / 1e6));
    row("index", &format!("{:.1} kB", index.encode().len() as f64 / 1e3));
    let (compiles, time) = (
        operator.metric("faas_iam_compile_duration_seconds_count").await?.unwrap_or_default(),
        operator.metric("faas_iam_compile_duration_seconds_sum").await?.unwrap_or_default(),
    );
    row("a compile, mean", &format!("{:.1} ms of {compiles:.0}", time * 1e3 / compiles));
    row("resident, all declared", &resident(operator)?);
    Ok(())
}

fn at_share<T: Copy>(sorted: &[T], share: f64) -> T {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

fn resident(operator: &Operator) -> Result<String> {
    Ok(mb(operator.process.memory()?))
}

fn mb(kib: u64) -> String {
    format!("{:.1} MB", kib as f64 * 1024.0 / 1e6)
}

fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}

fn verdict(what: &str, took: Duration, bound: Duration) {
    row(what, &format!("{} of at most {}: {}", millis(took), millis(bound), word(took <= bound)));
}

fn word(holds: bool) -> &'static str {
    if holds { "within" } else { "over" }
}

fn row(what: &str, value: &str) {
    println!("  {what:48} {value}");
}
