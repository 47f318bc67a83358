//! Changes of functions and Secrets, once they are granted: what no grant allows (`guard`), and what depends on what is
//! there already, which the provider is asked for where the caller's rights leave it open.

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::answer::Denial;
use super::api::of_upstream;
use super::case::Case;
use super::guard;
use super::listing::lists;
use super::service::Gateway;
use super::snapshot::Snapshot;
use crate::engine::{Permit, Principal};
use crate::model::{Action, Request as Question};
use crate::route::{Call, Forward, MAX_BODY_BYTES};

/// What is read of a deployed function.
#[derive(Deserialize)]
struct Deployed {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// The labels of what is there: of a Secret none.
type There = BTreeMap<String, String>;

/// What some providers do instead of refusing: they create what is to be updated, and replace what is to be created.
struct Instead {
    /// The right that it takes.
    action: Action,
    /// Whether it happens to what is there, or to what is not.
    replaces: bool,
}

impl Instead {
    fn of(action: Action) -> Option<Self> {
        let (action, replaces) = match action {
            Action::FunctionCreate => (Action::FunctionUpdate, true),
            Action::FunctionUpdate => (Action::FunctionCreate, false),
            Action::SecretCreate => (Action::SecretUpdate, true),
            Action::SecretUpdate => (Action::SecretCreate, false),
            _ => return None,
        };
        Some(Self { action, replaces })
    }

    /// Refuses what would be done instead, to who lacks the right for it.
    fn refuse(&self, is_there: bool, principal: &Principal, call: &Call) -> Result<(), Denial> {
        if is_there != self.replaces {
            return Ok(());
        }
        let why = if self.replaces { "it is there already" } else { "it is not there yet" };
        let name = call.secret.as_deref().map(|name| format!(" (the Secret `{name}`)")).unwrap_or_default();
        let (sub, resource) = (principal.sub(), call.request.resource());
        let text = format!("`{sub}` may not {} {resource}{name}, and {why}", self.action);
        Err(Denial::forbidden("not_granted", text))
    }
}

impl Gateway {
    /// What is forwarded, once the rules were asked that hold whatever was granted.
    ///
    /// Whoever may only create, or only update, does nothing else, whatever the provider makes of it. Between our
    /// question and the change somebody else may create the thing or delete it, and no provider lets a change depend on
    /// that: so whoever has one right alone may replace what came about in that moment, or bring back what has just gone.
    pub async fn guarded(
        &self,
        now_is: &Snapshot,
        principal: &Principal,
        permit: &Permit<'_>,
        call: &Call,
        case: &mut Case,
    ) -> Result<Forward, Denial> {
        self.guard(call)?;
        let may = |action| {
            let question = Question::new(action, call.request.resource().clone());
            question.is_ok_and(|question| now_is.engine.decide(principal, &question))
        };
        let instead = Instead::of(call.request.action()).filter(|instead| !may(instead.action));
        let untagged = call.deployment.as_ref().filter(|_| !may(Action::FunctionTag));
        if instead.is_none() && untagged.is_none() {
            return Ok(call.forward.clone());
        }
        let there = Box::pin(self.there(principal, permit, call, case)).await?;
        if let Some(instead) = instead {
            instead.refuse(there.is_some(), principal, call)?;
        }
        let forward = call.forward.clone();
        Ok(match untagged {
            Some(deployment) => forward.with_labels(&guard::labels(deployment, &there.unwrap_or_default())?),
            None => forward,
        })
    }

    /// What nobody may, whoever asks.
    fn guard(&self, call: &Call) -> Result<(), Denial> {
        let ours = &self.settings.ours;
        if let (Some(name), Some(place)) = (&call.secret, call.request.resource().namespace()) {
            ours.secret(place, name)?;
        }
        call.deployment.as_ref().map_or(Ok(()), |deployment| ours.secrets(deployment))
    }

    /// What is to be changed as it is now; nothing where it is not there.
    async fn there(
        &self,
        principal: &Principal,
        permit: &Permit<'_>,
        call: &Call,
        case: &mut Case,
    ) -> Result<Option<There>, Denial> {
        let failed = |detail: String| {
            let text = "the upstream does not say what is there already";
            Denial::new(StatusCode::BAD_GATEWAY, "upstream", text).because(detail)
        };
        let asked = call.asked().ok_or_else(|| failed("it cannot be asked".to_owned()))?;
        let answer = self.to_provider(permit, &asked, &HeaderMap::new(), case).await?;
        match (answer.status(), &call.secret) {
            (StatusCode::NOT_FOUND, None) => Ok(None),
            (StatusCode::OK, None) => {
                let body = self.buffers.of_provider(answer.into_body(), MAX_BODY_BYTES, None).await;
                let bytes = body.map_err(|denial| of_upstream(denial, "upstream"))?;
                let deployed: Deployed = serde_json::from_slice(&bytes).map_err(|e| failed(e.to_string()))?;
                Ok(Some(deployed.labels.unwrap_or_default()))
            }
            (StatusCode::OK, Some(name)) => {
                let list = self.list_for(principal, answer.into_body()).await?;
                let listed = lists(&list, name, call.request.resource().namespace());
                Ok(listed.map_err(|error| failed(error.to_string()))?.then(There::new))
            }
            (other, _) => Err(failed(format!("it answers {other}"))),
        }
    }
}
