//! A watch that goes on for ever, and how long it waits before it asks again. Decides nothing else.

use std::fmt::Debug;
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, stream};
use kube::Api;
use kube::runtime::utils::Backoff as _;
use kube::runtime::watcher::{Config, DefaultBackoff, Error, Event, watcher};
use serde::de::DeserializeOwned;

/// The longest wait for an API server that gives no answer at all. A try costs it nothing then, and a watch that waits on
/// after it is back is blind to what people take away meanwhile.
const LONGEST_AWAY: Duration = Duration::from_secs(4);

/// After a failure, who is not refused for this long is let in: a watch that begins says nothing until there is something
/// new.
const LET_IN: Duration = Duration::from_secs(5);

/// What a watch tells.
pub enum Told<K> {
    /// What the API server shows.
    Event(Event<K>),
    /// It was interrupted, and goes on after a pause.
    Failed(Error),
    /// It goes on, and there was nothing new.
    GoesOn,
}

/// What a watch tells, with a pause after each failure.
pub fn watched<K>(api: Api<K>, config: Config) -> impl Stream<Item = Result<Event<K>, Error>> + Send
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    told(api, config).filter_map(async |told| match told {
        Told::Event(event) => Some(Ok(event)),
        Told::Failed(error) => Some(Err(error)),
        Told::GoesOn => None,
    })
}

/// The same, and when it goes on after a failure though there is nothing new.
pub fn told<K>(api: Api<K>, config: Config) -> impl Stream<Item = Told<K>> + Send
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let events = watcher(api, config).boxed();
    let watch = Watch { events, pauses: Pauses::default(), pause: None, let_in: LET_IN };
    stream::unfold(watch, Watch::next)
}

struct Watch<K> {
    events: BoxStream<'static, Result<Event<K>, Error>>,
    pauses: Pauses,
    pause: Option<Duration>,
    let_in: Duration,
}

impl<K> Watch<K> {
    async fn next(mut self) -> Option<(Told<K>, Self)> {
        let next = self.events.next();
        let event = match self.pause.take() {
            None => next.await?,
            Some(pause) => {
                tokio::time::sleep(pause).await;
                match tokio::time::timeout(self.let_in, next).await {
                    Ok(event) => event?,
                    Err(_) => {
                        self.pauses = Pauses::default();
                        return Some((Told::GoesOn, self));
                    }
                }
            }
        };
        self.pause = self.pauses.after(&event);
        Some((event.map_or_else(Told::Failed, Told::Event), self))
    }
}

/// Pauses that grow: up to half a minute while the API server refuses or is overwhelmed, as client-go's do, and to a few
/// seconds while it is away. Each kind grows by itself: one that has only begun refuses everybody for a moment.
#[derive(Default)]
struct Pauses {
    away: DefaultBackoff,
    refused: DefaultBackoff,
}

impl Pauses {
    fn after<K>(&mut self, event: &Result<Event<K>, Error>) -> Option<Duration> {
        match event {
            // A list that is about to be asked for, answered or not.
            Ok(Event::Init) => None,
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
    use k8s_openapi::api::core::v1::Secret;

    use super::*;

    type Seen = Result<Event<Secret>, Error>;

    fn away() -> Seen {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        Err(Error::WatchStartFailed(kube::Error::Service(refused.into())))
    }

    fn no() -> Seen {
        let status = kube::core::Status::failure("no", "Forbidden").with_code(403).boxed();
        Err(Error::InitialListFailed(kube::Error::Api(status)))
    }

    fn pauses(pauses: &mut Pauses, event: fn() -> Seen, times: usize) -> Vec<Duration> {
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
        assert_eq!(state.after::<Secret>(&Ok(Event::InitDone)), None);
        assert!(state.after(&no()) < Some(Duration::from_secs(2)));
    }

    #[test]
    fn an_api_server_that_has_only_begun_and_refuses_is_asked_again_soon_however_long_it_was_away() {
        let mut state = Pauses::default();
        pauses(&mut state, away, 50);
        assert!(state.after(&no()) < Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_list_that_is_refused_each_time_is_asked_for_after_pauses_that_grow() {
        let mut state = Pauses::default();
        let mut begun = || {
            assert_eq!(state.after::<Secret>(&Ok(Event::Init)), None);
            state.after(&no())
        };
        let all: Vec<_> = (0..20).filter_map(|_| begun()).collect();
        assert!(all.last() >= Some(&Duration::from_secs(30)), "{all:?}");
    }

    #[tokio::test]
    async fn a_watch_that_goes_on_after_a_refusal_tells_so_though_there_is_nothing_new() {
        let after_a_refusal = |events| Watch {
            events,
            pauses: Pauses::default(),
            pause: Some(Duration::ZERO),
            let_in: Duration::from_millis(1),
        };
        let (told, _) = after_a_refusal(stream::pending().boxed()).next().await.unwrap();
        assert!(matches!(told, Told::GoesOn));
        let (told, _) = after_a_refusal(stream::iter([no()]).boxed()).next().await.unwrap();
        assert!(matches!(told, Told::Failed(_)));
    }
}
