//! What an installation grants and who asks, in terms that every rival's language has. Refuses what it cannot
//! say: a translation that left something out would be the faster for it.

use std::collections::{BTreeMap, BTreeSet};

use faas_iam::api::Kind;
use faas_iam::bundle::Bundle;
use faas_iam::engine::{Engine, Principal};
use faas_iam::model::{
    Action, ClaimValue, Clause, Comparison, Pattern, Quantifier, Request, Resource, ResourcePattern, Role,
    Statement,
};

use serde_json::Value;

use crate::{mix, worst};

/// Objects as they are written.
pub type Objects = Vec<(Kind, String, Value)>;

/// Objects of one size, what they grant and the questions, for us and for others.
pub struct Installation {
    pub objects: Objects,
    pub askers: Vec<(Principal, Request)>,
    pub grants: Vec<Grant>,
    pub questions: Vec<Question>,
}

/// What one statement of a Role's Policy grants to whom.
pub struct Grant {
    /// All of them have to be met.
    pub needs: Vec<Need>,
    /// Any of them; none here means all there are.
    pub actions: Vec<String>,
    /// Any of them.
    pub places: Vec<Place>,
}

/// A claim, and the texts of which it must meet one.
pub struct Need {
    pub claim: String,
    /// Whether the claim is a list, of which one element must.
    pub list: bool,
    pub values: Vec<Text>,
}

pub enum Text {
    Whole(String),
    Beginning(String),
    Ending(String),
}

pub enum Place {
    Everywhere,
    Namespace(String),
    /// Those of a namespace whose names begin so.
    Functions(String, String),
}

/// A question as others are asked it.
pub struct Question {
    pub claims: BTreeMap<String, Held>,
    pub action: String,
    /// Empty where it is about the cluster.
    pub namespace: String,
    /// Empty where it is about a namespace or the cluster.
    pub name: String,
}

/// What a caller's claim holds.
pub enum Held {
    One(String),
    List(Vec<String>),
}

impl Installation {
    /// The realistic mix.
    pub fn mixed(policies: usize) -> Self {
        Self::new(mix::objects(policies), |engine| {
            let askers = mix::askers(engine, policies).into_iter();
            askers.flat_map(|(_, who, yes, no)| [(who.clone(), yes), (who, no)]).collect()
        })
    }

    /// Every Policy on `*`, Roles told apart by one claim.
    pub fn worst(policies: usize, told: &worst::Told) -> Self {
        Self::new(worst::objects(policies, told), |engine| worst::askers(engine, policies, told).into())
    }

    fn new(objects: Objects, ask: impl Fn(&Engine) -> Vec<(Principal, Request)>) -> Self {
        let bundle = mix::bundle(&objects);
        let askers = ask(&Engine::new(&bundle));
        let grants = grants(&bundle);
        let needs = grants.iter().flat_map(|grant| &grant.needs);
        let claims = needs.map(|need| need.claim.as_str()).chain(["iss", "sub"]).collect();
        let questions = askers.iter().map(|(who, request)| question(&claims, who, request)).collect();
        Self { objects, askers, grants, questions }
    }
}

fn grants(bundle: &Bundle) -> Vec<Grant> {
    let policies: BTreeMap<&str, _> = bundle.policies().collect();
    let statements = |name: &Box<str>| policies[&**name].statements.iter();
    let roles = bundle.roles().map(|(_, role)| role);
    roles.flat_map(|role| role.policies.iter().flat_map(statements).map(|s| grant(role, s))).collect()
}

fn grant(role: &Role, statement: &Statement) -> Grant {
    assert!(
        role.names_an_issuer() && role.scope.is_none(),
        "a Role that the rivals' languages are not told of"
    );
    let subjects = role.subjects.iter().map(|subjects| Need {
        claim: "sub".to_owned(),
        list: false,
        values: subjects.iter().map(|s| Text::Whole(s.to_string())).collect(),
    });
    let of_statement = statement.condition.iter().flat_map(|condition| &condition.0);
    let needs = subjects.chain(role.clauses().iter().chain(of_statement).map(need));
    let all = Action::ALL.iter().all(|action| statement.actions.contains(*action));
    let actions = statement.actions.iter().filter(|_| !all);
    Grant {
        needs: needs.collect(),
        actions: actions.map(|action| action.to_string()).collect(),
        places: statement.resources.iter().map(place).collect(),
    }
}

fn need(clause: &Clause) -> Need {
    let list = match clause.op.quantifier {
        Quantifier::Plain => false,
        Quantifier::Any => true,
        Quantifier::All => panic!("no rival is told of ForAllValues"),
    };
    let told = matches!(clause.op.comparison, Comparison::Equal | Comparison::Like) && !clause.op.negated;
    assert!(told, "no rival is told of {}", String::from(clause.op));
    Need { claim: clause.claim.to_string(), list, values: clause.values.iter().map(text).collect() }
}

fn text(pattern: &Pattern) -> Text {
    let written = pattern.as_str();
    let plain = |text: &str| (!text.contains(['*', '?'])).then(|| text.to_owned());
    let whole = pattern.literal().map(|text| Text::Whole(text.to_owned()));
    let beginning = || written.strip_suffix('*').and_then(plain).map(Text::Beginning);
    let ending = || written.strip_prefix('*').and_then(plain).map(Text::Ending);
    whole.or_else(beginning).or_else(ending).unwrap_or_else(|| panic!("no rival is told of `{written}`"))
}

fn place(pattern: &ResourcePattern) -> Place {
    let ResourcePattern::Within(namespace, name) = pattern else { return Place::Everywhere };
    let namespace = namespace.literal().expect("a namespace without a wildcard").to_owned();
    match text(name) {
        Text::Beginning(all) if all.is_empty() => Place::Namespace(namespace),
        Text::Beginning(beginning) => Place::Functions(namespace, beginning),
        Text::Whole(_) | Text::Ending(_) => panic!("no rival is told of {pattern}"),
    }
}

/// With the claims that some grant looks at; everybody has an `iss` and a `sub`.
fn question(claims: &BTreeSet<&str>, who: &Principal, request: &Request) -> Question {
    let claims = claims.iter().filter_map(|claim| Some((claim.to_string(), held(who.claims().get(claim)?))));
    let (namespace, name) = match request.resource() {
        Resource::Cluster => ("", ""),
        Resource::Namespace(namespace) => (namespace.as_str(), ""),
        Resource::Function(namespace, name) => (namespace.as_str(), name.as_str()),
    };
    Question {
        claims: claims.collect(),
        action: request.action().to_string(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn held(value: &ClaimValue) -> Held {
    let text = |value: &ClaimValue| value.text().expect("a claim that is text").to_owned();
    match value {
        ClaimValue::Array(elements) => Held::List(elements.iter().map(text).collect()),
        one => Held::One(text(one)),
    }
}
