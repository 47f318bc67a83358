//! A RegistryCredential's spec (design section 4): what it is a login for, and where it goes. Whether the Secret is
//! there and holds one is the operator's, and so is whether its time is past: there is no clock here.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value};

use super::duration::{Bounds, duration};
use super::keys::{is_name, named};
use super::policy::forbidden;
use super::selector::selector;
use crate::api::credential::{
    AccountMode, AdoptionPolicy, DEFAULT_EXPIRY_WARNING, DeletionPolicy, OutputMode, StuckPods,
    VerificationMode,
};
use crate::api::{Choice, limits};
use crate::compile::cursor::Cursor;
use crate::compile::wording::{names, shown};
use crate::model::address::is_forbidden_host;
use crate::model::{AccountTargets, Check, Credential, Namespace, NamespaceTargets, Output, Registry};

/// The fields of the spec; the last two are there to be refused.
pub(super) const FIELDS: &[&str] = &[
    "registry",
    "secretRef",
    "username",
    "targets",
    "output",
    "expiresAt",
    "expiryWarning",
    "verification",
    "adoptionPolicy",
    "deletionPolicy",
    "stuckPods",
    "suspend",
    "namespaces",
    "namespaceSelector",
];
/// The fields of `secretRef`.
pub(super) const SECRET: &[&str] = &["name"];
/// The fields of `targets`; the last is there to be refused.
pub(super) const TARGETS: &[&str] = &["namespaces", "serviceAccounts", "namespaceSelector"];
/// The fields of `targets.namespaces`; the last is there to be refused.
pub(super) const NAMESPACES: &[&str] = &["selector", "names", "matchLabels"];
/// The fields of `targets.serviceAccounts`.
pub(super) const ACCOUNTS: &[&str] = &["mode", "selector", "names"];
/// The fields of `output`.
pub(super) const OUTPUT: &[&str] = &["mode", "name"];
/// The fields of `verification`.
pub(super) const VERIFICATION: &[&str] = &["mode", "repository", "gateRollout"];

/// What names have of characters.
const NAME: &str = "lower-case letters, digits, `-` and `.`";
/// What `expiryWarning` may be.
const WARNING: Bounds = Bounds {
    seconds: 0..=31_536_000,
    told: "from `0s` to `8760h`, such as `336h`, `24h` or `90m`",
    usual: DEFAULT_EXPIRY_WARNING,
};
/// `expiryWarning` where none is given, seconds.
const DEFAULT_WARNING: i64 = 336 * 3_600;
/// What a Secret of its own is called behind the object's name.
const PULL: &str = "-pull";

/// Reads the spec of the RegistryCredential of this name.
pub(super) fn credential(at: &mut Cursor<'_>, name: &str, spec: &Value) -> Option<Credential> {
    let map = at.fields(spec, FIELDS)?;
    at.refused(map, "namespaces", "targets.namespaces.names");
    at.refused(map, "namespaceSelector", "targets.namespaces.selector");
    let registry = at.required(map, "registry", registry);
    let secret = at.required(map, "secretRef", secret);
    let username = at.optional(map, "username", username);
    let (namespaces, accounts) = at.optional(map, "targets", targets).unwrap_or_default();
    let output = at.optional(map, "output", |at, v| output(at, v, name)).unwrap_or_default();
    let expires = at.optional(map, "expiresAt", time);
    let warning = at.optional(map, "expiryWarning", |at, v| duration(at, v, &WARNING));
    let verified = at.optional(map, "verification", |at, v| verification(at, v, registry.as_ref()));
    let (check, gate_rollout) = verified.unwrap_or_default();
    let adoption: AdoptionPolicy = at.optional(map, "adoptionPolicy", choice).unwrap_or_default();
    let deletion: DeletionPolicy = at.optional(map, "deletionPolicy", choice).unwrap_or_default();
    let stuck: StuckPods = at.optional(map, "stuckPods", choice).unwrap_or_default();
    Some(Credential {
        suspended: at.optional(map, "suspend", Cursor::flag).unwrap_or_default(),
        registry: registry?,
        secret: secret?,
        username,
        namespaces,
        accounts,
        output,
        expires,
        warning: warning.and_then(|warning| i64::try_from(warning).ok()).unwrap_or(DEFAULT_WARNING),
        check,
        gate_rollout,
        adopt_equal: adoption == AdoptionPolicy::IfEqual,
        retain: deletion == DeletionPolicy::Retain,
        recreate_stuck: stuck == StuckPods::Recreate,
    })
}

