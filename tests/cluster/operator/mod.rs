//! The operator against a real API server, as the chart's ServiceAccount and nothing more.

mod canaries;
mod compiles;
mod definitions;
pub(crate) mod installed;
mod issuers;
mod leading;
mod main_job;
mod outage;
mod oversized;
mod quiet;
pub(crate) mod rights;
mod rivals;
mod strangers;
mod troubles;
