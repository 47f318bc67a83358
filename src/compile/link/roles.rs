//! What a Role refers to: its Policies, the issuers it names, what one tenant owns there (`semantics.md` 9,
//! 11, 22). Whom it binds is the engine's.

use std::collections::{BTreeMap, BTreeSet};

use super::issuers::Issuers;
use super::{Outcome, field, lints, not_ready, ready};
use crate::api::{Kind, Reason};
use crate::bundle::{Key, Record, Sort};
use crate::compile::wording::{names, shown};
use crate::compile::{Judged, Linked, ObjectRef, Problem, Report, Warning};
use crate::model::tenant::{Binding, Sharing};
use crate::model::{BASIC_AUTH_ISSUER, FieldPath, Issuer, Policy, Role};

/// What Roles can refer to.
pub(super) struct Known<'k> {
    pub issuers: &'k Issuers<'k>,
    /// Policies, each with what it means where it is valid.
    pub policies: &'k BTreeMap<&'k str, Option<&'k Policy>>,
    /// Whether there may be more than is known.
    pub partial: bool,
}

/// What becomes of a valid Role.
pub(super) fn outcome(object: &ObjectRef, judged: &Judged, role: &Role, known: &Known<'_>) -> Outcome {
    let mut check = Check { role, known, problems: Vec::new(), warnings: judged.warnings.clone() };
    check.policies();
    check.scope();
    let mut enforced = check.issuers();
    let Check { problems, warnings, .. } = check;
    if problems.iter().any(|p| p.reason == Reason::TenantUnbound) {
        let judged = Judged { warnings, ..judged.clone() };
        return Outcome::refused(object, &judged, problems);
    }
    enforced.sort_unstable();
    let record = Record::Role { origin: judged.origin.clone(), role: role.clone() };
    let mut outcome = Outcome::serving(record, enforced_for(&enforced), problems, warnings);
    outcome.report.issuers = enforced.into_iter().map(Into::into).collect();
    outcome
}

fn enforced_for(issuers: &[&str]) -> String {
    let whom = if issuers.is_empty() { "nobody".to_owned() } else { names(issuers.iter().copied()) };
    format!("enforced for tokens of {whom}")
}

/// Tells the Roles that serve of what they refer to and found no room in the bundle. A Policy that is gone
/// grants nothing; an issuer that is gone binds nobody.
pub(super) fn bereave(linked: &mut Linked, gone: &BTreeSet<Key>) {
    for (name, role) in linked.bundle.roles() {
        let object = ObjectRef { kind: Kind::Role, name: name.into() };
        if let Some(report) = linked.reports.get_mut(&object) {
            bereave_one(report, role, gone);
        }
    }
}

fn bereave_one(report: &mut Report, role: &Role, gone: &BTreeSet<Key>) {
    let is_gone = |sort: Sort, name: &str| gone.contains(&Key::new(sort, name));
    let policies = role.policies.iter().enumerate().filter(|(_, name)| is_gone(Sort::Policy, name));
    let policies = policies.map(|(index, name)| Problem {
        reason: Reason::BundleFull,
        field: field(["spec", "policy"]).child(index),
        message: format!("the bundle has no room for the Policy {}, which grants nothing", shown(name)),
    });
    let mut problems: Vec<_> = policies.collect();
    let (lost, left): (Vec<_>, Vec<_>) =
        std::mem::take(&mut report.issuers).into_iter().partition(|name| is_gone(Sort::Issuer, name));
    let mut warnings = std::mem::take(&mut report.warnings);
    for name in &lost {
        let message = format!(
            "the bundle has no room for the JwtIssuer {}, so the Role binds nobody there",
            shown(name)
        );
        let at = field(["spec", "condition"]);
        if left.is_empty() && !role.names(BASIC_AUTH_ISSUER) {
            problems.push(Problem { reason: Reason::BundleFull, field: at, message });
        } else {
            warnings.push(Warning { field: at, message });
        }
    }
    problems.splice(0..0, std::mem::take(&mut report.problems));
    let message = enforced_for(&left.iter().map(|name| &**name).collect::<Vec<_>>());
    *report = if problems.is_empty() { ready(message, warnings) } else { not_ready(problems, warnings) };
    report.issuers = left;
}

