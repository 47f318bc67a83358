//! Taking what was seen into the world, and what has to be told of at once. Writes nothing but Events.

use super::keybook::Want;
use super::metrics::{FetchLabels, IssuerLabels, KindLabels};
use super::notices::Matter;
use super::objects::{Listed, Schema};
use super::references::Content;
use super::seen::Seen;
use super::statuses::News;
use super::turn::{Operator, now, pruned};
use super::world::World;
use crate::api::{Kind, Reason};
use crate::fetch::{Found, Missed};
use crate::model::KeyRef;

impl Operator {
    /// Takes one thing that was seen.
    pub(super) async fn take(&mut self, seen: Seen) {
        let now = now();
        let World { objects, holdings, .. } = &mut self.world;
        match seen {
            Seen::Definition(kind, schema) => {
                self.tell_of_definition(kind, &schema).await;
                self.world.objects.define(kind, schema);
            }
            Seen::Begin(kind) => objects.begin(kind),
            Seen::Item(object) => objects.item(*object),
            Seen::End(kind, after) => {
                self.tell_of_definition(kind, &after).await;
                if self.world.objects.end(kind, after) == Listed::Again {
                    self.watches.relist(kind);
                }
            }
            Seen::Changed(object) => objects.apply(*object),
            Seen::Gone(key) => objects.delete(&key),
            Seen::MapsBegin => holdings.begin(),
            Seen::MapsItem(name, map) => holdings.item(name, map),
            Seen::MapsEnd => holdings.end(),
            Seen::Map(name, map) => holdings.apply(name, map),
            Seen::MapGone(name) => holdings.delete(&name),
            Seen::Index(index, rival) => {
                holdings.see_index(index);
                self.rival = rival;
            }
            Seen::SigningKey(key) => self.world.signing = key,
            Seen::CaBundle(pem) => return self.trust(pem, now).await,
            Seen::Reference(to, content) => self.referred(to, content, now),
            Seen::Keys(name, want, answer) => self.answered(&name, &want, answer, now),
            Seen::Leading => self.pace.at(now),
        }
    }

    /// A kind's definition was seen: that it drops fields of ours is worth an Event.
    async fn tell_of_definition(&mut self, kind: Kind, schema: &Schema) {
        let lacking = match schema {
            Schema::Lacking { fields, .. } => fields.as_slice(),
            _ => &[],
        };
        let missing = &self.served.metrics.missing_fields;
        missing
            .get_or_create(&KindLabels { kind: kind.resource() })
            .set(i64::try_from(lacking.len()).unwrap_or(i64::MAX));
        let news =
            (!lacking.is_empty()).then(|| warning(Reason::FieldsPruned.as_str(), pruned(kind, lacking)));
        self.notices.see(Matter::Definition(kind), news);
        self.tell_notices().await;
    }

    async fn trust(&mut self, pem: Option<Vec<u8>>, now: i64) {
        let before = self.world.trusted.known().then(|| self.world.trusted.roots());
        let said = self.world.trusted.see(pem.as_deref(), now / 1000);
        self.roots.send_replace(Some(self.world.trusted.roots()));
        if before.is_some_and(|before| before != self.world.trusted.roots()) {
            self.world.keybook.hurry(now, |_| true);
        }
        let reason = |refused| if refused { "CaBundleRefused" } else { "CaBundleExpiring" };
        self.notices.see(Matter::CaBundle, said.map(|said| warning(reason(said.refused), said.message)));
        self.tell_notices().await;
    }

    /// Tells what there is to tell, where we lead.
    pub(super) async fn tell_notices(&mut self) {
        if self.leadership.leads() {
            for News { ready, reason, message } in self.notices.take() {
                self.tell_of_bundle(ready, &reason, message).await;
            }
        }
    }

    fn referred(&mut self, to: KeyRef, content: Content, now: i64) {
        if self.references.see(to.clone(), content) {
            self.world.keybook.hurry(now, |want| want.depends_on(&to));
        }
    }

    pub(super) fn answered(&mut self, name: &str, want: &Want, answer: Result<Found, Missed>, now: i64) {
        if !self.world.keybook.wants(name, want) {
            return;
        }
        let issuer = || name.to_owned();
        let result = answer.as_ref().map_or_else(|missed| missed.reason.as_str(), |_| "ok");
        self.served.metrics.fetches.get_or_create(&FetchLabels { issuer: issuer(), result }).inc();
        if answer.is_ok() {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a timestamp")]
            let seconds = (now / 1000) as f64;
            self.served.metrics.fetched.get_or_create(&IssuerLabels { issuer: issuer() }).set(seconds);
        }
        self.world.keybook.finish(name, want, answer, now, self.pace.jitter());
        self.pace.at(now);
    }
}

fn warning(reason: &str, message: String) -> News {
    News { ready: false, reason: reason.to_owned(), message }
}
