//! The gateway in process, on loopback: a real listener, a real upstream that records what it gets.

mod api;
mod exchange;
mod functions;
mod keys;
mod support;
mod wire;
