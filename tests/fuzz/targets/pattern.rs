//! Patterns of resources and of conditions, against the simplest matcher that there is.

use crate::model::{Pattern, Request, Resource, ResourcePattern};

/// The pattern, a NUL, the text: a match is what the definition says. What is a pattern of resources prints as it was
/// written, and covers a function only where namespace and name match apart.
pub fn pattern(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((pattern, text)) =
        text.split_once('\0').filter(|(pattern, text)| pattern.len() + text.len() <= 256)
    else {
        return;
    };
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    assert_eq!(Pattern::like(pattern).matches(text), matches(&p, &t, true), "{pattern:?} {text:?}");
    assert_eq!(Pattern::star(pattern).matches(text), matches(&p, &t, false), "{pattern:?} {text:?}");
    let Ok(resource) = ResourcePattern::parse(pattern) else { return };
    assert_eq!(resource.to_string(), pattern);
    let Ok(request) = Request::parse("Function:Invoke", text) else { return };
    let Resource::Function(namespace, name) = request.resource() else { return };
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    let apart = pattern.split_once(':').is_none_or(|(ns, n)| {
        matches(&chars(ns), &chars(namespace.as_str()), false)
            && matches(&chars(n), &chars(name.as_str()), false)
    });
    assert_eq!(resource.covers(request.resource()), apart, "{pattern:?} {text:?}");
}

/// By the definition, one row of a table for each character of the pattern.
fn matches(pattern: &[char], text: &[char], question: bool) -> bool {
    let mut row: Vec<bool> = (0..=text.len()).map(|at| at == 0).collect();
    for wanted in pattern {
        let mut next = vec![false; row.len()];
        for at in 0..row.len() {
            next[at] = match wanted {
                '*' => row[at] || (at > 0 && next[at - 1]),
                '?' if question => at > 0 && row[at - 1],
                one => at > 0 && row[at - 1] && text[at - 1] == *one,
            };
        }
        row = next;
    }
    row[text.len()]
}
