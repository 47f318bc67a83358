//! An operator that is told things when the test likes, whose writes go where and as far as the test likes.

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::namespace::{Event, INDEX, Inbox, MAPS, Namespace, STREAMS};
use crate::api::Kind;
use crate::bundle::Shard;
use crate::operator::apply::Applied;
use crate::operator::holdings::name_of;
use crate::operator::objects::Schema;
use crate::operator::plan::{Plan, Write, plan};
use crate::operator::statuses::StatusWrite;
use crate::operator::world::{SigningKey, World};

/// How long shards are kept, ms.
const KEEP: i64 = 600_000;
/// Plans in one turn.
const PLANS: usize = 64;

/// What becomes of one write of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It never arrives.
    Dropped,
    /// It is done, and the answer is lost.
    Unanswered,
}

/// One operator.
pub struct Instance {
    /// Its inbox in the namespace.
    at: usize,
    world: World,
    /// When it wants to look again, ms since 1970.
    pub wake: Option<i64>,
    left: Option<(u8, Fate)>,
    /// Statuses that were written, and what is known of it, which the next turn is told.
    reports: Vec<(StatusWrite, Option<(String, Value)>)>,
}

/// What came of a turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turned {
    /// Writes that were done.
    pub writes: usize,
    /// Writes that came too late, or met a stranger.
    pub refused: usize,
    /// Whether nothing is left to write.
    pub done: bool,
}

impl Instance {
    /// An operator that begins: it takes what an earlier one left and has seen nothing else.
    pub fn start(at: usize, namespace: &mut Namespace) -> Self {
        let mut world = World::new(None, 0);
        world.signing = SigningKey::Usable { kid: "k1".into(), since: 5 };
        if let Some((_, bundle)) = namespace.bundle() {
            world.remember(&bundle);
        }
        Kind::ACCESS.iter().for_each(|kind| world.objects.define(*kind, whole()));
        (0..STREAMS).for_each(|stream| relist(&mut namespace.inboxes[at], stream));
        Self { at, world, wake: None, left: None, reports: Vec::new() }
    }

    /// It is told the next thing of a stream. Returns whether there was any.
    pub fn hear(&mut self, namespace: &mut Namespace, stream: usize) -> bool {
        let Some(event) = namespace.inboxes[self.at][stream].pop_front() else { return false };
        let (objects, holdings) = (&mut self.world.objects, &mut self.world.holdings);
        let kind = Kind::ACCESS.get(stream).copied();
        if matches!(event, Event::List) {
            // The list shows what was on its way.
            namespace.inboxes[self.at][stream].retain(|event| matches!(event, Event::End));
        }
        match (event, kind) {
            (Event::List, Some(kind)) => {
                objects.begin(kind);
                namespace.list(kind).into_iter().for_each(|item| objects.item(item));
            }
            (Event::List, None) if stream == MAPS => {
                holdings.begin();
                namespace.list_maps().into_iter().for_each(|(name, map)| holdings.item(name, map));
            }
            (Event::List, None) => holdings.see_index(namespace.read_index()),
            (Event::End, Some(kind)) => {
                objects.end(kind, whole());
            }
            (Event::End, None) if stream == MAPS => holdings.end(),
            (Event::End, None) => {}
            (Event::Object(shown), _) => objects.apply(*shown),
            (Event::Gone(key), _) => objects.delete(&key),
            (Event::Map(name, map), _) => holdings.apply(name, map),
            (Event::MapGone(name), _) => holdings.delete(&name),
            (Event::Index(index), _) => holdings.see_index(index),
        }
        true
    }

    /// It is told everything.
    pub fn hear_all(&mut self, namespace: &mut Namespace) {
        (0..STREAMS).for_each(|stream| while self.hear(namespace, stream) {});
    }

    /// Its watch of a stream is cut: what was on its way is lost, and it lists again.
    pub fn cut(&self, namespace: &mut Namespace, stream: usize) {
        relist(&mut namespace.inboxes[self.at], stream);
    }

    /// A turn, as `Operator::turn` has it: compile, publish, report.
    pub fn turn(&mut self, namespace: &mut Namespace, now: i64, fault: Option<(u8, Fate)>) -> Turned {
        self.left = fault;
        self.wake = None;
        let mut turned = Turned::default();
        self.take_reports(now);
        if !self.world.is_known() {
            return turned;
        }
        if self.world.is_stale() {
            self.world.compile(now);
        }
        turned.done = self.publish(namespace, now, &mut turned) && self.report(namespace, now, &mut turned);
        turned
    }

