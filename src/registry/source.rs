//! The Secret that a login comes from, in the three types in which people keep one: read as the kubelet would read
//! it, or refused with what to do about it. No text of an error holds a value.

use super::file::{DOCKER_CONFIG_JSON, File, Object};
use super::login::{Login, LoginError};
use crate::model::Registry;

/// Why a Secret gives no login for a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A type of Secret in which nobody keeps one.
    #[error(
        "its type is `{0}`; one of `kubernetes.io/basic-auth`, `Opaque` (keys `username`, `password`) and `kubernetes.io/dockerconfigjson` is read"
    )]
    Type(String),
    /// A key that is not there.
    #[error("it has no key `{0}`")]
    Missing(&'static str),
    /// A value that is no UTF-8.
    #[error("its `{0}` is no text (UTF-8)")]
    NotText(&'static str),
    /// `spec.username` and the Secret's say different things.
    #[error("its `username` is another than `spec.username`; leave one of them")]
    OtherUsername,
    /// Docker's file does not parse.
    #[error("its `.dockerconfigjson` is not what Docker writes: {0}")]
    File(String),
    /// The password is kept by a helper on somebody's machine.
    #[error(
        "its `.dockerconfigjson` has no password for `{0}` but a `credsStore` or `credHelpers`: the password is in a helper of the machine where it was made"
    )]
    Helper(Registry),
    /// Docker's file has no entry for the registry.
    #[error("its `.dockerconfigjson` has no entry for `{registry}`; it has {found}", found = listed(.found))]
    NoEntry {
        /// What was looked for.
        registry: Registry,
        /// The keys that are there, ten at most, and how many more.
        found: (Vec<Registry>, usize),
    },
    /// Two spellings of the registry with different logins.
    #[error("its `.dockerconfigjson` has two entries for `{0}` that say different things; leave one of them")]
    Twice(Registry),
    /// There is something that is no login.
    #[error("{0}")]
    Login(#[from] LoginError),
}

/// What a Secret holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The login.
    pub login: Login,
    /// Whether a line feed at the end of a value was cut, which hardly ever belongs to it.
    pub line_feed_cut: bool,
}

/// The login for a registry in a Secret of this type, whose values `value` gives; `username` is what the object itself
/// says.
///
/// # Errors
/// [`SourceError`].
pub fn find<'s>(
    kind: &str,
    value: impl Fn(&str) -> Option<&'s [u8]>,
    registry: &Registry,
    username: Option<&str>,
) -> Result<Found, SourceError> {
    let text = |key: &'static str| {
        let bytes = value(key).ok_or(SourceError::Missing(key))?;
        std::str::from_utf8(bytes).map_err(|_| SourceError::NotText(key))
    };
    match kind {
        "kubernetes.io/basic-auth" | "Opaque" | "" => {
            let kept = value("username").map(|_| text("username")).transpose()?.map(cut);
            let username = one_of(username, kept.map(|(name, _)| name))?;
            let (password, password_cut) = cut(text("password")?);
            let line_feed_cut = password_cut || kept.is_some_and(|(_, cut)| cut);
            Ok(Found { login: Login::new(username, password)?, line_feed_cut })
        }
        "kubernetes.io/dockerconfigjson" => {
            let login = in_file(text(DOCKER_CONFIG_JSON)?, registry)?;
            one_of(username, Some(login.username()))?;
            Ok(Found { login, line_feed_cut: false })
        }
        other => Err(SourceError::Type(other.chars().take(64).collect())),
    }
}

/// Without the one line feed that editors and `echo` leave at the end.
fn cut(text: &str) -> (&str, bool) {
    match text.strip_suffix('\n') {
        Some(line) => (line.strip_suffix('\r').unwrap_or(line), true),
        None => (text, false),
    }
}

fn one_of<'a>(told: Option<&'a str>, kept: Option<&'a str>) -> Result<&'a str, SourceError> {
    match (told, kept) {
        (Some(told), Some(kept)) if told != kept => Err(SourceError::OtherUsername),
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => Err(SourceError::Login(LoginError::NoUsername)),
    }
}

fn in_file(text: &str, registry: &Registry) -> Result<Login, SourceError> {
    let Object(file): Object<File> = serde_json::from_str(text).map_err(place)?;
    let mut logins = Vec::new();
    for (_, entry) in file.auths.0.iter().filter(|(key, _)| Registry::parse(key).as_ref() == Ok(registry)) {
        logins.push(entry.0.login());
    }
    let helped = file.creds_store.is_some() || file.cred_helpers.is_some();
    match logins.as_slice() {
        // What `docker login` leaves beside a helper is an entry without anything in it.
        [] | [Err(LoginError::NoUsername)] if helped => Err(SourceError::Helper(registry.clone())),
        [] => Err(SourceError::NoEntry { registry: registry.clone(), found: keys(&file) }),
        [first, others @ ..] if others.iter().all(|other| other == first) => Ok(first.clone()?),
        _ => Err(SourceError::Twice(registry.clone())),
    }
}

/// Where Docker's file does not parse; what stands there is not repeated.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn place(error: serde_json::Error) -> SourceError {
    let (line, column) = (error.line(), error.column());
    let what = match error.classify() {
        serde_json::error::Category::Data => "something is of another type, or there twice",
        _ => "it is no JSON",
    };
    SourceError::File(format!("{what}, at line {line}, column {column}"))
}

fn keys(file: &File) -> (Vec<Registry>, usize) {
    const SHOWN: usize = 10;
    let mut all: Vec<_> = file.auths.0.keys().filter_map(|key| Registry::parse(key).ok()).collect();
    all.sort();
    all.dedup();
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    (all, more)
}

fn listed((found, more): &(Vec<Registry>, usize)) -> String {
    let all: Vec<_> = found.iter().map(|registry| format!("`{registry}`")).collect();
    match (all.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => all.join(", "),
        (false, more) => format!("{} and {more} more", all.join(", ")),
    }
}

#[cfg(test)]
mod tests;
