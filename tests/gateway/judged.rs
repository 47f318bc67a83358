//! Sends a request, and compares what the provider received with what was judged: for every request of this tier that is
//! forwarded, the namespace that the provider decoded, and each byte. What is judged is read by the product's own pure
//! code (`route`); what is granted is not asked here.

use std::sync::atomic::{AtomicU64, Ordering};

use faas_iam::model::Namespace;
use faas_iam::route::{Call, Endpoint, Forward, Invocation, Route, route, ui};

use crate::support::{Result, provider::Record};
use crate::wire::{self, Answer};
use crate::world::{ADMIN, Gateway, World};

/// A request to send.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What came of it.
pub struct Outcome {
    /// What the client got.
    pub answer: Answer,
    /// What the provider received, without the question what is there already.
    pub forwarded: Option<Record>,
}

impl Ask {
    pub fn new(method: &str, target: &str, body: &str) -> Self {
        Self { method: method.into(), target: target.into(), body: body.into(), headers: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| {
            !key.eq_ignore_ascii_case(name) && !key.eq_ignore_ascii_case("content-length")
        });
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// As it goes over the wire.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            text += &format!("Content-Length: {}\r\n", self.body.len());
        }
        if self.header("Connection").is_none() {
            text += "Connection: close\r\n";
        }
        text += "\r\n";
        [text.as_bytes(), self.body.as_bytes()].concat()
    }
}

impl World {
    /// Sends a request to a gateway and compares what was forwarded, if anything, with what was judged.
    pub async fn send(&self, gateway: &Gateway, ask: &Ask) -> Result<Outcome> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let agent = format!("test/{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let ask = ask.clone().with("User-Agent", &agent);
        let answer = wire::one(&gateway.address, &ask.bytes(&gateway.address)).await?;
        let records = self.provider.records_of(&agent).await?;
        let forwarded = compare(&ask, records);
        Ok(Outcome { answer, forwarded })
    }
}

/// Everything that arrived, without what the gateway asks the provider for itself: which functions there are.
pub async fn arrived(world: &World) -> Result<Vec<Record>> {
    let mut records = world.provider.records().await?;
    let lists =
        |target: &str| target == "/system/namespaces" || target.starts_with("/system/functions?namespace=");
    records.retain(|record| !(record.agent.is_empty() && record.method == "GET" && lists(&record.target)));
    Ok(records)
}

/// Compares, and gives the request that was forwarded.
///
/// # Panics
/// Where anything differs from what was judged.
pub fn compare(ask: &Ask, mut records: Vec<Record>) -> Option<Record> {
    let default = Namespace::new("openfaas-fn").expect("a namespace");
    let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
    assert!(records.iter().all(|record| !record.leftover), "bytes that are no request: {records:?}");
    match route(&ask.method, path, &default) {
        Ok(Route::Api(endpoint)) => api(ask, &endpoint, query, &default, &mut records),
        Ok(Route::CancelCall(id)) => {
            for record in &records {
                assert_eq!(
                    (record.method.as_str(), record.target.clone()),
                    ("DELETE", format!("/async-function/{id}"))
                );
                credentials(record);
            }
        }
        Ok(Route::Page) => {
            let page = ui(&ask.method, path, query).expect("a page");
            for record in &records {
                same(record, &page);
                credentials(record);
            }
        }
        Ok(Route::Function(call)) => records.iter().for_each(|record| function(ask, &call, query, record)),
        _ => assert!(records.is_empty(), "{ask:?} is ours or nobody's, and was forwarded: {records:?}"),
    }
    assert!(records.len() < 2, "{ask:?} was forwarded more than once: {records:?}");
    records.pop()
}

fn api(ask: &Ask, endpoint: &Endpoint, query: &str, default: &Namespace, records: &mut Vec<Record>) {
    let Ok(call) = endpoint.call(query, ask.body.as_bytes(), default) else {
        assert!(records.is_empty(), "{ask:?} cannot be judged, and was forwarded: {records:?}");
        return;
    };
    for record in records.iter() {
        let asks = call.asked().filter(|asked| asked.method == record.method);
        let expected = asks.as_ref().unwrap_or(&call.forward);
        same(record, expected);
        namespace(&call, record);
        credentials(record);
    }
    records.retain(|record| record.method == call.forward.method);
}

/// The bytes are those of the judged call, and no header is there that was not put there.
fn same(record: &Record, expected: &Forward) {
    let got = (record.method.as_str(), record.target.clone());
    assert_eq!(got, (expected.method, expected.target()));
    let body = expected.body.as_ref().map(faas_iam::route::Body::to_bytes).unwrap_or_default();
    assert_eq!(text(&record.body), text(&body));
    assert_eq!(text(&record.raw), text(&record.head) + &text(&body), "one request, its length given");
    let known = ["host", "authorization", "user-agent", "accept", "content-type", "content-length"];
    for line in text(&record.head).lines().skip(1).filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        assert!(known.contains(&name.as_str()), "the provider got a header of the client's: {line}");
    }
}

/// The namespace on which the provider acts, and each that it could find anywhere, is the judged one.
fn namespace(call: &Call, record: &Record) {
    let judged = call.request.resource().namespace().map(ToString::to_string);
    let whole = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
    assert_eq!(whole(&record.namespace), judged, "{}", text(&record.raw));
    assert!(record.named.iter().all(|name| Some(name) == judged.as_ref()), "{}", text(&record.raw));
}

/// On the REST API the provider gets the administrator's credential and no other.
fn credentials(record: &Record) {
    assert_eq!(record.header("authorization"), [basic()], "{}", text(&record.head));
}

fn function(ask: &Ask, call: &Invocation<'_>, query: &str, record: &Record) {
    let target = if query.is_empty() { call.target(None) } else { format!("{}?{query}", call.target(None)) };
    assert_eq!((&record.method, &record.target), (&ask.method, &target));
    assert_eq!((&record.namespace, &record.name), (&call.namespace.to_string(), &call.name.to_string()));
    assert_eq!(text(&record.body), ask.body);
    let head = text(&record.head);
    assert!(!head.contains(&basic()), "a function got the administrator's credential: {head}");
    assert_eq!(record.header("x-forwarded-for"), ["127.0.0.1"], "{head}");
    let mine = |name: &str| ask.header(name).is_some_and(|value| record.header(name) == [value]);
    assert!(mine("user-agent"), "{head}");
}

/// The administrator's credential as it stands in `Authorization`.
pub fn basic() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{}:{}", ADMIN.0, ADMIN.1)))
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
