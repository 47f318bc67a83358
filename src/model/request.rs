//! What is asked: one action at one level (`semantics.md` 1–4). Normalises the level; decides nothing.

use std::fmt;

use super::action::{Action, Level, UnknownAction};
use super::resource::{Resource, ResourceError};

/// A question the engine can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    action: Action,
    resource: Resource,
}

/// A question that nobody could ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A wildcard or alias as the action.
    #[error("`{0}` is a set of actions; ask for one, such as `Function:List`")]
    NotOneAction(String),
    /// No action of the table.
    #[error(transparent)]
    Action(#[from] UnknownAction),
    /// No resource.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// A level at which no call of the action is made.
    #[error("`{action}` is asked about `{takes}`, not `{given}`")]
    Level {
        /// The action.
        action: Action,
        /// What it is asked about.
        takes: &'static str,
        /// What was given.
        given: String,
    },
}

impl Request {
    /// Puts an action and a resource together, at the level at which the action is judged:
    /// `Secret:Update dev:token` is about `dev:*`.
    ///
    /// # Errors
    /// [`RequestError::Level`] where no call of the action has this level.
    pub fn new(action: Action, resource: Resource) -> Result<Self, RequestError> {
        let wrong = |takes, given: &Resource| RequestError::Level { action, takes, given: given.to_string() };
        let resource = match (action.level(), resource) {
            (Level::Namespace, Resource::Function(ns, _)) => Resource::Namespace(ns),
            // Listing namespaces is the one call about namespaces that names none.
            (Level::Namespace, r @ Resource::Cluster) if action != Action::NamespaceList => {
                return Err(wrong("namespace:*", &r));
            }
            (Level::Cluster, r @ (Resource::Namespace(_) | Resource::Function(..))) => {
                return Err(wrong("*", &r));
            }
            (_, r) => r,
        };
        Ok(Self { action, resource })
    }

    /// All of an action, wherever: what no call asks, but whoever may do everything has.
    pub fn everywhere(action: Action) -> Self {
        Self { action, resource: Resource::Cluster }
    }

    /// Reads a question as `can-i` takes it.
    ///
    /// # Errors
    /// [`RequestError`] for everything that no call could ask.
    pub fn parse(action: &str, resource: &str) -> Result<Self, RequestError> {
        let action = action.parse().map_err(|unknown| match super::ActionSet::parse(action) {
            Ok(_) => RequestError::NotOneAction(action.to_owned()),
            Err(_) => RequestError::Action(unknown),
        })?;
        Self::new(action, Resource::parse(resource)?)
    }

    /// The action.
    pub fn action(&self) -> Action {
        self.action
    }

    /// What it is about.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn r3_what_is_about_a_namespace_is_judged_on_the_namespace() {
        for (action, resource, want) in [
            ("Secret:Update", "dev:token", "Secret:Update dev:*"),
            ("Namespace:Get", "dev:x", "Namespace:Get dev:*"),
            ("Function:Get", "dev:env", "Function:Get dev:env"),
            ("Function:List", "*", "Function:List *"),
            ("System:Info", "*", "System:Info *"),
        ] {
            assert_eq!(Request::parse(action, resource).unwrap().to_string(), want);
        }
    }

    #[test]
    fn r4_what_no_call_could_ask_is_wrong_input() {
        for (action, resource) in [
            ("System:Info", "dev:*"),
            ("System:Info", "dev:x"),
            ("Function:*", "dev:x"),
            ("Function:Read", "dev:x"),
            ("*", "*"),
            ("Function:Look", "dev:x"),
            ("Function:Get", "Dev:x"),
            ("Function:Get", "dev:x y"),
            ("Function:Get", "dev"),
            ("Secret:Create", "*"),
            ("Secret:List", "*"),
            ("Namespace:Get", "*"),
            ("Role:*", "*"),
        ] {
            assert!(Request::parse(action, resource).is_err(), "{action} {resource}");
        }
    }
}
