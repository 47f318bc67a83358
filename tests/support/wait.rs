//! Waiting by asking, with an end: the only way in which a test lets time pass.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Failure, Result};

const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the answer is there, at most for `within`; an error counts as "not yet".
///
/// # Errors
/// When the time is up: `what` was waited for, and what the last question met.
pub async fn eventually<T, F>(what: &str, within: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + within;
    loop {
        let last = match tokio::time::timeout_at(deadline, ask()).await {
            Ok(Ok(Some(answer))) => return Ok(answer),
            Ok(Ok(None)) => String::from("it is not so yet"),
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => String::from("no answer"),
        };
        if Instant::now() + PAUSE >= deadline {
            return Err(Failure::new(format!("waited {within:?} for {what}; at last: {last}")));
        }
        sleep(PAUSE).await;
    }
}
