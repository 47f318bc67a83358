//! Shared issuers (22), and which issuers a Role names (11).

use serde_json::Value;

use super::condition::clauses;
use super::texts;

/// 11: the issuers that a Role names; none where it names nobody in particular.
pub fn named_issuers(role: &Value) -> Option<Vec<&str>> {
    let named = |(operator, key, values)| {
        (key == "jwt:iss" && is_equal(operator)).then(|| texts(values).collect::<Vec<_>>())
    };
    clauses(role.get("condition"))
        .filter_map(named)
        .reduce(|all, more| all.into_iter().filter(|iss| more.contains(iss)).collect())
}

fn is_equal(operator: &str) -> bool {
    ["StringEqual", "StringEquals"].contains(&operator)
}

/// Who shares an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    GitHub,
    GitLab,
    Google,
    Terraform,
    Buildkite,
    Apple,
    Microsoft,
    Other,
}

const MICROSOFT: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "sts.windows.net",
];
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Host and path of an `iss`, in whatever spelling.
fn host_and_path(iss: &str) -> (String, String) {
    let lower = iss.to_ascii_lowercase();
    let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.split(':').next().unwrap_or_default();
    (host.to_owned(), path.to_owned())
}

fn known(host: &str) -> Option<Provider> {
    Some(match host {
        "token.actions.githubusercontent.com" => Provider::GitHub,
        "gitlab.com" => Provider::GitLab,
        "accounts.google.com" => Provider::Google,
        "app.terraform.io" => Provider::Terraform,
        "agent.buildkite.com" => Provider::Buildkite,
        "appleid.apple.com" => Provider::Apple,
        host if MICROSOFT.contains(&host) => Provider::Microsoft,
        _ => return None,
    })
}

fn sharing(issuer: &Value) -> Option<Provider> {
    let (host, path) = host_and_path(issuer["iss"].as_str().unwrap_or_default());
    let known = known(&host);
    let by_default = match known {
        Some(Provider::Microsoft) => path.split('/').next() == Some(PERSONAL),
        Some(_) => path.is_empty(),
        None => false,
    };
    let shared = issuer.get("shared").and_then(Value::as_bool).unwrap_or(by_default);
    shared.then(|| known.unwrap_or(Provider::Other))
}

/// 22: Microsoft's addresses for everybody, which no token carries.
pub fn is_alias(iss: &str) -> bool {
    let (host, path) = host_and_path(iss);
    let tenant = path.split('/').next().unwrap_or_default();
    known(&host) == Some(Provider::Microsoft) && ["common", "organizations", "consumers"].contains(&tenant)
}

/// Whether a Role may be used for this issuer's tokens.
pub fn is_bound(issuer: &Value, role: &Value) -> bool {
    let Some(provider) = sharing(issuer) else { return true };
    let principal = role.get("principal").and_then(|p| p.get("jwt:sub"));
    let principal = principal.map(|values| ("StringEqual", "jwt:sub", values));
    clauses(role.get("condition")).chain(principal).any(|(operator, key, values)| {
        let claim = key.strip_prefix("jwt:").unwrap_or_default();
        let mut values = texts(values).peekable();
        values.peek().is_some() && values.all(|value| binds(provider, operator, claim, value))
    })
}

/// One value, seen as what it certainly begins with, and whether that is all of it.
struct Fixed<'a> {
    beginning: &'a str,
    whole: bool,
}

/// Whether one value binds one tenant.
fn binds(provider: Provider, operator: &str, claim: &str, value: &str) -> bool {
    const FOLDED: [&str; 6] =
        ["repository", "repository_owner", "project_path", "namespace_path", "hd", "email"];
    let fixed = match operator {
        op if is_equal(op) => Fixed { beginning: value, whole: true },
        "StringEqualIgnoreCase" | "StringEqualsIgnoreCase" if FOLDED.contains(&claim) => {
            Fixed { beginning: value, whole: true }
        }
        "StringLike" => {
            let end = value.find(['*', '?']).unwrap_or(value.len());
            Fixed { beginning: &value[..end], whole: end == value.len() }
        }
        _ => return false,
    };
    owned(provider, claim, &fixed)
}

/// What one tenant owns.
fn owned(provider: Provider, claim: &str, value: &Fixed) -> bool {
    match (provider, claim) {
        (Provider::GitHub, "repository_owner" | "repository_owner_id" | "repository_id") => value.whole,
        (Provider::GitHub, "repository") => value.has_part("", "/"),
        (Provider::GitHub, "sub") => {
            value.has_part("repo:", "/")
                || value.has_part("repo:", "@")
                || value.is_part("repository_owner:")
                || value.is_number("repository_owner_id:")
                || value.is_number("repository_id:")
        }
        (Provider::GitLab, "namespace_id" | "project_id") => value.whole,
        (Provider::GitLab, "namespace_path") => value.whole || value.has_part("", "/"),
        (Provider::GitLab, "project_path") => value.has_part("", "/"),
        (Provider::GitLab, "sub") => value.has_part("project_path:", "/"),
        (Provider::Google, "sub" | "hd" | "email") => value.whole,
        (Provider::Terraform, "terraform_organization_id" | "terraform_organization_name") => value.whole,
        (Provider::Buildkite, "organization_id" | "organization_slug") => value.whole,
        (Provider::Terraform | Provider::Buildkite, "sub") => value.has_part("organization:", ":"),
        (Provider::Apple, "sub" | "email") => value.whole,
        (Provider::Microsoft, "sub" | "oid") => value.whole,
        (Provider::Other, "sub") => value.whole,
        _ => false,
    }
}

impl Fixed<'_> {
    /// Begins with `before`, a name, and `after`.
    fn has_part(&self, before: &str, after: &str) -> bool {
        let rest = self.beginning.strip_prefix(before);
        rest.and_then(|rest| rest.split_once(after)).is_some_and(|(name, _)| is_name(name))
    }

    /// What stands behind `before`, up to a colon or, where all is fixed, to the end.
    fn part(&self, before: &str) -> Option<&str> {
        let rest = self.beginning.strip_prefix(before)?;
        rest.split_once(':').map(|(part, _)| part).or(self.whole.then_some(rest))
    }

    fn is_part(&self, before: &str) -> bool {
        self.part(before).is_some_and(is_name)
    }

    fn is_number(&self, before: &str) -> bool {
        self.part(before).is_some_and(is_id)
    }
}

/// 22: "`repository_owner_id:N`", so that a name there is nobody's id.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// One part of a `sub`: nothing in it separates parts.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '/', '@'])
}
