//! Records of a bundle in a line each, and tables of them.

use super::identified::keys_in_words;
use crate::bundle::Record;
use crate::model::{Clause, Policy, ResourcePattern, Role};

/// Rows under a heading, each column as wide as it needs; the last one is not padded.
pub fn table<const N: usize>(heading: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = std::iter::once(heading.map(str::to_owned)).chain(rows).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter().map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
}

/// What a record says, in a few words.
pub fn record(record: &Record) -> String {
    match record {
        Record::Issuer { issuer, keys, .. } => format!("iss {}; {}", issuer.iss, keys_in_words(issuer, keys)),
        Record::Policy { policy, .. } => statements(policy),
        Record::Role { role, .. } => who_and_what(role),
        Record::Refused { reason, message, .. } => format!("{reason}: {message}"),
        Record::Privacy { functions, private, last_valid, .. } => {
            privacy(functions, *private, last_valid.as_deref())
        }
        Record::AccessToken { privacy, .. } => format!("of FunctionPrivacy {privacy}"),
        Record::Revocation { before } => format!("issued before {before}"),
        Record::Function { labels, .. } => format!("{} protected labels", labels.len()),
        Record::KeyState { state, .. } => format!("{state:?}"),
        Record::FrontEnd { headers } => headers.join(", "),
        Record::Unreadable(_) => "not known to this version; grants nothing".to_owned(),
    }
}

fn privacy(functions: &[ResourcePattern], private: bool, last_valid: Option<&[ResourcePattern]>) -> String {
    let listed = |list: &[ResourcePattern]| {
        let texts: Vec<_> = list.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    match (last_valid, private) {
        (Some(covered), _) => format!("broken, so these stay private: {}", listed(covered)),
        (None, true) => format!("private: {}", listed(functions)),
        (None, false) => format!("public: {}", listed(functions)),
    }
}

fn statements(policy: &Policy) -> String {
    let one = |s: &crate::model::Statement| {
        let resources: Vec<_> = s.resources.iter().map(ToString::to_string).collect();
        format!("{}: {} on {}", s.sid, s.actions, resources.join(", "))
    };
    policy.statements.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn who_and_what(role: &Role) -> String {
    let subjects = role.subjects.iter().map(|s| format!("jwt:sub is {}", list(s.iter().map(|v| &**v))));
    let clauses = role.clauses().iter().map(clause);
    let scope = role.scope.iter().map(|scope| {
        format!("within {}", scope.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    });
    let policies = std::iter::once(format!("policies {}", list(role.policies.iter().map(|p| &**p))));
    policies.chain(scope).chain(subjects).chain(clauses).collect::<Vec<_>>().join("; ")
}

fn clause(clause: &Clause) -> String {
    format!("{clause} {}", list(clause.values.iter().map(|v| v.as_str())))
}

/// The most values that a line shows.
const SHOWN: usize = 8;

fn list<'a>(values: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = values.len().saturating_sub(SHOWN);
    let shown = values.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need_and_no_line_ends_in_spaces() {
        let rows = [["a".to_owned(), "é".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(table(&["X", "Y"], rows.into_iter()), "X     Y\na     é\nlong\n");
    }

    #[test]
    fn a_long_list_says_how_much_is_left_out() {
        let values: Vec<_> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(list(values.iter().map(String::as_str)), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
