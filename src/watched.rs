//! A watch that goes on for ever, and how long it waits before it asks again. Decides nothing else.

use std::fmt::Debug;
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use kube::Api;
use kube::runtime::utils::Backoff as _;
use kube::runtime::watcher::{Config, DefaultBackoff, Error, Event, watcher};
use serde::de::DeserializeOwned;

/// The longest wait for an API server that gives no answer at all. A try costs it nothing then, and a watch that waits on
/// after it is back is blind to what people take away meanwhile.
const LONGEST_AWAY: Duration = Duration::from_secs(4);

/// What a watch tells, with a pause after each failure.
pub fn watched<K>(api: Api<K>, config: Config) -> impl Stream<Item = Result<Event<K>, Error>> + Send
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let state = (watcher(api, config).boxed(), Pauses::default(), None);
    stream::unfold(state, |(mut events, mut pauses, pause)| async move {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let event = events.next().await?;
        let pause = pauses.after(&event);
        Some((event, (events, pauses, pause)))
    })
}

/// Pauses that grow: up to half a minute while the API server refuses or is overwhelmed, as client-go's do, and to a few
/// seconds while it is away. Each kind grows by itself: one that has only begun refuses everybody for a moment.
#[derive(Default)]
struct Pauses {
    away: DefaultBackoff,
    refused: DefaultBackoff,
}

impl Pauses {
    fn after<T>(&mut self, event: &Result<T, Error>) -> Option<Duration> {
        match event {
            Ok(_) => {
                self.away.reset();
                self.refused.reset();
                None
            }
            Err(error) if answered(error) => self.refused.next(),
            Err(_) => self.away.next().map(|pause| pause.min(LONGEST_AWAY)),
        }
    }
}

/// Whether the API server itself said no.
fn answered(error: &Error) -> bool {
    match error {
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) | Error::WatchFailed(error) => {
            matches!(error, kube::Error::Api(_))
        }
        Error::WatchError(_) => true,
        Error::NoResourceVersion => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Result<(), Error> {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        Err(Error::WatchStartFailed(kube::Error::Service(refused.into())))
    }

    fn no() -> Result<(), Error> {
        let status = kube::core::Status::failure("no", "Forbidden").with_code(403).boxed();
        Err(Error::InitialListFailed(kube::Error::Api(status)))
    }

    fn pauses(pauses: &mut Pauses, event: fn() -> Result<(), Error>, times: usize) -> Vec<Duration> {
        (0..times).filter_map(|_| pauses.after(&event())).collect()
    }

    #[test]
    fn however_long_the_api_server_is_away_it_is_asked_again_within_seconds() {
        let all = pauses(&mut Pauses::default(), away, 50);
        assert_eq!(all.len(), 50);
        assert!(all.iter().all(|pause| *pause <= LONGEST_AWAY), "{all:?}");
    }

    #[test]
    fn a_refusal_is_met_with_pauses_that_grow_to_half_a_minute_and_begin_anew_after_an_answer() {
        let mut state = Pauses::default();
        let all = pauses(&mut state, no, 20);
        assert!(all.last() >= Some(&Duration::from_secs(30)), "{all:?}");
        assert_eq!(state.after(&Ok(())), None);
        assert!(state.after(&no()) < Some(Duration::from_secs(2)));
    }

    #[test]
    fn an_api_server_that_has_only_begun_and_refuses_is_asked_again_soon_however_long_it_was_away() {
        let mut state = Pauses::default();
        pauses(&mut state, away, 50);
        assert!(state.after(&no()) < Some(Duration::from_secs(2)));
    }
}