struct Check<'k> {
    role: &'k Role,
    known: &'k Known<'k>,
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl<'k> Check<'k> {
    fn warn(&mut self, field: FieldPath, message: String) {
        self.warnings.push(Warning { field, message });
    }

    /// A reference that leads out of what is known: a problem, unless there may be more than that.
    fn outside(&mut self, reason: Reason, field: FieldPath, message: String) {
        if self.known.partial {
            self.warn(field, message);
        } else {
            self.problems.push(Problem { reason, field, message });
        }
    }

    /// Those that are missing or invalid grant nothing; the others do.
    fn policies(&mut self) {
        for (index, name) in self.role.policies.iter().enumerate() {
            let at = field(["spec", "policy"]).child(index);
            match self.known.policies.get(&**name) {
                Some(Some(_)) => {}
                Some(None) => {
                    let message =
                        format!("the Policy {} is not valid, and grants nothing until it is", shown(name));
                    self.problems.push(Problem { reason: Reason::PolicyInvalid, field: at, message });
                }
                None => {
                    let message =
                        format!("there is no Policy {}; create it, or remove its name", shown(name));
                    self.outside(Reason::PolicyNotFound, at, message);
                }
            }
        }
    }

    /// What lies outside of the scope is not granted, which may be all of a Policy.
    fn scope(&mut self) {
        let lost = lints::out_of_scope(self.role, self.known);
        if !lost.is_empty() {
            let (them, lie, grant) = match lost.len() {
                1 => ("Policy", "lies", "grants"),
                _ => ("Policies", "lie", "grant"),
            };
            let message =
                format!("the {them} {} {lie} wholly outside of it, and {grant} nothing here", names(lost));
            self.warn(field(["spec", "scope"]), message);
        }
    }

    /// The JwtIssuers, by name, at which the Role is enforced.
    fn issuers(&mut self) -> Vec<&'k str> {
        let meant = if self.role.names_an_issuer() { self.named() } else { self.any() };
        let (barred, enforced): (Vec<_>, Vec<_>) =
            meant.into_iter().partition(|(_, issuer)| self.is_barred(issuer));
        let elsewhere = !enforced.is_empty() || !self.role.names_an_issuer() || self.names_basic_auth();
        for (name, issuer) in barred {
            self.unbound(name, issuer, elsewhere);
        }
        for (name, issuer) in &enforced {
            self.by_name_alone(name, issuer);
        }
        for value in lints::refs_of_github(self.role, &enforced) {
            let message =
                format!("`jwt:ref`: {value} is no `ref` of GitHub, which are such as `refs/heads/main`");
            self.warn(field(["spec", "condition"]), message);
        }
        enforced.into_iter().map(|(name, _)| name).collect()
    }

    fn names_basic_auth(&self) -> bool {
        self.role.names(BASIC_AUTH_ISSUER)
    }

    fn is_barred(&self, issuer: &Issuer) -> bool {
        issuer.sharing.is_some_and(|sharing| sharing.binding(self.role) == Binding::Nothing)
    }

    /// Every issuer that serves, for a Role that names none.
    fn any(&mut self) -> Vec<(&'k str, &'k Issuer)> {
        let message = "names no issuer, so it is enforced for tokens of every JwtIssuer; name one by `jwt:iss` under StringEqual";
        self.warn(field(["spec", "condition"]), message.to_owned());
        self.known.issuers.all_serving().collect()
    }

    /// The issuers that serve, of those that the Role names.
    fn named(&mut self) -> Vec<(&'k str, &'k Issuer)> {
        let at = || field(["spec", "condition"]);
        let named: Vec<_> = self.role.named_issuers().collect();
        if named.is_empty() {
            self.warn(at(), "its conditions on `jwt:iss` exclude each other, so it binds nobody".to_owned());
        }
        let (found, lost): (Vec<_>, Vec<_>) = named
            .into_iter()
            .filter(|iss| *iss != BASIC_AUTH_ISSUER)
            .map(|iss| (iss, self.known.issuers.serving(iss)))
            .partition(|(_, serving)| serving.is_some());
        let found: Vec<_> = found.into_iter().filter_map(|(_, serving)| serving).collect();
        if !lost.is_empty() {
            let message = self.nobody(&lost.into_iter().map(|(iss, _)| iss).collect::<Vec<_>>());
            if found.is_empty() && !self.names_basic_auth() {
                self.outside(Reason::IssuerNotFound, at(), message);
            } else {
                self.warn(at(), message);
            }
        }
        found
    }

    /// Why the Role binds nobody at these issuers: for one the cause, for many their names.
    fn nobody(&self, lost: &[&str]) -> String {
        let why = match lost {
            [iss] => self.known.issuers.why_not(iss),
            many => format!("no JwtIssuer serves {}", names(many.iter().copied())),
        };
        format!("`jwt:iss`: {why}, so the Role binds nobody there")
    }

    /// A shared issuer at which nothing that one tenant owns is bound.
    fn unbound(&mut self, name: &str, issuer: &Issuer, elsewhere: bool) {
        let wanted = issuer.sharing.map_or("", Sharing::wanted);
        let message = format!(
            "not enforced for tokens of the JwtIssuer {}, which many tenants share: the Role has to bind {wanted}, every value of it",
            shown(name)
        );
        if elsewhere {
            self.warn(field(["spec"]), message);
        } else {
            self.problems.push(Problem { reason: Reason::TenantUnbound, field: field(["spec"]), message });
        }
    }

    /// A shared issuer at which only a name is bound, and names change hands.
    fn by_name_alone(&mut self, name: &str, issuer: &Issuer) {
        if issuer.sharing.is_some_and(|sharing| sharing.binding(self.role) == Binding::Named) {
            let message = format!(
                "binds a tenant of the JwtIssuer {} by names in `jwt:sub` alone, which are given away and taken over; bind an id, such as `jwt:repository_owner_id`",
                shown(name)
            );
            self.warn(field(["spec"]), message);
        }
    }
}
