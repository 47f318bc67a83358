//! What the status of a RegistryCredential says: counts and conditions, and what of it is news. Pure: time is an argument.
//! Nothing in it is about a password.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::access::Watched;
use super::checks::Answer;
use super::declared::Declared;
use super::source::Lack;
use super::tally::{NAMED, Tally};
use super::world::{Install, Standing, World};
use crate::api::status::{
    CONFLICTED, EXPIRING, NamespaceCounts, NamespaceFailure, SOURCE_VALID, SYNCED, VERIFIED,
};
use crate::api::{Kind, Progress, Reason};
use crate::bundle::Digest;
use crate::compile::report::{condition, conditions, same, sum_up};
use crate::compile::{ObjectRef, Readiness, Report, Warning};
use crate::model::{Check, Credential, FieldPath};
use crate::operator::statuses::{News, StatusWrite, news};
use crate::registry::{Lifetime, Milestone, expiry};

/// A condition beside `Ready`.
struct Aspect {
    type_: &'static str,
    status: &'static str,
    reason: Reason,
    message: String,
}

/// What has to be told of a credential.
#[derive(Debug)]
pub struct Told {
    /// Its status.
    pub write: StatusWrite,
    /// What an Event says of its end, where a milestone was passed.
    pub end: Option<News>,
}

impl World {
    /// The status that a credential lacks; `None` where it says what it should.
    pub fn status(&self, name: &str, tally: &Tally, time: Timestamp) -> Option<Told> {
        let declared = self.credentials.get(&name.into())?;
        if !self.is_known() {
            return self.blind(name, declared, time);
        }
        let credential = self.credential(name);
        let standing = self.standings.get(name);
        let aspects = credential.map(|credential| self.aspects(name, credential, standing, tally, time));
        let mut report = report(declared, standing, aspects.as_deref().unwrap_or_default(), tally);
        report.warnings.extend(credential.and_then(|credential| unheeded(credential, &self.install)));
        report.warnings.extend(credential.and_then(|credential| self.uninvited(credential)));
        report.warnings.extend(self.access.unseen_pods().map(warn));
        let before = said(declared);
        let after = all(&report, aspects.unwrap_or_default(), declared.generation, &before, time);
        let detail = credential.map_or_else(|| json!({}), |credential| detail(credential, standing, tally));
        write(name, declared, &before, after, detail)
    }

    /// What can be said while something may not be looked at that has to be known: that alone. What was said of the rest
    /// stays.
    fn blind(&self, name: &str, declared: &Declared, time: Timestamp) -> Option<Told> {
        let (before, nothing) = (said(declared), Tally::default());
        let aspects: Vec<_> = self.access.blind(&self.install).map(unseen).into_iter().collect();
        let report = report(declared, None, &aspects, &nothing);
        let mut after = all(&report, aspects, declared.generation, &before, time);
        let stays =
            |said: &&Condition| [SOURCE_VALID, CONFLICTED, EXPIRING, VERIFIED].contains(&&*said.type_);
        after.extend(before.iter().filter(stays).cloned());
        write(name, declared, &before, after, json!({}))
    }

    fn aspects(
        &self,
        name: &str,
        credential: &Credential,
        standing: Option<&Standing>,
        tally: &Tally,
        time: Timestamp,
    ) -> Vec<Aspect> {
        vec![
            source(credential, self.lack(credential, standing), standing, tally),
            self.access.blind(&self.install).map_or_else(|| synced(credential, tally), unseen),
            conflicted(tally),
            expiring(credential, lifetime(credential, standing), time.as_second()),
            verified(credential, self.checks.answer(name), standing, tally),
        ]
    }

    /// Namespaces that a credential names and that are none of functions, or are not there.
    fn uninvited(&self, credential: &Credential) -> Option<Warning> {
        let mut all: Vec<&Box<str>> = credential.namespaces.names.iter().flatten().collect();
        all.retain(|name| !self.namespaces.get(name).is_some_and(|held| held.takes));
        let shown: Vec<_> = all.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        let more = if all.len() > shown.len() { " and others" } else { "" };
        let message = format!(
            "{}{more}: no function namespace, so that it gets nothing; `faas-iam namespace enable NAME` makes one of it",
            shown.join(", ")
        );
        (!all.is_empty()).then(|| warn(message))
    }

