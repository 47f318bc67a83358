//! What is told of a decision: one line of JSON of our own, and the event of the upstream's webhook
//! (`openfaas-wire.md`). Pure: bounded strings in, bytes out; holds no credential and no query.

use std::net::IpAddr;

use k8s_openapi::jiff::Timestamp;
use serde::{Serialize, Serializer};

/// Bytes of a path that are kept.
pub const PATH_BYTES: usize = 512;
/// Bytes of a reason that are kept.
pub const DETAIL_BYTES: usize = 2048;
/// Bytes of a name or URL that are kept.
pub const NAME_BYTES: usize = 256;
/// Bytes of a method that are kept.
pub const METHOD_BYTES: usize = 32;
/// Audiences of an exchange that are kept.
const AUDIENCES: usize = 16;

/// A decision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// When the request came.
    #[serde(serialize_with = "milliseconds")]
    pub time: Timestamp,
    /// What it was about: `system`, `function`, `exchange` or `other`.
    pub event: &'static str,
    /// The id that client and log were told.
    pub decision: String,
    /// `allowed` or `refused`.
    pub outcome: &'static str,
    /// Why: one of a fixed set.
    pub reason: &'static str,
    /// What the client was told.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What the log was told besides.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Who asked, where that was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The path, without its query.
    pub path: String,
    /// The HTTP method.
    pub method: String,
    /// The actions that were asked for.
    pub actions: Vec<&'static str>,
    /// What they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What the token endpoint was asked and gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchanged>,
    /// The HTTP status of the answer; 499 where the client left before there was one.
    pub response_code: u16,
    /// The generation of the bundle that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The address of the connection.
    pub peer: IpAddr,
    /// `X-Forwarded-For`, where that is a configured front end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_for: Option<String>,
    /// Until the head of the answer, milliseconds.
    pub duration_ms: f64,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// The subject; with `fed:` before it where a token of ours was shown.
    pub sub: String,
    /// The claim `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who issued what was shown.
    pub issuer: String,
    /// Who issued what that was exchanged for; empty where nothing was.
    pub fed_issuer: String,
    /// What was shown: `subject`, `api`, `function`, `access`, `identity` or `basic_auth`.
    pub kind: &'static str,
}

/// What the token endpoint was asked and gave; never a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchanged {
    /// `api` or `function`.
    pub scope: &'static str,
    /// The audiences that were asked for.
    pub audience: Vec<String>,
    /// How many policies, or functions and namespaces, the token is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<usize>,
    /// How long it lives, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
}

/// The upstream's event.
#[derive(Serialize)]
struct Access<'a> {
    actor: AccessActor<'a>,
    path: &'a str,
    method: &'a str,
    actions: &'a [&'static str],
    response_code: u16,
    #[serde(serialize_with = "milliseconds")]
    time: Timestamp,
}

/// The upstream's actor; empty where nobody proved to be anybody.
#[derive(Serialize, Default)]
struct AccessActor<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    issuer: &'a str,
    fed_issuer: &'a str,
}

/// A gap in what was told.
#[derive(Serialize)]
struct Gap {
    #[serde(serialize_with = "milliseconds")]
    time: Timestamp,
    dropped: u64,
}

impl Exchanged {
    /// With as many audiences as are kept.
    pub fn new(scope: &'static str, audience: &[String]) -> Self {
        let more = audience.len().saturating_sub(AUDIENCES);
        let kept = audience.iter().take(AUDIENCES).map(|name| cut(name, NAME_BYTES).to_owned());
        let rest = (more > 0).then(|| format!("… and {more} more"));
        Self { scope, audience: kept.chain(rest).collect(), permissions: None, expires_in: None }
    }
}

/// Adds an event to lines of JSON.
pub fn line(event: &Event, lines: &mut Vec<u8>) {
    append(event, lines);
}

/// Adds that so many events are missing here.
pub fn gap(time: Timestamp, dropped: u64, lines: &mut Vec<u8>) {
    append(&Gap { time, dropped }, lines);
}

