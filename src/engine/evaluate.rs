//! Whether one clause, condition or Role holds for a principal (`semantics.md` 11–18). The only place
//! that compares claims with values; knows nothing of actions and resources.

use super::Principal;
use crate::model::{ClaimValue, Clause, Comparison, Condition, Pattern, Quantifier, Role};

/// Whether every clause holds.
pub(super) fn condition_holds(condition: &Condition, principal: &Principal) -> bool {
    condition.0.iter().all(|clause| clause_holds(clause, principal))
}

/// A clause that does not hold; one on the issuer before others, because it says the most.
pub(super) fn failing<'c>(condition: &'c Condition, principal: &Principal) -> Option<&'c Clause> {
    let unmet = || condition.0.iter().filter(|clause| !clause_holds(clause, principal));
    unmet().find(|clause| is_of_issuer(clause)).or_else(|| unmet().next())
}

/// Whether the Role's own principal and condition both hold; its issuers are judged elsewhere.
pub(super) fn role_holds(role: &Role, principal: &Principal) -> bool {
    subject_holds(role, principal) && role.condition.as_ref().is_none_or(|c| condition_holds(c, principal))
}

/// Whether the subject is one of those that the Role lists, where it lists some.
pub(super) fn subject_holds(role: &Role, principal: &Principal) -> bool {
    let Some(subjects) = &role.subjects else { return true };
    if principal.claims.is_omitted("sub") {
        return false;
    }
    let Some(sub) = principal.claims.get("sub").and_then(ClaimValue::text) else { return false };
    subjects.iter().any(|s| **s == *sub)
}

/// Whether a claim can satisfy an operator at all: one that the token left out, or an address that does
/// not count, satisfies none, Null included.
fn usable(claim: &str, principal: &Principal) -> bool {
    !principal.claims.is_omitted(claim) && (claim != "email" || principal.email.counts())
}

pub(super) fn clause_holds(clause: &Clause, principal: &Principal) -> bool {
    usable(&clause.claim, principal) && value_holds(clause, principal.claims.get(&clause.claim))
}

/// A clause on the issuer that the principal's is not what it wants.
pub(super) fn failing_issuer<'c>(role: &'c Role, principal: &Principal) -> Option<&'c Clause> {
    role.clauses().iter().find(|clause| is_of_issuer(clause) && !clause_holds(clause, principal))
}

/// Whether tokens of this issuer can satisfy the clause, as far as the issuer decides.
pub(super) fn admits(clause: &Clause, iss: &str) -> bool {
    !is_of_issuer(clause) || value_holds(clause, Some(&ClaimValue::Text(iss.into())))
}

fn is_of_issuer(clause: &Clause) -> bool {
    &*clause.claim == "iss"
}

fn value_holds(clause: &Clause, value: Option<&ClaimValue>) -> bool {
    match (clause.op.comparison, value) {
        (Comparison::Null, value) => flag(&clause.values, value.is_none()),
        (_, None) => false,
        (Comparison::Bool, Some(ClaimValue::Bool(b))) => flag(&clause.values, *b),
        (Comparison::Bool, Some(_)) => false,
        (_, Some(value)) => strings_hold(clause, value),
    }
}

fn flag(values: &[Pattern], is: bool) -> bool {
    values.iter().any(|v| v.as_str() == if is { "true" } else { "false" })
}

fn strings_hold(clause: &Clause, value: &ClaimValue) -> bool {
    // What is no text satisfies no operator, negated ones included.
    let one = |v: &ClaimValue| v.text().is_some_and(|text| equals_any(clause, text) != clause.op.negated);
    match clause.op.quantifier {
        Quantifier::Plain => one(value),
        Quantifier::Any => value.elements().iter().any(one),
        Quantifier::All => !value.elements().is_empty() && value.elements().iter().all(one),
    }
}

fn equals_any(clause: &Clause, text: &str) -> bool {
    clause.values.iter().any(|value| match clause.op.comparison {
        Comparison::EqualIgnoreCase => value.as_str().eq_ignore_ascii_case(text),
        Comparison::Like => value.matches(text),
        Comparison::Equal | Comparison::Bool | Comparison::Null => value.as_str() == text,
    })
}