    fn lack(&self, credential: &Credential, standing: Option<&Standing>) -> Option<Lack> {
        let refused = self.access.lacks(&Watched::Source(credential.secret.clone()));
        let forbidden = refused.map(|_| Lack::forbidden(&credential.secret));
        forbidden.or_else(|| standing.and_then(|standing| standing.lack.clone()))
    }

    /// When the next milestone on the way to the end of some login is passed, seconds since 1970, and whose.
    pub fn next_turn(&self, now: i64) -> Option<i64> {
        let lifetimes = self.parts().iter().filter_map(|part| {
            lifetime(&part.credential, self.standings.get(&part.name))
                .and_then(|lifetime| lifetime.turns(now))
        });
        lifetimes.min()
    }
}

fn warn(message: String) -> Warning {
    Warning { field: FieldPath::root(), message }
}

/// What is asked for and does not happen.
fn unheeded(credential: &Credential, install: &Install) -> Option<Warning> {
    let message = "`stuckPods: Recreate` does nothing: the operator watches no Pods; set `registry.stuckPods: true` in the chart's values";
    (credential.recreate_stuck && !install.stuck_pods).then(|| warn(message.to_owned()))
}

/// When the login ends that is handed out.
pub fn lifetime(credential: &Credential, standing: Option<&Standing>) -> Option<Lifetime> {
    let password = standing.and_then(|standing| standing.good.as_ref()).map(|login| login.password());
    let expires = expiry(credential.expires, password.unwrap_or_default())?;
    Some(Lifetime { expires, warning: credential.warning })
}

fn report(declared: &Declared, standing: Option<&Standing>, aspects: &[Aspect], tally: &Tally) -> Report {
    let mut warnings = declared.warnings.clone();
    warnings.extend(tally.rivals.iter().map(|rival| {
        warn(format!("{rival}; it is put back each time, after a pause that grows: let them leave it alone"))
    }));
    if standing.is_some_and(|standing| standing.line_feed_cut) {
        warnings.push(warn("a line feed at the end of a value of the Secret was cut off".to_owned()));
    }
    let (readiness, reason, message) = match &declared.verdict {
        Err(problems) => (Readiness::Stalled, Reason::Invalid, sum_up(problems.iter())),
        Ok(_) => summary(aspects),
    };
    let problems = declared.verdict.as_ref().err().cloned().unwrap_or_default();
    Report { readiness, reason, message, problems, warnings, issuers: Vec::new() }
}

/// The first aspect that is not as it should be, or that all are.
fn summary(aspects: &[Aspect]) -> (Readiness, Reason, String) {
    for aspect in aspects {
        let readiness = match aspect.reason.progress() {
            Progress::Settled => continue,
            Progress::Stalled => Readiness::Stalled,
            Progress::Reconciling => Readiness::Reconciling,
        };
        return (readiness, aspect.reason, aspect.message.clone());
    }
    let synced = aspects.iter().find(|aspect| aspect.type_ == SYNCED);
    (Readiness::Ready, Reason::Accepted, synced.map(|aspect| aspect.message.clone()).unwrap_or_default())
}

/// What a status says by conditions.
fn said(declared: &Declared) -> Vec<Condition> {
    let conditions = declared.status.get("conditions");
    conditions.and_then(|all| serde_json::from_value(all.clone()).ok()).unwrap_or_default()
}

fn all(
    report: &Report,
    aspects: Vec<Aspect>,
    generation: i64,
    before: &[Condition],
    time: Timestamp,
) -> Vec<Condition> {
    let mut all = conditions(report, generation, before, time);
    for Aspect { type_, status, reason, message } in aspects {
        all.push(condition(type_, status, reason, &message, generation, before, time));
    }
    all
}

