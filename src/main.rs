//! The `faas-iam` binary: hands the command line to the library.

use std::process::ExitCode;

/// A request is many small allocations: each costs the gateway less here than with the system's (benches/README.md).
/// Not on machines where a kernel may have larger pages than this was built for.
#[cfg(target_arch = "x86_64")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    faas_iam::cli::run(std::env::args_os())
}
