//! The gateway while everything around it goes wrong, under load: what no bundle ever granted is never let through, what
//! every bundle granted always is while it serves, and what was taken away while it was dead stays so.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use faas_iam::api::Kind;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::operator::installed::{Installed, WITHIN, all_ready, installed};
use crate::support::{
    Result,
    chart::{Account, Operator},
    faults::{Call, Moment, Proxy, play::dying_at, proxy::Fault},
    ports,
    robot::{Caller, DECLARED, NAMES, US, upstream},
    shared::shared,
    wait::eventually,
};

/// The Role's scope keeps the robot out of it, whatever its Policy says.
const NEVER: &str = "prod";
/// Granted by every bundle, while there is a Role.
const ALWAYS: &str = "dev";

const FAULTS: [Fault; 6] = [
    Fault::DropBefore,
    Fault::Truncate,
    Fault::Answer(404),
    Fault::Answer(410),
    Fault::Answer(429),
    Fault::Answer(500),
];

/// What there is to get in each stage of the test; answers from the edges of stages are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving = 1,
    WithoutBundle,
    ServingAgain,
    Revoked,
}

/// The stage, what was asked for, and the status.
type Seen = (usize, &'static str, u16);

/// Somebody who asks without end for both.
struct Load {
    stage: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Load {
    fn start(url: String, token: String) -> Result<Self> {
        let (stage, seen) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<_>>>::default());
        let (now_is, told) = (stage.clone(), seen.clone());
        let caller = Caller::new(url)?;
        let task = tokio::spawn(async move {
            loop {
                for namespace in [ALWAYS, NEVER] {
                    let before = now_is.load(Ordering::SeqCst);
                    let answer = caller.get_in(&token, namespace).await;
                    if let (Ok(status), true) = (answer, now_is.load(Ordering::SeqCst) == before) {
                        told.lock().unwrap_or_else(PoisonError::into_inner).push((before, namespace, status));
                    }
                    tokio::task::yield_now().await;
                }
            }
        });
        Ok(Self { stage, seen, task })
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, stage: Stage) {
        self.stage.store(stage as usize, Ordering::SeqCst);
    }

    /// What is answered from now on counts for no stage.
    fn pause(&self) {
        self.stage.store(0, Ordering::SeqCst);
    }

    /// Waits for a number of further answers of a stage.
    async fn further(&self, stage: Stage, namespace: &str, status: u16) -> Result<()> {
        let count = || self.seen().iter().filter(|one| **one == (stage as usize, namespace, status)).count();
        let before = count();
        eventually(&format!("{status} for {namespace} while {stage:?}"), WITHIN, async || {
            Ok((count() >= before + 20).then_some(()))
        })
        .await
    }

    /// Every status that was given in a stage.
    fn statuses(&self, stage: Stage, namespace: &str) -> Vec<u16> {
        let mut all: Vec<u16> = self
            .seen()
            .iter()
            .filter(|one| (one.0, one.1) == (stage as usize, namespace))
            .map(|one| one.2)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// A gateway that is killed and started again at the same address, behind a proxy of its own.
struct Gateway {
    account: Account,
    proxy: Proxy,
    listen: String,
    upstream: String,
}

impl Gateway {
    async fn of(at: &Installed) -> Result<Self> {
        let account = at.gateway_account().await?;
        let proxy = Proxy::before(account.kubeconfig()).await?;
        let listen = format!("127.0.0.1:{}", ports::free());
        Ok(Self { account: account.behind(&proxy), proxy, listen, upstream: upstream().await? })
    }

    fn start(&self) -> Result<Operator> {
        self.account.start_gateway_at(&self.listen, &self.upstream, US, &[])
    }
}

/// What the gateway reads of a bundle: one after the other, since without the index it asks for no shard.
const PARTS: [fn(&Call) -> bool; 2] =
    [|call| call.what.starts_with("GET configmaps/"), |call| call.what.contains("faas-iam-bundle (watch)")];

/// Another bundle that grants the same; gives its generation.
async fn another_bundle(at: &Installed, sid: &str) -> Result<u64> {
    let resources = ["dev:*", "prod:*"];
    let statement =
        json!({ "sid": sid, "effect": "Allow", "action": ["Function:Get"], "resource": resources });
    let before = at.index().await?.generation;
    at.edit(Kind::Policy, "look", json!({ "statement": [statement] })).await?;
    eventually("another bundle", WITHIN, async || {
        let now = at.index().await?.generation;
        Ok((now > before).then_some(now))
    })
    .await
}

async fn serves(gateway: &mut Operator, generation: u64) -> Result<()> {
    eventually(&format!("generation {generation} to serve"), WITHIN, async || {
        Ok(gateway.get("/readyz").await?.1.contains(&generation.to_string()).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s29_whatever_goes_wrong_the_gateway_gives_no_answer_that_no_complete_bundle_gives() -> Result<()> {
    let shared = shared().await?;
    installed(shared.cluster(), json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        at.apply(&DECLARED.replace(r#"["dev:*"]"#, r#"["dev:*", "prod:*"]"#)).await?;
        at.edit(Kind::Role, "robot", json!({ "scope": ["dev:*"] })).await?;
        let proxy = Proxy::before(at.account().kubeconfig()).await?;
        let start = || at.account().behind(&proxy).start("one", &["--public-url", US]);
        let mut operator = start()?;
        all_ready(&at, &NAMES).await?;
        let behind = Gateway::of(&at).await?;
        let mut gateway = behind.start()?;
        gateway.ready().await?;
        let url = format!("http://{}", behind.listen);
        let subject = at.cluster.token("default", "default", &[US]).await?;
        let load = Load::start(url.clone(), Caller::new(url)?.exchange(&subject).await?)?;

        load.set(Stage::Serving);
        for (part, fault) in PARTS.iter().flat_map(|part| FAULTS.map(|fault| (part, fault))) {
            let name = format!("{fault:?}").replace(['(', ')'], "-");
            let met = behind.proxy.on(*part, fault);
            behind.proxy.cut_watches();
            let generation = another_bundle(&at, &name).await?;
            met.reaches(1).await?;
            load.further(Stage::Serving, ALWAYS, 200).await?;
            behind.proxy.heal();
            serves(&mut gateway, generation).await?;
        }
        // The operator dies with a bundle half written.
        let written = proxy.calls().iter().filter(|call| call.what == "PUT secrets/faas-iam-bundle").count();
        operator.process.kill().await?;
        let next = Call { what: "PUT secrets/faas-iam-bundle".into(), ordinal: written + 1 };
        let play = async { another_bundle(&at, "half-written").await.map(drop) };
        let operator = dying_at(&proxy, next, Moment::Before, start, play).await?;
        load.further(Stage::Serving, ALWAYS, 200).await?;

        load.pause();
        gateway.process.kill().await?;
        behind.proxy.on(|_| true, Fault::Answer(500));
        let mut gateway = behind.start()?;
        load.set(Stage::WithoutBundle);
        load.further(Stage::WithoutBundle, NEVER, 503).await?;
        load.pause();
        behind.proxy.heal();
        gateway.ready().await?;
        load.set(Stage::ServingAgain);
        load.further(Stage::ServingAgain, ALWAYS, 200).await?;

        load.pause();
        gateway.process.kill().await?;
        at.objects(Kind::Role).delete("robot", &Default::default()).await?;
        at.bundle_with("no Role", |bundle| bundle.roles().next().is_none()).await?;
        let gateway = behind.start()?;
        load.set(Stage::Revoked);
        load.further(Stage::Revoked, ALWAYS, 403).await?;

        for (stage, always, never) in [
            (Stage::Serving, vec![200], vec![403]),
            (Stage::WithoutBundle, vec![503], vec![503]),
            (Stage::ServingAgain, vec![200], vec![403]),
        ] {
            assert_eq!(
                (load.statuses(stage, ALWAYS), load.statuses(stage, NEVER)),
                (always, never),
                "{stage:?}"
            );
        }
        for namespace in [ALWAYS, NEVER] {
            let given = load.statuses(Stage::Revoked, namespace);
            assert!(given.iter().all(|status| matches!(status, 403 | 503)), "{namespace}: {given:?}");
        }
        operator.stop().await?;
        gateway.stop().await
    })
    .await
}