/// That we may not look.
fn unseen(message: String) -> Aspect {
    Aspect { type_: SYNCED, status: "False", reason: Reason::WatchForbidden, message }
}

fn source(credential: &Credential, lack: Option<Lack>, standing: Option<&Standing>, tally: &Tally) -> Aspect {
    let last = "; the last good login stays in use";
    let (status, reason, message) = match lack {
        Some(Lack { reason, message }) => {
            let held = standing.is_some_and(|standing| standing.good.is_some());
            let stays = if held || tally.ready > 0 { last } else { "" };
            ("False", reason, format!("{message}{stays}"))
        }
        None => {
            let message =
                format!("the Secret `{}` holds a login for `{}`", credential.secret, credential.registry);
            ("True", Reason::SourceFound, message)
        }
    };
    Aspect { type_: SOURCE_VALID, status, reason, message }
}

fn synced(credential: &Credential, tally: &Tally) -> Aspect {
    let Tally { desired, ready, failed, failures, .. } = tally;
    let (status, reason, message) = match () {
        () if credential.suspended => {
            let message = "`suspend` is true: the login is handed out nowhere";
            ("False", Reason::Suspended, message.to_owned())
        }
        () if *desired == 0 => {
            let message =
                "no function namespace is meant; `kubectl annotate namespace NAME openfaas=1` makes one";
            ("True", Reason::NoNamespaces, message.to_owned())
        }
        () if *failed > 0 => {
            let first =
                failures.first().map(|(namespace, trouble)| format!("in `{namespace}`: {}", trouble.message));
            let message = format!("{failed} of {desired} namespaces fail; {}", first.unwrap_or_default());
            ("False", Reason::NamespacesFailing, message)
        }
        // Without a number: the status would be written as often as one changes.
        () if ready + tally.beaten.values().sum::<usize>() < *desired => (
            "False",
            Reason::RollingOut,
            "it is on its way to the namespaces that do not have it yet".to_owned(),
        ),
        () => ("True", Reason::AllNamespaces, format!("all {ready} namespaces have it")),
    };
    Aspect { type_: SYNCED, status, reason, message }
}

fn conflicted(tally: &Tally) -> Aspect {
    let first = tally.beaten.iter().next();
    let (status, reason, message) = match first {
        Some((winner, _)) => {
            let namespaces: usize = tally.beaten.values().sum();
            let message = format!(
                "the older RegistryCredential `{winner}` has the same registry and wins in {namespaces} of {} namespaces; delete one of them, or narrow its targets",
                tally.desired
            );
            ("True", Reason::AnotherCredentialWins, message)
        }
        None => ("False", Reason::NoConflict, "no older RegistryCredential has the same registry".to_owned()),
    };
    Aspect { type_: CONFLICTED, status, reason, message }
}

fn expiring(credential: &Credential, lifetime: Option<Lifetime>, now: i64) -> Aspect {
    let Some(lifetime) = lifetime else {
        let message = "no end of the login is known".to_owned();
        return Aspect { type_: EXPIRING, status: "False", reason: Reason::NotExpiring, message };
    };
    let end = date(lifetime.expires);
    let reached = match lifetime.milestone(now) {
        Some(Milestone::Expired) => {
            let stated =
                if credential.expires.is_some() { ", and its end into `spec.expiresAt`" } else { "" };
            let message = format!("the login has ended on {end}; put a new one into the Secret{stated}");
            return Aspect { type_: EXPIRING, status: "True", reason: Reason::Expired, message };
        }
        Some(Milestone::Days(1)) => ", in a day at most".to_owned(),
        Some(Milestone::Days(days)) => format!(", in {days} days at most"),
        None => String::new(),
    };
    let message = format!("the login ends on {end}{reached}");
    let (status, reason) = if lifetime.is_expiring(now) {
        ("True", Reason::ExpiresSoon)
    } else {
        ("False", Reason::NotExpiring)
    };
    Aspect { type_: EXPIRING, status, reason, message }
}

