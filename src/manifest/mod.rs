//! Manifests as text: YAML and JSON documents with the position of every field.
//!
//! [`parse`] turns a text into documents, [`select`] documents into objects of ours. Everything is
//! read as kubectl reads it, and what YAML 1.1 makes of unquoted text is remembered
//! ([`Written`](crate::model::Written)), because only the validator knows where text is meant.
//! No file is opened here (`folder::files` does), and no field of a `spec` is judged.
//!
//! Deliberately stricter than kubectl, so that no two readers can disagree: duplicate keys, tags
//! outside of the core schema, NUL, keys that are maps, lists or null, and `<<` after a key that
//! it would override are errors. `<<` itself, anchors and aliases work. Keys that are booleans or
//! numbers become text as in kubectl, and are a problem in objects of ours.

mod build;
mod diagnostic;
mod document;
mod error;
mod scalar;
mod select;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use granit_parser::{Event, Parser, ScanError};

use crate::model::Position;
use build::{Builder, Located};
pub use diagnostic::{Diagnostic, Severity};
pub use document::Document;
pub use error::{Fault, ManifestError};
pub use select::{Object, Other, Selection, select};

/// The largest text, in bytes.
pub const MAX_FILE_BYTES: usize = 4 << 20;

/// The deepest nesting of maps and lists, aliases expanded.
pub const MAX_DEPTH: usize = crate::api::limits::DEPTH;

/// The most that one document may hold, and all documents of a text together: bytes of text plus 32
/// for every value, aliases expanded.
pub const MAX_WEIGHT: usize = 16 << 20;

/// Errors told for one text; the first ones are the ones to cure.
const MAX_ERRORS: usize = 20;

/// Reads all documents of a text, `List`s taken apart; `source` is its name in messages.
///
/// Empty documents are left out. A document that is no map is returned: it is for [`select`] to
/// complain.
///
/// # Errors
/// The first error of each document, in order, 20 at most; reading goes on at the next `---`.
pub fn parse(source: &str, text: &str) -> Result<Vec<Document>, Vec<ManifestError>> {
    let file: Arc<str> = source.into();
    let locate = |(position, fault)| ManifestError { file: Arc::clone(&file), position, fault };
    if text.len() > MAX_FILE_BYTES {
        return Err(vec![too_large(source)]);
    }
    if let Some(error) = odd_break(text) {
        return Err(vec![locate(error)]);
    }
    let mut reader = Reader::new(text);
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    while let Some(read) = reader.next_document() {
        match read {
            Ok(root) => documents.extend(Document::new(Arc::clone(&file), root).flatten()),
            Err(error) => errors.push(locate(error)),
        }
        if errors.len() >= MAX_ERRORS {
            break;
        }
    }
    if errors.is_empty() { Ok(documents) } else { Err(errors) }
}

/// The first line break that only some readers of YAML know.
fn odd_break(text: &str) -> Option<Located> {
    let (at, found) = text.char_indices().find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))?;
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let position = Position {
        line: before.matches('\n').count().saturating_add(1),
        column: line.chars().count().saturating_add(1),
    };
    Some((position, Fault::LineBreak(found)))
}

/// The error for a text of more than [`MAX_FILE_BYTES`], for whoever stopped reading there.
pub fn too_large(source: &str) -> ManifestError {
    let position = Position { line: 1, column: 1 };
    ManifestError { file: source.into(), position, fault: Fault::TooLarge }
}

/// The documents of a text, one after the other.
struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    builder: Builder,
    /// Whether any document has begun.
    begun: bool,
    /// Whether a document has ended and no other has begun.
    between: bool,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            simple_key_max_lookahead: MAX_KEY_CHARS,
            block_scalar_eof_without_line_feed: true, // as kubectl
        };
        options.set_emit_comments(false);
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            builder: Builder::default(),
            begun: false,
            between: false,
            ended: false,
        }
    }

    /// The next document that is not empty, or what is wrong with it; `None` at the end.
    fn next_document(&mut self) -> Option<Result<tree::Child, Located>> {
        while !self.ended {
            match self.step() {
                Ok(Some(root)) => return Some(Ok(root)),
                Ok(None) => {}
                Err(error) => {
                    self.builder.abandon();
                    self.ended = !self.parser.proceed_next_document().unwrap_or(false);
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn step(&mut self) -> Result<Option<tree::Child>, Located> {
        match self.parser.next_event() {
            None | Some(Ok((Event::StreamEnd, _))) => {
                self.ended = true;
                Ok(None)
            }
            Some(Ok((Event::DocumentStart(false, _), span))) if self.begun => {
                Err((build::position(&span), Fault::NotSeparated))
            }
            Some(Ok((event, span))) => {
                self.begun |= matches!(event, Event::DocumentStart(..));
                self.between = matches!(event, Event::DocumentEnd);
                let root = self.builder.take(event, &span)?;
                Ok(root.filter(|root| !root.is_left_out()))
            }
            Some(Err(error)) => {
                let (position, fault) = syntax(&error);
                Err((position, if self.between { Fault::Unseparated } else { fault }))
            }
        }
    }
}

/// The longest key that needs no `?`, in characters: YAML says 1,024, JSON knows no bound.
const MAX_KEY_CHARS: usize = 16 << 10;

fn syntax(error: &ScanError) -> Located {
    let at = error.marker();
    let position = Position { line: at.line(), column: at.col().saturating_add(1) };
    (position, Fault::Syntax(with_cure(error.info())))
}

/// The parser's own words, and what is behind them where people trip.
fn with_cure(words: String) -> String {
    let cure = match words.as_str() {
        w if w.contains("anchor or alias") => "; a lone `*` needs quotes: write `\"*\"`",
        w if w.contains("unknown anchor") => "; where no alias is meant, write it in quotes, `\"*:*\"`",
        w if w.contains("tabs disallowed") => "; indent with spaces",
        _ => "",
    };
    words + cure
}
