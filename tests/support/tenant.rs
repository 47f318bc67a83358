//! A tenant who does its worst: objects at every limit, a crowd of invalid ones, one that is edited as fast as the API
//! server takes it, and a caller that floods a gateway. Holds no expectation.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use faas_iam::api::{Kind, condition, limits};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch},
    core::GroupVersionKind,
};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::{Failure, Result, robot::Caller};

/// Objects of the crowd that are wrong in themselves.
pub const INVALID: usize = 1_000;
/// Roles of the crowd that follow the restless Policy: whenever that turns, they do.
pub const FOLLOWERS: usize = 200;
/// The Policy that is edited without end.
pub const RESTLESS: &str = "restless";
/// Writers of the crowd.
const WRITERS: usize = 16;
/// Callers at the same time.
const CALLERS: usize = 32;
/// Where they call from: an address of this machine that nobody else uses.
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

/// A tenant of one namespace.
#[derive(Clone)]
pub struct Tenant {
    client: Client,
    namespace: String,
}

/// One object.
type Object = (Kind, String, Value);

impl Tenant {
    /// A tenant that may write our objects in a namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned() }
    }

    fn api(&self, kind: Kind) -> Api<DynamicObject> {
        let gvk = GroupVersionKind::gvk(faas_iam::api::GROUP, kind.version(), kind.kind());
        let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    async fn create(&self, (kind, name, spec): Object) -> Result<()> {
        let object = json!({
            "apiVersion": kind.api_version(), "kind": kind.kind(), "metadata": { "name": name }, "spec": spec,
        });
        let made = self.api(kind).create(&Default::default(), &serde_json::from_value(object)?).await;
        made.map(drop).map_err(|error| Failure::from(error).during(format!("{kind} {name}")))
    }

    /// Makes all of its objects.
    ///
    /// # Errors
    /// When the API server takes one not.
    pub async fn moves_in(&self) -> Result<()> {
        let objects = at_every_limit().into_iter().chain(crowd());
        stream::iter(objects)
            .map(|object| self.create(object))
            .buffer_unordered(WRITERS)
            .try_collect::<()>()
            .await
    }

    /// Edits one Policy as fast as the API server takes it, for ever: now valid, now not, each time with other words.
    pub fn edits(&self) -> Restless {
        let (api, edits, began) = (self.api(Kind::Policy), Arc::<AtomicU64>::default(), Instant::now());
        let (mut tasks, count) = (JoinSet::new(), edits.clone());
        tasks.spawn(async move {
            for number in 0_u64.. {
                let action = if number.is_multiple_of(2) {
                    "Function:Get".to_owned()
                } else {
                    format!("No:Such{number}")
                };
                let patch =
                    Patch::Merge(json!({ "spec": { "statement": [statement(&action, &["dev:*"])] } }));
                if api.patch(RESTLESS, &Default::default(), &patch).await.is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Restless { count: edits, began, _tasks: tasks }
    }

    /// Floods the gateway at `url` with exchanges and calls, by a good token of an issuer and by forged ones, for ever.
    ///
    /// # Errors
    /// When there is no client.
    pub fn floods(&self, url: &str, token: &str) -> Result<Restless> {
        let (count, began, mut tasks) = (Arc::<AtomicU64>::default(), Instant::now(), JoinSet::new());
        for caller in 0..CALLERS {
            let client = reqwest::Client::builder().no_proxy().local_address(FROM);
            let client = Caller::with(client.build()?, url.to_owned());
            let (count, token) = (count.clone(), token.to_owned());
            tasks.spawn(async move {
                for number in 0_u64.. {
                    let forged = forged(&token, &format!("k{caller}-{number}"));
                    match (caller % 4, forged) {
                        (0, _) => drop(client.exchange(&token).await),
                        (1, Some(forged)) => drop(client.exchange(&forged).await),
                        (2, Some(forged)) => drop(client.get(&forged).await),
                        _ => drop(client.get(&token).await),
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            });
        }
        Ok(Restless { count, began, _tasks: tasks })
    }
}

/// What goes on until it is dropped.
pub struct Restless {
    count: Arc<AtomicU64>,
    began: Instant,
    _tasks: JoinSet<()>,
}

impl Restless {
    /// How often so far, and how often a second.
    pub fn rate(&self) -> (u64, f64) {
        let count = self.count.load(Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss, reason = "few")]
        let rate = count as f64 / self.began.elapsed().max(Duration::from_millis(1)).as_secs_f64();
        (count, rate)
    }
}

/// A token like another, with another key's name and a signature that is none.
fn forged(token: &str, kid: &str) -> Option<String> {
    let claims = token.split('.').nth(1)?;
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "typ": "JWT", "kid": kid }).to_string());
    Some(format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 256])))
}

