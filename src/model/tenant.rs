//! Issuers that many tenants share, and what a Role must bind there (`semantics.md` 22,
//! `security-rules.md` 18). One table of hosts; says nothing about who is allowed what.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{Comparison, Pattern, Quantifier, Role};

/// Which list of binding claims a shared issuer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Sharing {
    GitHub,
    GitLab,
    Google,
    Terraform,
    Buildkite,
    Apple,
    Microsoft,
    /// Declared with `shared: true`, on a host that the table does not know.
    Other,
}

const HOSTS: &[(&str, Sharing)] = &[
    ("token.actions.githubusercontent.com", Sharing::GitHub),
    ("gitlab.com", Sharing::GitLab),
    ("accounts.google.com", Sharing::Google),
    ("app.terraform.io", Sharing::Terraform),
    ("agent.buildkite.com", Sharing::Buildkite),
    ("appleid.apple.com", Sharing::Apple),
];
const MICROSOFT_HOSTS: &[&str] = &[
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "sts.windows.net",
];
/// The tenant of everybody with a personal Microsoft account.
const MICROSOFT_PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// Path segments that stand for several tenants and that no token's `iss` carries.
const MICROSOFT_ALIASES: &[&str] = &["common", "organizations", "consumers"];

/// Host and path segments of an `iss`, whatever the spelling of its scheme, host and port.
fn place(iss: &str) -> Option<(String, Vec<String>)> {
    let trimmed = iss.trim();
    let url =
        if trimmed.contains("://") { Url::parse(trimmed) } else { Url::parse(&format!("https://{trimmed}")) };
    let url = url.ok()?;
    let host = match url.host()? {
        Host::Domain(domain) => domain.trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(_) | Host::Ipv6(_) => return None,
    };
    let segments = url.path_segments().into_iter().flatten().filter(|s| !s.is_empty());
    Some((host, segments.map(str::to_owned).collect()))
}

impl Sharing {
    /// Whether the issuer is one that many tenants share, by its address and what the JwtIssuer says
    /// (`shared`): `false` lifts the rule, `true` asks for it on any issuer.
    pub fn of(iss: &str, declared: Option<bool>) -> Option<Self> {
        let place = place(iss);
        let by_host = place.as_ref().and_then(|(host, _)| Self::by_host(host));
        match declared {
            Some(false) => None,
            Some(true) => Some(by_host.unwrap_or(Self::Other)),
            None => by_host.filter(|sharing| {
                let segments = place.as_ref().map_or(&[][..], |(_, s)| s);
                match sharing {
                    Self::Microsoft => {
                        segments.first().is_some_and(|t| t.eq_ignore_ascii_case(MICROSOFT_PERSONAL))
                    }
                    _ => segments.is_empty(),
                }
            }),
        }
    }

    fn by_host(host: &str) -> Option<Self> {
        let listed = HOSTS.iter().find(|(h, _)| *h == host).map(|(_, sharing)| *sharing);
        listed.or_else(|| MICROSOFT_HOSTS.contains(&host).then_some(Self::Microsoft))
    }

