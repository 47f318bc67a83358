//! The product's own binary, run as users run it.

use std::path::{Path, PathBuf};

use super::{
    Failure, Result,
    child::{Leashed, Spec},
};

/// The path of `faas-iam`, built by cargo together with this program.
///
/// # Errors
/// When it is not there, which in an example means that it was not built with `--bin faas-iam`.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = option_env!("CARGO_BIN_EXE_faas-iam") {
        return Ok(path.into());
    }
    // An example lies in a folder below the one of the binaries.
    let own = std::env::current_exe()?;
    let path = own.ancestors().nth(2).map(|folder| folder.join("faas-iam")).filter(|path| path.is_file());
    path.ok_or_else(|| Failure::new(format!("no `faas-iam` beside the folder of {}", own.display())))
}

/// Starts `faas-iam` with `arguments`; its words go to `NAME.out` and `NAME.err` in `folder`.
///
/// # Errors
/// When it cannot be started.
pub fn start(name: &str, folder: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Result<Leashed> {
    let mut command = vec![binary()?];
    command.extend(arguments.iter().map(PathBuf::from));
    let env = env.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    Leashed::start(Spec { name: name.to_owned(), command, env, folder: folder.to_owned() })
}
