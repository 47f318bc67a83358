//! Nothing that a test starts outlives it, even when the test process is killed without warning.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::support::{Result, controlplane::ControlPlane, flags::Options};

const READY: &str = "holding: ";

/// Not a test by itself: what the next test runs in a process of its own and kills.
#[tokio::test]
#[ignore = "the victim of `a_killed_test_leaves_no_process_and_no_folder`"]
async fn hold_a_control_plane_until_killed() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let ports = plane.ports();
    let ports = [ports.etcd, ports.apiserver, ports.controllers].map(|port| port.to_string()).join(" ");
    println!("{READY}{} {ports}", plane.folder().display());
    std::future::pending().await
}

#[tokio::test]
async fn a_killed_test_leaves_no_process_and_no_folder() -> Result<()> {
    let mut victim = Command::new(std::env::current_exe()?)
        .args(["--ignored", "--exact", "--nocapture", "leash::hold_a_control_plane_until_killed"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let held = lines.find_map(|line| line.ok()?.split_once(READY).map(|(_, held)| held.to_owned()));
    let held = held.expect("the victim ended before it held a control plane");
    let (folder, ports) = held.split_once(' ').unwrap();
    assert!(Path::new(folder).exists());
    let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().unwrap()).collect();
    assert!(ports.iter().all(|&port| answers(port)));

    victim.kill()?;
    victim.wait()?;

    // Each leash has the victim's standard error; the pipe ends when the last of them has seen its program end.
    let mut errors = victim.stderr.take().unwrap();
    let ended = tokio::task::spawn_blocking(move || errors.read_to_end(&mut Vec::new()));
    tokio::time::timeout(Duration::from_secs(30), ended)
        .await
        .expect("a process outlived the killed test")??;
    assert!(!ports.iter().any(|&port| answers(port)));
    assert!(!Path::new(folder).exists());
    Ok(())
}

fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
