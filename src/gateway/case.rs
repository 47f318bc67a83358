//! What is known of a call so far, for metrics, log and audit. Handlers tell it as they go; it decides nothing,
//! and keeps little where nobody will read it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::authenticate::Identity;
use super::snapshot::Snapshot;
use crate::engine::Because;
use crate::exchange::{Asked, Minted, Wanted};
use crate::model::{Action, Request, Resource};
use crate::token;

/// What a call is about, by its path: for metrics, and for who is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The REST API.
    System,
    /// Functions, invoked or queued.
    Function,
    /// The token endpoint.
    Exchange,
    /// Everything else.
    Other,
}

/// A call so far.
pub struct Case {
    /// What it is about.
    pub kind: Kind,
    /// Where it came from.
    pub peer: IpAddr,
    /// Whom that names as the client, where it is a front end that is believed, and where it is kept.
    pub forwarded_for: Option<String>,
    /// The action that decides it, as soon as it is known.
    pub action: Option<Action>,
    /// What it is asked for, where it is kept.
    pub resource: Option<Resource>,
    /// Who asks, once proved, where it is kept.
    pub identity: Option<Arc<Identity>>,
    /// Why it was allowed, once it was.
    pub allowed: Option<Because>,
    /// The generation of the bundle that decides.
    pub generation: Option<u64>,
    /// What the token endpoint knows.
    pub exchange: Exchange,
    began: Instant,
    upstream: Option<Duration>,
    kept: bool,
}

/// An exchange so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The JwtIssuer's name, where it is declared.
    pub issuer: Option<Box<str>>,
    /// The claims of the subject token that say who it is, once its signature was right.
    pub subject: Option<Subject>,
    /// `api` or `function`.
    pub scope: Option<&'static str>,
    /// The audiences that were asked for.
    pub audience: Vec<String>,
    /// How many policies, or functions and namespaces, the token is good for.
    pub permissions: Option<usize>,
    /// How long it lives, seconds.
    pub expires_in: Option<i64>,
}

/// Whose token was exchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// `sub`.
    pub sub: String,
    /// `name`.
    pub name: Option<String>,
    /// `iss`.
    pub iss: String,
    /// `fed:iss`, which a token of ours has.
    pub fed_iss: Option<String>,
}

impl Kind {
    /// By the path.
    pub fn of(path: &str) -> Self {
        let first = path.strip_prefix('/').and_then(|path| path.split('/').next());
        match first.unwrap_or_default() {
            "system" => Self::System,
            "function" | "async-function" => Self::Function,
            "oauth" => Self::Exchange,
            _ => Self::Other,
        }
    }

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Function => "function",
            Self::Exchange => "exchange",
            Self::Other => "other",
        }
    }
}

impl Case {
    /// A call that begins now. `kept` says whether somebody will read who asked for what.
    pub fn new(path: &str, peer: IpAddr, kept: bool) -> Self {
        Self {
            kind: Kind::of(path),
            peer,
            forwarded_for: None,
            action: None,
            resource: None,
            identity: None,
            allowed: None,
            generation: None,
            exchange: Exchange::default(),
            began: Instant::now(),
            upstream: None,
            kept,
        }
    }

    /// It is decided by this.
    pub fn decided_by(&mut self, now_is: &Snapshot) {
        self.generation = Some(now_is.generation);
    }

    /// Who asks has proved to be this.
    pub fn is_of(&mut self, identity: &Arc<Identity>) {
        if self.kept {
            self.identity = Some(identity.clone());
        }
    }

    /// It asks for this.
    pub fn asks(&mut self, request: &Request) {
        self.action = Some(request.action());
        if self.kept {
            self.resource = Some(request.resource().clone());
        }
    }

    /// The upstream was waited for since then.
    pub fn waited_since(&mut self, asked: Instant) {
        self.upstream = Some(self.upstream.unwrap_or_default().saturating_add(asked.elapsed()));
    }

    /// How long it has taken so far.
    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// How long of that the upstream took, where it was asked.
    pub fn waited(&self) -> Option<Duration> {
        self.upstream
    }
}

impl Exchange {
    /// This was asked for.
    pub fn asked(&mut self, asked: &Asked) {
        match &asked.wanted {
            Wanted::Api => self.scope = Some("api"),
            Wanted::Function { audience } => {
                self.scope = Some("function");
                self.audience = audience.iter().map(ToString::to_string).collect();
            }
        }
    }

    /// The subject token claims this issuer; whether that is true or not.
    pub fn claimed(&mut self, iss: &str, now_is: &Snapshot) {
        self.issuer = now_is.issuer(iss).map(|known| known.name.clone());
    }

    /// The subject token's signature was right.
    pub fn proved(&mut self, claims: &Map<String, Value>, now_is: &Snapshot) {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let iss = token::issuer(claims).unwrap_or_default();
        self.claimed(iss, now_is);
        self.subject = Some(Subject {
            sub: text("sub").unwrap_or_default(),
            name: text("name"),
            iss: iss.to_owned(),
            fed_iss: text("fed:iss"),
        });
    }

    /// This token is given.
    pub fn granted(&mut self, minted: &Minted) {
        let list = match minted.function {
            true => minted.claims.get("function").and_then(|function| function.get("permissions")),
            false => minted.claims.get("policy"),
        };
        self.permissions = list.and_then(Value::as_array).map(Vec::len);
        self.expires_in = Some(minted.expires_in);
    }
}
