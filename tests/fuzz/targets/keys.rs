//! Key sets, as identity providers give them and users write them.

use serde_json::{Value, json};

use crate::token::{KeySet, Source, VerifyingKeys};

/// Members of a JWK that are somebody's secret (RFC 7518 section 6, RFC 9964).
const SECRET: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A set that is read is written and read again as the same; a private key is not used and never comes out, and where a user
/// wrote one nothing of the set is used.
pub fn keys(bytes: &[u8]) {
    for source in [Source::Inline, Source::Remote] {
        let Ok(parsed) = KeySet::parse_text(bytes, source) else { continue };
        assert!(!parsed.set.is_empty());
        let written: Vec<_> = parsed.set.iter().map(|key| Value::Object(key.to_jwk())).collect();
        assert!(written.iter().all(is_public), "{written:?}");
        let again =
            KeySet::parse(&json!({ "keys": written }), source).expect("what we have written ourselves");
        assert_eq!((again.set, again.left_out.len()), (parsed.set.clone(), 0));
        assert_eq!(VerifyingKeys::new(&parsed.set).len(), parsed.set.len());
        let given: Value = serde_json::from_slice(bytes).expect("it was read");
        let given = given["keys"].as_array().expect("a list");
        let public = given.iter().filter(|key| is_public(key)).count();
        assert!(parsed.set.len() <= public);
        assert!(source == Source::Remote || public == given.len());
    }
}

fn is_public(key: &Value) -> bool {
    SECRET.iter().all(|member| key.get(member).is_none())
}
