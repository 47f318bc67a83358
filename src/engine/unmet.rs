//! What a clause wanted, what the claims hold, and what people trip over there. Tells; decides nothing.

use std::fmt;

use serde::Serialize;

use super::Principal;
use super::grants::CompiledRole;
use super::principal::shorten;
use crate::model::{ClaimValue, Clause, Comparison, Quantifier};

/// How many values, wanted or presented, are shown.
const SHOWN_VALUES: usize = 8;

/// What was wanted and what was there.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unmet {
    /// The operator and the claim.
    pub clause: String,
    /// Some of the values that would do.
    pub wanted: Vec<String>,
    /// What the claims hold.
    pub presented: String,
    /// What may be behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

pub(super) fn other_subject(role: &CompiledRole, principal: &Principal) -> Unmet {
    let wanted = role.role.subjects.iter().flatten().take(SHOWN_VALUES).map(|s| shorten(s)).collect();
    Unmet { clause: "principal jwt:sub".into(), wanted, presented: presented("sub", principal), hint: None }
}

pub(super) fn unmet(clause: &Clause, principal: &Principal) -> Unmet {
    Unmet {
        clause: clause.to_string(),
        wanted: clause.values.iter().take(SHOWN_VALUES).map(|v| shorten(v.as_str())).collect(),
        presented: presented(&clause.claim, principal),
        hint: hint(clause, principal),
    }
}

/// What the claims hold, as JSON would show it, at most some of it.
pub(super) fn presented(claim: &str, principal: &Principal) -> String {
    match principal.claims().get(claim) {
        None => "nothing".into(),
        Some(value) => show(value),
    }
}

fn show(value: &ClaimValue) -> String {
    match value {
        ClaimValue::Text(text) => format!("{:?}", shorten(text)),
        ClaimValue::Integer(text) => text.to_string(),
        ClaimValue::Bool(b) => b.to_string(),
        ClaimValue::Number => "a number that is no exact integer".into(),
        ClaimValue::Object(_) => "an object".into(),
        ClaimValue::Array(items) => {
            let shown: Vec<_> = items.iter().take(SHOWN_VALUES).map(show).collect();
            let more = if items.len() > SHOWN_VALUES { ", …" } else { "" };
            format!("[{}{more}]", shown.join(", "))
        }
    }
}

/// What people trip over, where this looks like it.
fn hint(clause: &Clause, principal: &Principal) -> Option<String> {
    let claims = principal.claims();
    if claims.is_omitted(&clause.claim) {
        return Some("the token was too large to carry this claim when it was made; log in again".into());
    }
    if &*clause.claim == "email" && !principal.email.counts() {
        return Some(principal.email.to_string());
    }
    match claims.get(&clause.claim) {
        None => missing_hint(&clause.claim, principal),
        Some(ClaimValue::Array(_)) if is_plain(clause) => {
            Some(format!("the claim is a list; write `ForAnyValue:{}`", clause.op))
        }
        Some(ClaimValue::Bool(_)) if clause.op.comparison != Comparison::Bool => {
            Some("true and false are compared by Bool alone".into())
        }
        Some(ClaimValue::Text(_)) if clause.op.comparison == Comparison::Bool => {
            Some("the claim is text; Bool looks at JSON true and false alone".into())
        }
        Some(ClaimValue::Text(text))
            if clause.values.iter().any(|v| v.as_str().eq_ignore_ascii_case(text)) =>
        {
            Some("they differ in the case of letters; StringEqualIgnoreCase folds it".into())
        }
        _ => None,
    }
}

fn is_plain(clause: &Clause) -> bool {
    clause.op.quantifier == Quantifier::Plain
        && !matches!(clause.op.comparison, Comparison::Bool | Comparison::Null)
}

fn missing_hint(claim: &str, principal: &Principal) -> Option<String> {
    let claims = principal.claims();
    let pointer = matches!(claims.get("_claim_names"), Some(ClaimValue::Object(names)) if names.iter().any(|n| **n == *claim));
    if pointer || (claim == "groups" && claims.get("hasgroups").is_some()) {
        return Some(format!(
            "the provider left `{claim}` out, as it does where there are too many; nothing is fetched"
        ));
    }
    let (first, _) = claim.split_once('.')?;
    matches!(claims.get(first), Some(ClaimValue::Object(_))).then(|| {
        format!("`{first}` is an object; keys name top-level claims, not paths: have the provider put `{claim}` there as a claim of its own")
    })
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted: Vec<_> = self.wanted.iter().map(|w| format!("{w:?}")).collect();
        write!(f, "{} wants {}, presented is {}", self.clause, wanted.join(" or "), self.presented)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}
