//! Who is timed: compiled, with its questions at hand.

use std::time::Duration;

use crate::clock::Clock;

/// An engine, ready to decide.
pub trait Contender {
    /// The answer to the question of that number.
    fn allows(&mut self, question: usize) -> bool;

    /// How long it takes to ask so many questions so many times.
    fn time(&mut self, questions: usize, times: u64) -> Duration {
        let clock = Clock::start();
        for _ in 0..times {
            for question in 0..questions {
                std::hint::black_box(self.allows(question));
            }
        }
        clock.elapsed()
    }
}

/// The result, and how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let clock = Clock::start();
    let result = work();
    (result, clock.elapsed())
}
