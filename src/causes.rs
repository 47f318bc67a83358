//! An error with its causes, in one line: what logs, conditions and the command line print, each once.

use std::error::Error;
use std::fmt::Write as _;

/// An error with its causes; what an error says of its cause itself is not said again.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !line.contains(&words) {
            let _ = write!(line, ": {words}");
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn an_error_is_one_line_with_every_cause_once() {
        let cause = Layer("no such file", None);
        let again = Layer("no such file", Some(Box::new(cause)));
        let error = Layer("cannot read `x`", Some(Box::new(again)));
        assert_eq!(chain(&error), "cannot read `x`: no such file");
    }
}
