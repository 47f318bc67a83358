//! Finds and reads what `-f` names, as kubectl does: files, folders, standard input.
//!
//! Reads and bounds; what a text means is `manifest`'s. Opens no connection and writes nothing.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::causes::chain;
use crate::manifest::{self, Diagnostic, Document, ManifestError, Severity};

/// The most files that one command reads.
pub const MAX_FILES: usize = 10_000;

/// The most bytes that one command reads from all files together, and that they may weigh with aliases expanded.
pub const MAX_TOTAL_BYTES: usize = 64 << 20;

/// The name of standard input, as a path and in messages.
const STDIN: &str = "-";

/// What is read from folders; a file that is named itself may be called anything.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// Why an input cannot be used: exit code 2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// It is not there, or may not be read.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes that are no UTF-8.
    #[error("`{}` is no UTF-8 text", .0.display())]
    NotText(PathBuf),
    /// A folder without a manifest in it.
    #[error("no file in `{}` ends in .json, .yaml or .yml", .0.display())]
    NothingFound(PathBuf),
    /// A folder whose manifests are all in folders within it.
    #[error("no file in `{}` itself ends in .json, .yaml or .yml; it has folders: `-R` reads them, too", .0.display())]
    NothingButFolders(PathBuf),
    /// More than [`MAX_FILES`].
    #[error("more than {MAX_FILES} files")]
    TooManyFiles,
    /// More than [`MAX_TOTAL_BYTES`].
    #[error("more than {} MiB in all files, aliases expanded", MAX_TOTAL_BYTES >> 20)]
    TooMuch,
    /// No YAML for us.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl InputError {
    /// The same as a finding, with its place as far as that is known.
    pub fn finding(&self) -> Diagnostic {
        let (source, position, message) = match self {
            Self::Manifest(ManifestError { file, position, fault }) => {
                (Some(Arc::clone(file)), Some(*position), fault.to_string())
            }
            Self::Unreadable { path, .. }
            | Self::NotText(path)
            | Self::NothingFound(path)
            | Self::NothingButFolders(path) => (Some(path.to_string_lossy().into()), None, chain(self)),
            Self::TooManyFiles | Self::TooMuch => (None, None, self.to_string()),
        };
        Diagnostic { source, position, object: None, field: None, severity: Severity::Problem, message }
    }
}

/// What all inputs hold together.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The documents of all inputs that could be read, in order.
    pub documents: Vec<Document>,
    /// What could not be read; not empty means exit code 2.
    pub errors: Vec<InputError>,
    /// What the documents weigh.
    weight: usize,
}

/// Reads all inputs and tells all errors at once.
///
/// A folder gives its files ending in `.json`, `.yaml` or `.yml` (hidden ones too) in the order of
/// their names, and with `recursive` those of its folders; links to folders are not followed.
/// `-` is `stdin`. What is named twice is read once.
pub fn read(paths: &[PathBuf], recursive: bool, stdin: &mut dyn Read) -> Inputs {
    let mut inputs = Inputs::default();
    let (mut seen, mut bytes) = (HashSet::new(), 0_usize);
    for path in find(paths, recursive, &mut inputs.errors) {
        if !seen.insert(identity(&path)) {
            continue;
        }
        match read_text(&path, stdin) {
            Ok(text) => {
                bytes = bytes.saturating_add(text.len());
                if bytes <= MAX_TOTAL_BYTES {
                    inputs.take(&path, &text);
                }
                if bytes.max(inputs.weight) > MAX_TOTAL_BYTES {
                    inputs.errors.push(InputError::TooMuch);
                    break;
                }
            }
            Err(error) => inputs.errors.push(error),
        }
    }
    inputs
}

impl Inputs {
    fn take(&mut self, path: &Path, text: &str) {
        match manifest::parse(&path.to_string_lossy(), text) {
            Ok(documents) => {
                let weight: usize = documents.iter().map(Document::weight).sum();
                self.weight = self.weight.saturating_add(weight);
                self.documents.extend(documents);
            }
            Err(errors) => self.errors.extend(errors.into_iter().map(InputError::from)),
        }
    }
}

/// Every file to read, in order.
fn find(paths: &[PathBuf], recursive: bool, errors: &mut Vec<InputError>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        match find_one(path, recursive) {
            Ok(found) => files.extend(found),
            Err(error) => errors.push(error),
        }
        if files.len() > MAX_FILES {
            errors.push(InputError::TooManyFiles);
            files.truncate(MAX_FILES);
            break;
        }
    }
    files
}

fn find_one(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, InputError> {
    if is_stdin(path) || !fs::metadata(path).map_err(|e| unreadable(path, e))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = walk(path, recursive)?;
    match files.is_empty() {
        false => Ok(files),
        true if !recursive && has_folders(path) => Err(InputError::NothingButFolders(path.to_owned())),
        true => Err(InputError::NothingFound(path.to_owned())),
    }
}

fn has_folders(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|entries| entries.flatten().any(|entry| entry.path().is_dir()))
}

/// The manifests in a folder, sorted.
fn walk(folder: &Path, recursive: bool) -> Result<Vec<PathBuf>, InputError> {
    let (mut files, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|e| unreadable(&folder, e))? {
            let entry = entry.map_err(|e| unreadable(&folder, e))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(|e| unreadable(&folder, e))?);
            if kind.is_dir() && recursive {
                folders.push(path);
            } else if !kind.is_dir() && is_manifest(&path) && !path.is_dir() {
                files.insert(path);
            }
        }
        if files.len().saturating_add(folders.len()) > MAX_FILES {
            return Err(InputError::TooManyFiles);
        }
    }
    Ok(files.into_iter().collect())
}

