//! `POST /oauth/token`: reads the form, has the subject token verified and the exchange judged, signs.

use aws_lc_rs::rand::SystemRandom;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use zeroize::Zeroizing;

use super::answer::{Answer, json};
use super::api::whole;
use super::authenticate::Unproven;
use super::chain;
use super::service::Gateway;
use crate::exchange::{Asked, Code, Refusal, Terms, exchange};

/// Bytes of a form: a token at its largest, encoded, and what else there is.
const MAX_FORM_BYTES: usize = 64 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

impl Gateway {
    /// Answers an exchange. A refusal is told in the words of RFC 6749.
    pub async fn exchange(&self, request: Request<Incoming>) -> Answer {
        let mut answer = match self.exchanged(request).await {
            Ok(answer) => {
                self.metrics.exchanged("ok");
                answer
            }
            Err(refusal) => self.refused(&refusal),
        };
        // RFC 6749 section 5.1: what holds a token is never kept.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
        answer
    }

    fn refused(&self, refusal: &Refusal) -> Answer {
        self.metrics.exchanged(refusal.reason);
        tracing::info!(reason = refusal.reason, text = refusal.description, "exchange refused");
        let status = match refusal.code {
            Code::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        json(status, refusal)
    }

    async fn exchanged(&self, request: Request<Incoming>) -> Result<Answer, Refusal> {
        let now_is = self.snapshot().ok_or_else(Refusal::no_bundle)?;
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let body = whole(body, MAX_FORM_BYTES).await.map_err(|denial| Refusal::unreadable(denial.text))?;
        let form = Zeroizing::new(body.to_vec());
        let is_form = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM));
        if !form.is_empty() && !is_form {
            return Err(Refusal::unreadable(format!("the body is to be `{FORM}`")));
        }
        let query = parts.uri.query().unwrap_or_default();
        let public_url = &self.settings.public_url;
        let asked = Asked::read(&form, query.as_bytes(), public_url)?;
        let subject = self.verify(&now_is, &asked.subject_token).await.map_err(untaken)?;
        let terms = Terms { engine: &now_is.engine, public_url, key: &now_is.signing, now: self.now() };
        let minted = exchange(terms, &subject, &asked)?;
        let signed = now_is.signing.sign(&minted.claims, &SystemRandom::new());
        let token = Zeroizing::new(signed.map_err(|_| Refusal::not_signed())?);
        Ok(json(StatusCode::OK, &minted.answer(&token)))
    }
}

fn untaken(error: Unproven) -> Refusal {
    match error {
        Unproven::Token(error) => Refusal::token(&error),
        Unproven::Issuer(iss) => Refusal::unknown_issuer(&iss),
        Unproven::NoKeys(iss) => Refusal::no_keys(&iss),
        Unproven::Claims(error) => Refusal::unreadable(chain(&error)),
    }
}