fn append(what: &impl Serialize, lines: &mut Vec<u8>) {
    // Nothing of it can fail to be written: no maps, and a vector takes everything.
    if serde_json::to_writer(&mut *lines, what).is_ok() {
        lines.push(b'\n');
    }
}

/// The body of a delivery of the upstream's webhook.
pub fn delivery<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<u8> {
    let events: Vec<_> = events.into_iter().map(access).collect();
    serde_json::to_vec(&events).unwrap_or_default()
}

fn access(event: &Event) -> Access<'_> {
    let actor = event.actor.as_ref().map(|actor| AccessActor {
        sub: &actor.sub,
        name: actor.name.as_deref(),
        issuer: &actor.issuer,
        fed_issuer: &actor.fed_issuer,
    });
    Access {
        actor: actor.unwrap_or_default(),
        path: &event.path,
        method: &event.method,
        actions: &event.actions,
        response_code: event.response_code,
        time: event.time,
    }
}

/// RFC 3339 in UTC.
fn milliseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

/// At most so many bytes of a text, cut between two characters.
pub fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn event() -> Event {
        Event {
            time: "2026-01-02T03:04:05.6789Z".parse().unwrap(),
            event: "system",
            decision: "1a".into(),
            outcome: "refused",
            reason: "not_granted",
            text: "`alice` may not".into(),
            detail: String::new(),
            actor: Some(Actor {
                sub: "fed:alice".into(),
                name: Some("Alice \"A\"\n".into()),
                issuer: "https://gw".into(),
                fed_issuer: "https://idp".into(),
                kind: "api",
            }),
            path: "/system/functions".into(),
            method: "GET".into(),
            actions: vec!["Function:List"],
            resource: Some("dev:*".into()),
            exchange: None,
            response_code: 403,
            generation: Some(7),
            peer: [10, 0, 0, 1].into(),
            forwarded_for: None,
            duration_ms: 1.5,
        }
    }

    #[test]
    fn a_line_is_one_line_and_says_everything() {
        let mut lines = Vec::new();
        line(&event(), &mut lines);
        gap("2026-01-02T03:04:05Z".parse().unwrap(), 3, &mut lines);
        insta::assert_snapshot!(String::from_utf8(lines).unwrap(), @r#"
        {"time":"2026-01-02T03:04:05.678Z","event":"system","decision":"1a","outcome":"refused","reason":"not_granted","text":"`alice` may not","actor":{"sub":"fed:alice","name":"Alice \"A\"\n","issuer":"https://gw","fed_issuer":"https://idp","kind":"api"},"path":"/system/functions","method":"GET","actions":["Function:List"],"resource":"dev:*","response_code":403,"generation":7,"peer":"10.0.0.1","duration_ms":1.5}
        {"time":"2026-01-02T03:04:05.000Z","dropped":3}
        "#);
    }

    #[test]
    fn a_delivery_is_the_upstreams_array() {
        let unknown = Event { actor: None, ..event() };
        insta::assert_snapshot!(String::from_utf8(delivery([&event(), &unknown])).unwrap(), @r#"[{"actor":{"sub":"fed:alice","name":"Alice \"A\"\n","issuer":"https://gw","fed_issuer":"https://idp"},"path":"/system/functions","method":"GET","actions":["Function:List"],"response_code":403,"time":"2026-01-02T03:04:05.678Z"},{"actor":{"sub":"","issuer":"","fed_issuer":""},"path":"/system/functions","method":"GET","actions":["Function:List"],"response_code":403,"time":"2026-01-02T03:04:05.678Z"}]"#);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!((cut("héllo", 2), cut("héllo", 3), cut("ab", 9)), ("h", "hé", "ab"));
        let many: Vec<_> = (0..20).map(|n| format!("dev:f{n}")).collect();
        let kept = Exchanged::new("function", &many).audience;
        assert_eq!((kept.len(), kept.last().map(String::as_str)), (17, Some("… and 4 more")));
    }
}
