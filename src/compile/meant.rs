//! What was probably meant by a name that is not known: names from elsewhere, and names with a slip of the
//! finger. Tells; decides nothing.

use super::wording::{cut, shown};
use crate::model::Action;

/// Edits that make one name of another, at most, in names of any length.
const EDITS: usize = 3;
/// Characters of a name that are compared.
const COMPARED: usize = 80;

/// What others call our fields.
const FIELDS: &[(&str, &str)] = &[
    ("issuer", "iss"),
    ("issuerurl", "iss"),
    ("audience", "aud"),
    ("audiences", "aud"),
    ("expiry", "tokenExpiry"),
    ("cabundle", "caBundleRef"),
    ("subjects", "principal"),
    ("namespaces", "scope"),
];
/// What others call the actions of functions.
const VERBS: &[(&str, &str)] = &[
    ("deploy", "`Function:Create` and `Function:Update`"),
    ("write", "`Function:Create` and `Function:Update`"),
    ("call", "`Function:Invoke`"),
    ("execute", "`Function:Invoke`"),
    ("run", "`Function:Invoke`"),
    ("remove", "`Function:Delete`"),
];

/// The field that was probably meant.
pub(super) fn field<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    let bare = wrong.to_lowercase().replace(['_', '-'], "");
    let elsewhere = FIELDS.iter().find(|(theirs, _)| *theirs == bare);
    let ours = elsewhere.and_then(|(_, ours)| known.iter().find(|name| *name == ours));
    ours.copied().or_else(|| similar(wrong, known))
}

/// Whether it is where others write the address of the keys.
pub(super) fn is_key_address(wrong: &str) -> bool {
    matches!(&*wrong.to_lowercase().replace(['_', '-'], ""), "jwksuri" | "jwksurl")
}

/// What is wrong with a term that is no action of a Policy, and what to write.
pub(crate) fn unknown_action(term: &str) -> String {
    let cure = if term.contains(['*', '?']) {
        ": wildcards are taken only as `Function:*`, `Secret:*`, `Namespace:*`, `System:*` and `*`".to_owned()
    } else {
        format!("; {}", action(term))
    };
    format!("{} is no action{cure}", shown(term))
}

fn action(term: &str) -> String {
    let (family, verb) = term.trim().split_once(':').unwrap_or(("", term.trim()));
    let of_functions = family.is_empty() || family.eq_ignore_ascii_case("function");
    let theirs = VERBS.iter().find(|(theirs, _)| of_functions && verb.eq_ignore_ascii_case(theirs));
    if let Some((_, ours)) = theirs {
        return format!("write {ours}");
    }
    let known: Vec<_> = Action::ALL.iter().map(|a| a.as_str()).collect();
    if let Some(near) = similar(term, &known) {
        return format!("write `{near}`");
    }
    let with = |matches: &dyn Fn(&str, &str) -> bool| -> Vec<&str> {
        known.iter().copied().filter(|a| a.split_once(':').is_some_and(|(f, v)| matches(f, v))).collect()
    };
    let of_verb = with(&|_, v| family.is_empty() && v.eq_ignore_ascii_case(verb));
    if !of_verb.is_empty() {
        return format!("write {}", listed(&of_verb, "or"));
    }
    match listed(&with(&|f, _| f.eq_ignore_ascii_case(family)), "and") {
        none if none.is_empty() => {
            "the families are `Function`, `Secret`, `Namespace` and `System`".to_owned()
        }
        all => format!("of this family are {all}"),
    }
}

/// Names in backticks, the last one behind a word.
fn listed(names: &[&str], word: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {word} {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The known name that was probably meant: a few edits away, few in short names, or the same letters in
/// another order (`NotStringEquals`).
pub(super) fn similar<'k>(wrong: &str, known: &[&'k str]) -> Option<&'k str> {
    let wrong = cut(&wrong.to_lowercase(), COMPARED);
    let edits = EDITS.min(1 + wrong.len() / 4);
    let distance = |name: &str| {
        let name = name.to_lowercase();
        if letters(&name) == letters(&wrong) { 0 } else { strsim::osa_distance(&wrong, &name) }
    };
    let near = known.iter().map(|name| (distance(name), *name)).filter(|(distance, _)| *distance <= edits);
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

fn letters(name: &str) -> Vec<char> {
    let mut letters: Vec<_> = name.chars().collect();
    letters.sort_unstable();
    letters
}
