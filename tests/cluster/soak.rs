//! Random edits while everything around operator and gateway goes wrong at random, then quiet: what is left is what a fresh
//! operator makes of the same objects, and memory and open files are back where they were.
//!
//! `make soak` does so for ten minutes. The seed is printed, and `SOAK_SEED` makes the same edits and faults again; when
//! each of them hits is the machine's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use faas_iam::{
    api::Kind,
    bundle::names::{INDEX_SECRET, SIGNING_KEY, SIGNING_SECRET},
};
use kube::{
    ResourceExt as _,
    api::{DeleteParams, ListParams, Patch},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::operator::installed::{Installed, WITHIN, all_ready, installed, swept};
use crate::support::{
    Failure, Result,
    chart::{Account, Operator},
    controlplane::ControlPlane,
    faults::{
        Call, Proxy,
        dump::{Dump, Dumper},
        proxy::Fault,
    },
    flags::Options,
    ports,
    robot::{Caller, DECLARED, NAMES, US, upstream},
    wait::eventually,
};

/// Between two edits, on average: half of it to one and a half.
const EDIT_EVERY: Duration = Duration::from_millis(250);
/// How long one kind of fault lasts.
const FAULT_LASTS: Duration = Duration::from_secs(2);
/// Between two deaths of the operator, at most; a short run has some, too.
const DIES_EVERY: Duration = Duration::from_secs(20);
/// Memory beyond where it was before, KiB: what an allocator keeps of its busiest moment.
const MORE_MEMORY: u64 = 24 * 1024;
/// Files beyond what was open before: a connection or two that is not closed yet.
const MORE_FILES: usize = 4;
const ARGUMENTS: [&str; 4] = ["--keep-shards-for", "1s", "--public-url", US];

/// Numbers that the seed gives (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize].clone()
    }
}

/// One object that people might have meant, or have got wrong.
fn spec(kind: Kind, random: &mut Random) -> Value {
    match kind {
        Kind::JwtIssuer => {
            let iss = format!("https://issuer-{}.example.com", random.below(8));
            let expiry = random.one_of(&["30m", "1h", "soon"]);
            json!({ "iss": iss, "aud": ["gw"], "tokenExpiry": expiry, "jwks": { "keys": [KEY.parse::<Value>().unwrap_or_default()] } })
        }
        Kind::Policy => {
            let action = random.one_of(&["Function:Get", "Function:Invoke", "*", "No:Such"]);
            let resource = random.one_of(&["dev:*", "prod:env", "*", "dev"]);
            json!({ "statement": [{ "sid": "1", "effect": "Allow", "action": [action], "resource": [resource] }] })
        }
        _ => {
            let policy = format!("policy-{}", random.below(12));
            let iss = format!("https://issuer-{}.example.com", random.below(8));
            let scope = random.one_of(&[json!(null), json!(["dev:*"]), json!(["prod:*", "dev:env"])]);
            json!({
                "policy": [policy], "principal": { "jwt:sub": [format!("s{}", random.below(5))] }, "scope": scope,
                "condition": { "StringEqual": { "jwt:iss": [iss] } },
            })
        }
    }
}

const KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

/// Makes, changes or deletes one object.
async fn edit(at: &Installed, random: &mut Random) -> Result<()> {
    let (kind, many) =
        random.one_of(&[(Kind::JwtIssuer, 6), (Kind::Policy, 12), (Kind::Role, 30), (Kind::Role, 30)]);
    let name = format!("{}-{}", kind.kind().to_lowercase(), random.below(many));
    let (deletes, spec, api) = (random.below(5) == 0, spec(kind, random), at.objects(kind));
    let there = api.get_opt(&name).await?.is_some();
    match (deletes, there) {
        (true, true) => api.delete(&name, &DeleteParams::default()).await.map(drop)?,
        (true, false) => {}
        (false, true) => at.edit(kind, &name, spec).await?,
        (false, false) => {
            let object = json!({
                "apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": { "name": name }, "spec": spec,
            });
            api.create(&Default::default(), &serde_json::from_value(object)?).await.map(drop)?;
        }
    }
    Ok(())
}

/// One fault for some of the requests of an operator or gateway, in place of the last one.
fn fault(proxy: &Proxy, random: &mut Random) {
    proxy.heal();
    let fault = random.one_of(&[
        Fault::Delay(Duration::from_millis(300)),
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::Truncate,
        Fault::Answer(410),
        Fault::Answer(429),
        Fault::Answer(500),
    ]);
    let (seed, percent) = (random.next(), random.below(40));
    proxy.on(move |call: &Call| Random(seed ^ call.ordinal as u64).below(100) < percent, fault);
    if random.below(2) == 0 {
        proxy.cut_watches();
    }
}

