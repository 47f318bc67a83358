//! Where a login comes from: standard input, a prompt, or Docker's own file. It is never in an argument, which
//! everybody on the machine can see, nor in a message.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::add::AddError;
use crate::model::Registry;
use crate::registry::{DOCKER_CONFIG_JSON, Login, find};

/// Bytes of Docker's file, and of a password: more is neither.
const LARGEST: u64 = 1024 * 1024;
/// Docker's file below the folder of its settings.
const DOCKER_CONFIG: &str = "config.json";

/// The login in a file of Docker's, or in its own where none is named; `username` is what the command line says.
///
/// # Errors
/// [`AddError`].
pub fn of_docker(
    file: Option<&Path>,
    registry: &Registry,
    username: Option<&str>,
) -> Result<Login, AddError> {
    let path = file.map_or_else(docker_config, |file| Ok(file.to_owned()))?;
    let read = File::open(&path).and_then(bounded);
    let bytes = read.map_err(|source| AddError::Unreadable { path: path.clone(), source })?;
    let value = |key: &str| (key == DOCKER_CONFIG_JSON).then_some(&**bytes);
    let found = find("kubernetes.io/dockerconfigjson", value, registry, username);
    found.map(|found| found.login).map_err(|source| AddError::DockerConfig { path, source })
}

fn docker_config() -> Result<PathBuf, AddError> {
    let named = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker"));
    let folder = named.or_else(usual).ok_or(AddError::NoHome)?;
    Ok(folder.join(DOCKER_CONFIG))
}

/// The password of this user: from standard input, or where somebody sits there, from their hands.
///
/// # Errors
/// [`AddError`].
pub fn of_person(registry: &Registry, username: &str, from_stdin: bool) -> Result<Login, AddError> {
    let text = if from_stdin || !io::stdin().is_terminal() {
        let bytes = bounded(io::stdin().lock()).map_err(AddError::Stdin)?;
        // A copy that is wiped, too.
        Zeroizing::new(std::str::from_utf8(&bytes).map_err(|_| AddError::NoText)?.to_owned())
    } else {
        let question = format!("Password of {username} at {registry}: ");
        Zeroizing::new(rpassword::prompt_password(question).map_err(AddError::Prompt)?)
    };
    Ok(Login::new(username, without_line_feed(&text))?)
}

/// Without the one line feed that editors and `echo` leave at the end.
fn without_line_feed(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    if line.len() < text.len() { line.strip_suffix('\r').unwrap_or(line) } else { line }
}

/// All of it. Room is made beforehand: what grows leaves copies behind.
fn bounded(input: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    input.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_feed_at_the_end_is_none_of_the_password() {
        for (text, want) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret\n\n", "secret\n"),
            ("secret\r", "secret\r"),
            ("{\n}\n", "{\n}"),
            (" a b ", " a b "),
            ("", ""),
        ] {
            assert_eq!(without_line_feed(text), want, "{text:?}");
        }
    }
}
