//! Writing statuses and Events. Decides nothing: what they say is given, and how often something is told of one object
//! is the allowance's.

use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{ApiResource, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::runtime::events::{Event, EventType, Reporter};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::allowance::{Allowance, Rate};
use super::apply::code;
use super::arrived::Arrived;
use super::names::MANAGER;
use super::recorders::Recorders;
use super::statuses::{News, StatusWrite};
use super::turn::now;
use crate::api::{GROUP, Kind};
use crate::bundle::names::INDEX_SECRET;
use crate::causes::chain;
use crate::compile::ObjectRef;

/// Bytes of an Event's note (Kubernetes takes 1,024).
const NOTE: usize = 1000;
/// Events about one object for one reason, as many as Kubernetes' own components write. The log has the others, too.
const EVENTS: Rate = Rate { at_once: 25, then_every: 300_000 };

/// What an Event is about: an object's uid, which the bundle has not, and a reason.
type About = (Option<String>, String);

/// What became of a status.
#[derive(Debug)]
pub enum Reported {
    /// It is written; the object's version since, and its status.
    Written(String, Value),
    /// The object has changed meanwhile: the watch tells how.
    Stale,
    /// Try again.
    Failed(String),
}

/// Writes statuses and Events of one namespace.
pub struct Reporting {
    client: Client,
    namespace: String,
    recorders: Recorders,
    allowance: Mutex<Allowance<About>>,
}

impl Reporting {
    /// Reports in this namespace, as `instance`.
    pub fn new(client: Client, namespace: &str, instance: &str) -> Self {
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(instance.to_owned()) };
        let recorders = Recorders::new(client.clone(), reporter);
        Self { client, namespace: namespace.to_owned(), recorders, allowance: Mutex::default() }
    }

    /// Writes one status, against the version that was seen, and tells what is new in an Event.
    pub async fn report(&self, write: &StatusWrite) -> Reported {
        let patch = json!({
            "metadata": { "uid": write.uid, "resourceVersion": write.resource_version },
            "status": write.status,
        });
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        match self.api(write.key.kind).patch_status(&write.key.name, &params, &Patch::Merge(patch)).await {
            Ok(Arrived(written)) => {
                self.tell(write).await;
                let status = written.data.get("status").cloned().unwrap_or_default();
                Reported::Written(written.metadata.resource_version.unwrap_or_default(), status)
            }
            Err(error) if matches!(code(&error), Some(404 | 409)) => Reported::Stale,
            Err(error) => Reported::Failed(chain(&error)),
        }
    }

    fn api(&self, kind: Kind) -> Api<Arrived> {
        let gvk = GroupVersionKind::gvk(GROUP, kind.version(), kind.kind());
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    async fn tell(&self, write: &StatusWrite) {
        if let Some(news) = &write.news {
            let (News { reason, message, .. }, ObjectRef { kind, name }) = (news, &write.key);
            if news.ready {
                tracing::info!(%kind, %name, reason, message);
            } else {
                tracing::warn!(%kind, %name, reason, message);
            }
            let regarding = self.object(&write.key, &write.uid);
            self.publish(news, "Reconcile", &regarding).await;
        }
    }

    fn object(&self, key: &ObjectRef, uid: &str) -> ObjectReference {
        ObjectReference {
            api_version: Some(key.kind.api_version()),
            kind: Some(key.kind.kind().to_owned()),
            name: Some(key.name.to_string()),
            namespace: Some(self.namespace.clone()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        }
    }

    /// Tells of something about an object that its status tells, too.
    pub async fn tell_of(&self, key: &ObjectRef, uid: &str, news: &News) {
        self.publish(news, "Reconcile", &self.object(key, uid)).await;
    }

    /// Tells of an object of somebody else's.
    pub async fn tell_of_other(&self, regarding: &ObjectReference, news: &News) {
        let News { reason, message, .. } = news;
        let (namespace, name) = (regarding.namespace.as_deref(), regarding.name.as_deref());
        tracing::info!(namespace, name, reason, message);
        self.publish(news, "Reconcile", regarding).await;
    }

    /// Tells of something that is about the bundle as a whole, on the index Secret.
    pub async fn tell_of_bundle(&self, news: &News) {
        let regarding = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Secret".to_owned()),
            name: Some(INDEX_SECRET.to_owned()),
            namespace: Some(self.namespace.clone()),
            ..ObjectReference::default()
        };
        self.publish(news, "Publish", &regarding).await;
    }

    /// Whether something may still be told of this object for this reason.
    fn may_tell(&self, news: &News, regarding: &ObjectReference) -> bool {
        self.allowance().take(EVENTS, (regarding.uid.clone(), news.reason.clone()), now()).is_ok()
    }

    /// Forgets whom there is nothing to remember of.
    pub fn settle(&self) {
        self.allowance().settle(now());
    }

    fn allowance(&self) -> MutexGuard<'_, Allowance<About>> {
        self.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn publish(&self, news: &News, action: &str, regarding: &ObjectReference) {
        if !self.may_tell(news, regarding) {
            return;
        }
        let note = cut(&news.message);
        let recorder = self.recorders.of(&note);
        let event = Event {
            type_: if news.ready { EventType::Normal } else { EventType::Warning },
            reason: news.reason.clone(),
            note: Some(note),
            action: action.to_owned(),
            secondary: None,
        };
        if let Err(error) = recorder.publish(&event, regarding).await {
            tracing::warn!(error = %chain(&error), "an Event could not be written");
        }
    }
}

fn cut(message: &str) -> String {
    if message.len() <= NOTE {
        return message.to_owned();
    }
    let end = (0..=NOTE).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", message.get(..end).unwrap_or_default())
}
