//! What a client asks for at the token endpoint: the parameters of RFC 8693 section 2.1, from the form and,
//! because clients in the wild do so, from the query of the POST.

use std::fmt;

use url::form_urlencoded;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use crate::model::Resource;
use crate::token::MAX_TOKEN_BYTES;

/// `audience` parameters of one exchange.
pub const MAX_AUDIENCES: usize = 64;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPES: &str = "urn:ietf:params:oauth:token-type:";

/// An exchange as it was asked for. Whether it is given is decided elsewhere.
pub struct Asked {
    /// The token to be exchanged; a credential.
    pub subject_token: Zeroizing<String>,
    /// What for.
    pub wanted: Wanted,
}

/// What a client wants a token for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The REST API.
    Api,
    /// Invoking functions (`scope=function`).
    Function {
        /// Functions or namespaces that it shall be good for; everything that is granted if empty.
        audience: Vec<Resource>,
    },
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// The parameters that mean something, as they came.
#[derive(Default)]
struct Parameters {
    grant_type: Option<String>,
    subject_token: Option<Zeroizing<String>>,
    subject_token_type: Option<String>,
    requested_token_type: Option<String>,
    scope: Option<String>,
    audience: Vec<String>,
}

impl Asked {
    /// Reads a form and a query, both `application/x-www-form-urlencoded`. Parameters that are none of
    /// ours are passed over (RFC 6749 section 3.2), but those that would change what is meant.
    ///
    /// # Errors
    /// [`Refusal`]; its text never holds a value of `subject_token`.
    pub fn read(form: &[u8], query: &[u8], public_url: &str) -> Result<Self, Refusal> {
        let mut parameters = Parameters::default();
        for (name, value) in form_urlencoded::parse(form).chain(form_urlencoded::parse(query)) {
            parameters.take(&name, &value)?;
        }
        parameters.asked(public_url)
    }

    /// Whether it is for functions.
    pub fn is_for_functions(&self) -> bool {
        matches!(self.wanted, Wanted::Function { .. })
    }
}

impl Parameters {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        // What is no UTF-8 was replaced by this character, which no parameter of ours can hold.
        if name.contains('\u{FFFD}') || value.contains('\u{FFFD}') {
            return Err(Refusal::not_text());
        }
        match name {
            "grant_type" => once(&mut self.grant_type, "grant_type", value),
            "subject_token_type" => once(&mut self.subject_token_type, "subject_token_type", value),
            "requested_token_type" => once(&mut self.requested_token_type, "requested_token_type", value),
            "scope" => once(&mut self.scope, "scope", value),
            "subject_token" => self.subject(value),
            "audience" => self.audience(value),
            "actor_token" | "actor_token_type" => Err(Refusal::unsupported("actor_token")),
            "resource" => Err(Refusal::resource()),
            _ => Ok(()),
        }
    }

    fn subject(&mut self, value: &str) -> Result<(), Refusal> {
        if self.subject_token.is_some() {
            return Err(Refusal::twice("subject_token"));
        }
        if value.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::token(&crate::token::TokenError::TooLarge(value.len())));
        }
        self.subject_token = Some(Zeroizing::new(value.to_owned()));
        Ok(())
    }

    fn audience(&mut self, value: &str) -> Result<(), Refusal> {
        if self.audience.len() >= MAX_AUDIENCES {
            return Err(Refusal::too_many_audiences());
        }
        if !value.is_empty() {
            self.audience.push(value.to_owned());
        }
        Ok(())
    }

    fn asked(self, public_url: &str) -> Result<Asked, Refusal> {
        let grant = self.grant_type.ok_or(Refusal::missing("grant_type"))?;
        if grant != GRANT {
            return Err(Refusal::grant_type(&grant));
        }
        let subject_token = self.subject_token.filter(|t| !t.is_empty());
        let subject_token = subject_token.ok_or(Refusal::missing("subject_token"))?;
        let given = self.subject_token_type.ok_or(Refusal::missing("subject_token_type"))?;
        token_type("subject_token_type", &given)?;
        if let Some(requested) = self.requested_token_type.filter(|t| !t.is_empty()) {
            token_type("requested_token_type", &requested)?;
        }
        let wanted = wanted(self.scope.as_deref().unwrap_or_default(), &self.audience, public_url)?;
        Ok(Asked { subject_token, wanted })
    }
}

fn once(slot: &mut Option<String>, name: &'static str, value: &str) -> Result<(), Refusal> {
    match slot.replace(value.to_owned()) {
        Some(_) => Err(Refusal::twice(name)),
        None => Ok(()),
    }
}

/// All of them are JWTs here: which issuer signed one decides what it is, not what a client calls it.
fn token_type(parameter: &'static str, given: &str) -> Result<(), Refusal> {
    match given.strip_prefix(TYPES) {
        Some("id_token" | "jwt" | "access_token") => Ok(()),
        _ => Err(Refusal::token_type(parameter, given)),
    }
}

fn wanted(scope: &str, audience: &[String], public_url: &str) -> Result<Wanted, Refusal> {
    match scope {
        "function" => {
            let read = |text: &String| match Resource::parse(text) {
                Ok(place @ (Resource::Function(..) | Resource::Namespace(_))) => Ok(place),
                _ => Err(Refusal::audience(text)),
            };
            Ok(Wanted::Function { audience: audience.iter().map(read).collect::<Result<_, _>>()? })
        }
        // An API token is for us; whoever says so says nothing new.
        "" => match audience.iter().find(|audience| *audience != public_url) {
            Some(other) => Err(Refusal::api_audience(other)),
            None => Ok(Wanted::Api),
        },
        other => Err(Refusal::scope(other)),
    }
}
