//! A program that dies at a named request and is started again, while what it is there for goes on.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Call, Moment, Proxy, dump::Dump};
use crate::support::{Failure, Result, chart::Operator, wait::eventually};

/// Starts a program, lets `play` go on, kills it at the moment of a call and starts it again; gives the second one.
///
/// # Errors
/// Those of the play, and where the call is never made.
pub async fn dying_at(
    proxy: &Proxy,
    call: Call,
    moment: Moment,
    start: impl Fn() -> Result<Operator>,
    play: impl Future<Output = Result<()>>,
) -> Result<Operator> {
    let struck = proxy.strike(call, moment);
    let mut first = start()?;
    let dies = async {
        struck.reaches(1).await?;
        first.process.kill().await?;
        proxy.reborn();
        start()
    };
    let (second, ()) = tokio::try_join!(dies, play)?;
    Ok(second)
}

/// Waits until what there is equals what is expected; where it never does, says what differs.
///
/// # Errors
/// Those differences.
pub async fn ends_as(expected: &Dump, within: Duration, dump: impl AsyncFn() -> Result<Dump>) -> Result<()> {
    let last = Mutex::new(Vec::new());
    let outcome = eventually("the same objects as in the undisturbed run", within, async || {
        let differing = expected.differences(&dump().await?);
        let same = differing.is_empty();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = differing;
        Ok(same.then_some(()))
    });
    let last = || last.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
    outcome.await.map_err(|failure| Failure::new(format!("{failure}\n{}", last())))
}