    fn publish(&mut self, namespace: &mut Namespace, now: i64, turned: &mut Turned) -> bool {
        for _ in 0..PLANS {
            let goal = self.world.goal().unwrap();
            let suffix = || namespace.suffix();
            let Ok(Plan { writes, wake }) = plan(&goal, &self.world.holdings, now, KEEP, suffix) else {
                return false;
            };
            self.wake = wake;
            if writes.is_empty() {
                return true;
            }
            if !writes.iter().all(|write| self.write(namespace, write, turned)) {
                return false;
            }
        }
        panic!("it plans without end");
    }

    fn write(&mut self, namespace: &mut Namespace, write: &Write, turned: &mut Turned) -> bool {
        let fate = self.fate();
        if let Write::Shard { name, .. } = write {
            self.world.holdings.asked_for(name.clone());
        }
        if fate == Some(Fate::Dropped) {
            return false;
        }
        let applied = namespace.apply(write);
        if fate == Some(Fate::Unanswered) {
            return false;
        }
        turned.writes += 1;
        let holdings = &mut self.world.holdings;
        match applied {
            Applied::Shard(name, held) => holdings.made(name, held),
            Applied::Index(index) => holdings.see_index(index),
            Applied::Deleted(name) => holdings.delete(&name),
            Applied::Taken(name) => {
                holdings.is_taken(name);
                turned.refused += 1;
                return false;
            }
            Applied::Stale => {
                turned.refused += 1;
                return false;
            }
        }
        true
    }

    fn report(&mut self, namespace: &mut Namespace, now: i64, turned: &mut Turned) -> bool {
        let due = self.world.due(Timestamp::from_millisecond(now).unwrap());
        self.wake = self.wake.into_iter().chain(due.wake).min();
        for write in due.writes {
            let fate = self.fate();
            let answer = if fate == Some(Fate::Dropped) { None } else { namespace.report(&write) };
            let answer = answer.filter(|_| fate.is_none());
            match answer {
                Some(_) => turned.writes += 1,
                None => turned.refused += 1,
            }
            self.reports.push((write, answer));
        }
        self.reports.is_empty()
    }

    /// What the watch told of these statuses meanwhile, or did not, the operator knows already.
    fn take_reports(&mut self, now: i64) {
        for (write, answer) in std::mem::take(&mut self.reports) {
            match answer {
                Some((version, status)) => self.world.reported(write, version, status, now),
                None => self.world.report_again(write.key),
            }
        }
    }

    /// What becomes of the next write.
    fn fate(&mut self) -> Option<Fate> {
        let (before, fate) = self.left.take()?;
        match before.checked_sub(1) {
            Some(before) => {
                self.left = Some((before, fate));
                None
            }
            None => Some(fate),
        }
    }
}

fn whole() -> Schema {
    Schema::Whole("crd/1".into())
}

fn relist(inbox: &mut Inbox, stream: usize) {
    inbox[stream].clear();
    inbox[stream].push_back(Event::List);
    if stream != INDEX {
        inbox[stream].push_back(Event::End);
    }
}

impl Instance {
    /// An operator that has seen everything at once and knows nothing of before.
    pub fn fresh(namespace: &Namespace, now: i64) -> Self {
        let mut world = World::new(None, 0);
        world.signing = SigningKey::Usable { kid: "k1".into(), since: 5 };
        for kind in Kind::ACCESS {
            world.objects.define(kind, whole());
            world.objects.begin(kind);
            namespace.list(kind).into_iter().for_each(|item| world.objects.item(item));
            world.objects.end(kind, whole());
        }
        world.compile(now);
        Self { at: 0, world, wake: None, left: None, reports: Vec::new() }
    }

    /// The shards that it wants.
    pub fn goal(&self) -> Vec<Shard> {
        self.world.goal().unwrap().shards.clone()
    }

    /// The name that its first shard would have.
    pub fn first_shard(&self) -> Option<String> {
        self.goal().first().map(|shard| name_of(shard.sha256))
    }
}
