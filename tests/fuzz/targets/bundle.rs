//! The index and the shards, as a gateway reads them from a cluster in which somebody may have written them.

use crate::bundle::{Bundle, Digest, Index, Shard, assemble};
use crate::engine::{Completeness, Engine};
use crate::model::Request;

/// An index that is read is written and read again as the same, and takes the place of no newer one.
pub fn index(bytes: &[u8]) {
    let Ok(index) = Index::decode(bytes, 1 << 20) else { return };
    assert_eq!(Index::decode(&index.encode(), 1 << 20).as_ref(), Ok(&index));
    assert!(index.supersedes(Some(index.generation)).is_err());
    assert!(index.size <= 1 << 20);
}

/// Whatever a shard holds, what is read of it is written and read again as the same; an engine is made of it, in which
/// nobody who shows nothing may do anything, and whose answers agree with what it explains.
pub fn shard(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(bundle) = read(text) else { return };
    let written: String = bundle.shards().into_iter().map(|shard| shard.text).collect();
    let again = read(&written).expect("what we have written ourselves");
    assert_eq!(again.shards(), bundle.shards());
    let engine = Engine::new(&bundle);
    let claims = serde_json::json!({ "iss": "https://idp.example.com", "sub": "alice", "aud": "gw", "exp": i64::MAX / 4 });
    let claims = claims.as_object().expect("a map");
    let Ok(who) = engine.identify(claims, 1_800_000_000, Completeness::Question) else { return };
    for (action, resource) in [("Function:Invoke", "dev:env"), ("Secret:List", "dev:*"), ("System:Info", "*")]
    {
        let request = Request::parse(action, resource).expect("a request");
        assert_eq!(engine.explain(&who, &request, 4).allowed, engine.decide(&who, &request));
    }
    let forbidden = Request::parse("Function:Invoke", "kube-system:x").expect("a request");
    assert!(!engine.decide(&who, &forbidden));
}

/// A bundle of one shard with this text, under an index that fits it.
fn read(text: &str) -> Option<Bundle> {
    let shard = Shard { sha256: Digest::of(text.as_bytes()), text: text.to_owned() };
    let index = Index::new(1, text.lines().count(), &[shard], |_| "only".into());
    assemble(&index, |_| Some(text)).ok()
}
