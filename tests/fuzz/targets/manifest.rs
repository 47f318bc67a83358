//! Manifests, as people write them and others generate them.

use crate::api::Kind;
use crate::bundle::{Bundle, Index, assemble};
use crate::compile::link::link;
use crate::compile::validate::validate;
use crate::compile::{Catalogue, ObjectRef, Surroundings};
use crate::manifest::{MAX_WEIGHT, parse};
use crate::model::{FieldPath, Unplaced, Written as _};

/// What is read stays within its bound and reads back as it is from JSON; each object is judged, all of them are linked,
/// and the bundle of it is written and read again as the same.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let documents = match parse("fuzz.yaml", text) {
        Ok(documents) => documents,
        Err(errors) => return assert!(!errors.is_empty()),
    };
    assert!(documents.iter().map(|document| document.weight()).sum::<usize>() <= MAX_WEIGHT);
    let mut catalogue = Catalogue::default();
    for (at, document) in documents.iter().enumerate() {
        assert!(document.position(&FieldPath::root()).is_some());
        let json = serde_json::to_string(&document.value).expect("JSON");
        if let Ok(again) = parse("again.json", &json) {
            assert!(again.iter().all(|again| again.value == document.value), "{json}");
        }
        for kind in Kind::IN_FILES {
            let judged = validate(kind, &document.value, document);
            let elsewhere = validate(kind, &document.value, &Unplaced);
            assert!(
                judged.verdict.is_err() || judged.verdict == elsewhere.verdict,
                "a file is never let in for more"
            );
            catalogue.objects.insert(ObjectRef { kind, name: format!("o{at}").into() }, judged);
        }
    }
    let bundle = link(&catalogue, &Surroundings::default()).bundle;
    assert_eq!(again(&bundle), bundle);
}

/// The bundle as a gateway reads it.
fn again(bundle: &Bundle) -> Bundle {
    let shards = bundle.shards();
    let index = Index::new(1, bundle.len(), &shards, |shard| shard.sha256.to_string().into());
    let text = |name: &str| {
        shards.iter().find(|shard| shard.sha256.to_string() == name).map(|shard| shard.text.as_str())
    };
    assemble(&index, text).expect("what we have written ourselves")
}
