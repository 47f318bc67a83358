//! Docker's file, as strictly as a login deserves: nothing twice, and no list where an object belongs. Keys of other
//! letters than these are not read, which Go would.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::entry::Entry;

/// The key of Docker's file in a Secret of the type `kubernetes.io/dockerconfigjson`.
pub const DOCKER_CONFIG_JSON: &str = ".dockerconfigjson";
/// Docker's file, as far as the kubelet reads it.
#[derive(serde::Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub auths: Auths,
    #[serde(default, rename = "credsStore")]
    pub creds_store: Option<IgnoredAny>,
    #[serde(default, rename = "credHelpers")]
    pub cred_helpers: Option<IgnoredAny>,
}

/// The entries, none of them twice.
#[derive(Default)]
pub(super) struct Auths(pub BTreeMap<String, Object<Entry>>);

impl<'de> Deserialize<'de> for Auths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Auths;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the entries by registry")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Auths, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, entry)) = map.next_entry()? {
                    if entries.insert(key, entry).is_some() {
                        return Err(A::Error::custom("a registry is there twice"));
                    }
                }
                Ok(Auths(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// What is an object in JSON and not, as serde would take it as well, a list of its values.
pub(super) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}
