//! What is asked (1–4), and whether a statement (5, 6) or a scope (10) covers it.

use serde_json::Value;

use super::text::matches;
use super::texts;

/// What nobody could ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongInput;

/// An action at one level; `None` is what stands for all.
#[derive(Debug, Clone)]
pub struct Request {
    action: String,
    namespace: Option<String>,
    function: Option<String>,
}

const ACTIONS: [&str; 19] = [
    "Function:List",
    "Function:Get",
    "Function:Create",
    "Function:Update",
    "Function:Delete",
    "Function:Logs",
    "Function:Scale",
    "Function:Invoke",
    "Function:Tag",
    "Secret:List",
    "Secret:Create",
    "Secret:Update",
    "Secret:Delete",
    "Namespace:List",
    "Namespace:Get",
    "Namespace:Create",
    "Namespace:Update",
    "Namespace:Delete",
    "System:Info",
];

impl Request {
    /// Reads a question.
    pub fn parse(action: &str, resource: &str) -> Result<Self, WrongInput> {
        if !ACTIONS.contains(&action) {
            return Err(WrongInput);
        }
        let (namespace, function) = parts(resource).ok_or(WrongInput)?;
        let level = (namespace.is_some(), function.is_some());
        let (namespace, function) = match (action.split(':').next(), level) {
            (Some("System"), (true, _)) => return Err(WrongInput),
            // 3: these are about a namespace, whatever the name behind it.
            (Some("Secret" | "Namespace"), (true, _)) => (namespace, None),
            (Some("Secret" | "Namespace"), _) if action != "Namespace:List" => return Err(WrongInput),
            _ => (namespace, function),
        };
        Ok(Self { action: action.to_owned(), namespace, function })
    }

    /// The namespace that is asked about.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Whether this is a call of a function.
    pub fn is_invoke(&self) -> bool {
        self.action == "Function:Invoke"
    }

    /// Whether some action and some resource of a statement cover this.
    pub fn is_covered_by(&self, actions: &Value, resources: &Value) -> bool {
        texts(actions).any(|term| self.is_an(term)) && texts(resources).any(|pattern| self.is_on(pattern))
    }

    /// 5.
    fn is_an(&self, term: &str) -> bool {
        let action = self.action.as_str();
        let of_family = |family: &str| action.starts_with(family) && action != "Function:Tag";
        match term {
            "*" => true,
            "Function:*" | "Function:Admin" => of_family("Function:"),
            "Function:Read" => ["Function:List", "Function:Get"].contains(&action),
            "Secret:*" | "Secret:Admin" => of_family("Secret:"),
            "Secret:Read" => action == "Secret:List",
            "Namespace:*" => of_family("Namespace:"),
            "System:*" => of_family("System:"),
            exact => action == exact,
        }
    }

    /// 1, 6. "only a grant whose name part is `*` covers" a whole namespace: not `**`, though that takes
    /// every name.
    pub fn is_on(&self, pattern: &str) -> bool {
        if pattern == "*" {
            return true;
        }
        let Some((in_namespace, in_name)) = pattern.split_once(':') else { return false };
        match (&self.namespace, &self.function) {
            (None, _) => false,
            (Some(ns), None) => in_name == "*" && matches(in_namespace, ns, false),
            (Some(ns), Some(name)) => matches(in_namespace, ns, false) && matches(in_name, name, false),
        }
    }

    /// 10.
    pub fn is_within(&self, scope: &str) -> bool {
        let Some((namespace, name)) = scope.split_once(':') else { return scope == "*" };
        self.namespace.as_deref() == Some(namespace)
            && (name == "*" || self.function.as_deref() == Some(name))
    }
}

/// `*`, `ns:*` or `ns:name`.
fn parts(resource: &str) -> Option<(Option<String>, Option<String>)> {
    if resource == "*" {
        return Some((None, None));
    }
    let (namespace, name) = resource.split_once(':')?;
    let whole = name == "*";
    (is_namespace(namespace) && (whole || is_function(name)))
        .then(|| (Some(namespace.to_owned()), (!whole).then(|| name.to_owned())))
}

/// A DNS label.
fn is_namespace(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The gateway's rule, no longer than Kubernetes has names.
fn is_function(text: &str) -> bool {
    (1..=253).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Whether a text is a scope (10).
pub fn is_scope(text: &str) -> bool {
    parts(text).is_some()
}

/// Whether a text may stand in a statement's `action` (5).
pub fn is_action_term(text: &str) -> bool {
    const SETS: [&str; 11] = [
        "*",
        "Function:*",
        "Secret:*",
        "Namespace:*",
        "System:*",
        "Role:*",
        "Policy:*",
        "Function:Read",
        "Function:Admin",
        "Secret:Read",
        "Secret:Admin",
    ];
    ACTIONS.contains(&text) || SETS.contains(&text)
}

/// Whether a text may stand in a statement's `resource` (6).
pub fn is_resource_pattern(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let Some((namespace, name)) = text.split_once(':') else { return false };
    let in_namespace = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '*';
    let in_name = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
    !namespace.is_empty()
        && namespace.chars().all(in_namespace)
        && !name.is_empty()
        && name.chars().all(in_name)
}
