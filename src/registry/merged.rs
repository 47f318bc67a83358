//! The one file that all logins of a namespace become: sorted, the same bytes for the same logins, and no larger than a
//! Secret may be.

use std::collections::BTreeMap;

use serde::Serialize;
use zeroize::Zeroizing;

use super::entry::Entry;
use super::file::{File, Object};
use super::login::Login;
use crate::model::Registry;

/// Bytes of all values of a Secret
/// (<https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size>).
pub const MAX_SECRET_BYTES: usize = 1024 * 1024;
/// The file around its entries, each of which counts with a comma: one too many.
const FRAME: usize = "{\"auths\":{}}".len() - 1;

/// The file, and what had no room in it. Has no `Debug`: it is a secret.
pub struct Merged {
    /// The value of `.dockerconfigjson`.
    pub file: Zeroizing<Vec<u8>>,
    /// Registries whose login had no room, in the order in which they were given.
    pub left_out: Vec<Registry>,
}

#[derive(Serialize)]
struct Written<'l> {
    auths: BTreeMap<&'l str, Entry>,
}

/// The file of these logins, of which the first ones have the room and, for one registry, the word.
pub fn merge<'l>(logins: impl IntoIterator<Item = (&'l Registry, &'l Login)>) -> Merged {
    let (mut auths, mut left_out, mut bytes) = (BTreeMap::new(), Vec::new(), FRAME);
    for (registry, login) in logins {
        let entry = Entry::of(login);
        let room = registry.as_str().len() + entry.room();
        let more = written(&BTreeMap::from([(registry.as_str(), &entry)]), room).len();
        if auths.contains_key(registry.as_str()) {
            continue;
        }
        // An entry in braces is as long as one with its comma, and one byte more.
        if bytes + more - 1 > MAX_SECRET_BYTES {
            left_out.push(registry.clone());
            continue;
        }
        bytes += more - 1;
        auths.insert(registry.as_str(), entry);
    }
    Merged { file: written(&Written { auths }, bytes), left_out }
}

/// The logins of a file that [`merge`] made; of one that somebody else made, those that can be read.
pub fn read(file: &[u8]) -> BTreeMap<Registry, Login> {
    let Ok(Object(file)) = serde_json::from_slice::<Object<File>>(file) else { return BTreeMap::new() };
    let login =
        |(key, entry): (&String, &Object<Entry>)| Some((Registry::parse(key).ok()?, entry.0.login().ok()?));
    file.auths.0.iter().filter_map(login).collect()
}

/// As JSON, which texts in maps of texts always are. Room is made beforehand: what grows leaves copies behind.
fn written(value: &impl Serialize, room: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let _ = serde_json::to_writer(&mut *bytes, value);
    bytes
}

#[cfg(test)]
mod tests;
