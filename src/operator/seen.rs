//! What the operator is told, one message each, and what of an object a message carries. Decides what
//! counts as an index, a shard and a signing key by looking at one object alone.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::ResourceExt as _;

use super::holdings::{HeldIndex, HeldMap, Version};
use super::keybook::Want;
use super::objects::Schema;
use super::references::Content;
use super::shown::Shown;
use super::world::SigningKey;
use super::{signing, trusted};
use crate::api::Kind;
use crate::bundle::names::{INDEX_KEY, INDEX_TYPE, SHARD_KEY, SIGNING_KEY};
use crate::bundle::{Digest, Index};
use crate::compile::ObjectRef;
use crate::fetch::{Found, Missed};
use crate::model::KeyRef;

/// One thing that was seen. Has no `Debug`: what should be certificates may hold somebody's private key.
pub enum Seen {
    /// A kind's definition.
    Definition(Kind, Schema),
    /// A list of a kind begins.
    Begin(Kind),
    /// An object of the list.
    Item(Box<Shown>),
    /// The list has ended, and the definition was read again.
    End(Kind, Schema),
    /// An object was made or changed.
    Changed(Box<Shown>),
    /// An object is gone.
    Gone(ObjectRef),
    /// A list of shards begins.
    MapsBegin,
    /// A shard of the list.
    MapsItem(Box<str>, HeldMap),
    /// The list of shards has ended.
    MapsEnd,
    /// A shard was made or changed.
    Map(Box<str>, HeldMap),
    /// A shard is gone.
    MapGone(Box<str>),
    /// The index Secret, and the field manager that has changed it last, where that is not us.
    Index(HeldIndex, Option<Box<str>>),
    /// Our signing key.
    SigningKey(SigningKey),
    /// The installation's bundle of certificates.
    CaBundle(Option<Vec<u8>>),
    /// Something that a JwtIssuer refers to.
    Reference(KeyRef, Content),
    /// An issuer was asked for its keys.
    Keys(Box<str>, Want, Result<Found, Missed>),
    /// Whether we lead has changed.
    Leading,
}

/// Which version of an object this is.
pub fn version(object: &impl kube::Resource<DynamicType = ()>) -> Version {
    let meta = object.meta();
    Version {
        uid: meta.uid.clone().unwrap_or_default(),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
    }
}

/// The index Secret; ours is told by its type, which nobody can change. `limit`: bytes of the bundle.
pub fn index(secret: Option<&Secret>, limit: usize) -> HeldIndex {
    let Some(secret) = secret else { return HeldIndex::Absent };
    if secret.type_.as_deref() != Some(INDEX_TYPE) {
        return HeldIndex::Taken;
    }
    let bytes = secret.data.as_ref().and_then(|data| data.get(INDEX_KEY));
    HeldIndex::Ours(version(secret), bytes.and_then(|bytes| Index::decode(&bytes.0, limit).ok()))
}

/// A ConfigMap with our labels.
pub fn map(map: &ConfigMap) -> (Box<str>, HeldMap) {
    let texts = map.data.iter().flatten().map(|(key, text)| (key.as_str(), text));
    let only = match texts.collect::<Vec<_>>().as_slice() {
        [(SHARD_KEY, text)] if map.binary_data.as_ref().is_none_or(BTreeMap::is_empty) => Some(*text),
        _ => None,
    };
    let held = HeldMap {
        version: version(map),
        sha256: only.map(|text| Digest::of(text.as_bytes())),
        immutable: map.immutable == Some(true),
    };
    (map.name_any().into(), held)
}

/// Our own signing key; of its bytes nothing is kept.
pub fn signing_key(secret: Option<&Secret>) -> SigningKey {
    let Some(secret) = secret else { return SigningKey::Absent };
    let bytes = secret.data.as_ref().and_then(|data| data.get(SIGNING_KEY));
    match bytes.ok_or(signing::SigningError::Missing).and_then(|bytes| signing::kid(&bytes.0)) {
        Ok(kid) => SigningKey::Usable {
            kid: kid.into(),
            since: secret.creation_timestamp().map_or(0, |time| time.0.as_millisecond()),
        },
        Err(why) => SigningKey::Broken(why),
    }
}

/// The installation's bundle of certificates. A Secret without it is a broken bundle, not none.
pub fn ca_bundle(secret: Option<Secret>) -> Option<Vec<u8>> {
    secret.map(|secret| secret_data(secret).remove(trusted::KEY).unwrap_or_default())
}

/// What a reference to this key leads to; `data` is that of the object, where it is there.
pub fn content(data: Option<BTreeMap<String, Vec<u8>>>, key: &str) -> Content {
    match data {
        None => Content::NoObject,
        Some(mut data) => data.remove(key).map_or(Content::NoKey, Content::Bytes),
    }
}

/// The data of a Secret, as bytes.
pub fn secret_data(secret: Secret) -> BTreeMap<String, Vec<u8>> {
    secret.data.into_iter().flatten().map(|(key, bytes)| (key, bytes.0)).collect()
}

/// The data of a ConfigMap, as bytes.
pub fn map_data(map: ConfigMap) -> BTreeMap<String, Vec<u8>> {
    let texts = map.data.into_iter().flatten().map(|(key, text)| (key, text.into_bytes()));
    texts.chain(map.binary_data.into_iter().flatten().map(|(key, bytes)| (key, bytes.0))).collect()
}
