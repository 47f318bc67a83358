//! The `faas-iam` binary: hands the command line to the library.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// A request is many small allocations: each costs the gateway less here than with the system's (benches/README.md).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    faas_iam::cli::run(std::env::args_os())
}
