//! The product answers as the reference does, who somebody is and what they may do; and enough is asked for
//! that to mean something.

use std::sync::Mutex;

use faas_iam::engine::{Completeness, Principal};
use faas_iam::model;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use serde_json::Value;

use super::{WORLDS, cases, law};
use crate::generate::{Case, Person, SURE, case};
use crate::pipeline::Product;
use crate::reference::{Request, Served, Subject, Verdict, Way};
use crate::world::NOW;

#[test]
fn the_engine_agrees_with_the_reference() {
    law("agreement", WORLDS, case, agreement);
    ALL.lock().unwrap().says_enough();
}

fn agreement(case: Case) -> TestCaseResult {
    let (served, product) = (Served::of(&case.world), Product::of(&case.world));
    let questions = questions(&case)?;
    let mut asked = Asked { worlds: 1, ..Asked::default() };
    for (at, person) in case.people.iter().enumerate() {
        let Some((subject, principal)) = identified(&served, &product, person)? else {
            prop_assert!(at >= SURE, "{} name nobody", person.claims);
            asked.nobodies += 1;
            continue;
        };
        for (by_reference, by_product) in &questions {
            let verdict = served.judge(&subject, by_reference);
            let allowed = product.allows(&principal, by_product);
            prop_assert_eq!(allowed, verdict.allows(), "{} for {}: {:?}", by_product, person.claims, verdict);
            asked.count(person, verdict);
        }
    }
    prop_assert!(asked.real >= SURE * SURE, "{} real questions are few", asked.real);
    ALL.lock().unwrap().add(&asked);
    Ok(())
}

/// Who somebody is to both; they have to agree whether anybody, in both ways.
fn identified<'w>(
    served: &Served<'w>,
    product: &Product,
    person: &Person,
) -> Result<Option<(Subject<'w>, Principal)>, TestCaseError> {
    let mut judged = None;
    for (way, completeness) in [(Way::Question, Completeness::Question), (Way::Token, Completeness::Token)] {
        let expected = served.identify(&person.claims, NOW, way);
        let found = product.identify(&person.claims, NOW, completeness);
        prop_assert_eq!(
            found.is_some(),
            expected.is_some(),
            "do {} name anybody by {:?}?",
            person.claims,
            way
        );
        if completeness == person.way() {
            judged = expected.zip(found);
        }
    }
    Ok(judged)
}

/// The questions of a case that somebody could ask; both have to agree on which those are.
fn questions(case: &Case) -> Result<Vec<(Request, model::Request)>, TestCaseError> {
    let mut all = Vec::new();
    for (action, resource) in &case.questions {
        let by_reference = Request::parse(action, resource).ok();
        let by_product = model::Request::parse(action, resource).ok();
        let (expected, found) = (by_reference.is_some(), by_product.is_some());
        prop_assert_eq!(found, expected, "is {} {} a question?", action, resource);
        all.extend(by_reference.zip(by_product));
    }
    Ok(all)
}

static ALL: Mutex<Asked> = Mutex::new(Asked::NOTHING);

/// What was asked, and what came of it.
#[derive(Debug, Default)]
struct Asked {
    worlds: usize,
    /// Questions that both judged: such as are some, by people who are somebody to both.
    real: usize,
    /// Those of them whose claims were judged as a whole token's.
    strict: usize,
    /// People who are nobody, to both; they ask nothing real.
    nobodies: usize,
    verdicts: [usize; VERDICTS.len()],
    allowed_by: [usize; KINDS.len()],
}

/// Verdicts, and how many of ten thousand real questions at least have to end so.
const VERDICTS: [(Verdict, usize); 11] = [
    (Verdict::Forbidden, 400),
    (Verdict::BeyondToken, 700),
    (Verdict::NotCovered, 1_000),
    (Verdict::NotInToken, 250),
    (Verdict::OtherIssuer, 500),
    (Verdict::TenantUnbound, 500),
    (Verdict::OtherSubject, 500),
    (Verdict::RoleCondition, 700),
    (Verdict::StatementCondition, 150),
    (Verdict::OutOfScope, 200),
    (Verdict::Allowed, 1_800),
];

/// Who asks, and how many of ten thousand real questions at least have to be theirs and allowed.
const KINDS: [(&str, usize); 7] = [
    ("subject", 1_000),
    ("tenant of a shared issuer", 100),
    ("API token", 200),
    ("function token", 20),
    ("identity", 100),
    ("exchanged identity", 20),
    ("basic-auth user", 15),
];

impl Asked {
    const NOTHING: Self = Self {
        worlds: 0,
        real: 0,
        strict: 0,
        nobodies: 0,
        verdicts: [0; VERDICTS.len()],
        allowed_by: [0; KINDS.len()],
    };

    fn count(&mut self, person: &Person, verdict: Verdict) {
        self.real += 1;
        self.strict += usize::from(person.strict);
        self.verdicts[verdict as usize] += 1;
        self.allowed_by[kind(&person.claims)] += usize::from(verdict.allows());
    }

    fn add(&mut self, more: &Self) {
        self.worlds += more.worlds;
        self.real += more.real;
        self.strict += more.strict;
        self.nobodies += more.nobodies;
        self.verdicts.iter_mut().zip(more.verdicts).for_each(|(all, n)| *all += n);
        self.allowed_by.iter_mut().zip(more.allowed_by).for_each(|(all, n)| *all += n);
    }

    /// Fails where the law would hold for want of cases.
    fn says_enough(&self) {
        let share = |part: usize| part * 10_000 / self.real.max(1);
        assert!(self.worlds >= cases(WORLDS) as usize, "{} worlds", self.worlds);
        assert!(self.real >= self.worlds * SURE * SURE, "{} real questions", self.real);
        assert!((4_000..6_000).contains(&share(self.strict)), "{} judged as a token's", self.strict);
        assert!(self.nobodies > self.worlds / 2, "{} people are nobody", self.nobodies);
        for ((verdict, least), found) in VERDICTS.into_iter().zip(self.verdicts) {
            assert!(share(found) >= least, "{found} of {} are {verdict:?}", self.real);
        }
        for ((kind, least), found) in KINDS.into_iter().zip(self.allowed_by) {
            assert!(share(found) >= least, "{found} of {} are allowed to the kind {kind}", self.real);
        }
    }
}

/// Which of `KINDS` somebody is.
fn kind(claims: &Value) -> usize {
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    match (text("iss"), text("sub"), text("openfaas:kind")) {
        ("urn:faas-iam:basic-auth", ..) => 6,
        ("https://gateway.example.com", sub, _) if sub.starts_with("fed:function:") => 5,
        ("https://gateway.example.com", sub, _) if sub.starts_with("function:") => 4,
        ("https://gateway.example.com", _, "function") => 3,
        ("https://gateway.example.com", ..) => 2,
        (iss, ..) if iss.ends_with(".example.com") => 0,
        _ => 1,
    }
}
