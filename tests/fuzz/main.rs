//! One program for all targets, since linking takes longest: `FUZZ_TARGET` names the one that runs. A target asserts what
//! has to hold for any bytes, and does not just wait for a panic.
#![no_main]
#![allow(dead_code, unused_imports, missing_docs)]

#[path = "../../src/api/mod.rs"]
pub mod api;
#[path = "../../src/bundle/mod.rs"]
pub mod bundle;
#[path = "../../src/causes.rs"]
pub mod causes;
#[path = "../../src/compile/mod.rs"]
pub mod compile;
#[path = "../../src/engine/mod.rs"]
pub mod engine;
#[path = "../../src/exchange/mod.rs"]
pub mod exchange;
#[path = "../../src/manifest/mod.rs"]
pub mod manifest;
#[path = "../../src/model/mod.rs"]
pub mod model;
#[path = "../../src/route/mod.rs"]
pub mod route;
#[path = "../../src/token/mod.rs"]
pub mod token;

mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let named = targets::ALL.iter().find(|(known, _)| *known == name);
    named.map(|(_, target)| *target).unwrap_or_else(|| panic!("FUZZ_TARGET is `{name}`, which is none"))
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
