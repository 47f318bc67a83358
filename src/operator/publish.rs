//! Bringing the bundle into the cluster: write by write as the plan says, and telling who stands in the way.

use super::apply::Applied;
use super::holdings::HeldIndex;
use super::metrics::WriteLabels;
use super::pace::Move;
use super::plan::{Blocked, Goal, Write, plan};
use super::rivals::named;
use super::turn::{Operator, now};
use crate::bundle::names::INDEX_SECRET;

/// Plans in one turn: a name that turns out to be taken needs another.
const PLANS: usize = 64;

impl Operator {
    /// Writes what the cluster lacks of the bundle. Returns whether it holds it.
    pub(super) async fn publish(&mut self, goal: &Goal, now: i64) -> bool {
        for _ in 0..PLANS {
            let suffix = || self.pace.suffix();
            let plan = match plan(goal, &self.world.holdings, now, self.keep_shards_for, suffix) {
                Ok(plan) => plan,
                Err(blocked) => {
                    self.blocked(blocked).await;
                    return false;
                }
            };
            self.served.metrics.index_taken.set(0);
            self.pace.by(plan.wake);
            if plan.writes.is_empty() {
                self.repairs.holds(goal.digest());
                return true;
            }
            match self.repairs.judge(goal.digest(), &plan.writes, now) {
                Move::Change => {}
                Move::Repair => self.tell_of_rival(&plan.writes).await,
                Move::Wait(later) => {
                    self.pace.at(later);
                    return true;
                }
            }
            for write in &plan.writes {
                if !self.write(write).await {
                    return false;
                }
            }
        }
        false
    }

    async fn blocked(&mut self, blocked: Blocked) {
        if blocked == Blocked::IndexTaken && self.served.metrics.index_taken.set(1) == 0 {
            self.tell_of_bundle(false, "IndexNameTaken", blocked.to_string()).await;
        }
    }

    /// The bundle has to be put back: who has undone it, as far as anybody knows.
    async fn tell_of_rival(&self, writes: &[Write]) {
        let index = !writes.iter().any(|write| matches!(write, Write::Shard { .. }));
        self.served.metrics.repaired(if index { "index" } else { "shard" });
        let message = undone(index, self.world.holdings.index(), self.rival.as_deref());
        self.tell_of_bundle(false, "BundleUndone", message).await;
    }

    /// One write; whether the plan can go on.
    async fn write(&mut self, write: &Write) -> bool {
        if !self.leadership.leads() {
            return false;
        }
        let object = match write {
            Write::Shard { .. } => "shard",
            Write::Index { .. } => "index",
            Write::Delete { .. } => "deletion",
        };
        if let Write::Shard { name, .. } = write {
            self.world.holdings.asked_for(name.clone());
        }
        let applied = self.applier.write(write).await;
        let result = match &applied {
            Ok(Applied::Stale) => "stale",
            Ok(_) => "ok",
            Err(_) => "failed",
        };
        self.served.metrics.writes.get_or_create(&WriteLabels { object, result }).inc();
        let holdings = &mut self.world.holdings;
        match applied {
            Ok(Applied::Shard(name, held)) => holdings.made(name, held),
            Ok(Applied::Index(index)) => {
                published(&index);
                holdings.see_index(index);
            }
            Ok(Applied::Deleted(name)) => holdings.delete(&name),
            Ok(Applied::Taken(name)) => {
                holdings.is_taken(name.clone());
                let message =
                    format!("the ConfigMap `{name}` is somebody else's; the shard gets another name");
                self.tell_of_bundle(false, "ShardNameTaken", message).await;
                // The plan knows the name as taken now; the rest of this one is outdated.
                self.pace.at(0);
                return false;
            }
            Ok(Applied::Stale) => {
                self.repairs.beaten();
                self.pace.soon(now());
                return false;
            }
            Err(error) => {
                self.failed(&error);
                return false;
            }
        }
        self.pace.succeeded();
        true
    }
}

/// Logs what everybody decides by from now on.
fn published(index: &HeldIndex) {
    if let HeldIndex::Ours(_, Some(index)) = index {
        tracing::info!(generation = index.generation, records = index.records, "a new bundle serves");
    }
}

/// What was undone, by whom, and what becomes of it. Who deletes something is recorded nowhere in it.
fn undone(index: bool, held: &HeldIndex, rival: Option<&str>) -> String {
    let what = match held {
        _ if !index => "a shard of the bundle was deleted, or has lost its labels".to_owned(),
        HeldIndex::Ours(..) => format!("{} has changed the Secret `{INDEX_SECRET}`", named(rival)),
        _ => format!("the Secret `{INDEX_SECRET}` was deleted"),
    };
    format!("{what}; it is put back, after a pause that grows each time: let it alone")
}
