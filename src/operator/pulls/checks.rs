//! When a registry is asked about a login, and what its answer means for handing it out. Pure: time is an argument (ms
//! since 1970), and so is chance.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Check, Credential, Registry};
use crate::registry::Login;

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
/// A login that was taken is tried again after this long,
const AFTER_YES: i64 = 6 * HOUR;
/// one that was refused, after this long: many registries count failures and lock the account,
const AFTER_NO: i64 = HOUR;
/// and where nobody answered, after this long; doubles,
const AFTER_NOTHING: i64 = 30 * SECOND;
/// but not beyond this.
const LONGEST: i64 = HOUR;
/// A registry that asks for patience gets no more than this.
const MOST_PATIENCE: i64 = 24 * HOUR;
/// Up to this share is added to each, so that many do not ask at once.
const SPREAD: f64 = 0.1;

/// What a registry said of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It takes it.
    Accepted,
    /// It refuses it for certain; in words, without a secret.
    Refused(String),
    /// It gave no answer that says either.
    Unknown {
        /// In words, without a secret.
        why: String,
        /// For how long it wants to be left alone, ms.
        retry_after: Option<i64>,
    },
}

/// A question for a registry. `Debug` shows no login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Whose login it is: a RegistryCredential.
    pub credential: Box<str>,
    /// Whom to ask.
    pub registry: Registry,
    /// What to ask.
    pub check: Check,
    /// About what.
    pub login: Arc<Login>,
}

#[derive(Debug)]
struct Checked {
    question: Question,
    answer: Option<Answer>,
    /// Whether it was refused for certain, and not taken since: that nobody answers takes nothing back of it.
    refused: bool,
    due: i64,
    unanswered: u32,
    asking: bool,
}

/// What is asked about each credential's login.
#[derive(Debug, Default)]
pub struct Checks(BTreeMap<Box<str>, Checked>);

impl Checks {
    /// A credential's login is this one. A new one is asked about at once. `refused` is whether its status says so, which
    /// counts for the first one: it may be that which an operator before this one has asked about.
    pub fn wants(
        &mut self,
        name: &str,
        credential: &Credential,
        login: &Arc<Login>,
        refused: bool,
        now: i64,
    ) {
        if credential.check == Check::Off {
            self.0.remove(name);
            return;
        }
        let question = Question {
            credential: name.into(),
            registry: credential.registry.clone(),
            check: credential.check.clone(),
            login: login.clone(),
        };
        let known = self.0.get(name);
        if known.is_none_or(|checked| checked.question != question) {
            let refused = refused && known.is_none();
            let checked = Checked { question, answer: None, refused, due: now, unanswered: 0, asking: false };
            self.0.insert(name.into(), checked);
        }
    }

    /// Nobody has that credential any more.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether this login may take the place of a good one: nobody wants to know, or the registry was asked and does not
    /// refuse it. One that does not answer holds nothing back but what it has refused before.
    pub fn lets_out(&self, name: &str, login: &Login) -> bool {
        let Some(checked) = self.0.get(name).filter(|checked| *checked.question.login == *login) else {
            return !self.0.contains_key(name);
        };
        match checked.answer {
            Some(Answer::Accepted) => true,
            Some(Answer::Unknown { .. }) => !checked.refused,
            Some(Answer::Refused(_)) | None => false,
        }
    }

    /// What was answered about a credential's login last.
    pub fn answer(&self, name: &str) -> Option<&Answer> {
        self.0.get(name)?.answer.as_ref()
    }

    /// The questions that are due; each is out until it is answered.
    pub fn take_due(&mut self, now: i64) -> Vec<Question> {
        let due = self.0.values_mut().filter(|checked| !checked.asking && checked.due <= now);
        due.map(|checked| {
            checked.asking = true;
            checked.question.clone()
        })
        .collect()
    }

    /// When the next one is.
    pub fn next(&self) -> Option<i64> {
        self.0.values().filter(|checked| !checked.asking).map(|checked| checked.due).min()
    }

    /// A question was answered; `chance` is between 0 and 1. Returns whether that is news; an answer about an earlier
    /// login is none.
    pub fn answered(&mut self, question: &Question, answer: Answer, chance: f64, now: i64) -> bool {
        let Some(checked) = self.0.get_mut(&question.credential).filter(|is| is.question == *question) else {
            return false;
        };
        let silence = AFTER_NOTHING.saturating_mul(1 << checked.unanswered.min(10)).min(LONGEST);
        let (pause, unanswered) = match &answer {
            Answer::Accepted => (AFTER_YES, 0),
            Answer::Refused(_) => (AFTER_NO, 0),
            // Whoever asks for less patience than we have anyway is not asked the sooner.
            Answer::Unknown { retry_after, .. } => {
                (retry_after.unwrap_or(0).clamp(silence, MOST_PATIENCE), checked.unanswered.saturating_add(1))
            }
        };
        checked.unanswered = unanswered;
        checked.refused = match answer {
            Answer::Accepted => false,
            Answer::Refused(_) => true,
            Answer::Unknown { .. } => checked.refused,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a share of the pause"
        )]
        let spread = (pause as f64 * SPREAD * chance) as i64;
        (checked.asking, checked.due) = (false, now.saturating_add(pause).saturating_add(spread));
        let news = checked.answer.as_ref() != Some(&answer);
        checked.answer = Some(answer);
        news
    }
}

#[cfg(test)]
mod tests;
