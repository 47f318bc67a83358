//! `token inspect`: what a token says, and whether its signature holds where a gateway's keys are asked for.
//!
//! Believes nothing by itself and says so; never shows the signature, without which a token opens nothing.

use std::fmt::Write as _;
use std::path::PathBuf;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::way::{Reply, Way, WayArgs, WayError};
use crate::causes::chain;
use crate::cli::Failure;
use crate::cli::asker::{AskerError, read_token};
use crate::cli::output::{Answer, Exit, Format, OutputArgs, OutputError};
use crate::process::now;
use crate::token::{self, KeySet, Source, VerifyingKeys};

/// Shows what a token says: whose it is, what for, how long it holds
///
/// Nothing is believed: without `--gateway` the signature is not verified. Exits with 0 where nothing speaks against the
/// token, with 1 where it has expired, is not valid yet, or no gateway would take it, and, asked of a gateway, where
/// that one has not signed it; with 2 where it is no token or the gateway gives no answer. The signature is never shown.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A file with the token (JWT), `-` for standard input
    #[arg(value_name = "FILE")]
    pub token: PathBuf,
    /// A gateway whose keys verify the tokens that it has signed
    #[arg(long, value_name = "URL", env = "FAAS_IAM_GATEWAY")]
    pub gateway: Option<String>,
    #[command(flatten)]
    pub way: WayArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam token inspect ./ci.jwt
  faas-iam token exchange --gateway https://gateway.example.com --token ./ci.jwt |
    faas-iam token inspect - --gateway https://gateway.example.com
  faas-iam token inspect ./ci.jwt -o json | jq .claims";

/// Reads the token, asks the gateway where one is named.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let way = args.gateway.as_ref().map(|gateway| Way::new(gateway, &args.way)).transpose()?;
    let text = read_token(&args.token)?;
    let text = text.trim();
    let token::Looked { header, claims } =
        token::look(text).map_err(|source| AskerError::NoToken { path: args.token.clone(), source })?;
    let proof = way.map(|way| prove(text, &claims, &way)).transpose()?;
    let seen = Seen::new(text, header, claims, proof, now());
    let exit = if seen.problems.is_empty() { Exit::Yes } else { Exit::No };
    Ok(match args.output.output {
        Some(format) => Answer::new(exit, format.write(&seen)?),
        None => Answer::text(exit, &seen.in_words()?),
    })
}

/// Whether the gateway has signed the token, or why not.
fn prove(text: &str, claims: &Map<String, Value>, way: &Way) -> Result<Result<(), String>, WayError> {
    let discovery = way.get("/.well-known/openid-configuration")?;
    let document = found(&discovery)?;
    let field = |name: &str| document.get(name).and_then(Value::as_str);
    let (Some(issuer), Some(keys)) = (field("issuer"), field("jwks_uri")) else {
        return Err(discovery.no_gateway("without `issuer` and `jwks_uri`"));
    };
    if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Ok(Err(format!("it is not a token of this gateway, which signs as `{issuer}`")));
    }
    let path =
        beneath(keys, issuer).ok_or_else(|| discovery.no_gateway("with a `jwks_uri` that is not its own"))?;
    let keys = way.get(&path)?;
    found(&keys)?;
    let parsed = KeySet::parse_text(&keys.body, Source::Remote);
    let parsed = parsed.map_err(|why| keys.no_gateway(&format!("without keys that can be used ({why})")))?;
    let checked = token::peek(text).and_then(|token| token.check(&VerifyingKeys::new(&parsed.set)));
    Ok(checked.map_err(|why| chain(&why)))
}

fn found(reply: &Reply) -> Result<Map<String, Value>, WayError> {
    match reply.status {
        200 => reply.object(),
        500.. => {
            Err(WayError::NotNow { address: reply.address.clone(), status: reply.status, why: String::new() })
        }
        _ => Err(reply.no_gateway("where its keys should be")),
    }
}

/// The path of a gateway's keys below its own address. They are read where the gateway is asked, which may be a port
/// of this machine that leads to it, and nowhere else.
fn beneath(keys: &str, issuer: &str) -> Option<String> {
    let (keys, issuer) = (Url::parse(keys).ok()?, Url::parse(issuer).ok()?);
    let path = keys.path().strip_prefix(issuer.path().trim_end_matches('/'))?;
    (keys.origin() == issuer.origin() && path.starts_with('/')).then(|| path.to_owned())
}

/// What a token says, for machines as it stands here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    /// Whether the gateway has signed it; null where nobody was asked.
    verified: Option<bool>,
    /// `api`, `function`, `access`, `identity`, or `subject` for a token that is not a gateway's.
    kind: Box<str>,
    /// What speaks against it; empty where nothing does.
    problems: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// Seconds from now, negative where it has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    #[serde(skip)]
    now: i64,
}