fn registry(at: &mut Cursor<'_>, value: &Value) -> Option<Registry> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    let parsed = Registry::parse(text);
    if let Err(error) = &parsed {
        at.invalid(error.to_string());
    }
    parsed.ok()
}

fn secret(at: &mut Cursor<'_>, value: &Value) -> Option<Box<str>> {
    let map = at.fields(value, SECRET)?;
    at.required(map, "name", object_name)
}

fn object_name(at: &mut Cursor<'_>, value: &Value) -> Option<Box<str>> {
    named(at, value, is_name, NAME)
}

fn username(at: &mut Cursor<'_>, value: &Value) -> Option<Box<str>> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    if text.contains(':') {
        at.invalid(format!(
            "{} has a `:`, and basic authentication ends a user's name there; the password belongs into the Secret",
            shown(text)
        ));
    }
    Some(text.into())
}

fn targets(at: &mut Cursor<'_>, value: &Value) -> Option<(NamespaceTargets, AccountTargets)> {
    let map = at.fields(value, TARGETS)?;
    at.refused(map, "namespaceSelector", "namespaces.selector");
    let namespaces = at.optional(map, "namespaces", namespaces).unwrap_or_default();
    Some((namespaces, at.optional(map, "serviceAccounts", accounts).unwrap_or_default()))
}

fn namespaces(at: &mut Cursor<'_>, value: &Value) -> Option<NamespaceTargets> {
    let map = at.fields(value, NAMESPACES)?;
    at.refused(map, "matchLabels", "selector.matchLabels");
    let names = at.optional(map, "names", |at, v| at.list(v, limits::TARGET_NAMES, namespace));
    Some(NamespaceTargets {
        selector: at.optional(map, "selector", selector),
        names: names.map(|names| names.into_iter().collect()),
    })
}

fn namespace(at: &mut Cursor<'_>, value: &Value) -> Option<Box<str>> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    if text.contains('*') {
        at.invalid(
            "no wildcards are taken here; choose by `selector`, or leave `namespaces` out for all of them",
        );
        return None;
    }
    if let Err(error) = Namespace::new(text) {
        at.invalid(error.to_string());
        return None;
    }
    forbidden(at, &format!("{text}:*"));
    Some(text.into())
}

fn accounts(at: &mut Cursor<'_>, value: &Value) -> Option<AccountTargets> {
    let map = at.fields(value, ACCOUNTS)?;
    let mode: AccountMode = at.optional(map, "mode", choice).unwrap_or_default();
    let selector = at.optional(map, "selector", selector);
    let names = at.optional(map, "names", |at, v| at.list(v, limits::TARGET_NAMES, object_name));
    let chosen: Vec<_> = ["selector", "names"].into_iter().filter(|name| map.contains_key(*name)).collect();
    if mode != AccountMode::Selected {
        let unused = "is for the mode `Selected` alone; write `mode: Selected`, or remove it";
        chosen.into_iter().for_each(|name| at.within(name, |at| at.invalid(unused)));
    } else if chosen.is_empty() {
        at.invalid("the mode `Selected` needs `selector` or `names`; write `mode: None` where none is meant");
    }
    Some(match mode {
        AccountMode::Functions => AccountTargets::Functions,
        AccountMode::Default => AccountTargets::Default,
        AccountMode::Selected => {
            AccountTargets::Selected { selector, names: names.into_iter().flatten().collect() }
        }
        AccountMode::All => AccountTargets::All,
        AccountMode::None => AccountTargets::None,
    })
}

fn output(at: &mut Cursor<'_>, value: &Value, of: &str) -> Option<Output> {
    let map = at.fields(value, OUTPUT)?;
    let mode: OutputMode = at.optional(map, "mode", choice).unwrap_or_default();
    let name = at.optional(map, "name", object_name);
    if mode == OutputMode::Merged {
        let unused = "is for the mode `Dedicated` alone; write `mode: Dedicated`, or remove it";
        map.contains_key("name").then(|| at.within("name", |at| at.invalid(unused)));
        return Some(Output::Merged);
    }
    let usual = format!("{of}{PULL}");
    if !map.contains_key("name") && usual.len() > limits::NAME {
        let message = format!("missing, and {} is too long for a name; write one", shown(&usual));
        at.within("name", |at| at.invalid(message));
    }
    Some(Output::Dedicated(name.unwrap_or_else(|| usual.into())))
}

