//! The laws of the bundle: its bytes, its shards, its index.

use std::collections::BTreeSet;

use faas_iam::api::Kind;
use faas_iam::bundle::{Bundle, DEFAULT_LIMIT, Index, Key, Record, Shard, Sort, assemble};
use faas_iam::compile::link::link;
use faas_iam::compile::{Catalogue, ObjectRef, Surroundings};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::Value;

use crate::generate::world;
use crate::laws::law;
use crate::pipeline::{bundle, judge};
use crate::world::{Objects, World, grant};

const WORLDS: u32 = 1_000;

/// What a watch says: an object is as given, or gone.
type Event = (Kind, String, Option<Value>);

#[test]
fn the_bytes_do_not_depend_on_the_order_of_events() {
    law(
        "order",
        WORLDS,
        || (world(), world(), any::<u64>()),
        |(last, earlier, order)| {
            let mut events = gone(&earlier);
            events.extend(now(&earlier));
            let mut latest = now(&last);
            latest.extend(gone(&earlier).into_iter().filter(|(kind, name, _)| !has(&last, *kind, name)));
            shuffle(&mut latest, order);
            events.extend(latest);
            let through_events = replayed(events).shards();
            prop_assert_eq!(through_events, bundle(&last).shards());
            Ok(())
        },
    );
}

fn now(world: &World) -> Vec<Event> {
    let of = |kind, objects: &Objects| {
        objects.iter().map(move |(n, s)| (kind, n.clone(), Some(s.clone()))).collect::<Vec<_>>()
    };
    [of(Kind::JwtIssuer, &world.issuers), of(Kind::Policy, &world.policies), of(Kind::Role, &world.roles)]
        .concat()
}

fn gone(world: &World) -> Vec<Event> {
    now(world).into_iter().map(|(kind, name, _)| (kind, name, None)).collect()
}

fn has(world: &World, kind: Kind, name: &str) -> bool {
    now(world).iter().any(|(k, n, _)| *k == kind && n == name)
}

/// Puts events into another order; those of different objects may come in any.
fn shuffle(events: &mut [Event], mut seed: u64) {
    for at in (1..events.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        events.swap(at, (seed >> 33) as usize % (at + 1));
    }
}

fn replayed(events: Vec<Event>) -> Bundle {
    let mut catalogue = Catalogue::default();
    for (kind, name, spec) in events {
        let object = ObjectRef { kind, name: name.as_str().into() };
        match spec {
            Some(spec) => catalogue.objects.insert(object, judge(kind, &name, &spec)),
            None => catalogue.objects.remove(&object),
        };
    }
    link(&catalogue, &Surroundings::default()).bundle
}

#[test]
fn what_is_read_is_what_was_written() {
    law("roundtrip", WORLDS, world, |world| {
        let bundle = bundle(&world);
        let (index, shards) = written(&bundle);
        prop_assert_eq!(read(&index.encode(), &shards), Some(bundle));
        Ok(())
    });
}

#[test]
fn a_shard_that_is_missing_or_altered_is_refused() {
    law(
        "shards",
        WORLDS / 2,
        || (world(), any::<u32>(), 1u8..=255),
        |(world, at, flip)| {
            let (index, shards) = written(&bundle(&world));
            let index = index.encode();
            for broken in 0..shards.len() {
                let mut bytes = shards[broken].text.clone().into_bytes();
                let place = at as usize % bytes.len();
                bytes[place] ^= flip & 0x7f | 1;
                refused(&index, &shards, broken, String::from_utf8(bytes).ok())?;
                refused(&index, &shards, broken, None)?;
                refused(&index, &shards, broken, Some(String::new()))?;
                refused(&index, &shards, broken, Some(format!("{}\n", shards[broken].text)))?;
            }
            Ok(())
        },
    );
}

/// The bundle must not be read with `text` in place of one shard.
fn refused(index: &[u8], shards: &[Shard], at: usize, text: Option<String>) -> TestCaseResult {
    let index = Index::decode(index, DEFAULT_LIMIT).unwrap();
    let text = text.as_deref();
    let got = assemble(&index, |name| {
        let found = shards.iter().position(|shard| shard.sha256.to_string() == name)?;
        if found == at { text } else { Some(shards[found].text.as_str()) }
    });
    prop_assert!(got.is_err(), "read with {:?} in place of shard {}", text, at);
    Ok(())
}

#[test]
fn an_index_with_an_altered_field_is_refused() {
    law("index", WORLDS / 2, world, |world| {
        let (index, shards) = written(&bundle(&world));
        let json: Value = serde_json::from_slice(&index.encode()).unwrap();
        for altered in altered(&json) {
            prop_assert!(read(altered.to_string().as_bytes(), &shards).is_none(), "served with {}", altered);
        }
        Ok(())
    });
}

/// The index with each of its fields altered, and of a later generation otherwise, so that it is the field
/// that has to be noticed.
fn altered(index: &Value) -> Vec<Value> {
    let mut next = index.clone();
    next["generation"] = (GENERATION + 1).into();
    let mut places = vec!["/format", "/digest", "/size", "/records", "/shards"];
    if index.pointer("/shards/0").is_some() {
        places.extend(["/shards/0/name", "/shards/0/sha256", "/shards/0/size"]);
    }
    let mut all = Vec::new();
    for place in places {
        for other in others(next.pointer(place).unwrap()) {
            let mut altered = next.clone();
            *altered.pointer_mut(place).unwrap() = other;
            all.push(altered);
        }
        let mut lacking = next.clone();
        let (parent, field) = place.rsplit_once('/').unwrap();
        lacking.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(field);
        all.push(lacking);
    }
    all
}

