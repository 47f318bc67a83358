//! Payloads that are none, and claims that say no or nothing.

use serde_json::json;

use super::{Forged, Good, nested, row};

impl Good<'_> {
    pub(super) fn parts(&self) -> Vec<Forged> {
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

    pub(super) fn claims(&self, now: i64) -> Vec<Forged> {
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
