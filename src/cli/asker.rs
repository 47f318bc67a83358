//! Who asks in `can-i`: claims from a file, a token, or an issuer and a subject.
//!
//! Reads alone; whom that identifies is `identified`'s. Neither a token nor all of the claims are ever printed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::token::{self, ClaimsError, MAX_CLAIMS_BYTES, TokenError};

/// Exactly one way to say who asks.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct AskerArgs {
    /// A file with claims as a JSON object, `-` for standard input
    #[arg(long, value_name = "FILE", env = "FAAS_IAM_CLAIMS")]
    pub claims: Option<PathBuf>,
    /// A file with a token (JWT), `-` for standard input; verified where the issuer's keys are at hand
    #[arg(long, value_name = "FILE", env = "FAAS_IAM_TOKEN")]
    pub token: Option<PathBuf>,
    /// An issuer and a subject, joined by a comma
    #[arg(long = "as", value_name = "ISS,SUB", env = "FAAS_IAM_AS")]
    pub identity: Option<String>,
}

/// Input that says nobody.
#[derive(Debug, thiserror::Error)]
pub enum AskerError {
    /// It is not there, or may not be read.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A token where the name of a file belongs; it is not shown again.
    #[error(
        "this takes the name of a file, and what is given is a token itself: write it into a file, \
         or pass it on standard input with `-`"
    )]
    TokenForFile,
    /// The claims are no JSON object, or have a key twice.
    #[error("`{}`: {source}", .path.display())]
    Claims {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ClaimsError,
    },
    /// What should be a token is none.
    #[error("`{}` holds no token", .path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: TokenError,
    },
    /// The token is as a header has it.
    #[error("`{}` begins with `Bearer `, as a header does; leave that out", .0.display())]
    Bearer(PathBuf),
    /// `--as` without a comma.
    #[error("`--as` takes an issuer and a subject, joined by a comma: `https://idp.example.com,alice`")]
    NoComma,
    /// Standard input is given for two things.
    #[error("standard input can be read once: `-` is given for both the objects and who asks")]
    StandardInputTwice,
}

/// What was presented.
pub enum Asker {
    /// Claims that nobody has to have signed.
    Claims(Map<String, Value>),
    /// An issuer and a subject, as claims.
    Pair(Map<String, Value>),
    /// A token, unread.
    Token(PathBuf, Zeroizing<String>),
}

impl AskerArgs {
    /// Reads who asks; `files` are the objects' own inputs.
    ///
    /// # Errors
    /// [`AskerError`] for what cannot be read.
    pub fn read(&self, files: &[PathBuf]) -> Result<Asker, AskerError> {
        let named = self.claims.as_ref().or(self.token.as_ref());
        if named.is_some_and(|path| is_stdin(path)) && files.iter().any(|path| is_stdin(path)) {
            return Err(AskerError::StandardInputTwice);
        }
        match (&self.claims, &self.token, &self.identity) {
            (Some(path), ..) => claims(path).map(Asker::Claims),
            (_, Some(path), _) => token(path),
            (.., identity) => pair(identity.as_deref().unwrap_or_default()).map(Asker::Pair),
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn claims(path: &Path) -> Result<Map<String, Value>, AskerError> {
    let text = text(path)?;
    token::parse_claims(text.as_bytes())
        .map_err(|source| AskerError::Claims { path: path.to_owned(), source })
}

fn pair(text: &str) -> Result<Map<String, Value>, AskerError> {
    let (iss, sub) = text.split_once(',').ok_or(AskerError::NoComma)?;
    Ok([("iss", iss), ("sub", sub)].into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect())
}

fn token(path: &Path) -> Result<Asker, AskerError> {
    Ok(Asker::Token(path.to_owned(), read_token(path)?))
}

/// The text of a token, unread, from a file or standard input (`-`), with the line feed that may stand at its end.
///
/// # Errors
/// [`AskerError`] for what cannot be read, or stands as in a header.
pub fn read_token(path: &Path) -> Result<Zeroizing<String>, AskerError> {
    let text = text(path)?;
    match text.trim_start().get(..BEARER.len()) {
        Some(start) if start.eq_ignore_ascii_case(BEARER) => Err(AskerError::Bearer(path.to_owned())),
        _ => Ok(text),
    }
}

/// What stands before a token in the header `Authorization`.
const BEARER: &str = "bearer ";

/// At most a little more than claims may have, so that `token` can refuse what is too large.
fn text(path: &Path) -> Result<Zeroizing<String>, AskerError> {
    let most = u64::try_from(MAX_CLAIMS_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Zeroizing::new(String::new());
    let read = if is_stdin(path) {
        io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(_) if is_token(path) => Err(AskerError::TokenForFile),
        Err(source) => Err(AskerError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Whether what should name a file begins as a token does, with a JSON object in base64url.
fn is_token(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let token = text.strip_prefix("Bearer ").unwrap_or(&text);
    let header = token.split('.').next().filter(|part| part.len() > 8);
    header.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).is_some_and(|json| json.starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_split_at_the_first_comma() {
        let claims = pair("https://idp,a,b").unwrap();
        assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("https://idp"), Some("a,b")));
        assert!(matches!(pair("https://idp"), Err(AskerError::NoComma)));
    }

    #[test]
    fn s26_a_token_that_was_given_in_place_of_a_file_is_not_shown() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl";
        for given in [token.to_owned(), format!("Bearer {token}"), token.repeat(99)] {
            let args = AskerArgs { claims: None, token: Some(given.into()), identity: None };
            let error = args.read(&[]).err().unwrap().to_string();
            assert!(error.contains("standard input with `-`") && !error.contains("eyJ"), "{error}");
        }
    }

    #[test]
    fn standard_input_is_read_for_one_thing_alone() {
        let args = AskerArgs { claims: Some("-".into()), token: None, identity: None };
        assert!(matches!(args.read(&["-".into()]), Err(AskerError::StandardInputTwice)));
    }
}