/// Somebody whom every bundle grants what they ask for.
struct Load {
    task: JoinHandle<Vec<u16>>,
    over: Arc<AtomicBool>,
}

impl Load {
    fn start(caller: Caller, token: String) -> Self {
        let over = Arc::<AtomicBool>::default();
        let ends = over.clone();
        let task = tokio::spawn(async move {
            let mut seen = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                seen.extend(caller.get(&token).await.ok());
                seen.sort_unstable();
                seen.dedup();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            seen
        });
        Self { task, over }
    }

    /// Every status that was answered.
    async fn statuses(self) -> Result<Vec<u16>> {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.map_err(|error| Failure::new(error.to_string()))
    }
}

/// Memory, KiB, and open files.
fn held(process: &Operator) -> Result<(u64, usize)> {
    Ok((process.process.memory()?, process.process.open_files()?))
}

/// Waits until a program holds no more than before, give or take.
async fn back(what: &str, process: &Operator, before: (u64, usize)) -> Result<()> {
    let after = eventually(&format!("the {what} to hold what it held, {before:?}"), WITHIN, async || {
        let now = held(process)?;
        let is = now.0 <= before.0 + MORE_MEMORY && now.1 <= before.1 + MORE_FILES;
        if is { Ok(Some(now)) } else { Err(Failure::new(format!("it holds {now:?}"))) }
    })
    .await?;
    println!("{what}: {before:?} KiB and files before, {after:?} after");
    Ok(())
}

/// Waits until everything that is there has a status of its present generation.
async fn told(at: &Installed) -> Result<()> {
    for kind in Kind::ACCESS {
        for object in at.objects(kind).list(&ListParams::default()).await? {
            at.conditions(kind, &object.name_any()).await?;
        }
    }
    Ok(())
}

/// Waits until no shard is left but the index's and those that the operator counts as nobody's: it died before an index
/// listed them. People delete these.
async fn swept_by_hand(at: &Installed, operator: &Operator) -> Result<()> {
    let nobodys = eventually("old shards to go", WITHIN, async || {
        let index = at.index().await?;
        let maps = at.maps().list(&ListParams::default()).await?.into_iter().map(|map| map.name_any());
        let listed = |name: &String| index.shards.iter().any(|shard| *shard.name == **name);
        let shards = maps.filter(|name| name.starts_with("faas-iam-bundle-") && !listed(name));
        let unlisted: Vec<String> = shards.collect();
        let counted = operator.metric("faas_iam_unlisted_shards").await?;
        Ok((counted == Some(unlisted.len() as f64)).then_some(unlisted))
    })
    .await?;
    println!("{} shards that no index has listed", nobodys.len());
    for name in nobodys {
        at.maps().delete(&name, &DeleteParams::default()).await?;
    }
    swept(at).await
}

/// Everything that is there. The signing key is made at random.
async fn dump(at: &Installed, dumper: &Dumper) -> Result<Dump> {
    let secret = at.secrets().get(SIGNING_SECRET).await?;
    let pem = secret.data.and_then(|mut data| data.remove(SIGNING_KEY)).unwrap_or_default().0;
    let kid = faas_iam::operator::signing::kid(&pem).map_err(|why| Failure::new(why.to_string()))?;
    let words = vec![(String::from_utf8(pem)?, "PRIVATE KEY".to_owned()), (kid, "KEY ID".to_owned())];
    dumper.of(&at.namespace, &words).await
}

/// Takes away whatever an operator has written but its key.
async fn forget(at: &Installed) -> Result<()> {
    at.secrets().delete(INDEX_SECRET, &DeleteParams::default()).await?;
    for map in at.maps().list(&ListParams::default()).await? {
        if map.name_any().starts_with("faas-iam-bundle-") {
            at.maps().delete(&map.name_any(), &DeleteParams::default()).await?;
        }
    }
    let nothing = json!({ "observedGeneration": -1, "conditions": null, "keys": null, "issuers": null });
    for kind in Kind::ACCESS {
        for object in at.objects(kind).list(&ListParams::default()).await? {
            let patch = Patch::Merge(json!({ "status": nothing }));
            at.objects(kind).patch_status(&object.name_any(), &Default::default(), &patch).await?;
        }
    }
    Ok(())
}

/// The time of trouble.
struct Trouble<'a> {
    at: &'a Installed,
    account: Account,
    proxies: [&'a Proxy; 2],
    random: Random,
    edits: usize,
    deaths: usize,
}

