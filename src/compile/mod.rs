//! Validation of one object, references between objects, and the reports about both.
