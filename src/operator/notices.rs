//! What is worth an Event about the installation as a whole. Decides what is told: each matter once while it
//! lasts, and what came up while nobody led as soon as we do.
//!
//! Pure: fed by plain calls.

use std::collections::BTreeMap;

use super::statuses::News;
use crate::api::Kind;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    /// The installed definition of a kind.
    Definition(Kind),
    /// The installation's bundle of certificates.
    CaBundle,
}

/// How matters stand, and what of it was told.
#[derive(Debug, Default)]
pub struct Notices(BTreeMap<Matter, (News, bool)>);

impl Notices {
    /// How a matter stands now; `None` where there is nothing to say. What has passed without being told
    /// never is.
    pub fn see(&mut self, matter: Matter, news: Option<News>) {
        match news {
            None => {
                self.0.remove(&matter);
            }
            Some(news) if self.0.get(&matter).is_some_and(|(known, _)| *known == news) => {}
            Some(news) => {
                self.0.insert(matter, (news, false));
            }
        }
    }

    /// What has to be told, by whoever leads; each once.
    pub fn take(&mut self) -> Vec<News> {
        let untold = self.0.values_mut().filter(|(_, told)| !told);
        untold
            .map(|(news, told)| {
                *told = true;
                news.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(message: &str) -> News {
        News { ready: false, reason: "CaBundleRefused".to_owned(), message: message.to_owned() }
    }

    #[test]
    fn what_came_up_while_nobody_led_is_told_once_if_it_still_holds() {
        let mut notices = Notices::default();
        notices.see(Matter::CaBundle, Some(news("a")));
        notices.see(Matter::Definition(Kind::Role), Some(news("b")));
        notices.see(Matter::Definition(Kind::Policy), Some(news("c")));
        notices.see(Matter::Definition(Kind::Policy), None);
        let mut told = notices.take();
        told.sort_by(|a, b| a.message.cmp(&b.message));
        assert_eq!(told, [news("a"), news("b")]);
        assert_eq!(notices.take(), []);
    }

    #[test]
    fn a_matter_is_told_again_when_it_changes_or_comes_back_and_not_when_it_is_seen_again() {
        let mut notices = Notices::default();
        let mut told = Vec::new();
        for seen in [Some("a"), Some("a"), Some("b"), None, Some("b")] {
            notices.see(Matter::CaBundle, seen.map(news));
            told.extend(notices.take().into_iter().map(|news| news.message));
        }
        assert_eq!(told, ["a", "b", "b"]);
    }
}
