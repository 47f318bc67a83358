//! The index and the shards, as a gateway reads them from a cluster in which somebody may have written them.

use serde_json::json;

use crate::bundle::{Bundle, Digest, Index, Record, Shard, assemble};
use crate::engine::{Completeness, Engine, Outcome, Principal, PrincipalKind};
use crate::model::Request;

const QUESTIONS: [(&str, &str); 4] = [
    ("Function:Invoke", "dev:env"),
    ("Secret:List", "dev:*"),
    ("System:Info", "*"),
    ("Function:Invoke", "kube-system:x"),
];

/// An index that is read lists no more than it may, is written and read again as the same, and takes the place of no newer one.
pub fn index(bytes: &[u8]) {
    let Ok(index) = Index::decode(bytes, 1 << 20) else { return };
    assert_eq!(Index::decode(&index.encode(), 1 << 20).as_ref(), Ok(&index));
    assert!(index.supersedes(Some(index.generation)).is_err());
    assert!(index.shards.iter().map(|shard| shard.size as u128).sum::<u128>() <= 1 << 20);
}

/// Whatever a shard holds, what is read of it is written and read again as the same, and an engine is made of it that keeps
/// what holds for every engine.
pub fn shard(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(bundle) = read(text) else { return };
    let written: String = bundle.shards().into_iter().map(|shard| shard.text).collect();
    let again = read(&written).expect("what we have written ourselves");
    assert_eq!(again, readable(&bundle));
    let claims =
        json!({ "iss": "https://idp.example.com", "sub": "alice", "aud": "gw", "exp": 1_900_000_000 });
    let claims = claims.as_object().expect("a map");
    let engine = Engine::new(&bundle);
    let alice = engine.identify(claims, 1_800_000_000, Completeness::Question);
    for who in alice.into_iter().chain([Principal::anonymous()]) {
        serves_as_it_explains(&engine, &who);
    }
}

/// What is decided is what is explained; nobody acts in `kube-system`, and who shows nothing nowhere.
fn serves_as_it_explains(engine: &Engine, who: &Principal) {
    for (action, resource) in QUESTIONS {
        let request = Request::parse(action, resource).expect("a request");
        let (told, allowed) = (engine.explain(who, &request, 4), engine.decide(who, &request));
        let granted = told.roles.iter().any(|role| matches!(role.outcome, Outcome::Granted(_)));
        assert_eq!(granted && told.refused.is_none(), allowed, "{request}: {told}");
        let nobody = who.kind() == PrincipalKind::Anonymous || request.resource().is_forbidden();
        assert!(!(nobody && allowed), "{request}: {told}");
    }
}

/// A bundle of one shard with this text, under an index that fits it.
fn read(text: &str) -> Option<Bundle> {
    let shard = Shard { sha256: Digest::of(text.as_bytes()), text: text.to_owned() };
    let index = Index::new(1, text.lines().count(), &[shard], |_| "only".into());
    assemble(&index, |_| Some(text)).ok()
}

/// Without the records of which this version knows the sort alone: nobody writes these.
fn readable(bundle: &Bundle) -> Bundle {
    let known = bundle.iter().filter(|(_, record)| !matches!(record, Record::Unreadable(_)));
    known.map(|(key, record)| (key.clone(), record.clone())).collect()
}
