//! Worlds and questions that nobody wrote down. Small alphabets, so that Roles and people meet; valid
//! objects and broken ones; shared issuers, scopes, conditions on both levels, tokens of every kind.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::world::{AUD, NOW, PUBLIC, World, issuer, system};

const A: &str = "https://a.example.com";
const B: &str = "https://b.example.com";
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";
const GOOGLE: &str = "accounts.google.com";
const BASIC: &str = "urn:faas-iam:basic-auth";
const ISSUERS: [(&str, &str); 5] =
    [("a", A), ("b", B), ("github", GITHUB), ("gitlab", GITLAB), ("google", GOOGLE)];

/// Claims that conditions look at, with the values that they look for.
const KEYS: [(&str, &[&str]); 15] = [
    ("sub", &["alice", "bob", "repo:acme/*", "project_path:acme/*", "function:dev:env", "a*"]),
    ("iss", &[A, B, GITHUB, BASIC, PUBLIC, "https://*", GOOGLE]),
    ("email", &["alice@example.com", "*@example.com", "bob@evil.org", "*example.com"]),
    ("groups", &["dev", "ops", "d*"]),
    ("team", &["dev", "ops", "D*", "DEV", "?e?"]),
    ("n", &["7", "8", "*"]),
    ("admin", &["true", "false"]),
    ("aud", &[AUD, "other"]),
    ("repository_owner", &["acme", "ac*", "ACME"]),
    ("repository", &["acme/api", "acme/*", "*", "repo:/*"]),
    ("namespace_path", &["acme", "acme/*"]),
    ("hd", &["example.com", "*.com"]),
    ("openfaas:namespace", &["dev", "prod"]),
    ("policy", &["p0", "p1"]),
    ("https://acme.com/role", &["x"]),
];

const OPERATORS: [&str; 24] = [
    "StringEqual",
    "StringEqual",
    "StringEquals",
    "StringLike",
    "StringLike",
    "StringEqual",
    "StringEquals",
    "ForAnyValue:StringEqual",
    "ForAnyValue:StringLike",
    "StringEqualIgnoreCase",
    "StringNotEqual",
    "StringNotLike",
    "StringNotEqualsIgnoreCase",
    "ForAllValues:StringEqual",
    "ForAllValues:StringLike",
    "ForAnyValue:StringNotEqual",
    "ForAllValues:StringNotLike",
    "ForAnyValue:StringEqualsIgnoreCase",
    "ForAllValues:StringNotEqualIgnoreCase",
    "Bool",
    "Null",
    "Null",
    "StringLike",
    "ForAnyValue:Bool",
];

/// What people of the usual kind meet, so that Roles bind somebody.
const MET: [(&str, &str, &[&str]); 16] = [
    ("StringEqual", "team", &["dev"]),
    ("ForAnyValue:StringEqual", "groups", &["dev", "x"]),
    ("StringLike", "sub", &["a*", "b*"]),
    ("StringLike", "sub", &["*"]),
    ("StringEqual", "sub", &["alice", "function:dev:env"]),
    ("StringLike", "email", &["*@example.com"]),
    ("StringEqual", "repository_owner", &["acme"]),
    ("StringLike", "repository", &["acme/*"]),
    ("StringEquals", "namespace_path", &["acme"]),
    ("StringEqual", "hd", &["example.com"]),
    ("Null", "missing", &["true"]),
    ("StringEqual", "n", &["7"]),
    ("Bool", "admin", &["true"]),
    ("StringLike", "sub", &["repo:acme/*"]),
    ("StringNotEqual", "sub", &["carol"]),
    ("ForAllValues:StringLike", "groups", &["d*", "o*"]),
];

const ACTIONS: [&str; 24] = [
    "*",
    "*",
    "*",
    "*",
    "Function:*",
    "Function:*",
    "Function:*",
    "Function:Get",
    "Function:List",
    "Function:Invoke",
    "Function:Invoke",
    "Secret:*",
    "Namespace:*",
    "Secret:Read",
    "Function:Admin",
    "Function:Read",
    "Function:Tag",
    "System:Info",
    "Function:Create",
    "Role:*",
    "Namespace:List",
    "Function:Get",
    "Secret:Admin",
    "Function:Delete",
];

const RESOURCES: [&str; 20] = [
    "*",
    "*",
    "*",
    "dev:*",
    "dev:*",
    "dev:*",
    "*:*",
    "*:*",
    "dev:env",
    "d*:*",
    "dev:e*",
    "prod:*",
    "*:env",
    "*v:*n*",
    "kube-*:*",
    "prod:api",
    "dev:*v",
    "kube-system:x",
    "d*v:e*",
    "prod:*",
];

