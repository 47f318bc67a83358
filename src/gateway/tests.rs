//! The gateway in process, on loopback: a real listener, a real upstream that records what it gets.

mod access;
mod api;
mod audit;
mod corpus;
mod exchange;
mod functions;
mod keys;
mod log;
mod metrics;
mod overload;
mod pool;
mod privacies;
mod reasons;
mod slow;
mod standalone;
mod standing;
mod support;
mod tls;
mod ui;
mod upstream;
mod webhook;
mod wire;
