//! The operator: watches, applies, reports.
