//! The command line: parse, dispatch, print.

pub mod files;
