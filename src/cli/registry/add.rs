//! `registry add`: a Secret with the login, and the RegistryCredential that names it, as manifests or in a cluster.
//!
//! The password is in the Secret alone: in no argument, message or log.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::FalseyValueParser;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use serde::Serialize;
use serde_json::{Value, json};

use super::login;
use crate::api::credential::{SecretRef, Verification, VerificationMode};
use crate::api::{Kind, RegistryCredential, RegistryCredentialSpec};
use crate::cli::Failure;
use crate::cli::cluster::{BASIC_AUTH, Cluster, Written};
use crate::cli::output::{Answer, Exit, Format, OutputArgs};
use crate::compile::Problem;
use crate::compile::validate::validate;
use crate::kubeconfig::ClusterArgs;
use crate::model::{AddressError, Registry, Unplaced};
use crate::registry::{Login, LoginError, SourceError};

/// What the Secret is called behind the credential's name.
const LOGIN: &str = "-login";

/// Makes a login for a container registry known: a Secret, and the RegistryCredential that names it
///
/// The password comes from standard input, from a prompt, or out of Docker's own file, and never from an argument.
/// Without `--apply` the manifests are printed, password included; with it they are made in the cluster, or renewed
/// where they are there. Exits with 0, and with 2 where an input is wrong or the cluster refuses.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The registry, or a part of one: `ghcr.io`, `registry.example.com:5000/team-a`, `docker.io`
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// The user's name, such as that of a robot account; with `--from-docker-config` it is in the file
    #[arg(value_name = "USERNAME", required_unless_present = "docker_config")]
    pub username: Option<String>,
    /// What stands behind these two, which is likely a password
    #[arg(hide = true)]
    pub others: Vec<String>,
    /// Reads the password from standard input, also where somebody sits there
    #[arg(long, conflicts_with = "docker_config", env = "FAAS_IAM_PASSWORD_STDIN", value_parser = FalseyValueParser::new())]
    pub password_stdin: bool,
    /// Takes the login out of Docker's file; ~/.docker/config.json without one
    #[arg(long = "from-docker-config", value_name = "FILE", num_args = 0..=1, env = "FAAS_IAM_FROM_DOCKER_CONFIG")]
    pub docker_config: Option<Option<PathBuf>>,
    /// The name of the RegistryCredential; made of the registry's without it
    #[arg(long, value_name = "NAME", env = "FAAS_IAM_NAME")]
    pub name: Option<String>,
    /// The name of the Secret; that of the RegistryCredential and `-login` without it
    #[arg(long, value_name = "NAME", env = "FAAS_IAM_SECRET_NAME")]
    pub secret_name: Option<String>,
    /// When the login ends, as the registry says where it is made: `2027-01-31T12:00:00Z`
    #[arg(long, value_name = "TIME", env = "FAAS_IAM_EXPIRES_AT")]
    pub expires_at: Option<String>,
    /// Has the operator ask the registry: `login`, or `pull=PATH` with a path of images below ADDRESS
    #[arg(long, value_name = "HOW", env = "FAAS_IAM_VERIFY")]
    pub verify: Option<Verify>,
    /// Makes both in the cluster, or renews them there, and prints neither
    #[arg(long, env = "FAAS_IAM_APPLY", value_parser = FalseyValueParser::new())]
    pub apply: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Examples:
  faas-iam registry add ghcr.io alice --apply < token.txt
  faas-iam registry add registry.example.com 'robot$team+pull' --expires-at 2027-01-31T12:00:00Z --apply
  faas-iam registry add docker.io --from-docker-config --verify pull=acme/app | kubectl apply -f -";

