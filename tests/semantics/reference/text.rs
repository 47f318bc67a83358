//! Comparing texts (17). Nothing but characters: no locale, no normalisation.

/// Whether `text` matches `pattern` as a whole: `*` is any run of characters and, where `one` says so,
/// `?` is one character. By a table over all beginnings of both.
pub fn matches(pattern: &str, text: &str, one: bool) -> bool {
    let text: Vec<char> = text.chars().collect();
    // fits[i]: the pattern read so far matches the first i characters.
    let mut fits: Vec<bool> = (0..=text.len()).map(|i| i == 0).collect();
    for p in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        for i in 0..=text.len() {
            next[i] = match p {
                '*' => fits[..=i].contains(&true),
                '?' if one => i > 0 && fits[i - 1],
                c => i > 0 && fits[i - 1] && text[i - 1] == c,
            };
        }
        fits = next;
    }
    fits[text.len()]
}

/// 17: ASCII letters are folded, no other.
pub fn same_ignoring_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// 27: control, format and separator characters.
pub fn has_invisible(text: &str) -> bool {
    use unicode_general_category::{GeneralCategory as G, get_general_category};
    let invisible = [G::Control, G::Format, G::LineSeparator, G::ParagraphSeparator];
    text.chars().any(|c| invisible.contains(&get_general_category(c)))
}

/// 8: of a pattern, once the wildcards are cut out, nothing is left but beginnings that providers put
/// before a name, and separators. "wherever they stand": under every string operator, negated ones first of
/// all ("under a negated operator they would match everybody"), and in `principal`; "with or without a
/// wildcard in it", so exact values, too.
pub fn names_nobody(pattern: &str) -> bool {
    const EMPTY: [&str; 6] = ["repo:", "project_path:", "organization:", "repository_owner:", "/", "@"];
    let mut rest = pattern.replace(['*', '?'], "");
    if rest.is_empty() {
        return false; // Wildcards alone are a warning.
    }
    while let Some(piece) = EMPTY.iter().find(|piece| rest.starts_with(**piece)) {
        rest = rest[piece.len()..].to_owned();
    }
    rest.is_empty()
}
