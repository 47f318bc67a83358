//! Why a text is no manifest for us: the errors that stop a command (exit 2).
//!
//! Messages never hold a value from the text: it may be somebody's Secret. Keys and tags they name.

use std::sync::Arc;

use crate::model::Position;

/// A text that cannot be read, with the place where it went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{position}: {fault}")]
pub struct ManifestError {
    /// The name of the file, `-` for standard input.
    pub file: Arc<str>,
    /// Where the fault is.
    pub position: Position,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a text. Not to be told from YAML that is merely wrong for us: that is a
/// [`Diagnostic`](super::Diagnostic).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// More bytes than [`MAX_FILE_BYTES`](super::MAX_FILE_BYTES).
    #[error("larger than {} MiB", super::MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// The parser's own words.
    #[error("no YAML: {0}")]
    Syntax(String),
    /// Something behind the end of a document that no `---` begins, as where JSON follows JSON. kubectl reads a
    /// stream of JSON only where the first character is `{`, so two readers could disagree about a file.
    #[error("the document has ended before this; begin another one with a line `---`")]
    Unseparated,
    /// One key twice in a map, or a key that a later `<<` brings in again: kubectl lets the later
    /// one win, others the first.
    #[error("the key `{key}` is already there, at {first}")]
    DuplicateKey {
        /// The key as it would reach the API server.
        key: String,
        /// Where it stands first.
        first: Position,
    },
    /// A tag outside of YAML's core schema.
    #[error("unknown tag `{0}`")]
    UnknownTag(String),
    /// A core tag on something that it does not fit.
    #[error("this is no value for the tag `{0}`")]
    TagMismatch(String),
    /// The character U+0000 in a key or a value.
    #[error("a NUL character")]
    Nul,
    /// A character that YAML 1.1 ends a line at, and 1.2 does not: kubectl would read what stands behind it in a
    /// comment.
    #[error("the character U+{:04X} ends a line for kubectl and not for others; write it as an escape in double quotes", u32::from(*.0))]
    LineBreak(char),
    /// A document behind `...`, which kubectl does not read.
    #[error("kubectl does not read what stands behind `...`; begin it with `---`")]
    NotSeparated,
    /// A map, a list or null as the key of a map.
    #[error("a key that is no text")]
    KeyIsNoText,
    /// `<<` with something else than a map or a list of maps.
    #[error("`<<` takes a map or a list of maps")]
    MergeOfNoMap,
    /// An alias within the very node that it names.
    #[error("an alias to what it is a part of")]
    AliasToItself,
    /// Deeper than [`MAX_DEPTH`](super::MAX_DEPTH), aliases expanded.
    #[error("nested more than {} levels deep", super::MAX_DEPTH)]
    TooDeep,
    /// Heavier than [`MAX_WEIGHT`](super::MAX_WEIGHT), aliases expanded.
    #[error("too much in one file, aliases expanded")]
    TooMuch,
}
