//! Calls of functions: the one parser for `name[.namespace]` (`security-rules.md` 3), and where they go.

use super::path::climbs_out;
use super::{Refused, function_name, namespace};
use crate::model::{Action, FunctionName, Namespace, Request, Resource};

/// A call of `/function/…` or `/async-function/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation<'p> {
    /// Where the function is.
    pub namespace: Namespace,
    /// Its name.
    pub name: FunctionName,
    /// What follows the name, as it came: empty, or from a slash on.
    pub rest: &'p str,
    /// Whether it is queued.
    pub asynchronous: bool,
}

impl<'p> Invocation<'p> {
    /// Reads what follows `/function/` or `/async-function/`. What stays in the function goes through as it came.
    pub(super) fn parse(text: &'p str, asynchronous: bool, default: &Namespace) -> Result<Self, Refused> {
        let end = text.find('/').unwrap_or(text.len());
        let (segment, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let (namespace, name) = target(segment, default)?;
        if climbs_out(rest) {
            return Err(Refused::bad("ambiguous_path", "the path leads out of the function by dot segments"));
        }
        Ok(Self { namespace, name, rest, asynchronous })
    }

    /// What the call is judged as, where the function is private.
    ///
    /// # Errors
    /// None in practice: invoking is asked about functions.
    pub fn into_request(self) -> Result<Request, Refused> {
        Request::new(Action::FunctionInvoke, Resource::Function(self.namespace, self.name))
            .map_err(|error| Refused::bad("name", error.to_string()))
    }

    /// The path to forward to, the namespace always named, and the query as it came.
    pub fn target(&self, query: Option<&str>) -> String {
        let prefix = if self.asynchronous { "/async-function/" } else { "/function/" };
        let (mark, query) = query.map_or(("", ""), |query| ("?", query));
        [prefix, self.name.as_str(), ".", self.namespace.as_str(), self.rest, mark, query].concat()
    }
}

/// The function that `name[.namespace]` names: the last dot separates, no dot is the default namespace.
///
/// # Errors
/// [`Refused`] where either is none.
pub fn target(text: &str, default: &Namespace) -> Result<(Namespace, FunctionName), Refused> {
    match text.rsplit_once('.') {
        Some((name, ns)) => Ok((namespace(ns)?, function_name(name)?)),
        None => Ok((default.clone(), function_name(text)?)),
    }
}
