//! The question of `can-i` and `who-can`: an action and a resource, and what was meant where they are none.
//!
//! What a question is, is the model's; this reads two words and finds the cure for a wrong one.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};

use crate::compile::unknown_action;
use crate::model::{Action, Request, RequestError, UnknownAction};

/// Two words that are no question, and what to write.
#[derive(Debug, thiserror::Error)]
#[error("{wrong}{cure}")]
pub struct QuestionError {
    wrong: String,
    cure: String,
}

/// Reads a question.
///
/// # Errors
/// [`QuestionError`] for everything that no call could ask.
pub fn parse(action: &str, resource: &str) -> Result<Request, QuestionError> {
    Request::parse(action, resource).map_err(|wrong| {
        let cure = if Request::parse(resource, action).is_ok() {
            format!("; the action comes first: `{resource} {action}`")
        } else {
            String::new()
        };
        QuestionError { wrong: told(&wrong), cure }
    })
}

/// An unknown action is told what was meant, as `check` tells it of a Policy.
fn told(wrong: &RequestError) -> String {
    match wrong {
        RequestError::Action(UnknownAction(term)) => unknown_action(term),
        other => other.to_string(),
    }
}

/// Takes any text, so that [`parse`] can say what is wrong with it; help and shells know the actions by this.
#[derive(Debug, Clone, Copy)]
pub struct ActionWord;

impl TypedValueParser for ActionWord {
    type Value = String;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, value: &std::ffi::OsStr) -> Result<String, Error> {
        value.to_str().map(str::to_owned).ok_or_else(|| Error::new(ErrorKind::InvalidUtf8))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Action::ALL.iter().map(|action| PossibleValue::new(action.as_str()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_the_wrong_order_are_told_so() {
        let wrong = parse("dev:env", "Function:Get").unwrap_err().to_string();
        assert!(wrong.ends_with("; the action comes first: `Function:Get dev:env`"), "{wrong}");
        assert!(
            parse("Function:Lst", "dev:env").unwrap_err().to_string().ends_with("; write `Function:List`")
        );
        assert!(!parse("Function:Look", "dev:env").unwrap_err().to_string().contains("comes first"));
    }
}