impl Seen {
    fn new(
        text: &str,
        header: Map<String, Value>,
        claims: Map<String, Value>,
        proof: Option<Result<(), String>>,
        now: i64,
    ) -> Self {
        let time = |name| token::time(&claims, name).ok().flatten();
        let verified = proof.as_ref().map(Result::is_ok);
        let expires_in = time("exp").map(|exp| exp.saturating_sub(now));
        let (issued_at, not_before, expires_at) =
            (time("iat").map(date), time("nbf").map(date), time("exp").map(date));
        let (problems, kind) = (problems(text, &claims, proof, now), kind(&claims));
        Self { verified, kind, problems, issued_at, not_before, expires_at, expires_in, header, claims, now }
    }

    fn in_words(&self) -> Result<String, OutputError> {
        let mut text = match self.verified {
            Some(true) => "verified: the gateway has signed it\n".to_owned(),
            Some(false) => "NOT VERIFIED: anybody may have written this\n".to_owned(),
            None => {
                "NOT VERIFIED: anybody may have written this; `--gateway URL` asks a gateway for its keys\n"
                    .to_owned()
            }
        };
        for problem in &self.problems {
            let _ = writeln!(text, "problem: {}", problem.replace('\n', " "));
        }
        for (name, words) in self.rows() {
            let _ = writeln!(text, "{name:<12} {}", words.replace('\n', " "));
        }
        let _ = write!(text, "\nheader {}", Format::Json.write(&self.header)?);
        let _ = write!(text, "claims {}", Format::Json.write(&self.claims)?);
        Ok(text)
    }

    /// What people want to know first.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let claim = |name: &str| self.claims.get(name).map(short);
        let function =
            |name: &str| self.claims.get("function").and_then(|function| function.get(name)).map(short);
        let rows = [
            ("kind", Some(self.kind_in_words())),
            ("subject", claim("sub")),
            ("issuer", claim("iss")),
            ("audience", claim("aud")),
            ("exchanged", claim("fed:iss").map(|iss| format!("from a token of {iss}"))),
            ("policies", claim("policy").filter(|_| &*self.kind == "api")),
            ("permissions", function("permissions")),
            ("narrowed to", function("audience")),
            ("issued", self.when("iat")),
            ("not before", self.when("nbf")),
            ("expires", self.when("exp")),
        ];
        rows.into_iter().filter_map(|(name, words)| Some((name, words?))).collect()
    }

    fn kind_in_words(&self) -> String {
        match &*self.kind {
            "api" => "API token of a gateway, for the REST API".to_owned(),
            "function" => "function token of a gateway, for invoking functions".to_owned(),
            "access" => "access token of a gateway, for functions, while it is listed".to_owned(),
            "identity" => "identity of a function".to_owned(),
            "subject" => "token of an identity provider, to be exchanged at a gateway".to_owned(),
            other => format!("unknown: {other:?}"),
        }
    }

    fn when(&self, name: &'static str) -> Option<String> {
        let at = token::time(&self.claims, name).ok().flatten()?;
        let away = at.saturating_sub(self.now);
        let span = SignedDuration::from_secs(away.saturating_abs());
        Some(if away <= 0 {
            format!("{} ({span:#} ago)", date(at))
        } else {
            format!("{} (in {span:#})", date(at))
        })
    }
}

/// What a gateway's tokens are told apart by; all others are of identity providers.
fn kind(claims: &Map<String, Value>) -> Box<str> {
    let begins = |with: &str| token::subject(claims).is_ok_and(|sub| sub.starts_with(with));
    match claims.get("openfaas:kind").map(short).as_deref() {
        Some("function") if begins("access:") => "access".into(),
        Some(kind) => kind.into(),
        // As OpenFaaS' own gateway makes them.
        None if begins("fed:") && claims.contains_key("function") => "function".into(),
        None if begins("fed:") => "api".into(),
        None => "subject".into(),
    }
}

/// What speaks against a token, whoever it is shown to.
fn problems(
    text: &str,
    claims: &Map<String, Value>,
    proof: Option<Result<(), String>>,
    now: i64,
) -> Vec<String> {
    // Where a gateway was asked, it has looked at the header, too.
    let untaken = match proof {
        Some(proof) => proof.err(),
        None => token::peek(text).err().map(|why| chain(&why)),
    };
    let claimed = [
        token::issuer(claims).err(),
        token::subject(claims).err(),
        token::audience(claims).err(),
        token::check_times(claims, now, 0, true).err(),
    ];
    untaken.into_iter().chain(claimed.into_iter().flatten().map(|why| why.to_string())).collect()
}

/// A claim in one line: text as it is, a list of texts joined by commas, everything else as JSON.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(short).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_gateway_are_read_at_the_gateway_alone() {
        let issuer = "https://gateway.example.com";
        let at = |keys| beneath(keys, issuer);
        assert_eq!(at("https://gateway.example.com/keys").as_deref(), Some("/keys"));
        assert_eq!(
            beneath("https://example.com/faas/keys", "https://example.com/faas/").as_deref(),
            Some("/keys")
        );
        for elsewhere in ["https://elsewhere.example.com/keys", "http://gateway.example.com/keys", "/keys"] {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
    }
}
