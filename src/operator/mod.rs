//! The operator: watches, applies, reports.

pub mod fetch;
