//! What people write, with what it means said twice: as a spec for the operator, and as what it grants by a table of
//! five requests. The model of the test; knows nothing of the product.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::api::Kind;
use crate::compile::ObjectRef;

/// The requests that everybody is asked about; a grant is a set of them.
pub const REQUESTS: [(&str, &str); 5] = [
    ("Function:Invoke", "dev:env"),
    ("Function:Invoke", "dev:other"),
    ("Function:Invoke", "prod:env"),
    ("Secret:List", "dev:*"),
    ("System:Info", "*"),
];
pub const ISSUERS: [&str; 2] = ["https://a.example.com", "https://b.example.com"];
pub const PEOPLE: [&str; 2] = ["alice", "bob"];
const EVERYTHING: u8 = 0b11111;

/// What each of the people of each issuer may do.
pub type Grants = [[u8; PEOPLE.len()]; ISSUERS.len()];

/// Actions and resources, and the requests that they cover.
const REACHES: [(&str, &str, u8); 4] = [
    ("Function:Invoke", "dev:env", 0b00001),
    ("Function:Invoke", "dev:*", 0b00011),
    ("Secret:List", "dev:*", 0b01000),
    ("*", "*", EVERYTHING),
];
/// Scopes of Roles, and the requests that they cover.
const SCOPES: [(Option<&str>, u8); 3] =
    [(None, EVERYTHING), (Some("dev:*"), 0b01011), (Some("dev:env"), 0b00001)];
const POLICIES: [&str; 2] = ["p", "q"];
/// What a Role has, the second time with one that nobody writes.
const NAMED: [&[&str]; 4] = [&["p"], &["q"], &["p", "q"], &["missing", "q"]];
/// What is wrong with an object, each a number of its own.
const FLAWS: std::ops::Range<u8> = 0..4;

/// One version of one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    Issuer { name: &'static str, iss: usize, broken: bool },
    Policy { name: &'static str, reach: usize, flaw: Option<u8> },
    Role { name: &'static str, who: usize, iss: Option<usize>, scope: usize, named: usize, flaw: Option<u8> },
}

/// Any version of any of seven objects.
pub fn written() -> impl Strategy<Value = Written> {
    let flaw = || proptest::option::weighted(0.3, FLAWS);
    prop_oneof![
        1 => (
            prop_oneof![3 => Just(("a", 0)), 3 => Just(("b", 1)), 1 => (0..ISSUERS.len()).prop_map(|iss| ("c", iss))],
            proptest::bool::weighted(0.2),
        )
            .prop_map(|((name, iss), broken)| Written::Issuer { name, iss, broken }),
        2 => (proptest::sample::select(&POLICIES[..]), 0..REACHES.len(), flaw())
            .prop_map(|(name, reach, flaw)| Written::Policy { name, reach, flaw }),
        2 => (
            prop_oneof![Just("r"), Just("s")],
            0..PEOPLE.len(),
            proptest::option::of(0..ISSUERS.len()),
            0..SCOPES.len(),
            0..NAMED.len(),
            flaw(),
        )
            .prop_map(|(name, who, iss, scope, named, flaw)| Written::Role { name, who, iss, scope, named, flaw }),
    ]
}

/// What is there from the beginning.
pub fn at_first() -> Vec<Written> {
    vec![
        Written::Issuer { name: "a", iss: 0, broken: false },
        Written::Issuer { name: "b", iss: 1, broken: false },
        Written::Policy { name: "p", reach: 1, flaw: None },
        Written::Role { name: "r", who: 0, iss: None, scope: 0, named: 0, flaw: None },
    ]
}

impl Written {
    pub fn key(&self) -> ObjectRef {
        let (kind, name) = match self {
            Self::Issuer { name, .. } => (Kind::JwtIssuer, *name),
            Self::Policy { name, .. } => (Kind::Policy, *name),
            Self::Role { name, .. } => (Kind::Role, *name),
        };
        ObjectRef { kind, name: name.into() }
    }

    /// The object as it is stored.
    pub fn spec(&self) -> Value {
        match *self {
            Self::Issuer { iss, broken, .. } => {
                let aud: &[&str] = if broken { &[] } else { &["gw"] };
                json!({ "iss": ISSUERS[iss], "aud": aud, "jwks": keys() })
            }
            Self::Policy { reach, flaw, .. } => policy(reach, flaw),
            Self::Role { who, iss, scope, named, flaw, .. } => role(who, iss, scope, named, flaw),
        }
    }
}

fn keys() -> Value {
    json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "kid": "a1",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }] })
}

