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

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_told() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = binary().arg("crds").stdin(Stdio::null()).stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: cannot write the answer: No space left"), "{said}");
}

/// The writing end of a pipe that nobody reads.
fn closed_pipe() -> Stdio {
    let (_, writer) = std::io::pipe().unwrap();
    writer.into()
}
