//! Paths that mean one thing to everybody, or are refused: never cleaned (`security-rules.md` 2). What follows a
//! function's name is the function's own, as long as it stays there.

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

/// Whether what follows a function's name leads out of the function, as soon as somebody on the way resolves dot
/// segments: a mesh would make another function of `/function/a/../b`.
///
/// Each on the way may decode once more, and take a backslash for a slash, several slashes for one, and what follows
/// a `;`, `?` or `#` for no part of the name. Of all that they may read, the least deep counts.
pub fn climbs_out(rest: &str) -> bool {
    if !rest.contains("..") && !rest.contains('%') {
        return false;
    }
    let mut depth = 0_usize;
    for segment in decoded(rest).split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment.split(|byte| b";?#".contains(byte)).next() {
            None | Some(b"" | b".") => {}
            Some(b"..") if depth == 0 => return true,
            Some(b"..") => depth -= 1,
            Some(_) => depth += 1,
        }
    }
    false
}

/// The text after everybody has decoded it: `%2e`, `%252e` and `%25%32%65` are a dot at last.
fn decoded(text: &str) -> Vec<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        bytes.push(byte);
        while let [.., b'%', high, low] = *bytes.as_slice()
            && let Some((high, low)) = hex(high).zip(hex(low))
        {
            bytes.truncate(bytes.len() - 3);
            bytes.push(high << 4 | low);
        }
    }
    bytes
}
