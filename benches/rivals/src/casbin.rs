//! casbin with a column for each claim that some grant looks at, a line for each combination of values and places,
//! and what tells lines apart best and costs least first in the matcher. Its `CachedEnforcer` would answer these
//! questions from a map after the first time, whatever the policies, and so is not measured.

use std::collections::BTreeMap;
use std::time::Duration;

use casbin::function_map::OperatorFunction;
use casbin::rhai::{Dynamic, ImmutableString};
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

use crate::contender::{Contender, timed};
use crate::installation::{Grant, Held, Installation, Place, Question, Text};

pub struct Casbin {
    enforcer: Enforcer,
    requests: Vec<Vec<Dynamic>>,
}

/// A claim that policies have a column for.
struct Column {
    claim: String,
    list: bool,
    patterns: bool,
}

impl Casbin {
    pub fn new(installation: &Installation) -> (Self, Duration) {
        let columns = columns(&installation.grants);
        let lines = installation.grants.iter().flat_map(|grant| lines(grant, &columns)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (enforcer, took) = timed(|| runtime.block_on(enforcer(&model(&columns), lines)));
        let requests = installation.questions.iter().map(|question| request(question, &columns)).collect();
        (Self { enforcer, requests }, took)
    }
}

impl Contender for Casbin {
    fn allows(&mut self, question: usize) -> bool {
        self.enforcer.enforce(self.requests[question].clone()).expect("an answer of casbin")
    }
}

async fn enforcer(model: &str, lines: Vec<Vec<String>>) -> Enforcer {
    let model = DefaultModel::from_str(model).await.expect("a model of casbin");
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.expect("casbin");
    enforcer.add_function("like", OperatorFunction::Arg2(like));
    enforcer.add_function("listed", OperatorFunction::Arg2(listed));
    enforcer.add_function("held", OperatorFunction::Arg2(held));
    enforcer.add_policies(lines).await.expect("policies of casbin");
    enforcer
}

/// Whether the text meets the pattern: whole, or with a wildcard at one end.
fn like(text: Dynamic, pattern: Dynamic) -> Dynamic {
    let (text, pattern) = (read(text), read(pattern));
    let met = match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(beginning), _) => text.starts_with(beginning),
        (None, Some(ending)) => text.ends_with(ending),
        (None, None) => *text == *pattern,
    };
    met.into()
}

/// Whether the word is in a list with spaces between.
fn listed(word: Dynamic, list: Dynamic) -> Dynamic {
    let word = read(word);
    read(list).split(' ').any(|each| each == word.as_str()).into()
}

/// Whether a claim's list has the element.
fn held(list: Dynamic, element: Dynamic) -> Dynamic {
    let element = read(element);
    let list = list.into_array().expect("a list");
    list.into_iter().any(|each| read(each) == element).into()
}

fn read(text: Dynamic) -> ImmutableString {
    text.into_immutable_string().expect("text")
}

fn columns(grants: &[Grant]) -> Vec<Column> {
    let mut columns = BTreeMap::new();
    for need in grants.iter().flat_map(|grant| &grant.needs) {
        let patterns = columns.entry((need.claim.clone(), need.list)).or_insert(false);
        *patterns |= need.values.iter().any(|value| !matches!(value, Text::Whole(_)));
    }
    let columns = columns.into_iter().map(|((claim, list), patterns)| Column { claim, list, patterns });
    // The issuer is what most callers share, and so tells the least.
    let (issuer, mut others): (Vec<_>, Vec<_>) = columns.partition(|column| column.claim == "iss");
    others.extend(issuer);
    others
}

fn model(columns: &[Column]) -> String {
    let names: Vec<_> = (0..columns.len()).map(|n| format!("c{n}")).collect();
    let met = columns.iter().zip(&names).map(|(column, c)| match (column.list, column.patterns) {
        (true, _) => format!("(p.{c} == \"*\" || held(r.{c}, p.{c}))"),
        (false, true) => format!("(p.{c} == \"*\" || like(r.{c}, p.{c}))"),
        (false, false) => format!("(p.{c} == r.{c} || p.{c} == \"*\")"),
    });
    let met: Vec<_> = met.collect();
    format!(
        "[request_definition]\nr = ns, name, act, {names}\n\
         [policy_definition]\np = ns, name, act, {names}\n\
         [policy_effect]\ne = some(where (p.eft == allow))\n\
         [matchers]\nm = (p.ns == r.ns || p.ns == \"*\") && {met} && \
         (p.name == \"*\" || like(r.name, p.name)) && (p.act == \"*\" || listed(r.act, p.act))\n",
        names = names.join(", "),
        met = met.join(" && "),
    )
}

fn lines(grant: &Grant, columns: &[Column]) -> Vec<Vec<String>> {
    let actions = if grant.actions.is_empty() { "*".to_owned() } else { grant.actions.join(" ") };
    let mut lines: Vec<Vec<String>> = grant.places.iter().map(|place| line(place, &actions)).collect();
    for column in columns {
        let need = grant.needs.iter().find(|need| need.claim == column.claim);
        let values = need.map_or(vec!["*".to_owned()], |need| need.values.iter().map(written).collect());
        let with = |line: &Vec<String>| {
            values.iter().map(|v| [&line[..], &[v.clone()]].concat()).collect::<Vec<_>>()
        };
        lines = lines.iter().flat_map(with).collect();
    }
    lines
}

fn line(place: &Place, actions: &str) -> Vec<String> {
    let (namespace, name) = match place {
        Place::Everywhere => ("*", "*".to_owned()),
        Place::Namespace(namespace) => (namespace.as_str(), "*".to_owned()),
        Place::Functions(namespace, beginning) => (namespace.as_str(), format!("{beginning}*")),
    };
    vec![namespace.to_owned(), name, actions.to_owned()]
}

fn written(text: &Text) -> String {
    match text {
        Text::Whole(value) => value.clone(),
        Text::Beginning(beginning) => format!("{beginning}*"),
        Text::Ending(ending) => format!("*{ending}"),
    }
}

fn request(question: &Question, columns: &[Column]) -> Vec<Dynamic> {
    let text = |text: &String| Dynamic::from(ImmutableString::from(text.as_str()));
    let claims = columns.iter().map(|column| match (question.claims.get(&column.claim), column.list) {
        (Some(Held::One(value)), false) => text(value),
        (Some(Held::List(values)), true) => Dynamic::from_array(values.iter().map(text).collect()),
        (None, false) => Dynamic::from(ImmutableString::new()),
        (None, true) => Dynamic::from_array(Vec::new()),
        _ => panic!("`{}` is a list or not", column.claim),
    });
    [&question.namespace, &question.name, &question.action].map(text).into_iter().chain(claims).collect()
}
