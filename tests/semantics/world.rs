//! The objects of a test, as an administrator writes them: names and raw specs. Means nothing by itself:
//! the reference and the product each read it in their own way.

use serde_json::{Value, json};

/// Names and specs of one kind.
pub type Objects = Vec<(String, Value)>;

/// All objects there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    pub issuers: Objects,
    pub policies: Objects,
    pub roles: Objects,
}

/// The time of every test: a second in 2027.
pub const NOW: i64 = 1_800_000_000;
/// The audience of every issuer of the tests, and of `token`.
pub const AUD: &str = "gateway";
/// The address of the gateway, `iss` of the JwtIssuer `system`.
pub const PUBLIC: &str = "https://gateway.example.com";

impl World {
    /// Adds a JwtIssuer.
    pub fn issuer(mut self, name: &str, spec: Value) -> Self {
        self.issuers.push((name.to_owned(), spec));
        self
    }

    /// Adds a Policy.
    pub fn policy(mut self, name: &str, spec: Value) -> Self {
        self.policies.push((name.to_owned(), spec));
        self
    }

    /// Adds a Role.
    pub fn role(mut self, name: &str, spec: Value) -> Self {
        self.roles.push((name.to_owned(), spec));
        self
    }

    /// An issuer with this `iss`, keys at hand, and the Policies `all` and `invoke`.
    pub fn with_issuer(iss: &str) -> Self {
        Self::default().issuer("idp", issuer(iss)).policy("all", grant(&["*"], &["*"]))
    }
}

/// The spec of a JwtIssuer whose keys nobody has to fetch.
pub fn issuer(iss: &str) -> Value {
    json!({"iss": iss, "aud": [AUD], "jwksRef": {"kind": "Secret", "name": "keys", "key": "jwks.json"}})
}

/// The spec of the JwtIssuer `system`.
pub fn system() -> Value {
    json!({"iss": PUBLIC, "aud": [PUBLIC], "tokenExpiry": "30m"})
}

/// The spec of a Policy with one statement.
pub fn grant(actions: &[&str], resources: &[&str]) -> Value {
    json!({"statement": [{"sid": "s", "action": actions, "effect": "Allow", "resource": resources}]})
}

/// Claims of a token for us that has not expired, with more of them, or others in their place.
pub fn token(iss: &str, more: Value) -> Value {
    let mut claims = json!({"iss": iss, "sub": "somebody", "aud": AUD, "exp": NOW + 600});
    if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
        claims.extend(more);
    }
    claims
}