/// With a flaw it would grant everything, were it not for the flaw.
fn policy(reach: usize, flaw: Option<u8>) -> Value {
    let grant = |action: &str, resource: &str| json!({ "sid": "s", "effect": "Allow", "action": [action], "resource": [resource] });
    let (action, resource, _) = REACHES[reach];
    let mut more = grant("*", "*");
    match flaw {
        None => return json!({ "statement": [grant(action, resource)] }),
        Some(0) => more["effect"] = json!("Deny"),
        Some(1) => more["condition"] = json!({}),
        Some(2) => more["condition"] = Value::Null,
        Some(_) => more["action"] = json!(["*", "Function:Fly"]),
    }
    json!({ "statement": [grant(action, resource), more] })
}

/// With a flaw it would bind everybody, or everywhere, were it not for the flaw.
fn role(who: usize, iss: Option<usize>, scope: usize, named: usize, flaw: Option<u8>) -> Value {
    let mut spec = json!({ "policy": NAMED[named], "principal": { "jwt:sub": [PEOPLE[who]] } });
    if let Some(iss) = iss {
        spec["condition"] = json!({ "StringEqual": { "jwt:iss": [ISSUERS[iss]] } });
    }
    if let (Some(scope), _) = SCOPES[scope] {
        spec["scope"] = json!([scope]);
    }
    match flaw {
        None => {}
        Some(0) => spec["scope"] = json!([]),
        Some(1) => spec["condition"] = Value::Null,
        Some(2) => spec["conditions"] = json!({ "StringEqual": { "jwt:team": ["x"] } }),
        Some(_) => spec["principal"] = json!({ "jwt:sub": [] }),
    }
    spec
}

/// What these versions grant, at the issuers that serve.
pub fn grants(all: &[Written], serves: impl Fn(usize) -> bool) -> Grants {
    let mut grants = Grants::default();
    let valid = all.iter().filter_map(|one| match one {
        Written::Role { who, iss, scope, named, flaw: None, .. } => Some((*who, *iss, *scope, *named)),
        _ => None,
    });
    for (who, iss, scope, named) in valid {
        let at = |at: &usize| iss.is_none_or(|iss| iss == *at) && serves(*at);
        (0..ISSUERS.len())
            .filter(at)
            .for_each(|at| grants[at][who] |= granted(all, NAMED[named]) & SCOPES[scope].1);
    }
    grants
}

fn granted(all: &[Written], named: &[&str]) -> u8 {
    let covered = all.iter().filter_map(|one| match one {
        Written::Policy { name, reach, flaw: None } if named.contains(name) => Some(REACHES[*reach].2),
        _ => None,
    });
    covered.fold(0, |all, one| all | one)
}

/// What is granted where these are the objects there are: two issuers with one `iss` serve neither.
pub fn granted_by(all: &[Written]) -> Grants {
    let of =
        |iss: usize| all.iter().filter(move |one| matches!(one, Written::Issuer { iss: i, .. } if *i == iss));
    grants(all, |iss| {
        of(iss).count() == 1 && of(iss).all(|one| matches!(one, Written::Issuer { broken: false, .. }))
    })
}

/// The most that can be granted by who has seen each of these versions at some time.
pub fn granted_at_most_by(all: &[Written]) -> Grants {
    let valid =
        |iss| all.iter().any(|one| matches!(one, Written::Issuer { iss: i, broken: false, .. } if *i == iss));
    grants(all, valid)
}