/// Other values than this one, of its own type and of another.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(n) => vec![(n.as_u64().unwrap() + 1).into(), (-1).into(), "1".into()],
        Value::String(text) => {
            let swapped = if text.starts_with('0') { "1" } else { "0" };
            vec![format!("{swapped}{}", &text[1..]).into(), "".into(), 7.into()]
        }
        Value::Array(items) if items.is_empty() => vec![7.into()],
        Value::Array(items) => vec![items[1..].to_vec().into(), [&items[..], &items[..1]].concat().into()],
        _ => vec![Value::Null],
    }
}

#[test]
fn an_old_generation_is_refused_and_the_next_one_is_always_newer() {
    law(
        "generation",
        10_000,
        || (any::<Option<u64>>(), any::<i64>(), any::<u64>()),
        |(last, now, found)| {
            let last = last.map(|last| last.min(u64::MAX - 1));
            let next = Index::next_generation(last, now);
            prop_assert!(last.is_none_or(|last| next > last));
            prop_assert!(next >= u64::try_from(now).unwrap_or(0));
            let index = Index::new(found, 0, &[], |_| "".into());
            prop_assert_eq!(index.supersedes(last).is_ok(), last.is_none_or(|last| found > last));
            Ok(())
        },
    );
}

#[test]
fn a_changed_record_rewrites_few_shards() {
    type Change = (prop::sample::Index, u8, u32);
    let changes =
        || (1_000usize..3_000, any::<u32>(), vec((any::<prop::sample::Index>(), 0u8..3, any::<u32>()), 8));
    law("locality", 6, changes, |(size, seed, changes): (usize, u32, Vec<Change>)| {
        let mut bundle = large(size, seed);
        let mut before = digests(&bundle);
        for (at, what, salt) in changes {
            change(&mut bundle, at, what, salt);
            let after = digests(&bundle);
            let rewritten = after.difference(&before).count();
            prop_assert!(rewritten <= 3, "{} of {} shards are new", rewritten, after.len());
            before = after;
        }
        Ok(())
    });
}

fn digests(bundle: &Bundle) -> BTreeSet<String> {
    bundle.shards().iter().map(|shard| shard.sha256.to_string()).collect()
}

/// Changes, removes or adds one record.
fn change(bundle: &mut Bundle, at: prop::sample::Index, what: u8, salt: u32) {
    let keys: Vec<Key> = bundle.iter().map(|(key, _)| key.clone()).collect();
    let key = &keys[at.index(keys.len())];
    let Some(record) = bundle.remove(key) else { return };
    match what {
        0 => {}
        1 => {
            bundle.insert(format!("{}-{salt}", key.name), record.clone());
            bundle.insert(key.name.clone(), record);
        }
        _ => bundle.insert(key.name.clone(), longer(record, salt)),
    }
}

/// The same record with another content and another length.
fn longer(mut record: Record, salt: u32) -> Record {
    if let Record::Policy { policy, .. } = &mut record {
        for statement in &mut policy.statements {
            statement.sid = "s".repeat(1 + salt as usize % 400).into();
        }
    }
    record
}

/// Many Policies with names like those of people, each of one to eight statements.
fn large(size: usize, seed: u32) -> Bundle {
    let one = judge(Kind::Policy, "x", &grant(&["Function:*"], &["team:*", "shared:api-*"]));
    let Ok(faas_iam::compile::Meaning::Policy(policy)) = one.verdict else { panic!("a valid Policy") };
    let mut bundle = Bundle::new();
    for n in 0..size {
        let mut policy = policy.clone();
        let n = (n as u32).wrapping_mul(2_654_435_761).wrapping_add(seed);
        policy.statements = vec![policy.statements[0].clone(); 1 + n as usize % 8];
        bundle.insert(format!("team-{n}"), Record::Policy { origin: one.origin.clone(), policy });
    }
    bundle
}

const GENERATION: u64 = 7;

fn written(bundle: &Bundle) -> (Index, Vec<Shard>) {
    let shards = bundle.shards();
    (Index::new(GENERATION, bundle.len(), &shards, |shard| shard.sha256.to_string().into()), shards)
}

/// What a gateway that serves the generation before would read.
fn read(index: &[u8], shards: &[Shard]) -> Option<Bundle> {
    let index = Index::decode(index, DEFAULT_LIMIT).ok()?;
    index.supersedes(Some(GENERATION - 1)).ok()?;
    let text =
        |name: &str| shards.iter().find(|shard| shard.sha256.to_string() == name).map(|s| s.text.as_str());
    assemble(&index, text).ok()
}

#[test]
fn an_index_lists_what_there_is() {
    let (index, shards) = written(&large(200, 1));
    assert_eq!(index.records, 200);
    assert_eq!(index.shards.len(), shards.len());
    assert_eq!(read(&index.encode(), &shards).unwrap().get(Sort::Policy, "none"), None);
}
