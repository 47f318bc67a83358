//! Tokens with something wrong, made out of a good one: by shape, encoding, algorithm, key, header and claim.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::token::MAX_TOKEN_BYTES;
use crate::token::testing::{ED, P384, RSA, Signer, b64};

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

    fn algorithms(&self) -> Vec<Forged> {
        let payload = self.claims.to_string();
        let head = |header: &str| format!("{}.{}", b64(header), b64(&payload));
        let mut rows = Vec::new();
        for alg in [
            "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "ES256K", "es256", "ES512",
            "RSA-OAEP", "dir",
        ] {
            let header = self.header(json!({"alg": alg}));
            rows.push(row(
                &format!("alg `{alg}`, nothing signed"),
                format!("{}.", head(&header)),
                "algorithm",
            ));
            let signature = b64(self.signer.sign("ES256", head(&header).as_bytes()));
            rows.push(row(
                &format!("alg `{alg}`, signed"),
                format!("{}.{signature}", head(&header)),
                "algorithm",
            ));
        }
        let (jwk, header) = (self.signer.jwk(json!({"kid": self.kid})), self.header(json!({"alg": "HS256"})));
        let secrets = [
            jwk.to_string(),
            jwk["x"].as_str().unwrap().to_owned(),
            self.kid.to_owned(),
            "secret".to_owned(),
            String::new(),
        ];
        for secret in secrets {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let signature = b64(hmac::sign(&key, head(&header).as_bytes()));
            rows.push(row("signed by what is public", format!("{}.{signature}", head(&header)), "algorithm"));
        }
        for alg in ["RS256", "RS512", "PS256"] {
            let header = self.header(json!({"alg": alg}));
            rows.push(row(&format!("`{alg}` by a key of RSA"), by(&RSA, &header, &payload), "key"));
        }
        rows.push(row(
            "ES384 by a longer key",
            by(&P384, self.header(json!({"alg": "ES384"})), &payload),
            "key",
        ));
        rows.push(row("EdDSA", by(&ED, self.header(json!({"alg": "EdDSA"})), &payload), "key"));
        let (good, es256) = (self.token(), self.header(json!({})));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        for (what, forged) in [
            ("a stranger's key", by(&Signer::p256(), &es256, &payload)),
            ("RSA's signature under ES256", by(&RSA, &es256, &payload)),
            ("no signature", format!("{signed}.")),
            ("half a signature", format!("{signed}.{}", &signature[..43])),
            ("the signature twice", format!("{good}{signature}")),
            ("zeros", format!("{signed}.{}", b64([0; 64]))),
            ("the order of the curve", format!("{signed}.{}", b64([0xff; 64]))),
            (
                "a signature in DER",
                format!("{signed}.{}", b64([&[0x30, 0x44, 0x02, 0x20][..], &[1; 68]].concat())),
            ),
        ] {
            rows.push(row(what, forged, "signature"));
        }
        let other = json!({"who": "else"}).to_string();
        let moved = format!(
            "{}.{}.{signature}",
            b64(&es256),
            b64(other.replace('{', &format!("{{\"iss\":{},", self.claims["iss"])))
        );
        rows.push(row("another payload under the signature", moved, "signature"));
        rows
    }

    fn headers(&self) -> Vec<Forged> {
        let payload = self.claims.to_string();
        let with = |more: Value| self.signed(self.header(more), &payload);
        let jwk = self.signer.jwk(json!({}));
        let mut rows = vec![
            row("a key of its own choice", with(json!({"jwk": jwk})), "malformed"),
            row("keys from elsewhere", with(json!({"jku": "https://evil.example.com/keys"})), "malformed"),
            row(
                "a certificate from elsewhere",
                with(json!({"x5u": "https://evil.example.com/cert"})),
                "malformed",
            ),
            row("critical", with(json!({"crit": ["exp"], "exp": 1})), "malformed"),
            row("critical of nothing", with(json!({"crit": []})), "malformed"),
            row("compressed", with(json!({"zip": "DEF"})), "malformed"),
            row("not encoded", with(json!({"b64": false, "crit": ["b64"]})), "malformed"),
            row("not encoded, said softly", with(json!({"b64": true})), "malformed"),
        ];
        for kid in [
            "other",
            "",
            "../../etc/passwd",
            "' or 1=1 --",
            "http://169.254.169.254/",
            &"k".repeat(4096),
            "\u{0}",
        ] {
            // Without a kid the issuer's only key is taken: not one of the rows, unless it is another's.
            if !kid.is_empty() {
                rows.push(row(&format!("kid `{kid:.32}`"), with(json!({"kid": kid})), "key"));
            }
        }
        for wrong in [json!(7), json!(null), json!(["k"]), json!({})] {
            rows.push(row(&format!("kid {wrong}"), with(json!({"kid": wrong})), "malformed"));
            let header = self.header(json!({"alg": wrong}));
            let forged = format!("{}.{}.{}", b64(&header), b64(&payload), b64([1; 64]));
            rows.push(row(&format!("alg {wrong}"), forged, "malformed"));
        }
        for (what, header) in [
            ("alg twice", format!(r#"{{"alg":"none","alg":"ES256","kid":"{}"}}"#, self.kid)),
            ("kid twice", format!(r#"{{"alg":"ES256","kid":"x","kid":"{}"}}"#, self.kid)),
            ("kid twice, once escaped", format!(r#"{{"alg":"ES256","k\u0069d":"x","kid":"{}"}}"#, self.kid)),
            ("a list", r#"["ES256"]"#.to_owned()),
            ("an empty object", "{}".to_owned()),
            ("nothing", String::new()),
            ("text", r#""ES256""#.to_owned()),
            ("text behind it", format!("{} x", self.header(json!({})))),
            ("a mark in front", format!("\u{feff}{}", self.header(json!({})))),
            ("a comment", format!("/**/{}", self.header(json!({})))),
            ("single quotes", self.header(json!({})).replace('"', "'")),
            ("deep", format!(r#"{{"alg":"ES256","x":{}}}"#, nested(5_000))),
        ] {
            rows.push(row(&format!("header: {what}"), by_es256(self.signer, &header, &payload), "malformed"));
        }
        let bytes = [br#"{"alg":"ES256","kid":""#, &[0xff, 0xfe][..], br#""}"#].concat();
        rows.push(row("header: no UTF-8", by_es256(self.signer, &bytes, &payload), "malformed"));
        rows
    }

    fn parts(&self) -> Vec<Forged> {
        let mut rows: Vec<_> = ["[]", "null", "7", "\"x\"", "", " ", "{", "{}x", "{\"iss\"}", "{'iss': 1}"]
            .into_iter()
            .map(|payload| {
                row(
                    &format!("payload `{payload}`"),
                    self.signed(self.header(json!({})), payload),
                    "malformed",
                )
            })
            .collect();
        for beginning in
            [r#""sub":"root""#, r#""s\u0075b":"root""#, r#""x":{"y":1,"y":2}"#, r#""x":[{"y":1,"y":2}]"#]
        {
            rows.push(row(&format!("twice: {beginning}"), self.literally(beginning), "malformed"));
        }
        for (what, literal) in [
            ("deep lists", nested(17)),
            ("very deep lists", nested(5_000)),
            ("NaN", "NaN".to_owned()),
            ("Infinity", "Infinity".to_owned()),
            ("-Infinity", "-Infinity".to_owned()),
            ("a number without end", "1e999".to_owned()),
            ("half a pair", r#""\ud800""#.to_owned()),
            ("a control character", "\"\u{1}\"".to_owned()),
            ("a leading zero", "01".to_owned()),
            ("a plus", "+1".to_owned()),
            ("hexadecimal", "0x10".to_owned()),
            ("undefined", "undefined".to_owned()),
        ] {
            rows.push(row(&format!("a claim that is {what}"), self.value("x", &literal), "malformed"));
        }
        let claims = self.claims.to_string();
        let bytes = [&claims.as_bytes()[..claims.len() - 1], br#","x":""#, &[0xc0, 0xaf], br#""}"#].concat();
        rows.push(row("payload: no UTF-8", self.signed(self.header(json!({})), bytes), "malformed"));
        let wide: Vec<u8> = claims.encode_utf16().flat_map(u16::to_be_bytes).collect();
        rows.push(row("payload: UTF-16", self.signed(self.header(json!({})), wide), "malformed"));
        rows
    }

    fn claims(&self, now: i64) -> Vec<Forged> {
        let mut rows = Vec::new();
        for (exp, why) in [
            (json!(now - 31), "expired"),
            (json!(0), "expired"),
            (json!(1.5), "expired"),
            (json!(-1), "claim"),
            (json!(-0.5), "claim"),
            (json!(9.0e18), "claim"),
            (json!(u64::MAX), "claim"),
            (json!("9999999999"), "claim"),
            (json!("NaN"), "claim"),
            (json!(null), "claim"),
            (json!(true), "claim"),
            (json!([now + 600]), "claim"),
            (json!({}), "claim"),
        ] {
            rows.push(row(&format!("exp {exp}"), self.with("exp", exp), why));
        }
        for (nbf, why) in [
            (json!(now + 300), "not_yet"),
            (json!("0"), "claim"),
            (json!(null), "claim"),
            (json!(-1), "claim"),
        ] {
            rows.push(row(&format!("nbf {nbf}"), self.with("nbf", nbf), why));
        }
        for iat in [json!("0"), json!(null), json!(-1), json!([]), json!(1e300)] {
            rows.push(row(&format!("iat {iat}"), self.with("iat", iat), "claim"));
        }
        for sub in [json!(""), json!(7), json!(null), json!(["alice"]), json!({}), json!(true)] {
            rows.push(row(&format!("sub {sub}"), self.with("sub", sub), "claim"));
        }
        for (aud, why) in [
            (json!(""), "claim"),
            (json!([]), "claim"),
            (json!([""]), "claim"),
            (json!([["gw"]]), "claim"),
            (json!(["gw", 7]), "claim"),
            (json!(7), "claim"),
            (json!(null), "claim"),
            (json!({"gw": true}), "claim"),
            (json!("other"), "token_audience"),
            (json!("GW"), "token_audience"),
            (json!("gw "), "token_audience"),
            (json!("https://gw.example.com.evil.org"), "token_audience"),
            (json!(["other", "another"]), "token_audience"),
        ] {
            rows.push(row(&format!("aud {aud}"), self.with("aud", aud), why));
        }
        for (name, why) in [("exp", "claim"), ("sub", "claim"), ("aud", "claim"), ("iss", "malformed")] {
            rows.push(row(&format!("no {name}"), self.without(name), why));
        }
        for iss in [json!(""), json!(7), json!(null), json!([self.claims["iss"]]), json!({})] {
            rows.push(row(&format!("iss {iss}"), self.with("iss", iss), "malformed"));
        }
        let iss = self.claims["iss"].as_str().unwrap().to_owned();
        for other in [
            format!("{iss}/"),
            format!(" {iss}"),
            format!("{iss}\u{0}"),
            format!("{iss}?"),
            format!("{iss}/.well-known"),
            iss.replace("https", "http"),
            iss.replace("https", "HTTPS"),
            iss.replace(".example", ".Example"),
            iss.replace("e", "\u{435}"),
            iss.replace("https://", "https://user@"),
            "https://evil.example.com".to_owned(),
            "x".repeat(4096),
        ] {
            rows.push(row(&format!("iss `{other:.48}`"), self.with("iss", json!(other)), "unknown_issuer"));
        }
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