const SCOPES: [&str; 14] = [
    "*",
    "dev:*",
    "dev:env",
    "prod:*",
    "prod:api",
    "kube-system:*",
    "dev:*",
    "*",
    "prod:*",
    "dev:*",
    "*",
    "dev:env",
    "dev:api",
    "d*:*",
];

const QUESTIONS: [&str; 14] = [
    "Function:Get",
    "Function:List",
    "Function:Invoke",
    "Function:Create",
    "Function:Tag",
    "Secret:List",
    "Secret:Update",
    "Namespace:List",
    "Namespace:Get",
    "System:Info",
    "Function:Delete",
    "Function:Get",
    "Function:Invoke",
    "Function:Invoke",
];

const ASKED: [&str; 10] = [
    "dev:env",
    "dev:*",
    "prod:api",
    "*",
    "dev:api",
    "kube-system:x",
    "prod:*",
    "devenv:env",
    "dev:env",
    "dev:api",
];

/// A world, ten people and ten questions.
#[derive(Debug, Clone)]
pub struct Case {
    pub world: World,
    pub people: Vec<Value>,
    pub questions: Vec<(String, String)>,
}

pub fn case() -> impl Strategy<Value = Case> {
    (world(), vec(person(), 10), vec(question(), 10)).prop_map(|(world, people, questions)| Case {
        world,
        people,
        questions,
    })
}

pub fn world() -> impl Strategy<Value = World> {
    let issuers = (0u8..32, vec(0u8..24, ISSUERS.len()), 0u8..30);
    (issuers, vec(policy(), 2..6), vec(role(), 2..10)).prop_map(|((some, kinds, system), policies, roles)| {
        World {
            issuers: issuers_of(some, &kinds, system),
            policies: named("p", policies),
            roles: named("r", roles),
        }
    })
}

fn named(prefix: &str, specs: Vec<Value>) -> Vec<(String, Value)> {
    specs.into_iter().enumerate().map(|(at, spec)| (format!("{prefix}{at}"), spec)).collect()
}

fn issuers_of(some: u8, kinds: &[u8], with_system: u8) -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    for (at, (name, iss)) in ISSUERS.into_iter().enumerate() {
        // The first is always there, the others most of the time.
        if at > 0 && some & (1 << at) == 0 && kinds[at] > 10 {
            continue;
        }
        let mut spec = issuer(iss);
        match kinds[at] {
            0 => spec["tokenExpiry"] = "5s".into(),
            1 => spec["emailVerified"] = "Required".into(),
            2 => spec["shared"] = true.into(),
            3 => spec["shared"] = false.into(),
            4 => spec["iss"] = A.into(),
            5 => spec["aud"] = json!(["other", AUD]),
            6 => spec["note"] = "unknown".into(),
            _ => {}
        }
        all.push((name.to_owned(), spec));
    }
    if with_system > 1 {
        let mut spec = system();
        if with_system == 2 {
            spec["issInternal"] = "http://gateway:8080".into();
        }
        all.push(("system".to_owned(), spec));
    }
    all
}

/// The elements of a list that a mask picks, at least one.
fn picked(mask: u8, from: &[&str]) -> Vec<String> {
    let some: Vec<String> = from
        .iter()
        .enumerate()
        .filter(|(at, _)| mask & (1 << (at % 8)) != 0)
        .map(|(_, s)| (*s).to_owned())
        .collect();
    if some.is_empty() { vec![from[mask as usize % from.len()].to_owned()] } else { some }
}

/// One or two elements of a list.
fn few(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    vec(proptest::sample::select(of), 1..3)
}

fn policy() -> impl Strategy<Value = Value> {
    (vec(statement(), 1..4), 0u8..40).prop_map(|(mut statements, flaw)| {
        match flaw {
            0 => statements[0]["effect"] = "Deny".into(),
            1 => statements[0]["condition"] = Value::Null,
            2 => statements[0]["conditions"] = json!({"StringEqual": {"jwt:team": ["dev"]}}),
            3 => statements[0]["sid"] = "".into(),
            4 => return json!({"statement": []}),
            5 => statements[0]["action"] = json!(["Function:Nope"]),
            6 => statements[0]["resource"] = json!(["*", "dev"]),
            _ => {}
        }
        json!({"statement": statements})
    })
}

