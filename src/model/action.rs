//! The actions of the REST API, and sets of them. Says which exist and at which level each is asked;
//! does not say who may do them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// At which level a call of an action is made (`semantics.md` 1–3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// About one function; `ns:*` and `*` ask for all functions there.
    Function,
    /// About a namespace as a whole, whatever name stands behind the colon.
    Namespace,
    /// About the installation.
    Cluster,
}

macro_rules! actions {
    ($($variant:ident = $name:literal, $level:ident;)+) => {
        /// One action of the gateway's REST API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Action {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl Action {
            /// Every action there is, in the order of the table.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)+];

            /// The name that policies and requests use.
            pub const fn as_str(self) -> &'static str {
                match self { $(Action::$variant => $name,)+ }
            }

            /// The level at which this action is asked.
            pub const fn level(self) -> Level {
                match self { $(Action::$variant => Level::$level,)+ }
            }
        }
    };
}

actions! {
    FunctionList = "Function:List", Function;
    FunctionGet = "Function:Get", Function;
    FunctionCreate = "Function:Create", Function;
    FunctionUpdate = "Function:Update", Function;
    FunctionDelete = "Function:Delete", Function;
    FunctionLogs = "Function:Logs", Function;
    FunctionScale = "Function:Scale", Function;
    FunctionInvoke = "Function:Invoke", Function;
    FunctionTag = "Function:Tag", Function;
    SecretList = "Secret:List", Namespace;
    SecretCreate = "Secret:Create", Namespace;
    SecretUpdate = "Secret:Update", Namespace;
    SecretDelete = "Secret:Delete", Namespace;
    NamespaceList = "Namespace:List", Namespace;
    NamespaceGet = "Namespace:Get", Namespace;
    NamespaceCreate = "Namespace:Create", Namespace;
    NamespaceUpdate = "Namespace:Update", Namespace;
    NamespaceDelete = "Namespace:Delete", Namespace;
    SystemInfo = "System:Info", Cluster;
}

/// A name that is no action of the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown action `{0}`")]
pub struct UnknownAction(pub String);

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Action::ALL.iter().copied().find(|a| a.as_str() == s).ok_or_else(|| UnknownAction(s.to_owned()))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of actions, as a Policy grants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ActionSet(u32);

/// Families that no call uses yet; `Role:*` and `Policy:*` may be written and are kept apart.
const RESERVED: [(&str, u32); 2] = [("Role:*", 1 << 30), ("Policy:*", 1 << 31)];

/// How a term of a Policy's `action` list was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// An action, a family or `*`.
    Exact(ActionSet),
    /// An alias that upstream's pages use; works, with a warning.
    Alias(ActionSet),
    /// A family that no call uses yet; accepted, with a warning.
    Reserved(ActionSet),
}

impl ActionSet {
    /// No action.
    pub const EMPTY: ActionSet = ActionSet(0);
    /// `*`: every action, and those to come.
    pub const ALL: ActionSet = ActionSet(u32::MAX);

    /// The set of one action.
    pub const fn of(action: Action) -> Self {
        ActionSet(1 << action as u8)
    }

    /// Whether the set holds `action`.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & (1 << action as u8) != 0
    }

    /// Both sets together.
    pub const fn union(self, other: Self) -> Self {
        ActionSet(self.0 | other.0)
    }

    /// The actions of the table that the set holds.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |a| self.contains(*a))
    }

    /// Reads one term of a Policy's `action` list (`semantics.md` 5).
    ///
    /// # Errors
    /// [`UnknownAction`] for any other wildcard and any unknown name.
    pub fn parse(term: &str) -> Result<Term, UnknownAction> {
        if let Some((_, bit)) = RESERVED.iter().find(|(name, _)| *name == term) {
            return Ok(Term::Reserved(ActionSet(*bit)));
        }
        if let Some(set) = alias(term) {
            return Ok(Term::Alias(set));
        }
        match term {
            "*" => Ok(Term::Exact(Self::ALL)),
            "Function:*" | "Secret:*" | "Namespace:*" | "System:*" => Ok(Term::Exact(family(term))),
            _ => term.parse().map(|a| Term::Exact(Self::of(a))),
        }
    }

    fn terms(self) -> Vec<&'static str> {
        if self == Self::ALL {
            return vec!["*"];
        }
        let reserved = RESERVED.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| *name);
        self.iter().map(Action::as_str).chain(reserved).collect()
    }
}

/// `Family:*`: all actions of the family but `Function:Tag`, which only its own name and `*` cover.
fn family(term: &str) -> ActionSet {
    let prefix = term.trim_end_matches('*');
    Action::ALL
        .iter()
        .filter(|a| a.as_str().starts_with(prefix) && **a != Action::FunctionTag)
        .fold(ActionSet::EMPTY, |set, a| set.union(ActionSet::of(*a)))
}

fn alias(term: &str) -> Option<ActionSet> {
    match term {
        "Function:Read" => {
            Some(ActionSet::of(Action::FunctionList).union(ActionSet::of(Action::FunctionGet)))
        }
        "Function:Admin" => Some(family("Function:*")),
        "Secret:Read" => Some(ActionSet::of(Action::SecretList)),
        "Secret:Admin" => Some(family("Secret:*")),
        _ => None,
    }
}

impl Serialize for ActionSet {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.terms().serialize(s)
    }
}

impl<'de> Deserialize<'de> for ActionSet {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(d)?.iter().try_fold(Self::EMPTY, |set, term| {
            match Self::parse(term).map_err(serde::de::Error::custom)? {
                Term::Exact(s) | Term::Alias(s) | Term::Reserved(s) => Ok(set.union(s)),
            }
        })
    }
}

impl fmt::Display for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.terms().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(term: &str) -> ActionSet {
        match ActionSet::parse(term).unwrap() {
            Term::Exact(s) | Term::Alias(s) | Term::Reserved(s) => s,
        }
    }

    #[test]
    fn r5_tag_is_covered_by_its_own_name_and_by_star_alone() {
        let covering: Vec<_> = ["*", "Function:*", "Function:Admin", "Function:Read", "Function:Tag"]
            .into_iter()
            .filter(|t| set(t).contains(Action::FunctionTag))
            .collect();
        assert_eq!(covering, ["*", "Function:Tag"]);
    }

    #[test]
    fn r5_other_wildcards_and_unknown_names_are_refused() {
        for term in
            ["Function:L*", "**", "function:list", "Function:", "Func*", "Secret:Get", "", "Role:List"]
        {
            assert!(ActionSet::parse(term).is_err(), "{term}");
        }
    }

    #[test]
    fn action_sets_survive_their_encoding() {
        for term in ["*", "Function:*", "Role:*", "Policy:*", "Secret:Admin", "System:Info"] {
            let json = serde_json::to_string(&set(term)).unwrap();
            assert_eq!(serde_json::from_str::<ActionSet>(&json).unwrap(), set(term), "{json}");
        }
    }
}
