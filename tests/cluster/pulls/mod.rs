//! Pull secrets in a real API server: the operator with the chart's rights and behind its fence, in namespaces of the
//! test's own.

mod cleanup;
mod crash;
mod main_job;
mod others;
mod quiet;
mod rights;
mod scene;
mod stuck;
mod taken;
mod troubles;
mod verified;
