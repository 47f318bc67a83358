//! Values of flags that several commands have, and what stands in the files that flags name. No content of a
//! file is in any message.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::process::now;
use crate::trust::{MAX_BYTES, TrustBundle, TrustError};

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no duration above zero such as `15s`, `10m` or `24h`{unit}", unit = missing_unit(.0))]
pub struct DurationError(String);

/// What to say of a number alone.
fn missing_unit(text: &str) -> String {
    match text.parse() {
        Ok(1_u64..) => format!("; as seconds it is `{text}s`"),
        _ => String::new(),
    }
}

/// Reads whole seconds, minutes or hours.
///
/// # Errors
/// [`DurationError`].
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let wrong = || DurationError(text.to_owned());
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let count: u64 = text.strip_suffix(unit).and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
    count.checked_mul(seconds).filter(|s| *s > 0).map(Duration::from_secs).ok_or_else(wrong)
}

/// A file that a flag names and that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It has to be there.
    #[error("`{}` cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A credential of nothing, which everybody would have.
    #[error("`{}` is empty", .0.display())]
    Empty(PathBuf),
    /// It holds no trust roots.
    #[error("`{}` cannot be used", .path.display())]
    Roots {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TrustError,
    },
}

/// The text of a secret, whole.
///
/// # Errors
/// [`FileError::Unreadable`].
pub fn secret(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let failed = |source| FileError::Unreadable { path: path.to_owned(), source };
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(failed)
}

/// A secret of one line, without the line's end.
///
/// # Errors
/// [`FileError`]: also where nothing is left.
pub fn secret_line(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let line = Zeroizing::new(secret(path)?.trim_end_matches(['\r', '\n']).to_owned());
    if line.is_empty() { Err(FileError::Empty(path.to_owned())) } else { Ok(line) }
}

/// Trust roots, PEM.
///
/// # Errors
/// [`FileError`]: also where there is none, or too much.
pub fn roots(path: &Path) -> Result<TrustBundle, FileError> {
    let failed = |source| FileError::Unreadable { path: path.to_owned(), source };
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut pem = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut pem)).map_err(failed)?;
    TrustBundle::read(&pem, now()).map_err(|source| FileError::Roots { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_seconds_minutes_or_hours_above_zero() {
        for (text, seconds) in [("15s", 15), ("10m", 600), ("24h", 86_400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "s", "15", "0s", "-1s", "1.5h", "1d", "1é", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_without_its_unit_is_told_with_it() {
        let said = |text| duration(text).unwrap_err().to_string();
        assert!(said("5").ends_with("; as seconds it is `5s`"), "{}", said("5"));
        for other in ["0", "5d", "-5", ""] {
            assert!(!said(other).contains("as seconds"), "{}", said(other));
        }
    }
}
