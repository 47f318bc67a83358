//! How the credentials stand in the namespaces that they are for. Counts, and names a few: what is told does not grow with
//! the cluster. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::desired::secret_name;
use super::plan::{Obstacle, Plan, plan};
use super::work::Trouble;
use super::world::World;
use crate::api::Reason;
use crate::operator::rivals::named;
use crate::registry::{Fate, Part};

/// Namespaces that are named where something is in the way.
pub const NAMED: usize = 10;

/// How one credential stands.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Namespaces that get it,
    pub desired: usize,
    /// and those that have it, Secret and references.
    pub ready: usize,
    /// Those where something is in the way.
    pub failed: usize,
    /// The first of these, and what it is.
    pub failures: Vec<(Box<str>, Trouble)>,
    /// Namespaces where another credential has the word, by its name.
    pub beaten: BTreeMap<Box<str>, usize>,
    /// Who keeps undoing what we write, in words; a few.
    pub rivals: BTreeSet<String>,
}

impl World {
    /// How every credential that takes part stands, by name.
    pub fn tally(&mut self, now: i64) -> BTreeMap<Box<str>, Tally> {
        let mut all: BTreeMap<Box<str>, Tally> =
            self.parts().iter().map(|part| (part.name.clone(), Tally::default())).collect();
        let taking = self.namespaces.all().iter().filter(|(_, held)| held.takes && !held.ends);
        let namespaces: Vec<_> = taking.map(|(name, held)| (name.clone(), held.labels.clone())).collect();
        for (name, labels) in namespaces {
            let fits = |part: &&Part| part.credential.matches_namespace(&name, &labels);
            let parts: Vec<Part> = self.parts().iter().filter(fits).cloned().collect();
            if !parts.is_empty() {
                self.count(&name, &parts, now, &mut all);
            }
        }
        all
    }

    fn count(&mut self, name: &str, parts: &[Part], now: i64, all: &mut BTreeMap<Box<str>, Tally>) {
        let desired = self.desired(name);
        let plan = plan(&desired, &self.there(name), &self.install.namespace);
        let rivals: Vec<String> = self
            .work
            .rivals(name, now)
            .map(|(object, rival)| format!("{} keeps changing {object} of namespace `{name}`", named(rival)))
            .collect();
        for part in parts {
            let secret = secret_name(&part.credential, &self.install);
            let fate = desired.secrets.get(&secret).and_then(|wanted| wanted.file.fates.get(&part.name));
            let trouble = self.in_the_way(name, &secret, fate, &plan);
            let Some(tally) = all.get_mut(&part.name) else { continue };
            tally.desired += 1;
            tally.rivals.extend(rivals.iter().take(NAMED.saturating_sub(tally.rivals.len())).cloned());
            match (trouble, fate) {
                (Some(trouble), _) => {
                    tally.failed += 1;
                    if tally.failures.len() < NAMED {
                        tally.failures.push((name.into(), trouble));
                    }
                }
                (None, Some(Fate::Beaten(winner))) => *tally.beaten.entry(winner.clone()).or_default() += 1,
                (None, Some(Fate::Handed | Fate::Left)) if plan.steps.is_empty() => tally.ready += 1,
                _ => {}
            }
        }
    }

    fn in_the_way(&self, namespace: &str, secret: &str, fate: Option<&Fate>, plan: &Plan) -> Option<Trouble> {
        if !self.install.may_write(namespace, secret) {
            let message = format!(
                "the operator may not write the Secret `{secret}`; add it to `registry.dedicated` of the chart's values"
            );
            return Some(Trouble { reason: Reason::Forbidden, message });
        }
        if let Some(message) = self.access.unseen_dedicated(namespace, secret) {
            return Some(Trouble { reason: Reason::Forbidden, message });
        }
        if let Some(obstacle) = plan.obstacles.get(secret) {
            return Some(told(*obstacle, secret));
        }
        if fate == Some(&Fate::NoRoom) {
            let message = format!(
                "the Secret `{secret}` would have more than 1 MiB with it; give some credentials `output.mode: Dedicated`, or fewer namespaces"
            );
            return Some(Trouble { reason: Reason::SecretFull, message });
        }
        self.work.trouble(namespace).filter(|_| !plan.steps.is_empty()).cloned()
    }
}

fn told(obstacle: Obstacle, secret: &str) -> Trouble {
    let (reason, message) = match obstacle {
        Obstacle::Foreign => (
            Reason::ForeignSecret,
            format!(
                "somebody else's Secret has the name `{secret}`; delete or rename it, or set `adoptionPolicy: IfEqual` where it says the same"
            ),
        ),
        Obstacle::Immutable => (
            Reason::ImmutableSecret,
            format!("the Secret `{secret}` was made immutable; delete it, and it is made anew"),
        ),
        Obstacle::OtherType => (
            Reason::WrongType,
            format!(
                "the Secret `{secret}` is of another type than `{}`; delete it, and it is made anew",
                super::held::TYPE
            ),
        ),
    };
    Trouble { reason, message }
}
