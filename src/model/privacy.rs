//! A FunctionPrivacy as it is meant: which functions, and whether they are private.

use super::ResourcePattern;

/// A valid FunctionPrivacy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// Which functions; never empty.
    pub functions: Vec<ResourcePattern>,
    /// Whether invoking them takes a function token.
    pub private: bool,
}