/// Seconds since 1970. YAML 1.1 knows times without quotes, and a time is what is meant.
fn time(at: &mut Cursor<'_>, value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text,
        other => at.text(other)?,
    };
    let is_whole = text.as_bytes().get(10) == Some(&b'T') && text.matches(':').count() >= 2;
    let time = text.parse::<Timestamp>().ok().filter(|_| is_whole);
    if time.is_none() && !text.is_empty() {
        let dated = format!("{text}T00:00:00Z");
        let meant =
            if dated.parse::<Timestamp>().is_ok() { dated } else { "2027-01-31T12:00:00Z".to_owned() };
        at.invalid(format!("{} is no time with its zone; write one such as `{meant}`", shown(text)));
    }
    time.map(Timestamp::as_second)
}

fn verification(at: &mut Cursor<'_>, value: &Value, registry: Option<&Registry>) -> Option<(Check, bool)> {
    let map = at.fields(value, VERIFICATION)?;
    let mode: VerificationMode = at.optional(map, "mode", choice).unwrap_or_default();
    let gate = at.optional(map, "gateRollout", Cursor::flag).unwrap_or_default();
    if gate && mode == VerificationMode::Off {
        at.within("gateRollout", |at| {
            at.invalid("needs an answer of the registry; write `mode: Login` or `mode: Pull`, or remove it");
        });
    }
    if mode != VerificationMode::Off {
        registry.into_iter().for_each(|registry| askable(at, registry));
    }
    let images = repository(at, map, mode, registry);
    let check = match mode {
        VerificationMode::Off => Check::Off,
        VerificationMode::Login => Check::Login,
        VerificationMode::Pull => Check::Pull(images?),
    };
    Some((check, gate))
}

/// Whether there is one address that can be asked.
fn askable(at: &mut Cursor<'_>, registry: &Registry) {
    let host = registry.host();
    let cure = "write another `registry`, or leave `verification` out";
    if host.contains('*') {
        at.invalid(format!("{} stands for many registries, and one has to be asked; {cure}", shown(host)));
    }
    if url::Url::parse(&format!("https://{host}/")).is_ok_and(|url| is_forbidden_host(&url)) {
        at.invalid(format!(
            "{} is a link-local or metadata address, which is never asked; {cure}",
            shown(host)
        ));
    }
}

/// The whole path, at the registry's host, of the images to be asked for.
fn repository(
    at: &mut Cursor<'_>,
    map: &Map<String, Value>,
    mode: VerificationMode,
    registry: Option<&Registry>,
) -> Option<Box<str>> {
    let is_there = map.contains_key("repository");
    match (mode == VerificationMode::Pull, is_there) {
        (true, false) => at.within("repository", |at| at.invalid("missing, and the mode `Pull` needs it")),
        (false, true) => at.within("repository", |at| {
            at.invalid("is for the mode `Pull` alone; write `mode: Pull`, or remove it");
        }),
        _ => {}
    }
    at.optional(map, "repository", |at, value| {
        let text = at.text(value).filter(|t| !t.is_empty())?;
        let whole = registry?.images(text);
        match &whole {
            Err(error) => at.invalid(error.to_string()),
            Ok(whole) if registry?.names_itself(text) => at.warn(format!(
                "the path of `registry` comes before it, so that {} is asked for; leave it off if that is not meant",
                shown(whole)
            )),
            Ok(_) => {}
        }
        whole.ok().map(Into::into)
    })
}

fn choice<C: Choice>(at: &mut Cursor<'_>, value: &Value) -> Option<C> {
    let text = at.text(value).filter(|t| !t.is_empty())?;
    let known = C::of_word(text);
    if known.is_none() {
        let near = C::words().find(|word| word.eq_ignore_ascii_case(text));
        let cure = near.map_or_else(|| format!("one of {}", names(C::words())), shown);
        at.invalid(format!("{} is not known; write {cure}", shown(text)));
    }
    known
}