    /// What a Role has to bind, as a person reads it.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::GitHub => {
                "an exact `jwt:repository_owner_id`, `jwt:repository_id` or `jwt:repository_owner`, a `jwt:repository` from `owner/`, or a `jwt:sub` from `repo:owner/`"
            }
            Self::GitLab => {
                "an exact `jwt:namespace_id` or `jwt:project_id`, a `jwt:namespace_path`, a `jwt:project_path` from `group/`, or a `jwt:sub` from `project_path:group/`"
            }
            Self::Google => "an exact `jwt:hd`, `jwt:sub` or `jwt:email`",
            Self::Terraform => {
                "an exact `jwt:terraform_organization_id` or `jwt:terraform_organization_name`, or a `jwt:sub` from `organization:name:`"
            }
            Self::Buildkite => {
                "an exact `jwt:organization_id` or `jwt:organization_slug`, or a `jwt:sub` from `organization:slug:`"
            }
            Self::Apple => "an exact `jwt:sub` or `jwt:email`",
            Self::Microsoft => "an exact `jwt:sub` or `jwt:oid`",
            Self::Other => "an exact `jwt:sub`",
        }
    }

    /// What, in this Role, one tenant owns.
    pub fn binding(self, role: &Role) -> Binding {
        let subjects =
            role.subjects.iter().map(|s| self.all("sub", s.iter().map(|v| Fixed::Whole(v)), false));
        let clauses = role.clauses().iter().filter_map(|clause| {
            let plain = clause.op.quantifier == Quantifier::Plain && !clause.op.negated;
            let folded = clause.op.comparison == Comparison::EqualIgnoreCase;
            let positive = matches!(clause.op.comparison, Comparison::Equal | Comparison::Like) || folded;
            let fixed = clause.values.iter().map(|v| fixed(v, clause.op.comparison));
            (plain && positive).then(|| self.all(&clause.claim, fixed, folded))
        });
        subjects.chain(clauses).max().unwrap_or(Binding::Nothing)
    }

    /// Every value has to bind; the weakest decides.
    fn all<'a>(self, claim: &str, values: impl Iterator<Item = Fixed<'a>>, folded: bool) -> Binding {
        const FOLDED: &[&str] =
            &["repository", "repository_owner", "project_path", "namespace_path", "hd", "email"];
        if folded && !FOLDED.contains(&claim) {
            return Binding::Nothing;
        }
        values.map(|v| self.value(claim, v)).min().unwrap_or(Binding::Nothing)
    }

    fn value(self, claim: &str, value: Fixed<'_>) -> Binding {
        let owned = |yes: bool| if yes { Binding::Owned } else { Binding::Nothing };
        match (self, claim) {
            (Self::GitHub, "sub") => github_sub(value),
            (Self::GitHub, "repository_owner" | "repository_owner_id" | "repository_id")
            | (Self::GitLab, "namespace_id" | "project_id")
            | (Self::Google, "sub" | "hd" | "email")
            | (Self::Terraform, "terraform_organization_id" | "terraform_organization_name")
            | (Self::Buildkite, "organization_id" | "organization_slug")
            | (Self::Apple, "sub" | "email")
            | (Self::Microsoft, "sub" | "oid")
            | (Self::Other, "sub") => owned(value.is_whole()),
            (Self::GitHub, "repository") | (Self::GitLab, "project_path") => {
                owned(value.part("", '/').is_some())
            }
            (Self::GitLab, "namespace_path") => owned(value.is_whole() || value.part("", '/').is_some()),
            (Self::GitLab, "sub") => owned(value.part("project_path:", '/').is_some()),
            (Self::Terraform | Self::Buildkite, "sub") => owned(value.part("organization:", ':').is_some()),
            _ => Binding::Nothing,
        }
    }
}

/// How firmly a Role on a shared issuer is tied to one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// To nobody: the Role is not enforced there.
    Nothing,
    /// To a name that can be given away and taken over; works, with a warning.
    Named,
    /// To something one tenant owns.
    Owned,
}

/// What is fixed of a value: all of it, or the text before its first wildcard.
#[derive(Debug, Clone, Copy)]
enum Fixed<'a> {
    Whole(&'a str),
    Beginning(&'a str),
}

fn fixed(value: &Pattern, comparison: Comparison) -> Fixed<'_> {
    match value.literal() {
        _ if comparison != Comparison::Like => Fixed::Whole(value.as_str()),
        Some(whole) => Fixed::Whole(whole),
        None => Fixed::Beginning(value.prefix()),
    }
}

impl<'a> Fixed<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Whole(t) | Self::Beginning(t) => t,
        }
    }

    fn is_whole(self) -> bool {
        matches!(self, Self::Whole(t) if !t.is_empty())
    }

    /// The part between `before` and the first `end` behind it, which must stand in the fixed text.
    fn part(self, before: &str, end: char) -> Option<&'a str> {
        let (part, _) = self.text().strip_prefix(before)?.split_once(end)?;
        (!part.is_empty()).then_some(part)
    }

    /// The part behind `before` up to `:` or, where all is fixed, up to the end.
    fn member(self, before: &str) -> Option<&'a str> {
        let rest = self.text().strip_prefix(before)?;
        let part = match (rest.split_once(':'), self) {
            (Some((part, _)), _) => part,
            (None, Self::Whole(_)) => rest,
            (None, Self::Beginning(_)) => return None,
        };
        (!part.is_empty()).then_some(part)
    }
}

/// GitHub lets every repository choose what its `sub` is made of, so only those beginnings bind that
/// name the owner or the repository.
fn github_sub(value: Fixed<'_>) -> Binding {
    let name = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let id = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let by_id = ["repository_owner_id:", "repository_id:"].iter().any(|p| value.member(p).is_some_and(id));
    let with_id = value
        .part("repo:", '/')
        .and_then(|p| p.split_once('@'))
        .is_some_and(|(n, i)| !n.is_empty() && name(n) && id(i));
    if by_id || with_id {
        return Binding::Owned;
    }
    let owner = value.part("repo:", '/').is_some_and(name)
        || value.part("repo:", '@').is_some_and(name)
        || value.member("repository_owner:").is_some_and(name);
    if owner { Binding::Named } else { Binding::Nothing }
}

