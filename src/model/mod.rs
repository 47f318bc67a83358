//! What users mean: parsed, bounded types in which the invalid cannot be written down.

mod path;
mod written;

pub use path::{FieldPath, Segment};
pub use written::{Position, Unplaced, Written};
