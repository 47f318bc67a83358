//! The gateway in process, on loopback: a real listener, a real upstream that records what it gets.

mod access;
mod api;
mod exchange;
mod functions;
mod keys;
mod standalone;
mod support;
mod ui;
mod wire;
