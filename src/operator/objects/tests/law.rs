//! Whatever happens to a definition, in whatever order it is seen: nothing that is narrow becomes wide.

use proptest::prelude::*;

use super::*;

/// What happens in a cluster in which two charts fight over the definition.
#[derive(Debug, Clone)]
enum Happening {
    /// The definition is replaced; `seen` tells whether the operator hears of it.
    Define { whole: bool, seen: bool },
    /// The object is shown by a watch, as the definition leaves it or as an earlier one did.
    Show { late: bool },
    /// The Role's scope is edited.
    Edit,
    /// The kind is listed.
    List,
    /// The operator is restarted.
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (any::<bool>(), any::<bool>()).prop_map(|(whole, seen)| Happening::Define { whole, seen }),
        any::<bool>().prop_map(|late| Happening::Show { late }),
        Just(Happening::Edit),
        Just(Happening::List),
        Just(Happening::Restart),
    ]
}

/// A cluster with one Role, whose stored form always has a scope.
struct Cluster {
    version: u32,
    whole: bool,
    generation: i64,
}

impl Cluster {
    fn schema(&self) -> Schema {
        if self.whole { whole(self.version) } else { lacking(self.version) }
    }

    fn show(&self, whole: bool) -> Shown {
        let scope = format!("ns{}:*", self.generation);
        role("u1", self.generation, whole.then_some(scope.as_str()))
    }
}

proptest! {
    #[test]
    fn whoever_overwrites_the_definition_and_whenever_nothing_narrow_becomes_wide(
        happenings in proptest::collection::vec(happening(), 1..40)
    ) {
        let mut cluster = Cluster { version: 1, whole: true, generation: 1 };
        let mut objects = with(vec![cluster.show(true)]);
        for happening in &happenings {
            match happening {
                Happening::Define { whole, seen } => {
                    cluster = Cluster { version: cluster.version + 1, whole: *whole, ..cluster };
                    if *seen {
                        objects.define(Kind::Role, cluster.schema());
                    }
                }
                // A watch may go on under the definition before; what it shows of an edit it shows once.
                Happening::Show { late } => {
                    objects.define(Kind::Role, cluster.schema());
                    let known = objects.catalogue().objects.get(&key("r"));
                    let old = known.is_some_and(|k| k.origin.generation == cluster.generation);
                    objects.apply(cluster.show(cluster.whole && !(*late && old)));
                }
                Happening::Edit => cluster.generation += 1,
                Happening::List => {
                    list(&mut objects, cluster.schema(), vec![cluster.show(cluster.whole)], cluster.schema());
                }
                Happening::Restart => {
                    let left = bundle(&objects);
                    objects = Objects::default();
                    objects.remember(&left);
                    list(&mut objects, cluster.schema(), vec![cluster.show(cluster.whole)], cluster.schema());
                }
            }
            let serving = serves(&objects);
            prop_assert_ne!(serving.as_deref(), Some("everywhere"), "{:?}", happenings);
        }
    }
}
