//! A tenant does its worst, and everybody else is served as before.

use std::collections::BTreeMap;

use faas_iam::api::Kind;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use crate::operator::installed::{Installed, WITHIN, all_ready, installed};
use crate::support::{
    Result,
    audit::Request,
    chart::Operator,
    robot::{Caller, DECLARED, NAMES, US, upstream},
    shared::shared,
    skip::skip,
    tenant::{FOLLOWERS, INVALID, RESTLESS, Tenant},
    wait::eventually,
};

/// Edits of somebody else meanwhile.
const EDITS: usize = 12;
/// What the operator may still do for the tenant once somebody else has made an edit: what it has begun, one turn's statuses
/// with their Events, and what it writes until the edit is seen to be felt.
const FIRST: usize = 500;
/// Statuses of one object that are written at once, and seconds until there is one more.
const STATUSES: (usize, f64) = (30, 10.0);
/// Events of one object for one reason; there are two reasons.
const EVENTS: usize = 2 * 25;
/// Memory that operator and gateway may have at most, KiB. What the tenant has made is 1 MiB of text.
const MEMORY: u64 = 128 * 1024;

/// What somebody else does meanwhile, and what came of it.
struct Bystander {
    caller: Caller,
    token: String,
    answers: BTreeMap<u16, usize>,
}

impl Bystander {
    async fn calls(&mut self) -> Result<u16> {
        let status = self.caller.get(&self.token).await?;
        *self.answers.entry(status).or_default() += 1;
        Ok(status)
    }

    /// Edits the Role, and calls until that is felt; says so in the API server's log.
    async fn edits(&mut self, at: &Installed, number: usize) -> Result<()> {
        let (scope, expected) = if number.is_multiple_of(2) { ("prod:*", 403) } else { ("dev:*", 200) };
        at.edit(Kind::Role, "robot", json!({ "scope": [scope] })).await?;
        let end = tokio::time::Instant::now() + WITHIN;
        while self.calls().await? != expected {
            assert!(tokio::time::Instant::now() < end, "edit {number} is not felt");
        }
        at.maps().get_opt(&felt(number)).await?;
        Ok(())
    }
}

fn felt(number: usize) -> String {
    format!("felt-{number}")
}

/// How much the operator did between each edit and that it was felt.
fn between(requests: &[Request], at: &Installed) -> Vec<usize> {
    let edits = requests.iter().filter(|r| r.verb == "patch" && r.resource == "roles" && r.name == "robot");
    let edits = edits.filter(|r| r.user != at.user()).map(|r| r.received);
    let done = |from: Timestamp, to: Timestamp| {
        let ours = requests.iter().filter(|r| r.user == at.user() && r.writes() && r.resource != "leases");
        ours.filter(|r| from < r.received && r.received < to).count()
    };
    let felt = (0..EDITS).filter_map(|n| requests.iter().find(|r| r.name == felt(n)).map(|r| r.received));
    edits.zip(felt).map(|(from, to)| done(from, to)).collect()
}

/// What was asked to be written of one resource, whether it was or somebody was first, by the name of the object.
fn by_name<'r>(requests: &[&'r Request], resource: &str) -> BTreeMap<&'r str, usize> {
    let mut counts = BTreeMap::new();
    for request in requests.iter().filter(|r| r.resource == resource) {
        *counts.entry(request.name.as_str()).or_default() += 1;
    }
    counts
}