/// Why an `iss` on a Microsoft host can belong to no token: it names several tenants.
pub fn microsoft_alias(iss: &str) -> Option<String> {
    let (host, segments) = place(iss)?;
    let alias = segments.into_iter().find(|s| MICROSOFT_ALIASES.iter().any(|a| a.eq_ignore_ascii_case(s)))?;
    MICROSOFT_HOSTS.contains(&host.as_str()).then_some(alias)
}

impl fmt::Display for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub => "GitHub Actions",
            Self::GitLab => "GitLab.com",
            Self::Google => "Google",
            Self::Terraform => "HCP Terraform",
            Self::Buildkite => "Buildkite",
            Self::Apple => "Apple",
            Self::Microsoft => "Microsoft",
            Self::Other => "a shared issuer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GH: &str = "https://token.actions.githubusercontent.com";

    #[test]
    fn r22_which_issuers_are_shared() {
        let rows = [
            (GH, Some(Sharing::GitHub)),
            ("HTTPS://Token.Actions.GithubUserContent.COM:443/", Some(Sharing::GitHub)),
            ("http://token.actions.githubusercontent.com:8443", Some(Sharing::GitHub)),
            ("https://token.actions.githubusercontent.com/acme-corp", None),
            ("https://gitlab.com", Some(Sharing::GitLab)),
            ("https://gitlab.com.", Some(Sharing::GitLab)),
            ("https://gitlab.acme.com", None),
            ("accounts.google.com", Some(Sharing::Google)),
            ("https://accounts.google.com", Some(Sharing::Google)),
            ("https://app.terraform.io", Some(Sharing::Terraform)),
            ("https://agent.buildkite.com", Some(Sharing::Buildkite)),
            ("https://appleid.apple.com", Some(Sharing::Apple)),
            (
                "https://login.microsoftonline.com/9188040D-6c67-4c5b-b112-36a304b66dad/v2.0",
                Some(Sharing::Microsoft),
            ),
            ("https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0", None),
            ("https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/", Some(Sharing::Microsoft)),
            ("https://acme.auth0.com/", None),
            ("api", None),
        ];
        for (iss, want) in rows {
            assert_eq!(Sharing::of(iss, None), want, "{iss}");
        }
    }

    #[test]
    fn r22_shared_can_be_declared_and_lifted() {
        assert_eq!(Sharing::of(GH, Some(false)), None);
        assert_eq!(Sharing::of("https://keycloak.example.com/realms/a", Some(true)), Some(Sharing::Other));
        assert_eq!(Sharing::of(&format!("{GH}/acme-corp"), Some(true)), Some(Sharing::GitHub));
        let tenant = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
        assert_eq!(Sharing::of(tenant, Some(true)), Some(Sharing::Microsoft));
    }

    #[test]
    fn r22_which_github_subjects_bind() {
        use Binding::{Named, Nothing, Owned};
        let rows = [
            ("repo:acme/api:ref:refs/heads/main", Named),
            ("repo:acme/*", Named),
            ("repo:acme*", Nothing),
            ("repo:acme", Nothing),
            ("repo:acm?/api:*", Nothing),
            ("repo:*/api:*", Nothing),
            ("repo:/api:*", Nothing),
            ("repo:acme@65/api@74:*", Owned),
            ("repo:acme@65/*", Owned),
            ("repo:acme@6*", Named),
            ("repo:acme@*", Named),
            ("repository_owner:acme", Named),
            ("repository_owner:acme:*", Named),
            ("repository_owner:acme*", Nothing),
            ("repository_owner_id:65", Owned),
            ("repository_owner_id:65*", Nothing),
            ("repository_owner_id:x", Nothing),
            ("repository_id:74:environment:*", Owned),
            ("job_workflow_ref:acme/api/.github/workflows/x.yml@refs/heads/main", Nothing),
            ("environment:prod", Nothing),
            ("ref:refs/heads/main:repo:acme/api", Nothing),
            ("*repo:acme/api*", Nothing),
        ];
        for (sub, want) in rows {
            let pattern = Pattern::like(sub);
            assert_eq!(github_sub(fixed(&pattern, Comparison::Like)), want, "{sub}");
        }
    }

    #[test]
    fn r22_microsoft_aliases_belong_to_no_token() {
        for iss in ["https://login.microsoftonline.com/common/v2.0", "https://sts.windows.net/Organizations/"]
        {
            assert!(microsoft_alias(iss).is_some(), "{iss}");
        }
        assert_eq!(microsoft_alias("https://keycloak.example.com/realms/common"), None);
    }
}
