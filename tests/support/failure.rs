//! Why a test could not go on, as text for a person: the step, then its causes.

use std::fmt;

/// The result of every fallible step of a test.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// A failure, already worded. `?` makes it from any error; [`Failure::new`] from a sentence.
pub struct Failure(String);

impl Failure {
    /// A failure of a test's own, in one or more lines.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same failure with the step that met it in front.
    pub fn during(self, step: impl fmt::Display) -> Self {
        Self(format!("{step}: {}", self.0))
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = error.source();
        }
        Self(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// What the test runner prints of a failed test.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