/// Why there is no login to make known. No text of it holds the password.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// What stands for the registry is none.
    #[error("ADDRESS: {0}")]
    Address(#[from] AddressError),
    /// Something stands behind the user's name.
    #[error(
        "only ADDRESS and USERNAME are taken: a password among the arguments is seen by everybody on this machine; \
         pass it on standard input, and make a new one where it was one"
    )]
    Arguments,
    /// Standard input cannot be read.
    #[error("cannot read the password from standard input")]
    Stdin(#[source] std::io::Error),
    /// What was read is no text.
    #[error("the password is no text (UTF-8)")]
    NoText,
    /// Nobody can be asked.
    #[error("cannot ask for the password; pass it on standard input")]
    Prompt(#[source] std::io::Error),
    /// It is no login.
    #[error("USERNAME and password are no login: {0}")]
    Login(#[from] LoginError),
    /// There is no folder in which Docker would have a file.
    #[error("neither $DOCKER_CONFIG nor $HOME is set; give the file: `--from-docker-config FILE`")]
    NoHome,
    /// Docker's file cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Docker's file has no login for the registry.
    #[error("no login in `{}`: {source}; without `--from-docker-config` the password is asked for", .path.display())]
    DockerConfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SourceError,
    },
    /// What the flags make is no valid object.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
}

/// What the registry shall be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verify {
    /// Whether it takes the login.
    Login,
    /// Whether these images may be pulled.
    Pull(String),
}

impl FromStr for Verify {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            None if text == "login" => Ok(Self::Login),
            Some(("pull", path)) if !path.is_empty() => Ok(Self::Pull(path.to_owned())),
            _ => Err("write `login`, or `pull=PATH` with a path of images such as `acme/app`"),
        }
    }
}

/// Prints or makes the two objects.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let registry = Registry::parse(&args.address).map_err(AddError::from)?;
    if !args.others.is_empty() {
        return Err(AddError::Arguments.into());
    }
    let credential = credential(args, &registry)?;
    let login = read(args, &registry)?;
    let secret = secret(args, &credential.spec.secret_ref.name, &login);
    if args.apply { apply(args, &secret, &credential) } else { show(args, &secret, &credential) }
}

fn read(args: &Args, registry: &Registry) -> Result<Login, AddError> {
    match &args.docker_config {
        Some(file) => login::of_docker(file.as_deref(), registry, args.username.as_deref()),
        None => login::of_person(registry, args.username.as_deref().unwrap_or_default(), args.password_stdin),
    }
}

/// The object that the flags describe, judged as `check` judges it.
fn credential(args: &Args, registry: &Registry) -> Result<RegistryCredential, AddError> {
    let name = args.name.clone().unwrap_or_else(|| name_of(registry));
    let secret = args.secret_name.clone().unwrap_or_else(|| format!("{name}{LOGIN}"));
    let spec = RegistryCredentialSpec {
        registry: args.address.clone(),
        secret_ref: SecretRef { name: secret },
        expires_at: args.expires_at.clone(),
        verification: args.verify.as_ref().map(verification),
        ..RegistryCredentialSpec::default()
    };
    let mut credential = RegistryCredential::new(&name, spec);
    credential.metadata.namespace = Some(args.cluster.namespace.clone());
    let object = serde_json::to_value(&credential).unwrap_or_default();
    validate(Kind::RegistryCredential, &object, &Unplaced).verdict.map_err(AddError::Invalid)?;
    Ok(credential)
}

fn verification(verify: &Verify) -> Verification {
    let (mode, repository) = match verify {
        Verify::Login => (VerificationMode::Login, None),
        Verify::Pull(path) => (VerificationMode::Pull, Some(path.clone())),
    };
    Verification { mode: Some(mode), repository, gate_rollout: None }
}

/// A name that Kubernetes takes, of the registry's key: `ghcr.io/acme` becomes `ghcr-io-acme`.
fn name_of(registry: &Registry) -> String {
    let key = registry.as_str();
    // The key of Docker Hub is nothing that anybody calls it.
    let known = if key.contains("://") { "docker.io" } else { key };
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    known.chars().map(letter).collect::<String>().trim_matches('-').to_owned()
}

fn secret(args: &Args, name: &str, login: &Login) -> Secret {
    let value = |text: &str| ByteString(text.as_bytes().to_vec());
    let data = [("username", login.username()), ("password", login.password())];
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(args.cluster.namespace.clone()),
            ..ObjectMeta::default()
        },
        type_: Some(BASIC_AUTH.to_owned()),
        data: Some(data.into_iter().map(|(key, text)| (key.to_owned(), value(text))).collect()),
        ..Secret::default()
    }
}

