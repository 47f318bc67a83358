//! What is being waited for, said after a moment to whoever sits at a terminal. Says nothing into a file or a
//! pipe, and nothing to standard output.

use std::io::{self, IsTerminal as _, Write as _};
use std::pin::pin;
use std::time::Duration;

use super::output::plain;

/// How often it is said how far it is.
const A_WHILE: Duration = Duration::from_secs(2);
/// Answers that come faster need no word.
const MOMENT: Duration = Duration::from_secs(1);

/// The answer; meanwhile, where somebody looks at it, standard error has a line that begins with `what`.
pub async fn awaited<T>(what: &str, answer: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        return answer.await;
    }
    let say = || {
        // Where nobody can be told, the answer is still worth having.
        let _ = writeln!(io::stderr(), "{} …", plain(what));
    };
    unless_soon(answer, tokio::time::sleep(MOMENT), say).await
}

/// The answer; meanwhile, where somebody looks at it, standard error says every now and then how far it is.
pub async fn counted<T>(how_far: impl Fn() -> String, answer: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        return answer.await;
    }
    let say = || {
        let _ = writeln!(io::stderr(), "{} …", plain(&how_far()));
    };
    meanwhile(answer, async || tokio::time::sleep(A_WHILE).await, say).await
}

/// The answer; says so after each pause before it is there.
async fn meanwhile<T>(answer: impl Future<Output = T>, pause: impl AsyncFn(), say: impl Fn()) -> T {
    let mut answer = pin!(answer);
    loop {
        tokio::select! {
            biased;
            done = &mut answer => return done,
            () = pause() => say(),
        }
    }
}

/// The answer; says so where the moment is over before it is there.
async fn unless_soon<T>(
    answer: impl Future<Output = T>,
    moment: impl Future<Output = ()>,
    say: impl FnOnce(),
) -> T {
    let mut answer = pin!(answer);
    tokio::select! {
        biased;
        done = &mut answer => return done,
        () = moment => say(),
    }
    answer.await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn what_is_awaited_is_said_once_where_the_answer_takes_longer_than_a_moment() {
        let said = Cell::new(0);
        let say = || said.set(said.get() + 1);
        let slow = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(unless_soon(slow, ready(()), say).await, 7);
        assert_eq!(said.get(), 1);
    }

    #[tokio::test]
    async fn how_far_it_is_is_said_after_each_pause_until_the_answer_is_there() {
        let said = Cell::new(0);
        let slow = async {
            while said.get() < 3 {
                tokio::task::yield_now().await;
            }
            7
        };
        assert_eq!(meanwhile(slow, async || (), || said.set(said.get() + 1)).await, 7);
        assert_eq!(said.get(), 3);
    }

    #[tokio::test]
    async fn an_answer_that_is_there_at_once_is_all_that_is_said() {
        let said = Cell::new(false);
        assert_eq!(unless_soon(ready(7), pending(), || said.set(true)).await, 7);
        assert_eq!(unless_soon(ready(7), ready(()), || said.set(true)).await, 7);
        assert!(!said.get());
    }
}
