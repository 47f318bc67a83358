//! A cluster that holds ConfigMaps and a Secret, by plain calls: what is written, and what it leads to.

mod cluster;
mod strangers;

use std::collections::BTreeMap;

use super::*;
use crate::bundle::{IndexError, Record, assemble};
use crate::operator::holdings::HeldMap;
use cluster::Cluster;

const KEEP: i64 = 600_000;
const START: i64 = 1_800_000_000_000;

/// A bundle with one record a name; each change of `text` is another shard.
fn goal(text: &str) -> Goal {
    let mut bundle = Bundle::new();
    let record =
        Record::Refused { origin: Default::default(), reason: "Invalid".into(), message: text.into() };
    bundle.insert("Role/a", record);
    Goal::of(&bundle)
}

/// One of several shards, of which `changed` is the only one that differs from the rest's.
fn large(changed: &str) -> Goal {
    let mut bundle = Bundle::new();
    for at in 0..600 {
        let message = if at == 300 { changed.to_owned() } else { "x".repeat(400) };
        let record =
            Record::Refused { origin: Default::default(), reason: "Invalid".into(), message: message.into() };
        bundle.insert(format!("Role/{at:04}"), record);
    }
    Goal::of(&bundle)
}

fn first_name(goal: &Goal) -> String {
    name_of(goal.shards[0].sha256)
}

fn kinds(writes: &[Write]) -> Vec<&'static str> {
    let kind = |write: &Write| match write {
        Write::Shard { .. } => "shard",
        Write::Index { .. } => "index",
        Write::Delete { .. } => "delete",
    };
    writes.iter().map(kind).collect()
}

#[test]
fn shards_come_first_and_the_index_last() {
    let mut cluster = Cluster::empty();
    let goal = large("y");
    assert!(goal.shards.len() > 2);
    let writes = cluster.settle(&goal);
    assert_eq!(kinds(&writes).iter().filter(|k| **k == "shard").count(), goal.shards.len());
    assert_eq!(kinds(&writes).last(), Some(&"index"));
    assert_eq!(Goal::of(&cluster.read()).shards, goal.shards);
}

#[test]
fn nothing_is_planned_before_everything_was_seen() {
    let mut cluster = Cluster { now: START, ..Cluster::default() };
    assert_eq!(cluster.plan(&goal("a")), Err(Blocked::Unknown));
    cluster.relist();
    assert_eq!(cluster.plan(&goal("a")), Err(Blocked::Unknown));
    cluster.held = Holdings::default();
    cluster.show_index();
    assert_eq!(cluster.plan(&goal("a")), Err(Blocked::Unknown));
    cluster.relist();
    assert!(cluster.plan(&goal("a")).is_ok());
}

#[test]
fn a_shard_that_no_index_has_listed_is_used_again_or_left_alone_and_counted() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let killed = cluster.plan(&goal("b")).unwrap().writes.remove(0);
    cluster.write(killed);
    let orphans = |cluster: &Cluster| cluster.held.orphans().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(orphans(&cluster), [""; 0], "it is about to be listed");
    cluster.restart();
    assert_eq!(orphans(&cluster), [first_name(&goal("b"))]);

    cluster.settle(&goal("c"));
    cluster.now += 24 * 3_600_000;
    assert!(cluster.settle(&goal("c")).iter().all(|w| matches!(w, Write::Delete { .. })));
    assert_eq!(orphans(&cluster), [first_name(&goal("b"))], "a label alone makes nothing ours");
    assert_eq!(kinds(&cluster.settle(&goal("b"))), ["index"]);
    assert_eq!(orphans(&cluster), [""; 0]);
}

#[test]
fn a_shard_that_was_made_while_a_list_was_on_its_way_is_not_missed() {
    let mut cluster = Cluster::empty();
    cluster.held.begin();
    cluster.settle(&goal("a"));
    cluster.held.end();
    assert_eq!(cluster.plan(&goal("a")).unwrap().writes, []);
}

#[test]
fn a_bundle_that_is_there_is_written_by_nobody_also_after_a_restart() {
    let mut cluster = Cluster::empty();
    cluster.settle(&large("y"));
    assert_eq!(cluster.plan(&large("y")).unwrap().writes, []);
    cluster.restart();
    cluster.now += 24 * 3_600_000;
    assert_eq!(cluster.plan(&large("y")).unwrap().writes, []);
}

#[test]
fn an_empty_bundle_is_an_index_without_shards() {
    let mut cluster = Cluster::empty();
    assert_eq!(kinds(&cluster.settle(&Goal::of(&Bundle::new()))), ["index"]);
    assert!(cluster.read().is_empty());
}

#[test]
fn a_small_change_writes_one_shard() {
    let mut cluster = Cluster::empty();
    cluster.settle(&large("y"));
    assert_eq!(kinds(&cluster.settle(&large("z"))), ["shard", "index"]);
}

#[test]
fn the_generation_only_grows_even_where_the_clock_goes_back() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let first = cluster.written().generation;
    assert_eq!(first, u64::try_from(START).unwrap());
    cluster.now -= 3_600_000;
    cluster.settle(&goal("b"));
    assert_eq!(cluster.written().generation, first + 1);
}

