//! Paths that mean one thing to everybody, or are refused: never cleaned (`security-rules.md` 2).

use super::Refused;

/// The segments of a path behind its first slash; one empty segment for `/` alone.
///
/// # Errors
/// [`Refused`] for what a proxy or a provider might read differently: dot segments, empty ones, anything
/// percent-encoded (no name of ours needs it), backslashes, fragments and what is no visible ASCII.
pub fn segments(path: &str) -> Result<Vec<&str>, Refused> {
    let ambiguous = |what: &str| Refused::bad("ambiguous_path", format!("the path has {what}"));
    let rest = path.strip_prefix('/').ok_or_else(|| ambiguous("no slash at its beginning"))?;
    if rest.is_empty() {
        return Ok(vec![""]);
    }
    if let Some(odd) =
        rest.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '%' | '\\' | '#' | '?' | ';'))
    {
        return Err(ambiguous(&format!("the character {odd:?}, which nothing here needs")));
    }
    let segments: Vec<_> = rest.split('/').collect();
    match segments.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
        Some(&"") => Err(ambiguous("an empty segment")),
        Some(_) => Err(ambiguous("a dot segment")),
        None => Ok(segments),
    }
}
