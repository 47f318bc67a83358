//! Free loopback ports that stay free while their server is down between a kill and a restart.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering},
};

// Below the range from which kernels take ports for outgoing connections, so that none of those can sit on a port
// whose server is being restarted.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// The port on 127.0.0.1 that people expect a gateway of OpenFaaS on, where nobody has it; else another.
pub fn friendly() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    [8080, 8081, 8088].into_iter().find(is_free).unwrap_or_else(free)
}

/// A port on 127.0.0.1 that nobody listens on and that no other test of this process was given.
pub fn free() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Where a process begins depends on its number, so that two test binaries at once seldom meet.
    let start = std::process::id().wrapping_mul(61);
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("below 32,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