fn statement() -> impl Strategy<Value = Value> {
    let condition = prop::option::weighted(0.25, condition(1..3));
    (few(&ACTIONS), few(&RESOURCES), condition).prop_map(|(action, resource, condition)| {
        let mut statement = json!({"sid": "s", "action": action, "effect": "Allow", "resource": resource});
        if let Some(condition) = condition {
            statement["condition"] = condition;
        }
        statement
    })
}

fn condition(size: std::ops::Range<usize>) -> impl Strategy<Value = Value> {
    let met = proptest::sample::select(&MET[..]).prop_map(|(op, claim, values)| (op, claim, strings(values)));
    let any = (proptest::sample::select(&OPERATORS[..]), 0..KEYS.len(), 0u8..32).prop_map(
        |(operator, key, mask)| {
            let (claim, values) = KEYS[key];
            let values = match operator {
                "Bool" | "Null" | "ForAnyValue:Bool" => picked(mask, &["true", "false"]),
                _ => picked(mask, values),
            };
            (operator, claim, values)
        },
    );
    vec(prop_oneof![3 => met, 1 => any], size).prop_map(|clauses| {
        let mut condition = json!({});
        for (operator, claim, values) in clauses {
            condition[operator][format!("jwt:{claim}")] = json!(values);
        }
        condition
    })
}

fn strings(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

fn role() -> impl Strategy<Value = Value> {
    let principal = prop::option::weighted(
        0.3,
        few(&["alice", "alice", "bob", "repo:acme/api:ref:x", "function:dev:env"]),
    );
    let scope = prop::option::weighted(0.3, few(&SCOPES));
    let names_iss = prop::option::weighted(0.4, 0u8..128);
    (1u8..64, principal, prop::option::weighted(0.7, condition(1..3)), names_iss, scope, 0u8..50).prop_map(
        |(policies, principal, condition, iss, scope, flaw)| {
            let mut role = json!({"policy": picked(policies, &["p0", "p1", "p2", "p3", "p4", "nowhere"])});
            let mut put = |name: &str, value: Option<Value>| {
                if let Some(value) = value {
                    role[name] = value;
                }
            };
            // Who is bound by nothing would be bound to nobody; most Roles say whom they mean.
            let nobody = principal.is_none() && condition.is_none() && iss.is_none() && flaw > 5;
            let principal = if nobody { Some(vec!["alice"]) } else { principal };
            put("principal", principal.map(|subs| json!({"jwt:sub": subs})));
            put("condition", condition);
            put("scope", scope.map(|scope| json!(scope)));
            if let Some(mask) = iss {
                role["condition"]["StringEqual"]["jwt:iss"] = json!(picked(mask, KEYS[1].1));
            }
            match flaw {
                0 => role["scope"] = json!([]),
                1 => role["conditions"] = json!({"StringEqual": {"jwt:team": ["dev"]}}),
                2 => role["principal"] = json!({"jwt:sub": []}),
                3 => role["condition"] = json!({}),
                4 => role["policy"] = json!([]),
                _ => {}
            }
            role
        },
    )
}

pub fn question() -> impl Strategy<Value = (String, String)> {
    let of = |words: &'static [&'static str]| proptest::sample::select(words).prop_map(str::to_owned);
    (of(&QUESTIONS), of(&ASKED))
}

/// What a claim may be, the usual first.
fn shapes(claim: &str) -> Vec<Value> {
    match claim {
        "email" => vec![
            json!("alice@example.com"),
            json!("bob@evil.org"),
            json!("x@y@example.com"),
            json!(["a@b.c"]),
        ],
        "email_verified" => vec![json!(true), json!(false), json!("true"), json!(null), json!("false")],
        "groups" => vec![
            json!(["dev"]),
            json!(["dev", "ops"]),
            json!([]),
            json!("dev"),
            json!(["x", true]),
            json!(null),
        ],
        "team" => {
            vec![json!("dev"), json!("ops"), json!("DEV"), json!(["dev"]), json!({"dev": 1}), json!("")]
        }
        "n" => {
            vec![json!(7), json!("7"), json!(7.5), json!(9_007_199_254_740_993_i64), json!(-7), json!(true)]
        }
        "admin" => vec![json!(true), json!(false), json!("true"), json!([true])],
        "repository_owner" => vec![json!("acme"), json!("Acme"), json!("evil")],
        "repository" => vec![json!("acme/api"), json!("evil/api"), json!("acme")],
        "namespace_path" => vec![json!("acme"), json!("acme/x"), json!("evil")],
        "hd" => vec![json!("example.com"), json!("evil.com")],
        "openfaas:namespace" => vec![json!("dev"), json!("prod")],
        "policy" => vec![json!(["p0", "p1", "p2", "p3"]), json!(["p0"]), json!("p0"), json!([])],
        _ => vec![json!(["x"]), json!("x"), json!(null)],
    }
}