fn statement(action: &str, resources: &[&str]) -> Value {
    json!({ "sid": "1", "effect": "Allow", "action": [action], "resource": resources })
}

/// So many texts of so many characters.
fn texts(prefix: &str, count: usize, letters: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n:0>letters$}", letters = letters - prefix.len())).collect()
}

/// Valid objects, each with as much of something as it may have, and nearly as large as a whole may be.
fn at_every_limit() -> Vec<Object> {
    let statements = vec![statement("*", &["dev:a*b*c*", "dev:d*e*f*"]); limits::STATEMENTS];
    let wide = |letters| {
        let resources = texts("dev:a*", limits::RESOURCES, letters);
        json!({ "sid": "1", "effect": "Allow", "action": texts("Function:*", limits::ACTIONS, 12), "resource": resources })
    };
    let keys: Map<String, Value> =
        (0..limits::KEYS).map(|n| (format!("jwt:claim{n}"), json!(texts("*a*", 12, 30)))).collect();
    let operators: Map<String, Value> = condition::operators()
        .filter(|operator| operator.contains("String"))
        .take(limits::OPERATORS)
        .map(|operator| (operator, Value::Object(keys.clone())))
        .collect();
    let role = |policy: Value, more: Value| {
        let mut role = json!({ "policy": policy, "principal": { "jwt:sub": ["nobody"] } });
        role.as_object_mut()
            .into_iter()
            .for_each(|role| role.extend(more.as_object().cloned().unwrap_or_default()));
        role
    };
    let names = texts("crowd-", limits::POLICIES, 12);
    let inline: Vec<Value> = (0..limits::JWKS_KEYS).map(key).collect();
    let specs = [
        (Kind::Policy, json!({ "statement": statements })),
        (Kind::Policy, json!({ "statement": [wide(limits::TEXT), wide(400)] })),
        (
            Kind::Role,
            role(json!(["most-0"]), json!({ "principal": { "jwt:sub": texts("s", limits::VALUES, 240) } })),
        ),
        (Kind::Role, role(json!(["most-0"]), json!({ "condition": operators }))),
        (Kind::Role, role(json!(names), json!({ "scope": texts("dev:*", limits::SCOPES, limits::TEXT) }))),
        (
            Kind::JwtIssuer,
            json!({
                "iss": format!("https://most.example.com/{}", "x".repeat(limits::LONG_TEXT - 25)),
                "aud": texts("a", limits::AUDIENCES, limits::LONG_TEXT), "jwks": { "keys": inline },
            }),
        ),
    ];
    specs.into_iter().enumerate().map(|(n, (kind, spec))| (kind, format!("most-{n}"), spec)).collect()
}

/// A key of an inline set, as large as one of 64 may be.
fn key(number: usize) -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": format!("k{number}"), "note": "x".repeat(3_500),
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

/// Many objects that the API server takes and that are invalid, the restless Policy, and Roles that follow it.
fn crowd() -> impl Iterator<Item = Object> {
    let invalid = (0..INVALID).map(|n| {
        let spec = json!({ "statement": [statement("No:Such", &["dev"])] });
        (Kind::Policy, format!("crowd-{n:0>6}"), spec)
    });
    let restless =
        (Kind::Policy, RESTLESS.to_owned(), json!({ "statement": [statement("Function:Get", &["dev:*"])] }));
    let follower = |n| {
        (
            Kind::Role,
            format!("follower-{n}"),
            json!({ "policy": [RESTLESS], "principal": { "jwt:sub": [format!("f{n}")] } }),
        )
    };
    std::iter::once(restless).chain((0..FOLLOWERS).map(follower)).chain(invalid)
}
