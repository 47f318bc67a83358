//! Cedar, as its documentation advises: policies, entities and requests parsed beforehand, and as much as fits in
//! the scope of a policy. A group is of its issuer, `Group::"<iss>|<group>"`, as Amazon's managed service of Cedar
//! names those of a token; actions are grouped, and functions are in namespaces.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};

use crate::contender::{Contender, timed};
use crate::installation::{Grant, Held, Installation, Need, Place, Question, Text};

pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    /// Each with what its token and its target say.
    requests: Vec<(Request, Entities)>,
}

impl Cedar {
    pub fn new(installation: &Installation) -> (Self, Duration) {
        let text: String = installation.grants.iter().map(policy).collect();
        let (policies, took) = timed(|| text.parse().expect("policies of Cedar"));
        let sets = installation.grants.iter().map(|grant| grant.actions.as_slice()).collect();
        let requests = installation.questions.iter().map(|asked| (request(asked), entities(asked, &sets)));
        (Self { authorizer: Authorizer::new(), policies, requests: requests.collect() }, took)
    }
}

impl Contender for Cedar {
    fn allows(&mut self, question: usize) -> bool {
        let (request, entities) = &self.requests[question];
        self.authorizer.is_authorized(request, &self.policies, entities).decision() == Decision::Allow
    }
}

fn policy(grant: &Grant) -> String {
    let (principal, needs) = principal(grant);
    let (resource, place) = resource(&grant.places);
    let action = match grant.actions.as_slice() {
        [] => "action".to_owned(),
        [one] => format!("action == {}", uid("Action", one)),
        many => format!("action in {}", uid("Action", &group(many))),
    };
    // What most callers do not meet comes first; the issuer is what most of them share.
    let (issuers, mut conditions): (Vec<&Need>, Vec<&Need>) =
        needs.iter().partition(|need| need.claim == "iss");
    conditions.extend(issuers);
    let conditions: Vec<_> = place.into_iter().chain(conditions.into_iter().map(condition)).collect();
    let when = if conditions.is_empty() {
        String::new()
    } else {
        format!(" when {{ {} }}", conditions.join(" && "))
    };
    format!("permit ({principal}, {action}, {resource}){when};\n")
}

/// The scope's principal where one group or one subject of one issuer is needed, and the needs that are left.
fn principal(grant: &Grant) -> (String, Vec<&Need>) {
    let one = |need: &Need| match need.values.as_slice() {
        [Text::Whole(value)] => Some(value.clone()),
        _ => None,
    };
    let of = |claim: &str| grant.needs.iter().find(|need| need.claim == claim).and_then(one);
    let rest =
        |claim: &str| grant.needs.iter().filter(|need| need.claim != "iss" && need.claim != claim).collect();
    match (of("iss"), of("groups"), of("sub")) {
        (Some(iss), Some(group), _) => {
            (format!("principal in {}", uid("Group", &format!("{iss}|{group}"))), rest("groups"))
        }
        (Some(iss), None, Some(sub)) => {
            (format!("principal == {}", uid("User", &format!("{iss}|{sub}"))), rest("sub"))
        }
        _ => ("principal".to_owned(), grant.needs.iter().collect()),
    }
}

/// The scope's resource, and what is left to a condition.
fn resource(places: &[Place]) -> (String, Option<String>) {
    match places {
        [Place::Namespace(namespace)] => (format!("resource in {}", uid("Namespace", namespace)), None),
        [Place::Functions(namespace, beginning)] => {
            (format!("resource in {}", uid("Namespace", namespace)), Some(named(beginning)))
        }
        places if places.iter().any(|place| matches!(place, Place::Everywhere)) => {
            ("resource".to_owned(), None)
        }
        places => {
            let alternatives: Vec<_> = places.iter().map(within).collect();
            ("resource".to_owned(), Some(format!("({})", alternatives.join(" || "))))
        }
    }
}

fn within(place: &Place) -> String {
    match place {
        Place::Everywhere => "true".to_owned(),
        Place::Namespace(namespace) => format!("resource in {}", uid("Namespace", namespace)),
        Place::Functions(namespace, beginning) => {
            format!("(resource in {} && {})", uid("Namespace", namespace), named(beginning))
        }
    }
}

