//! Rego for both of its engines: a rule for each grant and place, equalities first, since OPA finds rules by them
//! and an engine that walks through all of them ends the sooner.

use serde_json::{Value, json};

use crate::installation::{Grant, Held, Installation, Need, Place, Question, Text};

/// The rule that says yes or no.
pub const ALLOW: &str = "data.rivals.allow";

/// The policies.
pub fn module(installation: &Installation) -> String {
    let rules =
        installation.grants.iter().flat_map(|grant| grant.places.iter().map(|place| rule(grant, place)));
    std::iter::once("package rivals\n\ndefault allow := false\n".to_owned()).chain(rules).collect()
}

/// What a question is asked with.
pub fn input(question: &Question) -> Value {
    let claims = question.claims.iter().map(|(claim, held)| match held {
        Held::One(value) => (claim.clone(), json!(value)),
        Held::List(values) => (claim.clone(), json!(values)),
    });
    json!({
        "namespace": question.namespace, "name": question.name, "action": question.action,
        "claims": claims.collect::<serde_json::Map<_, _>>(),
    })
}

fn rule(grant: &Grant, place: &Place) -> String {
    let at = match place {
        Place::Everywhere => vec![],
        Place::Namespace(namespace) => vec![format!("input.namespace == {namespace:?}")],
        Place::Functions(namespace, beginning) => {
            vec![
                format!("input.namespace == {namespace:?}"),
                format!("startswith(input.name, {beginning:?})"),
            ]
        }
    };
    // The issuer is what most callers share, and so tells the least.
    let (issuers, others): (Vec<_>, Vec<_>) = grant.needs.iter().partition(|need| need.claim == "iss");
    let needs = others.into_iter().chain(issuers).map(met);
    let action = (!grant.actions.is_empty()).then(|| one_of("input.action", &grant.actions));
    let body: Vec<_> = at.into_iter().chain(needs).chain(action).collect();
    format!("\nallow if {{\n\t{}\n}}\n", body.join("\n\t"))
}

fn met(need: &Need) -> String {
    let claim = format!("input.claims[{:?}]", need.claim);
    match (need.values.as_slice(), need.list) {
        ([Text::Whole(value)], true) => format!("{value:?} in {claim}"),
        ([Text::Whole(value)], false) => format!("{claim} == {value:?}"),
        ([Text::Beginning(beginning)], false) => format!("startswith({claim}, {beginning:?})"),
        ([Text::Ending(ending)], false) => format!("endswith({claim}, {ending:?})"),
        (values, false) => one_of(&claim, &values.iter().map(whole).collect::<Vec<_>>()),
        _ => panic!("Rego is not told of these values of `{}`", need.claim),
    }
}

fn whole(text: &Text) -> String {
    match text {
        Text::Whole(value) => value.clone(),
        Text::Beginning(_) | Text::Ending(_) => panic!("Rego is not told of several patterns"),
    }
}

fn one_of(what: &str, values: &[String]) -> String {
    match values {
        [one] => format!("{what} == {one:?}"),
        many => {
            format!("{what} in {{{}}}", many.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", "))
        }
    }
}
