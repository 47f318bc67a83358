//! The trial of a login: what is asked of the registry, and what its answers mean. Asks nobody; no text of an outcome
//! holds a password or anything that was answered.

use std::time::Duration;

use url::Url;

use super::challenge::{Challenge, RealmError};
use crate::model::{Check, Registry};

/// The longest that a registry may have us wait.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What a login is tried on: the registry, or images there, since an expired robot account may still log in.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    registry: &'a Registry,
    /// The path of the images, of a pull.
    images: Option<&'a str>,
}

/// What became of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The registry has taken the login.
    Verified,
    /// The registry, or the service that gives tokens for it, has said no to it. Why: a sentence without its full stop, as
    /// below.
    Refused(String),
    /// The login goes to nobody, since nobody who may have it was named.
    Forbidden(String),
    /// Nobody has said yes or no.
    Unknown {
        /// What happened.
        why: String,
        /// How long the registry wants to be left alone.
        after: Option<Duration>,
    },
}

/// An answer, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// How it wants to know who asks.
    pub challenge: Option<Challenge>,
    /// Its `Retry-After`, where that is a number of seconds.
    pub after: Option<Duration>,
}

impl<'a> Trial<'a> {
    /// What a credential asks for; `None` where that is nothing.
    pub fn of(registry: &'a Registry, check: &'a Check) -> Option<Self> {
        match check {
            Check::Off => None,
            Check::Login => Some(Self { registry, images: None }),
            Check::Pull(images) => Some(Self { registry, images: Some(images) }),
        }
    }

    /// The address at which it is tried.
    ///
    /// # Errors
    /// The trial's end, where there is none.
    pub fn address(self) -> Result<Url, Outcome> {
        let host = self.registry.host();
        if host.contains('*') {
            return Err(unknown("it is a pattern for several registries, none of which can be asked".into()));
        }
        let path = match self.repository() {
            Some(images) => format!("/v2/{images}/tags/list"),
            None => "/v2/".to_owned(),
        };
        let url = Url::parse(&format!("https://{host}{path}")).ok().filter(|url| url.path() == path);
        let mut url =
            url.ok_or_else(|| unknown("it has no address, or the images have none there".into()))?;
        // One says as much as all.
        url.set_query(self.images.map(|_| "n=1"));
        Ok(url)
    }

    /// What a token has to be for.
    pub fn scope(self) -> Option<String> {
        self.repository().map(|images| format!("repository:{images}:pull"))
    }

    /// The images by the name that they have at the registry: what has one part at Docker Hub is Docker's own.
    fn repository(self) -> Option<String> {
        let images = self.images?;
        let is_dockers = self.registry.is_docker_hub() && !images.contains('/');
        Some(if is_dockers { format!("library/{images}") } else { images.to_owned() })
    }

    /// What the registry asks for, when nobody has said yet who asks.
    ///
    /// # Errors
    /// The trial's end.
    pub fn challenge(self, answer: Answered) -> Result<Challenge, Outcome> {
        match (answer.status, answer.challenge) {
            (401, Some(challenge)) => Ok(challenge),
            (401, None) => Err(unknown("it asks neither for a password nor for a token".into())),
            (200..=299, _) => Err(unknown(match self.images {
                None => "it asks nobody for a login, so that there is none to check".into(),
                Some(name) => {
                    format!("anybody may pull `{name}`, with a login and without")
                }
            })),
            (status, _) => Err(self.no_answer(status, answer.after)),
        }
    }

    /// What the answer of a token service means that gives no token.
    pub fn without_token(self, host: &str, answer: &Answered) -> Outcome {
        match answer.status {
            status @ (401 | 403) => Outcome::Refused(format!(
                "`{host}`, which gives tokens for it, refuses the login (status {status})"
            )),
            200 => unknown(format!("`{host}` gives no token that can be used")),
            status => Outcome::Unknown {
                why: format!("`{host}`, which gives tokens for it, {}", happened(status)),
                after: bounded(answer.after),
            },
        }
    }

    /// What the registry's last answer means, when it was told who asks.
    pub fn outcome(self, answer: &Answered) -> Outcome {
        match (answer.status, &answer.challenge) {
            (200..=299, _) => Outcome::Verified,
            (401, Some(challenge)) if challenge.distrusts_token() => {
                unknown("it does not take the tokens of its own token service".into())
            }
            (status @ (401 | 403), _) => Outcome::Refused(match self.images {
                None => format!("it refuses the login (status {status})"),
                Some(name) => {
                    format!("it does not let the login pull `{name}` (status {status})")
                }
            }),
            (status, _) => self.no_answer(status, answer.after),
        }
    }

    fn no_answer(self, status: u16, after: Option<Duration>) -> Outcome {
        let why = match (self.images, status) {
            (Some(name), 404) => {
                format!("it has no repository `{name}`, or does not show it to this login")
            }
            _ => format!("it {}", happened(status)),
        };
        Outcome::Unknown { why, after: bounded(after) }
    }
}

impl From<RealmError> for Outcome {
    fn from(error: RealmError) -> Self {
        Self::Forbidden(error.to_string())
    }
}

fn unknown(why: String) -> Outcome {
    Outcome::Unknown { why, after: None }
}

fn bounded(after: Option<Duration>) -> Option<Duration> {
    after.map(|after| after.min(MAX_WAIT))
}

fn happened(status: u16) -> String {
    match status {
        300..=399 => format!("redirects, which is not followed (status {status})"),
        429 => "has been asked too often (status 429)".to_owned(),
        status => format!("answers with status {status}"),
    }
}

#[cfg(test)]
mod tests;