fn named(beginning: &str) -> String {
    format!("resource.name like \"{beginning}*\"")
}

fn condition(need: &Need) -> String {
    let claim = format!("principal[{:?}]", need.claim);
    let whole = |text: &Text| match text {
        Text::Whole(value) => Some(format!("{value:?}")),
        _ => None,
    };
    let met = match (need.list, need.values.iter().map(whole).collect::<Option<Vec<_>>>()) {
        (true, Some(values)) => format!("{claim}.containsAny([{}])", values.join(", ")),
        (true, None) => panic!("Cedar is not told of patterns of a list's elements"),
        (false, Some(values)) if values.len() == 1 => format!("{claim} == {}", values[0]),
        (false, Some(values)) => format!("[{}].contains({claim})", values.join(", ")),
        (false, None) => need.values.iter().map(|text| like(&claim, text)).collect::<Vec<_>>().join(" || "),
    };
    // Everybody has these two; what else somebody may lack is asked for first, because an error costs more.
    match need.claim.as_str() {
        "iss" | "sub" => format!("({met})"),
        claim => format!("principal has {claim:?} && ({met})"),
    }
}

fn like(claim: &str, text: &Text) -> String {
    match text {
        Text::Whole(value) => format!("{claim} == {value:?}"),
        Text::Beginning(beginning) => format!("{claim} like \"{beginning}*\""),
        Text::Ending(ending) => format!("{claim} like \"*{ending}\""),
    }
}

fn uid(kind: &str, id: &str) -> String {
    format!("{kind}::{id:?}")
}

fn parsed(kind: &str, id: &str) -> EntityUid {
    uid(kind, id).parse().expect("an entity of Cedar")
}

/// The name of a group of actions.
fn group(actions: &[String]) -> String {
    actions.join(" ")
}

fn request(question: &Question) -> Request {
    let action = parsed("Action", &question.action);
    let request = Request::new(caller(question), action, resource_of(question), Context::empty(), None);
    request.expect("a request of Cedar")
}

fn caller(question: &Question) -> EntityUid {
    let claim = |name: &str| match &question.claims[name] {
        Held::One(value) => value.clone(),
        Held::List(_) => panic!("`{name}` is no list"),
    };
    parsed("User", &format!("{}|{}", claim("iss"), claim("sub")))
}

fn resource_of(question: &Question) -> EntityUid {
    match (question.namespace.as_str(), question.name.as_str()) {
        ("", _) => parsed("Cluster", "cluster"),
        (namespace, "") => parsed("Namespace", namespace),
        (namespace, name) => parsed("Function", &format!("{namespace}:{name}")),
    }
}

/// What a request names: who asks, by the token, what for and where.
fn entities(question: &Question, sets: &BTreeSet<&[String]>) -> Entities {
    let groups = sets.iter().filter(|actions| actions.len() > 1 && actions.contains(&question.action));
    let groups = groups.map(|actions| parsed("Action", &group(actions))).collect();
    let action = Entity::new_no_attrs(parsed("Action", &question.action), groups);
    Entities::from_entities([user(question), action, resource_entity(question)], None)
        .expect("entities of Cedar")
}

fn user(question: &Question) -> Entity {
    let text = |value: &String| RestrictedExpression::new_string(value.clone());
    let attributes = question.claims.iter().map(|(claim, held)| {
        let value = match held {
            Held::One(value) => text(value),
            Held::List(values) => RestrictedExpression::new_set(values.iter().map(text)),
        };
        (claim.clone(), value)
    });
    let groups: HashSet<_> = match (&question.claims["iss"], question.claims.get("groups")) {
        (Held::One(iss), Some(Held::List(groups))) => {
            groups.iter().map(|group| parsed("Group", &format!("{iss}|{group}"))).collect()
        }
        _ => HashSet::new(),
    };
    Entity::new(caller(question), attributes.collect(), groups).expect("a user of Cedar")
}

fn resource_entity(question: &Question) -> Entity {
    let name = RestrictedExpression::new_string(question.name.clone());
    let namespace = (!question.name.is_empty()).then(|| parsed("Namespace", &question.namespace));
    let attributes = HashMap::from([("name".to_owned(), name)]);
    Entity::new(resource_of(question), attributes, namespace.into_iter().collect())
        .expect("a resource of Cedar")
}
