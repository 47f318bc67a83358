//! Wrong algorithms, keys and headers.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::{Forged, Good, by, by_es256, nested, row};
use crate::token::testing::{ED, P384, RSA, Signer, b64};

impl Good<'_> {
    pub(super) fn algorithms(&self) -> Vec<Forged> {
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

    pub(super) fn headers(&self) -> Vec<Forged> {
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
}