fn assert_few_writes(requests: &[Request], at: &Installed) {
    let ours: Vec<&Request> = requests.iter().filter(|r| r.user == at.user()).collect();
    let times = || ours.iter().map(|r| r.received);
    let lasted = times()
        .max()
        .zip(times().min())
        .map_or(0.0, |(last, first)| last.duration_since(first).as_secs_f64());
    let most = STATUSES.0 + (lasted / STATUSES.1).ceil() as usize;
    let statuses = ["policies/status", "roles/status"].map(|resource| by_name(&ours, resource));
    for (name, count) in statuses.iter().flatten() {
        assert!(*count <= most, "{count} statuses of `{name}` in {lasted} s");
    }
    assert!(statuses[0].contains_key(RESTLESS), "it is among them");
    let events = ours.iter().filter(|r| r.resource == "events").count();
    let told = INVALID + (FOLLOWERS + 1) * EVENTS;
    assert!(events <= told, "{events} Events");
    println!(
        "{events} Events, {} statuses, in {lasted:.0} s",
        statuses.iter().flat_map(BTreeMap::values).sum::<usize>()
    );
}

fn assert_bounded(what: &str, process: &Operator, before: u64) -> Result<()> {
    let (now, most) = (process.process.memory()?, process.process.peak_memory()?);
    println!("{what}: {} MiB before, {} MiB after, {} MiB at most", before / 1024, now / 1024, most / 1024);
    assert!(most < MEMORY, "{what}: {most} KiB");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s27_whatever_a_tenant_does_the_edits_of_others_are_felt_at_once_and_their_calls_served() -> Result<()>
{
    let shared = shared().await?;
    let Some(audit) = shared.audit() else {
        return skip("TEST_KUBECONFIG names a cluster without an audit log here");
    };
    installed(shared.cluster(), json!({"publicUrl": US, "gateway": {"enabled": true}}), async |at| {
        at.apply(DECLARED).await?;
        let start = || at.start("one", &["--public-url", US]);
        let operator = start()?;
        all_ready(&at, &NAMES).await?;
        let (mut gateway, url) = at.gateway_account().await?.start_gateway(&upstream().await?, US)?;
        gateway.ready().await?;
        let caller = Caller::new(url.clone())?;
        let token = caller.exchange(&at.cluster.token("default", "default", &[US]).await?).await?;
        let before = (operator.process.memory()?, gateway.process.memory()?);
        operator.stop().await?;

        // All of it is there when the operator begins, so that everything is due at once.
        let tenant = Tenant::new(at.client.clone(), &at.namespace);
        tenant.moves_in().await?;
        let mark = audit.mark().await?;
        let edits = tenant.edits();
        let flood = tenant.floods(&url, &at.cluster.token("kube-public", "default", &[US]).await?)?;
        let operator = start()?;
        let mut bystander = Bystander { caller, token, answers: BTreeMap::new() };
        for number in 0..EDITS {
            bystander.edits(&at, number).await?;
        }
        println!(
            "the Policy was edited {:.0?} times a second, the gateway asked {:.0?}",
            edits.rate().1,
            flood.rate().1
        );
        let statuses: Vec<_> = bystander.answers.keys().copied().collect();
        assert_eq!(statuses, [200, 403], "{:?}", bystander.answers);
        let requests = audit.since(&mark).await?;
        let between = between(&requests, &at);
        println!("writes between an edit and that it is felt: {between:?}");
        assert!(between.len() == EDITS && between.iter().all(|count| *count <= FIRST), "{between:?}");

        // Everybody is told in the end, and the tenant no more often than that.
        all_ready(&at, &NAMES).await?;
        let told = async |kind, name: &str| at.conditions(kind, name).await.map(drop);
        told(Kind::Policy, &format!("crowd-{:0>6}", INVALID - 1)).await?;
        told(Kind::Role, &format!("follower-{}", FOLLOWERS - 1)).await?;
        assert_few_writes(&audit.since(&mark).await?, &at);
        assert_bounded("operator", &operator, before.0)?;
        assert_bounded("gateway", &gateway, before.1)?;
        drop((edits, flood));
        eventually("the restless one's status, once it rests", WITHIN, async || {
            at.conditions(Kind::Policy, RESTLESS).await.map(|conditions| Some(conditions.state().to_owned()))
        })
        .await?;
        operator.stop().await?;
        gateway.stop().await
    })
    .await
}
