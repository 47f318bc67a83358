//! `token exchange`: has a gateway exchange a token (RFC 8693), and prints what it gives.
//!
//! Whether it gives anything is the gateway's to decide. The token is in no argument, message or log.

use std::path::PathBuf;

use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use super::way::{Reply, Way, WayArgs, WayError};
use crate::cli::Failure;
use crate::cli::asker::read_token;
use crate::cli::output::{Answer, Exit, OutputArgs};

/// The grant type of a token exchange (RFC 8693 section 2.1).
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Before each token type (RFC 8693 section 3).
const TYPES: &str = "urn:ietf:params:oauth:token-type:";

/// Exchanges a token for one of the gateway's
///
/// Prints the gateway's token and nothing else. Exits with 0 where it was given, with 1 where the gateway refuses (its
/// words are on standard error), and with 2 where an input is wrong or no gateway answers.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The gateway's address, such as https://gateway.example.com
    #[arg(long, value_name = "URL", env = "FAAS_IAM_GATEWAY")]
    pub gateway: String,
    /// A file with the token (JWT) to be exchanged, `-` for standard input
    #[arg(long, value_name = "FILE", env = "FAAS_IAM_TOKEN")]
    pub token: PathBuf,
    /// `function` for a token that invokes functions; without it the token is for the REST API
    #[arg(long, env = "FAAS_IAM_SCOPE", value_enum)]
    pub scope: Option<Scope>,
    /// What the token shall be good for: `namespace:function` or `namespace:*`; may be given several times. Everything
    /// that is granted without it
    #[arg(long, value_name = "NS:FN", env = "FAAS_IAM_AUDIENCE", value_delimiter = ',', requires = "scope")]
    pub audience: Vec<String>,
    /// What the token to be exchanged is called; gateways of ours take each JWT of an issuer they know, whatever it is called
    #[arg(long, env = "FAAS_IAM_TOKEN_TYPE", value_enum, default_value = "id_token")]
    pub token_type: TokenType,
    #[command(flatten)]
    pub way: WayArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  TOKEN=$(faas-iam token exchange --gateway https://gateway.example.com --token ./ci.jwt)
  curl -H \"Authorization: Bearer $TOKEN\" https://gateway.example.com/system/namespaces

  kubectl create token robot --audience https://gateway.example.com |
    faas-iam token exchange --gateway https://gateway.example.com --token - \\
      --scope function --audience dev:env";

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// Invoking functions.
    Function,
}

/// What a subject token is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TokenType {
    /// Of OpenID Connect.
    #[value(name = "id_token")]
    IdToken,
    /// Any.
    #[value(name = "jwt")]
    Jwt,
    /// An access token that is a JWT.
    #[value(name = "access_token")]
    AccessToken,
}

impl TokenType {
    fn name(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::Jwt => "jwt",
            Self::AccessToken => "access_token",
        }
    }
}

/// Asks the gateway.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let way = Way::new(&args.gateway, &args.way)?;
    let token = read_token(&args.token)?;
    let reply = way.post("/oauth/token", form(args, token.trim()))?;
    match Given::read(&reply)? {
        Given::Token(token, whole) => match args.output.output {
            Some(format) => Ok(Answer::new(Exit::Yes, format.write(&whole)?)),
            None => Ok(Answer::new(Exit::Yes, format!("{token}\n"))),
        },
        Given::Refusal(why, whole) => {
            let out = args.output.output.map(|format| format.write(&whole)).transpose()?;
            Ok(Answer::new(Exit::No, out.unwrap_or_default()).remark([why]))
        }
    }
}

fn form(args: &Args, token: &str) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", GRANT);
    form.append_pair("subject_token_type", &format!("{TYPES}{}", args.token_type.name()));
    if args.scope == Some(Scope::Function) {
        form.append_pair("scope", "function");
    }
    form.extend_pairs(args.audience.iter().map(|audience| ("audience", audience)));
    form.append_pair("subject_token", token);
    form.finish()
}

/// What a gateway says to an exchange.
enum Given {
    /// The token, and the whole answer.
    Token(String, Map<String, Value>),
    /// Why there is none, in words for people, and the whole answer.
    Refusal(String, Map<String, Value>),
}

impl Given {
    fn read(reply: &Reply) -> Result<Self, WayError> {
        let whole = match reply.object() {
            // What stands before a gateway answers in words of its own while the gateway is away.
            Err(_) if reply.status >= 500 => Map::new(),
            read => read?,
        };
        let text = |name: &str| whole.get(name).and_then(Value::as_str).map(str::to_owned);
        match (reply.status, text("access_token"), text("error")) {
            (200, Some(token), _) if is_token(&token) => Ok(Self::Token(token, whole)),
            (200, ..) => Err(reply.no_gateway("without an access token")),
            (400..=499, _, Some(error)) => {
                Ok(Self::Refusal(text("error_description").unwrap_or(error), whole))
            }
            (500..=599, ..) => {
                let why = text("error_description").map(|why| format!(": {why}")).unwrap_or_default();
                Err(WayError::NotNow { address: reply.address.clone(), status: reply.status, why })
            }
            _ => Err(reply.no_gateway("without a reason")),
        }
    }
}

/// Whether it can be handed on to a shell and a header as it is (RFC 6750 section 2.1).
fn is_token(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    !text.is_empty() && text.chars().all(is_part)
}
