//! How things are, for `/readyz` and `/metrics`. Reads the world; changes nothing.

use std::collections::BTreeMap;

use super::holdings::HeldIndex;
use super::metrics::{Metrics, ObjectsLabels};
use super::objects::Schema;
use super::plan::Blocked;
use super::turn::pruned;
use super::world::World;
use crate::api::Kind;
use crate::bundle::names::INDEX_SECRET;
use crate::compile::Readiness;
use crate::endpoints::Readyz;

/// What `/readyz` says. Who does not lead is ready, too: it could take over.
pub(super) fn readyz(world: &World, leads: bool) -> Readyz {
    let mut lines = vec![if leads { "leads" } else { "does not lead; another one writes" }.to_owned()];
    let taken = *world.holdings.index() == HeldIndex::Taken;
    if taken {
        lines.push(Blocked::IndexTaken.to_string());
    }
    if !world.is_known() {
        lines.push("not everything was read yet: objects, definitions, bundle and signing key".to_owned());
    }
    for kind in Kind::ACCESS {
        match world.objects.schema(kind) {
            Schema::Absent => lines
                .push(format!("the definition of {kind} is not installed; install those of `faas-iam crds`")),
            Schema::Lacking { fields, .. } => lines.push(pruned(kind, fields)),
            Schema::Unknown | Schema::Whole(_) => {}
        }
    }
    let strangers = world.holdings.strangers().count();
    if strangers > 0 {
        lines.push(format!(
            "{strangers} names beginning with `{INDEX_SECRET}-` are somebody else's; shards have others"
        ));
    }
    Readyz { ready: world.is_known() && !taken, lines }
}

/// Sets the measurements that follow from a compile.
pub(super) fn measure_objects(world: &World, metrics: &Metrics) {
    let mut counts: BTreeMap<(Kind, &'static str), i64> = BTreeMap::new();
    for (key, report) in world.reports() {
        let reason = if report.readiness == Readiness::Pending { "Pending" } else { report.reason.as_str() };
        *counts.entry((key.kind, reason)).or_default() += 1;
    }
    metrics.objects.clear();
    for ((kind, reason), count) in counts {
        metrics.objects.get_or_create(&ObjectsLabels { kind: kind.resource(), reason }).set(count);
    }
}

/// Sets the measurements of the bundle that the cluster holds.
pub(super) fn measure_bundle(world: &World, metrics: &Metrics) {
    let orphans = world.holdings.orphans().count();
    metrics.orphans.set(i64::try_from(orphans).unwrap_or(i64::MAX));
    if let HeldIndex::Ours(_, Some(index)) = world.holdings.index() {
        metrics.generation.set(i64::try_from(index.generation).unwrap_or(i64::MAX));
        metrics.size.set(i64::try_from(index.size).unwrap_or(i64::MAX));
        metrics.shards.set(i64::try_from(index.shards.len()).unwrap_or(i64::MAX));
    }
}
