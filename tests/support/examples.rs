//! The folders of `examples/`, each with the decisions that it must give, on files and on a cluster alike.
//!
//! Reads and checks the folders; asks nobody.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Failure, Result, tools::root};

/// One folder: manifests (`*.yaml`), a README, and in `claims` who asks and what must come out.
#[derive(Debug)]
pub struct Example {
    /// Its name, such as `quickstart`.
    pub name: String,
    /// Where it is; the manifests are the YAML files right in it.
    pub folder: PathBuf,
    /// What must come out; never empty.
    pub decisions: Vec<Decision>,
}

/// One entry of `claims/decisions.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Who asks: a file in `claims`; excludes `identity`.
    pub claims: Option<String>,
    /// Who asks: an issuer and a subject, joined by a comma.
    #[serde(rename = "as")]
    pub identity: Option<String>,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The answer.
    pub expect: Expected,
    /// The reason, for people.
    pub why: String,
    /// Texts that the answer in words holds.
    #[serde(default)]
    pub mentions: Vec<String>,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// Exit code 0.
    Allowed,
    /// Exit code 1.
    Denied,
}

impl Expected {
    /// The first word of the answer.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    /// The exit code of `can-i`.
    pub fn exit(self) -> i32 {
        match self {
            Self::Allowed => 0,
            Self::Denied => 1,
        }
    }
}

/// Every example, by name.
///
/// # Errors
/// When a folder lacks its README or decisions, or has claims that nobody asks with.
pub fn all() -> Result<Vec<Example>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(root().join("examples"))? {
        let path = entry?.path();
        folders.extend(path.is_dir().then_some(path));
    }
    folders.sort();
    folders.into_iter().map(|folder| Example::read(&folder)).collect()
}

impl Example {
    /// Reads one folder.
    ///
    /// # Errors
    /// As [`all`].
    pub fn read(folder: &Path) -> Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let example = Self::decided(name.clone(), folder).and_then(Self::checked);
        example.map_err(|failure| failure.during(format_args!("examples/{name}")))
    }

    /// Whether its objects are all ones that every operator reports on: FunctionPrivacy has no definition there yet, and
    /// RegistryCredentials are for operators with a flag of their own.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub fn is_for_clusters(&self) -> Result<bool> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_manifest = path.extension().is_some_and(|ending| ending == "yaml");
            let text = if is_manifest { fs::read_to_string(path)? } else { String::new() };
            if ["FunctionPrivacy", "RegistryCredential"]
                .iter()
                .any(|k| text.contains(&format!("\nkind: {k}\n")))
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn decided(name: String, folder: &Path) -> Result<Self> {
        let file = folder.join("claims/decisions.yaml");
        let text = fs::read_to_string(&file)
            .map_err(|error| Failure::from(error).during("claims/decisions.yaml"))?;
        Ok(Self { name, folder: folder.to_owned(), decisions: serde_saphyr::from_str(&text)? })
    }

    fn checked(self) -> Result<Self> {
        let wrong = |text: String| Err(Failure::new(text));
        if !self.folder.join("README.md").is_file() {
            return wrong("it has no README.md".into());
        }
        for expected in [Expected::Allowed, Expected::Denied] {
            if !self.decisions.iter().any(|decision| decision.expect == expected) {
                return wrong(format!("no decision is `{}`", expected.word()));
            }
        }
        let asked: BTreeSet<&str> = self.decisions.iter().filter_map(|d| d.claims.as_deref()).collect();
        let there = self.claims()?;
        if let Some(idle) = there.iter().find(|file| !asked.contains(file.as_str())) {
            return wrong(format!("nobody asks with claims/{idle}"));
        }
        match self.decisions.iter().find(|d| d.claims.is_some() == d.identity.is_some() || d.why.is_empty()) {
            Some(decision) => wrong(format!("it needs a `why` and one of `claims` and `as`: {decision:?}")),
            None => Ok(self),
        }
    }

    /// The names of the files with claims.
    fn claims(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.join("claims"))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            names.extend(name.ends_with(".json").then_some(name));
        }
        Ok(names)
    }

    /// The arguments of `can-i` that ask for a decision, without those that say where the objects are.
    pub fn question(&self, decision: &Decision) -> Vec<String> {
        let file = |name: &String| self.folder.join("claims").join(name).display().to_string();
        let who = match (&decision.claims, &decision.identity) {
            (Some(name), _) => ["--claims".into(), file(name)],
            (None, identity) => ["--as".into(), identity.clone().unwrap_or_default()],
        };
        let question = ["can-i".into(), decision.action.clone(), decision.resource.clone()];
        question.into_iter().chain(who).collect()
    }
}
