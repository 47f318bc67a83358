//! The naive way: go through all Roles, their conditions, their Policies and statements, one after the
//! other, until one allows. The same model as the engine's, and none of its index; for comparison alone,
//! so it leaves out what the mix does not have (shared tenants, `email`, bounds of tokens).

use faas_iam::bundle::Bundle;
use faas_iam::engine::Principal;
use faas_iam::model::{Clause, Comparison, Condition, Quantifier, Request, Role, Statement};

/// Whether some Role grants it.
pub fn allows(bundle: &Bundle, who: &Principal, request: &Request) -> bool {
    bundle.roles().any(|(_, role)| {
        about(role, who)
            && role.scope.as_ref().is_none_or(|scope| scope.iter().any(|s| s.covers(request.resource())))
            && bundle
                .policies()
                .filter(|(name, _)| role.policies.iter().any(|wanted| **wanted == **name))
                .any(|(_, policy)| policy.statements.iter().any(|statement| grants(statement, who, request)))
    })
}

fn about(role: &Role, who: &Principal) -> bool {
    (!role.names_an_issuer() || role.names(who.iss()))
        && role.subjects.as_ref().is_none_or(|subjects| subjects.iter().any(|sub| **sub == *who.sub()))
        && role.condition.as_ref().is_none_or(|condition| holds(condition, who))
}

fn grants(statement: &Statement, who: &Principal, request: &Request) -> bool {
    statement.actions.contains(request.action())
        && statement.resources.iter().any(|pattern| pattern.covers(request.resource()))
        && statement.condition.as_ref().is_none_or(|condition| holds(condition, who))
}

fn holds(condition: &Condition, who: &Principal) -> bool {
    condition.0.iter().all(|clause| clause_holds(clause, who))
}

fn clause_holds(clause: &Clause, who: &Principal) -> bool {
    let Some(value) = who.claims().get(&clause.claim) else { return false };
    let one = |text: &str| {
        let met = clause.values.iter().any(|wanted| match clause.op.comparison {
            Comparison::Like => wanted.matches(text),
            Comparison::EqualIgnoreCase => wanted.as_str().eq_ignore_ascii_case(text),
            _ => wanted.as_str() == text,
        });
        met != clause.op.negated
    };
    match clause.op.quantifier {
        Quantifier::Plain => value.text().is_some_and(one),
        Quantifier::Any => value.elements().iter().any(|v| v.text().is_some_and(one)),
        Quantifier::All => value.elements().iter().all(|v| v.text().is_some_and(one)),
    }
}
