//! The IAM gateway: authenticate → authorise → forward.
//!
//! The judging is elsewhere, in pure modules: `route` says what a call is, `exchange` what a token is given,
//! `engine` what is allowed. Here requests are read, tokens are verified, and what was permitted is
//! forwarded; nothing is forwarded without a [`Permit`](crate::engine::Permit).

mod answer;
mod api;
mod audit;
mod authenticate;
mod buffers;
mod cache;
mod callback;
mod case;
mod change;
mod config;
mod connection;
mod contact;
mod credential;
mod descriptors;
mod dial;
mod durations;
mod exchanging;
mod forward;
mod function;
mod guard;
mod headers;
mod health;
mod hearing;
mod host;
mod idle;
mod keys;
mod line;
mod listen;
mod listing;
mod measured;
mod metrics;
mod run;
mod sending;
mod service;
mod snapshot;
mod source;
mod standing;
mod steady;
mod stream;
mod taken;
mod times;
mod tls;
mod trusted;
mod ui;
mod upgrade;

use crate::causes::chain;
use crate::peers;
pub use config::{BasicAuth, Config};
pub use run::{GatewayError, run};

#[cfg(test)]
mod tests;