#[test]
fn an_old_shard_stays_its_time_and_goes_then() {
    let mut cluster = Cluster::empty();
    let old = first_name(&goal("a"));
    cluster.settle(&goal("a"));
    cluster.now += 1_000;
    cluster.settle(&goal("b"));
    assert_eq!(cluster.plan(&goal("b")).unwrap(), Plan { writes: vec![], wake: Some(cluster.now + KEEP) });
    cluster.now += KEEP - 1;
    assert_eq!(cluster.plan(&goal("b")).unwrap().writes, []);
    cluster.now += 1;
    assert_eq!(kinds(&cluster.settle(&goal("b"))), ["delete"]);
    assert!(!cluster.maps.contains_key(old.as_str()));
    assert_eq!(cluster.plan(&goal("b")).unwrap(), Plan::default(), "and nothing is ever to do again");
}

#[test]
fn a_restart_neither_forgets_a_retired_shard_nor_prolongs_its_time() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    cluster.settle(&goal("b"));
    let retired = cluster.now;
    cluster.now += KEEP / 2;
    cluster.restart();
    assert_eq!(cluster.plan(&goal("b")).unwrap().wake, Some(retired + KEEP));
    cluster.settle(&goal("c"));
    cluster.now = retired + KEEP;
    assert_eq!(kinds(&cluster.settle(&goal("c"))), ["delete"]);
    assert!(cluster.maps.contains_key(first_name(&goal("b")).as_str()), "the younger one stays");
}

#[test]
fn a_shard_that_is_needed_again_is_not_deleted() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    cluster.settle(&goal("b"));
    assert_eq!(kinds(&cluster.settle(&goal("a"))), ["index"], "it is there");
    cluster.now += 2 * KEEP;
    cluster.settle(&goal("a"));
    cluster.read();
}

#[test]
fn edits_without_end_keep_a_bounded_number_of_old_shards() {
    let mut cluster = Cluster::empty();
    for edit in 0..(MOST_RETIRED + 50) {
        cluster.now += 1;
        cluster.settle(&goal(&edit.to_string()));
    }
    let last = goal(&(MOST_RETIRED + 49).to_string());
    cluster.settle(&last);
    assert!(cluster.maps.len() <= MOST_RETIRED + 2, "{}", cluster.maps.len());
    assert!(cluster.maps.contains_key(first_name(&goal(&(MOST_RETIRED + 48).to_string())).as_str()));
    cluster.read();
}

#[test]
fn a_shard_that_was_written_before_a_crash_is_used() {
    let mut cluster = Cluster::empty();
    let plan = cluster.plan(&goal("a")).unwrap();
    cluster.write(plan.writes.into_iter().next().unwrap());
    cluster.restart();
    assert_eq!(kinds(&cluster.settle(&goal("a"))), ["index"]);
}

#[test]
fn a_shard_that_no_index_came_to_list_is_retired_by_the_next_one() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let plan = cluster.plan(&goal("b")).unwrap();
    cluster.write(plan.writes.into_iter().next().unwrap());
    cluster.settle(&goal("c"));
    let retired: Vec<_> = cluster.written().retired.iter().map(|r| r.name.to_string()).collect();
    assert!(retired.contains(&first_name(&goal("b"))), "{retired:?}");
}

#[test]
fn a_shard_whose_answer_was_lost_before_another_bundle_was_wanted_is_retired_by_the_next_index() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let Write::Shard { name, text } = cluster.plan(&goal("b")).unwrap().writes.remove(0) else { panic!() };
    cluster.held.asked_for(name.clone());
    let map = cluster.put(&name, &text, true);
    cluster.held.apply(name.clone(), map);
    cluster.settle(&goal("c"));
    assert!(cluster.written().retired.iter().any(|retired| retired.name == name));
}

#[test]
fn what_was_retired_by_a_clock_that_was_ahead_goes_in_its_time_once_there_is_another_index() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    cluster.now += 1_000 * KEEP;
    cluster.settle(&goal("b"));
    cluster.now = START;
    cluster.settle(&goal("c"));
    cluster.now += KEEP;
    cluster.settle(&goal("c"));
    assert_eq!(cluster.maps.len(), 1);
}

#[test]
fn an_event_that_comes_late_does_not_turn_back_what_was_written() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let (old, bytes) = cluster.index.clone().unwrap();
    cluster.settle(&goal("b"));
    cluster.held.see_index(HeldIndex::Ours(old, Index::decode(&bytes, usize::MAX).ok()));
    assert_eq!(cluster.plan(&goal("b")).unwrap().writes, []);
}

#[test]
fn a_gateway_takes_each_index_after_the_one_before() {
    let mut cluster = Cluster::empty();
    let mut serving = None;
    for text in ["a", "b", "a", "c"] {
        cluster.settle(&goal(text));
        let index = cluster.written();
        assert_eq!(index.supersedes(serving), Ok(()));
        serving = Some(index.generation);
        assert!(matches!(index.supersedes(serving), Err(IndexError::Old { .. })));
    }
}