impl Trouble<'_> {
    /// Goes on for so long; gives the operator that lives then.
    async fn lasts(&mut self, long: Duration, mut operator: Operator) -> Result<Operator> {
        let (began, mut faulty, mut died) = (Instant::now(), Instant::now(), Instant::now());
        let lives = DIES_EVERY.min(long / 4);
        while began.elapsed() < long {
            edit(self.at, &mut self.random).await?;
            self.edits += 1;
            if faulty.elapsed() > FAULT_LASTS {
                faulty = Instant::now();
                self.proxies.iter().for_each(|proxy| fault(proxy, &mut self.random));
            }
            if died.elapsed() > lives && began.elapsed() + lives < long {
                died = Instant::now();
                operator.process.kill().await?;
                operator = self.account.start("one", &ARGUMENTS)?;
                self.deaths += 1;
                self.tells(began.elapsed());
            }
            let pause = EDIT_EVERY.mul_f64(0.5 + self.random.below(100) as f64 / 100.0);
            tokio::time::sleep(pause).await;
        }
        self.tells(began.elapsed());
        self.proxies.iter().for_each(|proxy| proxy.heal());
        Ok(operator)
    }

    fn tells(&self, elapsed: Duration) {
        let asked: Vec<usize> = self.proxies.iter().map(|proxy| proxy.calls().len()).collect();
        let (edits, deaths) = (self.edits, self.deaths);
        println!(
            "{:.0} s: {edits} edits, {deaths} deaths, {asked:?} requests of operator and gateway",
            elapsed.as_secs_f64()
        );
    }
}

async fn soak(long: Duration) -> Result<()> {
    let variable = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = variable("SOAK_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("SOAK_SEED={seed}, {} s", long.as_secs());
    let plane = ControlPlane::start(Options::default()).await?;
    let values = json!({"publicUrl": US, "gateway": {"enabled": true}});
    let outcome = installed(plane.cluster(), values, async |at| soaked(&at, long, seed).await).await;
    plane.shut_down().await?;
    outcome.map_err(|failure| failure.during(format!("SOAK_SEED={seed}")))
}

async fn soaked(at: &Installed, long: Duration, seed: u64) -> Result<()> {
    let mut random = Random(seed);
    at.apply(DECLARED).await?;
    for _ in 0..100 {
        edit(at, &mut random).await?;
    }
    let gateways = at.gateway_account().await?;
    let (proxy, of_gateway) =
        (Proxy::before(at.account().kubeconfig()).await?, Proxy::before(gateways.kubeconfig()).await?);
    let account = at.account().behind(&proxy);
    let operator = account.start("one", &ARGUMENTS)?;
    all_ready(at, &NAMES).await?;
    let listen = format!("127.0.0.1:{}", ports::free());
    let mut gateway = gateways.behind(&of_gateway).start_gateway_at(&listen, &upstream().await?, US, &[])?;
    gateway.ready().await?;
    let caller = || Caller::new(format!("http://{listen}"));
    let token = caller()?.exchange(&at.cluster.token("default", "default", &[US]).await?).await?;
    told(at).await?;
    swept(at).await?;
    let load = Load::start(caller()?, token);
    let before = (held(&operator)?, held(&gateway)?);

    let mut trouble = Trouble { at, account, proxies: [&proxy, &of_gateway], random, edits: 0, deaths: 0 };
    let operator = trouble.lasts(long, operator).await?;
    told(at).await?;
    swept_by_hand(at, &operator).await?;
    let generation = at.index().await?.generation.to_string();
    eventually("the last bundle to serve", WITHIN, async || {
        Ok(gateway.get("/readyz").await?.1.contains(&generation).then_some(()))
    })
    .await?;
    back("operator", &operator, before.0).await?;
    back("gateway", &gateway, before.1).await?;
    assert_eq!(load.statuses().await?, [200], "what every bundle grants is always served");
    gateway.stop().await?;
    operator.stop().await?;

    let dumper = Dumper::new(at.client.clone()).await?;
    let left = dump(at, &dumper).await?;
    forget(at).await?;
    let fresh = at.start("fresh", &ARGUMENTS)?;
    told(at).await?;
    swept(at).await?;
    fresh.stop().await?;
    assert_eq!(left.differences(&dump(at, &dumper).await?), Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_some_trouble_all_is_as_a_fresh_operator_makes_it_and_nothing_is_held_on_to() -> Result<()> {
    soak(Duration::from_secs(20)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: `make soak`"]
async fn soak_for_as_long_as_asked() -> Result<()> {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    soak(Duration::from_secs(seconds.unwrap_or(600))).await
}
