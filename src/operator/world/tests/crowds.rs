//! Many objects at once, and one that changes without end: nobody else waits for their statuses, and they are written no
//! more often than once in a while.

use super::*;
use crate::operator::world::Due;

fn named(name: &str, generation: i64) -> Shown {
    shown(Kind::Policy, name, generation, json!({ "statement": [] }))
}

/// Many Policies whose names come first, and one whose name comes last.
fn crowd() -> Vec<Shown> {
    (0..250).map(|number| named(&format!("a{number:03}"), 1)).chain([named("z", 1)]).collect()
}

fn due(world: &mut World, now: i64) -> Due {
    world.due(Timestamp::from_millisecond(now).unwrap())
}

/// Writes what is due; gives the names, and when to look again.
fn written(world: &mut World, now: i64) -> (Vec<String>, Option<i64>) {
    let Due { writes, wake } = due(world, now);
    let names = writes.iter().map(|write| write.key.name.to_string()).collect();
    for write in writes {
        let status = write.status.clone();
        world.reported(write, "2".into(), status, now);
    }
    (names, wake)
}

#[test]
fn s27_statuses_of_a_crowd_are_written_a_few_a_turn_and_each_once() {
    let mut world = world(crowd());
    world.pass(NOW);
    let turns: Vec<_> = (0..4).map(|_| written(&mut world, NOW)).collect();
    let sizes: Vec<_> = turns.iter().map(|(names, wake)| (names.len(), *wake)).collect();
    assert_eq!(sizes, [(100, Some(NOW)), (100, Some(NOW)), (51, None), (0, None)]);
    let names: BTreeSet<_> = turns.into_iter().flat_map(|(names, _)| names).collect();
    assert_eq!(names.len(), 251);
}

#[test]
fn s27_nobodys_status_waits_for_those_that_are_always_the_first() {
    let mut world = world(crowd());
    world.pass(NOW);
    let mut told = Vec::new();
    for generation in 2..6 {
        told.extend(written(&mut world, NOW).0);
        for number in 0..250 {
            world.objects.apply(named(&format!("a{number:03}"), generation));
        }
        world.pass(NOW);
    }
    assert!(told.contains(&"z".to_owned()), "not in {} statuses", told.len());
}

#[test]
fn s27_what_somebody_changes_without_end_is_written_once_in_a_while_and_says_how_it_stands_then() {
    let mut world = world(vec![named("a", 1)]);
    let (mut writes, mut wakes) = (0, Vec::new());
    for generation in 2..100 {
        world.objects.apply(named("a", generation));
        world.pass(NOW);
        let (names, wake) = written(&mut world, NOW);
        writes += names.len();
        wakes.extend(wake);
    }
    wakes.dedup();
    assert_eq!((writes, wakes.as_slice()), (30, &[NOW + 10_000][..]));
    let last = due(&mut world, NOW + 10_000).writes;
    assert_eq!(last.iter().map(|write| write.status["observedGeneration"].clone()).collect::<Vec<_>>(), [99]);
}
