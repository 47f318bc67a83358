//! Wildcard patterns: `*` (any run) and, in conditions, `?` (one character). Anchored at both ends,
//! nothing else is special, bytes are compared. Matching is linear in the text for a given pattern.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a pattern may contain besides literal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// `*` alone, as in resources.
    Star,
    /// `*` and `?`, as in `StringLike`.
    StarAndQuestion,
}

impl Dialect {
    fn is_wild(self, c: char) -> bool {
        c == '*' || (c == '?' && self == Self::StarAndQuestion)
    }
}

/// A compiled pattern. Equal where the written text is equal.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    dialect: Dialect,
    /// Literal text before the first wildcard.
    prefix_len: usize,
}

impl Pattern {
    /// A pattern in which `*` is the only wildcard (resources; `semantics.md` 6).
    pub fn star(text: &str) -> Self {
        Self::new(text, Dialect::Star)
    }

    /// A `StringLike` pattern (`semantics.md` 17).
    pub fn like(text: &str) -> Self {
        Self::new(text, Dialect::StarAndQuestion)
    }

    fn new(text: &str, dialect: Dialect) -> Self {
        let prefix_len = text.find(|c| dialect.is_wild(c)).unwrap_or(text.len());
        Self { text: text.into(), dialect, prefix_len }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The literal text before the first wildcard; all of it where there is none.
    pub fn prefix(&self) -> &str {
        self.text.get(..self.prefix_len).unwrap_or_default()
    }

    /// The literal text after the last wildcard; all of it where there is none.
    pub fn suffix(&self) -> &str {
        self.text.rsplit(|c| self.dialect.is_wild(c)).next().unwrap_or_default()
    }

    /// The text, where no wildcard stands in it.
    pub fn literal(&self) -> Option<&str> {
        (self.prefix_len == self.text.len()).then_some(&*self.text)
    }

    /// Whether the pattern is `*`. `**` matches as much and is another pattern (`semantics.md` 1: only a name
    /// part of `*` covers a whole namespace).
    pub fn is_star(&self) -> bool {
        &*self.text == "*"
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        if let Some(literal) = self.literal() {
            return literal == text;
        }
        wild_match(self.text.as_bytes(), text.as_bytes(), self.dialect == Dialect::StarAndQuestion)
    }
}

/// Greedy matching with one point to go back to: after a later `*` an earlier one need never be
/// revisited, so the work is at most pattern × text.
fn wild_match(pattern: &[u8], text: &[u8], question: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(b'?') if question => {
                p += 1;
                t += char_len(text, t);
            }
            Some(b) if Some(b) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match back {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + char_len(text, from);
                    back = Some((star, t));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

/// Bytes of the UTF-8 character that begins at `at`, so that `?` takes a whole one.
fn char_len(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..) => 4,
        _ => 1,
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.dialect == other.dialect
    }
}
impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// On the wire a pattern is its text; which dialect it is in depends on where it stands.
pub(super) mod like {
    use super::{Deserialize, Pattern, Serialize};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(p: &[Pattern], s: S) -> Result<S::Ok, S::Error> {
        p.iter().map(Pattern::as_str).collect::<Vec<_>>().serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Pattern>, D::Error> {
        Ok(Vec::<String>::deserialize(d)?.iter().map(|t| Pattern::like(t)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn r17_like_knows_star_and_question_and_nothing_else() {
        let rows = [
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*c", "abc", true),
            ("*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "aéc", true),
            ("a??c", "aéc", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("[ab]", "a", false),
            ("[ab]", "[ab]", true),
            (r"a\*", "a*", false),
            (r"a\*", r"a\anything", true),
            ("**", "", true),
            ("*", "x", true),
            ("", "", true),
            ("", "x", false),
            ("a.c", "abc", false),
        ];
        for (pattern, text, want) in rows {
            assert_eq!(Pattern::like(pattern).matches(text), want, "{pattern} on {text}");
        }
    }

    #[test]
    fn r6_in_resources_a_question_mark_is_literal() {
        assert!(Pattern::star("a?c").matches("a?c"));
        assert!(!Pattern::star("a?c").matches("abc"));
    }

    #[test]
    fn s1_a_hostile_pattern_ends_soon() {
        let pattern = Pattern::like(&format!("{}b", "a*?".repeat(170)));
        assert!(!pattern.matches(&"a".repeat(16_000)));
    }

    #[test]
    fn the_prefix_ends_at_the_first_wildcard() {
        assert_eq!(Pattern::like("repo:acme/*").prefix(), "repo:acme/");
        assert_eq!(Pattern::like("a?").prefix(), "a");
        assert_eq!(Pattern::star("a?").literal(), Some("a?"));
    }

    #[test]
    fn the_suffix_begins_after_the_last_wildcard() {
        assert_eq!(Pattern::like("*@a?example.com").suffix(), "example.com");
        assert_eq!(Pattern::star("a*b?c").suffix(), "b?c");
        assert_eq!(Pattern::like("plain").suffix(), "plain");
        assert_eq!(Pattern::like("all*").suffix(), "");
    }
}
