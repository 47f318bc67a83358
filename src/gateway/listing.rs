//! Lists of the upstream, cut down to what the caller may see; what cannot be read is refused whole.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::Denial;
use crate::engine::{Engine, Principal};
use crate::model::{Action, FunctionName, Namespace, Request, Resource};
use crate::route::Listing;

/// Bytes of a list that is read.
pub const MAX_LIST_BYTES: usize = 32 << 20;

/// What is looked at of a function or Secret.
#[derive(Deserialize)]
struct Item {
    name: String,
    #[serde(default)]
    namespace: String,
}

/// A Secret as it is listed.
#[derive(Serialize)]
struct SecretItem {
    name: String,
    namespace: String,
}

/// The list for this caller. Functions stay as they came; of Secrets nothing is left but their names
/// (`security-rules.md` 11a). `place` is the namespace that was asked for.
///
/// # Errors
/// [`Denial`] with 502 where the upstream's list cannot be read.
pub fn cut_down(
    listing: Listing,
    list: &[u8],
    engine: &Engine,
    principal: &Principal,
    place: Option<&Namespace>,
) -> Result<Vec<u8>, Denial> {
    let written = match listing {
        Listing::Functions => functions(list, engine, principal, place),
        Listing::Namespaces => namespaces(list, engine, principal),
        Listing::Secrets => secrets(list, place),
    };
    written.map_err(|error| {
        let text = "the upstream's list cannot be read";
        Denial::new(StatusCode::BAD_GATEWAY, "upstream_list", text).because(error.to_string())
    })
}

fn functions(
    list: &[u8],
    engine: &Engine,
    principal: &Principal,
    place: Option<&Namespace>,
) -> serde_json::Result<Vec<u8>> {
    let items: Option<Vec<&RawValue>> = serde_json::from_slice(list)?;
    let mut seen = Vec::new();
    for raw in items.unwrap_or_default() {
        let item: Item = serde_json::from_str(raw.get())?;
        // What the upstream lists of another namespace than was asked for is nobody's business here.
        let resource = resource(&item, place);
        let may = |resource| {
            Request::new(Action::FunctionList, resource).is_ok_and(|r| engine.decide(principal, &r))
        };
        if resource.is_some_and(may) {
            seen.push(raw);
        }
    }
    serde_json::to_vec(&seen)
}

fn resource(item: &Item, place: Option<&Namespace>) -> Option<Resource> {
    let namespace = match item.namespace.as_str() {
        "" => place.cloned()?,
        name => Namespace::new(name).ok().filter(|ns| place.is_none_or(|place| place == ns))?,
    };
    Some(Resource::Function(namespace, FunctionName::new(&item.name).ok()?))
}

fn namespaces(list: &[u8], engine: &Engine, principal: &Principal) -> serde_json::Result<Vec<u8>> {
    let names: Option<Vec<String>> = serde_json::from_slice(list)?;
    let may = |name: &String| {
        let resource = Namespace::new(name).ok().map(Resource::Namespace);
        let request = resource.and_then(|resource| Request::new(Action::NamespaceList, resource).ok());
        request.is_some_and(|request| engine.decide(principal, &request))
    };
    let seen: Vec<_> = names.unwrap_or_default().into_iter().filter(may).collect();
    serde_json::to_vec(&seen)
}

fn secrets(list: &[u8], place: Option<&Namespace>) -> serde_json::Result<Vec<u8>> {
    let names = names(list, place)?
        .map(|name| SecretItem { name, namespace: place.map(ToString::to_string).unwrap_or_default() });
    serde_json::to_vec(&names.collect::<Vec<_>>())
}

/// Whether a list of Secrets has this name.
///
/// # Errors
/// Where it is none.
pub fn lists(list: &[u8], name: &str, place: Option<&Namespace>) -> serde_json::Result<bool> {
    Ok(names(list, place)?.any(|listed| listed == name))
}

fn names(list: &[u8], place: Option<&Namespace>) -> serde_json::Result<impl Iterator<Item = String>> {
    let items: Option<Vec<Item>> = serde_json::from_slice(list)?;
    let inside =
        move |item: &Item| item.namespace.is_empty() || place.is_some_and(|p| p.as_str() == item.namespace);
    Ok(items.unwrap_or_default().into_iter().filter(inside).map(|item| item.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s11a_of_secrets_the_names_are_told_and_of_another_namespace_nothing() {
        let list = br#"[{"name": "a", "namespace": "dev", "value": "hunter2"},
            {"name": "b", "namespace": "prod"}, {"name": "c", "labels": {"d": "e"}}]"#;
        let dev = Namespace::new("dev").unwrap();
        let (engine, nobody) = (Engine::default(), Principal::anonymous());
        let cut = cut_down(Listing::Secrets, list, &engine, &nobody, Some(&dev)).unwrap();
        let want = r#"[{"name":"a","namespace":"dev"},{"name":"c","namespace":"dev"}]"#;
        assert_eq!(String::from_utf8(cut).unwrap(), want);
    }
}
