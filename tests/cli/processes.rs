//! The binary as a process among others.

use std::process::Stdio;

use crate::run::binary;

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["crds"][..], &["completion", "bash"], &["--help"], &["check", "-f", "broken"]] {
        let (out, err) = (closed_pipe(), closed_pipe());
        let status = binary().args(args).stdin(Stdio::null()).stdout(out).stderr(err).status().unwrap();
        let wanted = i32::from(args[0] == "check");
        assert_eq!(status.code(), Some(wanted), "{args:?}");
    }
}

/// The writing end of a pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (_, writer) = std::io::pipe().unwrap();
    writer.into()
}
