//! Key sets, as identity providers give them and users write them.

use serde_json::{Value, json};

use crate::token::{KeySet, Source, VerifyingKeys};

/// Members of a JWK that are somebody's secret (RFC 7518 section 6).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A set that is read is written and read again as the same; what is private never comes out, and where a user wrote it
/// nothing of the set is used.
pub fn keys(bytes: &[u8]) {
    for source in [Source::Inline, Source::Remote] {
        let Ok(parsed) = KeySet::parse_text(bytes, source) else { continue };
        assert!(!parsed.set.is_empty());
        let written: Vec<_> = parsed.set.iter().map(|key| Value::Object(key.to_jwk())).collect();
        for key in &written {
            assert!(SECRET.iter().all(|member| key.get(member).is_none()), "{key}");
        }
        let again =
            KeySet::parse(&json!({ "keys": written }), source).expect("what we have written ourselves");
        assert_eq!((again.set, again.left_out.len()), (parsed.set.clone(), 0));
        assert_eq!(VerifyingKeys::new(&parsed.set).len(), parsed.set.len());
        if source == Source::Inline {
            let given: Value = serde_json::from_slice(bytes).expect("it was read");
            let given = given["keys"].as_array().expect("a list");
            assert!(given.iter().all(|key| SECRET.iter().all(|member| key.get(member).is_none())));
        }
    }
}