fn is_manifest(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.contains(&e))
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// What tells one input from another, however it is spelled.
fn identity(path: &Path) -> PathBuf {
    if is_stdin(path) { path.to_owned() } else { fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()) }
}

/// At most one byte more than a manifest may have, so that `manifest` can refuse it by its name.
fn read_text(path: &Path, stdin: &mut dyn Read) -> Result<String, InputError> {
    let most = u64::try_from(manifest::MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let outcome = if is_stdin(path) {
        stdin.take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    outcome.map_err(|e| unreadable(path, e))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // The cut may have gone through a character: what is too large is told as such.
        Err(error) if error.as_bytes().len() > manifest::MAX_FILE_BYTES => {
            Err(InputError::Manifest(manifest::too_large(&path.to_string_lossy())))
        }
        Err(_) => Err(InputError::NotText(path.to_owned())),
    }
}

fn unreadable(path: &Path, source: io::Error) -> InputError {
    InputError::Unreadable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(inputs: &Inputs) -> Vec<String> {
        inputs.documents.iter().map(|d| d.value["id"].to_string()).collect()
    }

    fn read_all(paths: &[&Path], recursive: bool) -> Inputs {
        let paths: Vec<_> = paths.iter().map(|path| path.to_path_buf()).collect();
        read(&paths, recursive, &mut io::empty())
    }

    #[test]
    fn a_folder_gives_its_manifests_by_name_and_its_folders_only_when_asked() {
        let folder = folder(&[
            ("b.yml", "id: 2"),
            ("a.yaml", "id: 1"),
            ("c.json", "{\"id\": 3}"),
            (".hidden.yaml", "id: 0"),
            ("readme.md", "id: 9"),
            ("sub/d.yaml", "id: 4"),
            ("dir.yaml/e.yaml", "id: 5"),
        ]);
        assert_eq!(names(&read_all(&[folder.path()], false)), ["0", "1", "2", "3"]);
        let inputs = read_all(&[folder.path()], true);
        assert_eq!(names(&inputs), ["0", "1", "2", "3", "5", "4"]);
        assert!(inputs.errors.is_empty());
    }

    #[test]
    fn a_file_that_is_named_may_be_called_anything_and_is_read_once() {
        let folder = folder(&[("readme.md", "id: 9"), ("a.yaml", "id: 1")]);
        let (readme, a) = (folder.path().join("readme.md"), folder.path().join("./a.yaml"));
        let inputs = read_all(&[&readme, &a, folder.path(), &readme], false);
        assert_eq!(names(&inputs), ["9", "1"]);
    }

    #[test]
    fn standard_input_is_a_dash() {
        let paths = [PathBuf::from("-"), PathBuf::from("-")];
        let inputs = read(&paths, false, &mut "id: 7\n---\nid: 8\n".as_bytes());
        assert_eq!(names(&inputs), ["7", "8"]);
        assert_eq!(&*inputs.documents[0].source, "-");
    }

    #[test]
    fn every_input_that_cannot_be_read_is_told_and_the_others_are_read() {
        let folder = folder(&[
            ("a.yaml", "id: 1"),
            ("b.yaml", "id: [\n"),
            ("c.yaml", "id: 1\nid: 2"),
            ("empty/x", ""),
        ]);
        fs::write(folder.path().join("d.yaml"), b"id: \xff").unwrap();
        fs::write(folder.path().join("e.yaml"), "é".repeat(manifest::MAX_FILE_BYTES)).unwrap();
        let missing = folder.path().join("missing.yaml");
        let inputs = read_all(&[&missing, folder.path(), &folder.path().join("empty")], false);
        assert_eq!(names(&inputs), ["1"]);
        let errors: Vec<_> = inputs.errors.iter().map(ToString::to_string).collect();
        let expected =
            ["cannot read", "no file in", "b.yaml:", "c.yaml:2:1", "no UTF-8", "larger than 4 MiB"];
        assert_eq!(errors.len(), expected.len(), "{errors:?}");
        for (error, part) in errors.iter().zip(expected) {
            assert!(error.contains(part), "{error} / {part}");
        }
    }

    #[test]
    fn many_small_files_that_aliases_make_large_are_too_much_together() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1000), "*a, ".repeat(10_000));
        let names: Vec<_> = (0..10).map(|n| format!("{n}.yaml")).collect();
        let folder = folder(&names.iter().map(|name| (name.as_str(), text.as_str())).collect::<Vec<_>>());
        let inputs = read_all(&[folder.path()], false);
        assert!(matches!(inputs.errors[..], [InputError::TooMuch]), "{:?}", inputs.errors);
        assert!(inputs.documents.len() < 10);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_an_error_and_a_linked_folder_is_not_followed() {
        let folder = folder(&[("sub/a.yaml", "id: 1")]);
        std::os::unix::fs::symlink("nowhere", folder.path().join("gone.yaml")).unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("sub/loop")).unwrap();
        let inputs = read_all(&[folder.path()], true);
        assert_eq!(names(&inputs), ["1"]);
        assert!(matches!(inputs.errors[..], [InputError::Unreadable { .. }]), "{:?}", inputs.errors);
    }
}