const CLAIMS: [&str; 13] = [
    "email",
    "email_verified",
    "groups",
    "team",
    "n",
    "admin",
    "repository_owner",
    "repository",
    "namespace_path",
    "hd",
    "openfaas:namespace",
    "policy",
    "https://acme.com/role",
];

/// Somebody's claims, of a token of every kind.
pub fn person() -> impl Strategy<Value = Value> {
    let who = (0u8..100, 0..12usize, 0..9usize, 0u8..60);
    (who, vec(0u8..12, CLAIMS.len())).prop_map(|((kind, iss, sub, oddity), choices)| {
        let mut claims = Map::new();
        for (claim, choice) in CLAIMS.into_iter().zip(choices) {
            let shapes = shapes(claim);
            // Mostly the usual, else something odd, else nothing.
            let value = if choice < 7 { Some(&shapes[0]) } else { shapes.get(usize::from(choice) - 6) };
            claims.extend(value.map(|value| (claim.to_owned(), value.clone())));
        }
        let iss =
            [A, A, A, A, B, A, GITHUB, GITHUB, GITLAB, GOOGLE, BASIC, "https://nobody.example.com"][iss];
        let sub = [
            "alice",
            "alice",
            "alice",
            "bob",
            "bob",
            "repo:acme/api:ref:x",
            "project_path:acme/api",
            "carol",
            "repo:evil/x",
        ][sub];
        claims.extend([("iss".into(), iss.into()), ("sub".into(), sub.into()), ("aud".into(), AUD.into())]);
        claims.insert("exp".into(), (NOW + 600).into());
        match kind {
            0..60 => claims.remove("openfaas:kind"),
            60..75 => federated(&mut claims, "api"),
            75..85 => federated(&mut claims, "function"),
            85..95 => identity(&mut claims),
            _ => {
                identity(&mut claims);
                federated(&mut claims, "api")
            }
        };
        odd(&mut claims, oddity);
        Value::Object(claims)
    })
}

fn federated(claims: &mut Map<String, Value>, kind: &str) -> Option<Value> {
    for name in ["iss", "aud"] {
        claims.insert(format!("fed:{name}"), claims[name].clone());
        claims.insert(name.to_owned(), PUBLIC.into());
    }
    let sub = claims["sub"].as_str().unwrap_or_default().to_owned();
    claims.insert("sub".into(), format!("fed:{sub}").into());
    if kind == "function" {
        let permissions = if claims.contains_key("hd") { json!(["dev:*", "prod:a*"]) } else { json!(["*"]) };
        let mut function = json!({"permissions": permissions});
        match claims.get("n") {
            Some(Value::String(_)) => function["audience"] = json!(["dev:env"]),
            Some(Value::Bool(_)) => function["audience"] = json!([]),
            _ => {}
        }
        claims.insert("function".into(), function);
    }
    if claims.get("admin") == Some(&json!("true")) {
        claims.insert("openfaas:omitted".into(), json!(["team", "groups", "missing"]));
    }
    claims.insert("openfaas:kind".into(), kind.into())
}

fn identity(claims: &mut Map<String, Value>) -> Option<Value> {
    claims.insert("iss".into(), PUBLIC.into());
    claims.insert("aud".into(), PUBLIC.into());
    claims.insert("sub".into(), "function:dev:env".into());
    claims.insert("openfaas:kind".into(), "identity".into())
}

/// Now and then, what makes claims name nobody, or nearly so.
fn odd(claims: &mut Map<String, Value>, oddity: u8) {
    match oddity {
        0 => claims.insert("exp".into(), (NOW - 60).into()),
        1 => claims.insert("exp".into(), Value::Null),
        2 => claims.insert("aud".into(), json!(["x", AUD])),
        3 => claims.insert("aud".into(), json!([])),
        4 => claims.insert("nbf".into(), (NOW + 60).into()),
        5 => claims.insert("nbf".into(), json!(1.5)),
        6 => claims.remove("aud"),
        7 => claims.remove("exp"),
        8 => claims.insert("sub".into(), "".into()),
        9 => claims.remove("openfaas:kind"),
        10 => claims.insert("aud".into(), json!([AUD])),
        _ => None,
    };
}
