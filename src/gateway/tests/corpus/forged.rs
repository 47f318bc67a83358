//! Tokens with something wrong, made out of a good one: by shape and encoding here, by algorithm, key and
//! header in `keys`, by what stands in them in `claims`.

mod claims;
mod keys;

use serde_json::{Value, json};

use crate::token::MAX_TOKEN_BYTES;
use crate::token::testing::{Signer, b64};

/// A token and the reason for which it is refused.
pub struct Forged {
    pub what: String,
    pub token: String,
    pub reason: &'static str,
}

/// What a good token is made of.
pub struct Good<'a> {
    pub signer: &'a Signer,
    pub kid: &'a str,
    pub claims: Value,
}

impl Good<'_> {
    pub fn token(&self) -> String {
        self.signed(self.header(json!({})), self.claims.to_string())
    }

    fn header(&self, more: Value) -> String {
        let mut header = json!({"alg": "ES256", "kid": self.kid, "typ": "JWT"});
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header.to_string()
    }

    /// Any two parts under a right signature.
    fn signed(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        by(self.signer, header, payload)
    }

    fn with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.signed(self.header(json!({})), claims.to_string())
    }

    fn without(&self, name: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        self.signed(self.header(json!({})), claims.to_string())
    }

    /// The payload with this at its beginning, as it stands.
    fn literally(&self, beginning: &str) -> String {
        let claims = self.claims.to_string();
        self.signed(self.header(json!({})), format!("{{{beginning},{}", &claims[1..]))
    }

    /// The payload with the value of one claim as it stands.
    fn value(&self, name: &str, literal: &str) -> String {
        let mut claims = self.claims.clone();
        claims[name] = json!("HERE");
        self.signed(self.header(json!({})), claims.to_string().replace("\"HERE\"", literal))
    }

    /// Everything that is wrong with a token whatever it is for.
    pub fn forged(&self, now: i64) -> Vec<Forged> {
        let rows = [
            self.shapes(),
            self.alphabets(),
            self.algorithms(),
            self.headers(),
            self.parts(),
            self.claims(now),
        ];
        rows.into_iter().flatten().collect()
    }

    fn shapes(&self) -> Vec<Forged> {
        let good = self.token();
        let (head, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = head.split_once('.').unwrap();
        let rows = [
            ("one dot", ".".to_owned()),
            ("two dots", "..".to_owned()),
            ("three dots", "...".to_owned()),
            ("one part", header.to_owned()),
            ("two parts", head.to_owned()),
            ("four parts", format!("{good}.{signature}")),
            ("five parts, as encrypted ones have", format!("{good}.{signature}.{signature}")),
            ("a dot at the end", format!("{good}.")),
            ("a dot in front", format!(".{good}")),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("twice", format!("{good}{good}")),
            ("two by a comma", format!("{good},{good}")),
            ("in quotes", format!("\"{good}\"")),
            ("a scheme in front", format!("Bearer {good}")),
            (
                "json serialisation",
                json!({"protected": header, "payload": payload, "signature": signature}).to_string(),
            ),
            ("more bytes than are read", self.with("x", json!("x".repeat(MAX_TOKEN_BYTES)))),
            ("rubbish", "rubbish".to_owned()),
        ];
        rows.into_iter().map(|(what, token)| row(what, token, "malformed")).collect()
    }

    fn alphabets(&self) -> Vec<Forged> {
        // Such bytes that the payload has both letters in which the two alphabets differ.
        let good = self.with("x", json!("~~~???>>>\u{ff}\u{fe}\u{ffff}"));
        let (head, signature) = good.rsplit_once('.').unwrap();
        let (header, payload) = head.split_once('.').unwrap();
        let standard = |text: &str| text.replace('-', "+").replace('_', "/");
        assert!(payload != standard(payload), "the row would show nothing");
        let mut rows = vec![
            row("the other alphabet", format!("{header}.{}.{signature}", standard(payload)), "malformed"),
            row("padding of the header", format!("{header}=.{payload}.{signature}"), "malformed"),
            row("padding of the payload", format!("{header}.{payload}==.{signature}"), "malformed"),
            row("padding of the signature", format!("{good}=="), "signature"),
            row("a space inside", format!("{header}. {payload}.{signature}"), "malformed"),
            row("a tab inside", format!("{header}\t.{payload}.{signature}"), "malformed"),
            row("percent-encoded", format!("{header}%2E{payload}%2E{signature}"), "malformed"),
        ];
        for dot in ['\u{ff0e}', '\u{3002}', '\u{2024}', '\u{ff61}'] {
            rows.push(row("a look-alike of the dot", good.replacen('.', &dot.to_string(), 1), "malformed"));
        }
        // Cyrillic а, full-width e, a letter with nothing to see in it.
        for look_alike in ["\u{430}", "\u{ff45}", "e\u{200b}"] {
            rows.push(row("a look-alike of a letter", good.replacen('e', look_alike, 1), "malformed"));
        }
        // The last letter of a signature has bits that stand for nothing: only one spelling counts.
        let (last, alphabet) = (
            signature.chars().last().unwrap(),
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        );
        let other = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
        rows.push(row(
            "another spelling of the signature",
            format!("{}{other}", &good[..good.len() - 1]),
            "signature",
        ));
        rows
    }
}

fn row(what: &str, token: String, reason: &'static str) -> Forged {
    Forged { what: what.to_owned(), token, reason }
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Signed by the algorithm that the header names.
fn by(signer: &Signer, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let alg = serde_json::from_slice::<Value>(header.as_ref()).unwrap()["alg"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    signed(
        signer,
        if matches!(signer, Signer::Rsa(_)) && alg == "ES256" { "RS256" } else { &alg },
        header,
        payload,
    )
}

fn by_es256(signer: &Signer, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    signed(signer, "ES256", header, payload)
}

fn signed(signer: &Signer, alg: &str, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let signed = format!("{}.{}", b64(header), b64(payload));
    format!("{signed}.{}", b64(signer.sign(alg, signed.as_bytes())))
}
