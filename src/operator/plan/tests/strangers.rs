//! Somebody else meddles: takes names, deletes and alters what is ours. It is mended, and nothing of theirs is touched.

use super::*;

#[test]
fn a_stranger_who_holds_the_next_shards_name_holds_nothing_back() {
    for seen in [true, false] {
        let mut cluster = Cluster::empty();
        cluster.settle(&goal("wide"));
        let name = first_name(&goal("narrow"));
        let foreign = cluster.put(&name, "theirs", false);
        if seen {
            cluster.held.apply(name.as_str().into(), foreign.clone());
        }
        cluster.settle(&goal("narrow"));
        assert_eq!(cluster.read(), bundle_of("narrow"));
        let listed = cluster.written().shards[0].name.to_string();
        assert!(listed.starts_with(&format!("{name}-")), "{listed}");
        assert_eq!(cluster.maps[name.as_str()].0, foreign, "theirs is left alone");
        assert_eq!(cluster.plan(&goal("narrow")).unwrap().writes, []);
        cluster.restart();
        assert_eq!(cluster.plan(&goal("narrow")).unwrap().writes, [], "also after a restart");
        cluster.now += 2 * KEEP;
        cluster.settle(&goal("other"));
        cluster.now += 2 * KEEP;
        cluster.settle(&goal("other"));
        assert_eq!(cluster.maps[name.as_str()].0, foreign, "and is never swept");
        assert!(!cluster.maps.contains_key(listed.as_str()), "ours is");
    }
}

fn bundle_of(text: &str) -> Bundle {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal(text));
    cluster.read()
}

#[test]
fn a_stranger_who_holds_a_listed_name_after_a_deletion_is_walked_around() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let name = first_name(&goal("a"));
    let foreign = cluster.put(&name, "{}", true);
    cluster.held.apply(name.as_str().into(), foreign);
    assert_eq!(kinds(&cluster.settle(&goal("a"))), ["shard", "index"]);
    assert_eq!(cluster.read(), bundle_of("a"));
}

#[test]
fn a_mutable_map_with_the_right_bytes_is_no_shard() {
    let mut cluster = Cluster::empty();
    let (name, text) = (first_name(&goal("a")), goal("a").shards[0].text.clone());
    let mutable = cluster.put(&name, &text, false);
    cluster.held.apply(name.as_str().into(), mutable);
    cluster.settle(&goal("a"));
    assert_ne!(&*cluster.written().shards[0].name, name);
}

#[test]
fn what_no_index_listed_is_never_deleted_whatever_its_labels_say() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let name = first_name(&goal("orphan"));
    let orphan = cluster.put(&name, &goal("orphan").shards[0].text.clone(), true);
    cluster.held.apply(name.as_str().into(), orphan);
    for text in ["b", "c"] {
        cluster.settle(&goal(text));
        cluster.now += 2 * KEEP;
        cluster.settle(&goal(text));
    }
    assert!(cluster.maps.contains_key(name.as_str()));
}

#[test]
fn what_an_index_lists_as_retired_and_is_no_shard_is_never_deleted() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let victim = cluster.put("somebodys-settings", "x", true);
    cluster.held.apply("somebodys-settings".into(), victim);
    let mut index = cluster.written();
    index.retired.push(Retired { name: "somebodys-settings".into(), since: 0 });
    let version = cluster.next();
    cluster.index = Some((version, index.encode()));
    cluster.show_index();
    cluster.settle(&goal("b"));
    cluster.now += 2 * KEEP;
    cluster.settle(&goal("b"));
    assert!(cluster.maps.contains_key("somebodys-settings"));
}

#[test]
fn a_shard_that_somebody_deleted_is_made_again_and_the_index_stays() {
    let mut cluster = Cluster::empty();
    cluster.settle(&large("y"));
    let name = cluster.written().shards[1].name.clone();
    cluster.maps.remove(&name);
    cluster.held.delete(&name);
    assert_eq!(kinds(&cluster.settle(&large("y"))), ["shard"]);
    cluster.read();
}

#[test]
fn an_index_that_somebody_deleted_comes_back_with_a_higher_generation() {
    let mut cluster = Cluster::empty();
    cluster.settle(&goal("a"));
    let before = cluster.written().generation;
    cluster.index = None;
    cluster.show_index();
    assert_eq!(kinds(&cluster.settle(&goal("a"))), ["index"]);
    assert!(cluster.written().generation > before);
}

#[test]
fn an_index_that_somebody_altered_is_written_again_with_a_higher_generation() {
    type Alter = fn(&mut Index);
    let alter: [(&str, Alter); 6] = [
        ("records", |index| index.records += 1),
        ("digest", |index| index.digest = Digest::of(b"x")),
        ("shards", |index| index.shards.clear()),
        ("name", |index| index.shards[0].name = "evil".into()),
        ("sha256", |index| index.shards[0].sha256 = Digest::of(b"x")),
        ("generation", |index| index.generation -= 1),
    ];
    for (what, alter) in alter {
        let mut cluster = Cluster::empty();
        cluster.settle(&goal("a"));
        let mut index = cluster.written();
        let before = index.generation;
        alter(&mut index);
        index.size = index.shards.iter().map(|s| s.size).sum();
        let version = Version { uid: "index".into(), resource_version: cluster.next().resource_version };
        cluster.index = Some((version, index.encode()));
        cluster.show_index();
        cluster.settle(&goal("a"));
        assert!(cluster.written().generation > before, "{what}");
        assert_eq!(cluster.written().supersedes(Some(before)), Ok(()), "{what}");
        assert_eq!(cluster.read(), bundle_of("a"), "{what}");
    }
}

#[test]
fn an_index_that_cannot_be_read_is_replaced_and_its_shards_are_remembered() {
    for rubbish in ["", "{}", "{\"format\":99}", "not json"] {
        let mut cluster = Cluster::empty();
        cluster.settle(&goal("a"));
        let before = cluster.written().generation;
        let version = Version { uid: "index".into(), resource_version: cluster.next().resource_version };
        cluster.index = Some((version, rubbish.into()));
        cluster.show_index();
        cluster.settle(&goal("b"));
        assert!(cluster.written().generation > before, "{rubbish}");
        let retired = &cluster.written().retired;
        assert_eq!(retired.iter().map(|r| &*r.name).collect::<Vec<_>>(), [first_name(&goal("a"))]);
    }
}

#[test]
fn somebody_elses_secret_under_the_indexs_name_stops_writing_until_it_is_gone() {
    let mut cluster = Cluster::empty();
    cluster.held.see_index(HeldIndex::Taken);
    assert_eq!(cluster.plan(&goal("a")), Err(Blocked::IndexTaken));
    cluster.held.see_index(HeldIndex::Absent);
    assert_eq!(kinds(&cluster.settle(&goal("a"))), ["shard", "index"]);
}