/// The manifests, of which one holds the password.
fn show(args: &Args, secret: &Secret, credential: &RegistryCredential) -> Result<Answer, Failure> {
    let text = match args.output.output {
        Some(Format::Json) => {
            let items = [json!(secret), json!(credential)];
            Format::Json.write(&json!({ "apiVersion": "v1", "kind": "List", "items": items }))?
        }
        Some(Format::Yaml) | None => {
            let (secret, credential) = (Format::Yaml.write(secret)?, Format::Yaml.write(credential)?);
            format!("---\n{secret}---\n{credential}")
        }
    };
    let holds = "note: the Secret holds the password: pass it on to `kubectl apply -f -`, or make both by `--apply`, and keep it out of Git";
    Ok(Answer::new(Exit::Yes, text).remark([holds.to_owned(), to_be_listed(secret)]))
}

/// What is left to do: the operator reads no Secret that the chart does not name.
fn to_be_listed(secret: &Secret) -> String {
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    format!(
        "note: the operator may read it once `rbac.referencedSecrets` of the chart's values lists `{name}`"
    )
}

/// What became of one of the objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    object: String,
    namespace: &'a str,
    result: Written,
}

/// The credential first: where the cluster takes none, it gets no password either.
fn apply(args: &Args, secret: &Secret, credential: &RegistryCredential) -> Result<Answer, Failure> {
    let cluster = Cluster::connect(&args.cluster)?;
    let namespace = &*args.cluster.namespace;
    let made = |kind: &str, name: Option<&String>, result| Made {
        object: format!("{kind}/{}", name.map(String::as_str).unwrap_or_default()),
        namespace,
        result,
    };
    cluster.takes(credential, secret)?;
    let first = cluster.put_credential(credential, &changes(&credential.spec))?;
    let second = cluster.put_login(secret)?;
    let all = [
        made(&Kind::RegistryCredential.to_string(), credential.metadata.name.as_ref(), first),
        made("secrets", secret.metadata.name.as_ref(), second),
    ];
    let line = |made: &Made<'_>| format!("{} {} in {namespace}\n", made.object, made.result);
    let answer = match args.output.output {
        Some(format) => Answer::new(Exit::Yes, format.write(&all)?),
        None => Answer::text(Exit::Yes, &all.iter().map(line).collect::<String>()),
    };
    Ok(answer.remark((second == Written::Created).then(|| to_be_listed(secret))))
}

/// What of an object that is there already this command has a word on, as a merge patch: the rest stays as it is, but
/// for a path of images that no longer belongs there.
fn changes(spec: &RegistryCredentialSpec) -> Value {
    let mut changes = serde_json::to_value(spec).unwrap_or_default();
    if let Some(Value::Object(verification)) = changes.get_mut("verification") {
        verification.entry("repository").or_insert(Value::Null);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_called_after_its_registry() {
        for (address, name) in [
            ("ghcr.io", "ghcr-io"),
            ("https://GHCR.io/acme/", "ghcr-io-acme"),
            ("localhost:5000", "localhost-5000"),
            ("registry-1.docker.io", "docker-io"),
            ("*.example.com", "example-com"),
            ("[::1]:5000", "1--5000"),
        ] {
            assert_eq!(name_of(&Registry::parse(address).unwrap()), name, "{address}");
        }
    }

    #[test]
    fn a_credential_that_asks_for_no_images_any_more_loses_their_path() {
        let changed = |verify| {
            let verification = Some(verification(&verify));
            changes(&RegistryCredentialSpec { verification, ..RegistryCredentialSpec::default() })
        };
        assert_eq!(
            changed(Verify::Login).pointer("/verification"),
            Some(&json!({ "mode": "Login", "repository": null }))
        );
        let pull = changed(Verify::Pull("acme/app".to_owned()));
        assert_eq!(pull.pointer("/verification/repository"), Some(&json!("acme/app")));
        assert_eq!(pull.get("targets"), None, "what is not said stays as it is");
    }

    #[test]
    fn what_is_asked_of_a_registry_is_a_login_or_a_path_of_images() {
        assert_eq!("login".parse(), Ok(Verify::Login));
        assert_eq!("pull=acme/app".parse(), Ok(Verify::Pull("acme/app".to_owned())));
        for wrong in ["", "pull", "pull=", "push=a", "Login", "login=a"] {
            assert!(wrong.parse::<Verify>().is_err(), "{wrong}");
        }
    }
}