fn verified(
    credential: &Credential,
    answer: Option<&Answer>,
    standing: Option<&Standing>,
    tally: &Tally,
) -> Aspect {
    let waits = standing.filter(|standing| standing.candidate.is_some());
    let held = waits.is_some_and(|standing| standing.good.is_some() || tally.ready > 0);
    let stays = if held { "; the last good login stays in use" } else { "" };
    let (status, reason, message) = match (answer, &credential.check) {
        (_, Check::Off) => {
            ("Unknown", Reason::NotChecked, "nobody asks the registry: `verification.mode` is Off".to_owned())
        }
        (None, _) => ("Unknown", Reason::NotChecked, "the registry was not asked yet".to_owned()),
        (Some(Answer::Accepted), Check::Pull(repository)) => {
            ("True", Reason::PullAccepted, format!("the registry lets the login pull `{repository}`"))
        }
        (Some(Answer::Accepted), Check::Login) => {
            ("True", Reason::LoginAccepted, "the registry takes the login".to_owned())
        }
        (Some(Answer::Refused(why)), _) => {
            ("False", Reason::Refused, format!("{why}; put a login into the Secret that works{stays}"))
        }
        (Some(Answer::Unknown { why, .. }), _) => ("Unknown", Reason::Unreachable, why.clone()),
    };
    Aspect { type_: VERIFIED, status, reason, message }
}

/// What the status holds besides conditions.
fn detail(credential: &Credential, standing: Option<&Standing>, tally: &Tally) -> Value {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let failure = |(namespace, trouble): &(Box<str>, super::work::Trouble)| NamespaceFailure {
        namespace: namespace.to_string(),
        reason: trouble.reason.to_string(),
        message: crate::compile::cut(&trouble.message, crate::api::limits::LONG_TEXT),
    };
    let failures: Vec<_> = tally.failures.iter().map(failure).collect();
    let left_out = tally.failed.saturating_sub(failures.len());
    json!({
        "registry": credential.registry.as_str(),
        "namespaces": NamespaceCounts::new(number(tally.desired), number(tally.ready), number(tally.failed)),
        "failures": if failures.is_empty() { Value::Null } else { json!(failures) },
        "failuresLeftOut": if left_out == 0 { Value::Null } else { json!(left_out) },
        "expiresAt": lifetime(credential, standing).map(|lifetime| date(lifetime.expires)),
    })
}

fn date(second: i64) -> String {
    Timestamp::from_second(second).map(|time| time.to_string()).unwrap_or_default()
}

fn write(
    name: &str,
    declared: &Declared,
    before: &[Condition],
    after: Vec<Condition>,
    detail: Value,
) -> Option<Told> {
    let is = |key: &str| declared.status.get(key).unwrap_or(&Value::Null);
    let told = detail.as_object().is_none_or(|detail| detail.iter().all(|(key, value)| is(key) == value));
    if told && is("observedGeneration").as_i64() == Some(declared.generation) && same(before, &after) {
        return None;
    }
    let end = end(before, &after);
    let news = news(before, &after);
    let wanted = Digest::of_json(&json!([declared.generation, detail]));
    let basis = json!({ "observedGeneration": declared.generation, "conditions": after });
    let parts = [basis, detail].into_iter().filter_map(|part| part.as_object().cloned());
    let status: Value = parts.flatten().collect();
    let key = ObjectRef { kind: Kind::RegistryCredential, name: name.into() };
    let super::super::holdings::Version { uid, resource_version } = declared.version.clone();
    Some(Told { write: StatusWrite { key, uid, resource_version, status, news, wanted, repair: false }, end })
}

/// What `Expiring` says now, where it says of a milestone what it did not say before.
fn end(before: &[Condition], after: &[Condition]) -> Option<News> {
    let find = |list: &[Condition]| list.iter().find(|one| one.type_ == EXPIRING).cloned();
    let now = find(after)
        .filter(|now| now.message.contains(" at most") || now.reason == Reason::Expired.as_str())?;
    let said =
        find(before).is_some_and(|before| before.message == now.message && before.reason == now.reason);
    (!said).then_some(News { ready: false, reason: now.reason, message: now.message })
}
