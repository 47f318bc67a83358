//! `POST /oauth/token`: reads the form, has the subject token verified and the exchange judged, signs.

use std::net::IpAddr;

use aws_lc_rs::rand::SystemRandom;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};
use hyper::body::Incoming;
use zeroize::Zeroizing;

use super::answer::{Answer, Denial, json, unkept};
use super::authenticate::Unproven;
use super::case::Case;
use super::chain;
use super::service::{Asking, Gateway};
use crate::exchange::{Asked, Refusal, Terms, exchange};
use crate::token;

/// Bytes of a form: a token at its largest, encoded, and what else there is.
const MAX_FORM_BYTES: usize = 64 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

impl Gateway {
    /// Answers an exchange.
    ///
    /// # Errors
    /// [`Denial`] in the words of RFC 6749.
    pub async fn exchange(&self, request: Asking, case: &mut Case) -> Result<Answer, Denial> {
        let now_is = self.snapshot().ok_or_else(Refusal::no_bundle)?;
        case.decided_by(&now_is);
        let (parts, body) = request.into_parts();
        let form = self.form(&parts.headers, body, case.peer).await.map_err(Denial::of_exchange)?;
        let query = parts.uri.query().unwrap_or_default();
        let public_url = &self.settings.public_url;
        let asked = Asked::read(&form, query.as_bytes(), public_url)?;
        case.exchange.asked(&asked);
        let subject = self.verify(&now_is, &asked.subject_token).await.map_err(|error| {
            if let Ok(iss) = token::peek(&asked.subject_token).as_ref().map(|token| token.iss()) {
                case.exchange.claimed(iss.unwrap_or_default(), &now_is);
            }
            untaken(error)
        })?;
        case.exchange.proved(&subject, &now_is);
        let terms = Terms { engine: &now_is.engine, public_url, key: &now_is.signing, now: self.now() };
        let minted = exchange(terms, &subject, &asked)?;
        let signed = now_is.signing.sign_text(&minted.payload, &SystemRandom::new());
        let token = Zeroizing::new(signed.map_err(|_| Refusal::not_signed())?);
        case.exchange.granted(&minted);
        Ok(unkept(json(StatusCode::OK, &minted.answer(&token))))
    }

    /// The form, whole; it holds a token.
    async fn form(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        peer: IpAddr,
    ) -> Result<Zeroizing<Vec<u8>>, Denial> {
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = Zeroizing::new(self.buffers.of_client(body, MAX_FORM_BYTES, peer).await?.to_vec());
        let is_form = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM));
        if !form.is_empty() && !is_form {
            return Err(Denial::bad("malformed", format!("the body is to be `{FORM}`")));
        }
        Ok(form)
    }
}

/// A subject token that was not taken; the log has more of an `iss` that nobody declared than the client.
fn untaken(error: Unproven) -> Denial {
    let detail = matches!(error, Unproven::Issuer(_)).then(|| chain(&error)).unwrap_or_default();
    Denial::from(refusal(error)).because(detail)
}

fn refusal(error: Unproven) -> Refusal {
    match error {
        Unproven::Token(error) => Refusal::token(&error),
        Unproven::Issuer(iss) => Refusal::unknown_issuer(&iss),
        Unproven::NoKeys(iss) => Refusal::no_keys(&iss),
        Unproven::Claims(error) => Refusal::unreadable(chain(&error)),
    }
}
