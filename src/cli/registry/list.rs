//! `registry list`: the logins for registries that are known, where they are, and when they end.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde::Serialize;
use serde_json::Value;

use crate::api::status::{READY, VERIFIED};
use crate::cli::Failure;
use crate::cli::cluster::Cluster;
use crate::cli::output::{Answer, Exit, OutputArgs};
use crate::cli::text::table;
use crate::kubeconfig::ClusterArgs;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Lists the logins for registries: in how many namespaces each is, when it ends, and whether it works
///
/// Exits with 0, and with 2 where the cluster gives no answer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  faas-iam registry list\n  faas-iam registry list --context prod -o json"
)]
pub struct Args {
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// One login.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    name: String,
    registry: String,
    secret: String,
    /// Namespaces that have it, of those that get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Asks the cluster.
pub fn run(args: &Args) -> Result<Answer, Failure> {
    let objects = Cluster::connect(&args.cluster)?.credentials()?;
    let all: Vec<_> = objects.iter().map(Shown::of).collect();
    match args.output.output {
        Some(format) => Ok(Answer::new(Exit::Yes, format.write(&all)?)),
        None if all.is_empty() => Ok(Answer::new(Exit::Yes, "").remark([format!(
            "no login for a registry in namespace `{}`; make one known by `faas-iam registry add`",
            args.cluster.namespace
        )])),
        None => Ok(Answer::text(Exit::Yes, &in_words(&all, Timestamp::now()))),
    }
}

impl Shown {
    fn of(object: &DynamicObject) -> Self {
        let text = |path: &str| object.data.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
        let condition = |of: &str, field: &str| {
            let found = conditions?.iter().find(|c| c.get("type").is_some_and(|t| t == of))?;
            found.get(field)?.as_str().map(str::to_owned)
        };
        Self {
            name: object.name_any(),
            registry: text("/status/registry").or_else(|| text("/spec/registry")).unwrap_or_default(),
            secret: text("/spec/secretRef/name").unwrap_or_default(),
            namespaces: text("/status/namespaces/summary"),
            expires_at: text("/status/expiresAt").or_else(|| text("/spec/expiresAt")),
            verified: condition(VERIFIED, "status"),
            ready: condition(READY, "status"),
            reason: condition(READY, "reason"),
            message: condition(READY, "message"),
        }
    }
}

fn in_words(all: &[Shown], now: Timestamp) -> String {
    let heading = ["NAME", "REGISTRY", "NAMESPACES", "EXPIRES", "VERIFIED", "READY", "REASON"];
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = all.iter().map(|shown| {
        [
            shown.name.clone(),
            shown.registry.clone(),
            or_none(&shown.namespaces),
            shown.expires_at.as_deref().map_or_else(|| "-".to_owned(), |at| end(at, now)),
            or_none(&shown.verified),
            or_none(&shown.ready),
            or_none(&shown.reason),
        ]
    });
    table(&heading, rows)
}

/// The day, and how far away it is.
fn end(text: &str, now: Timestamp) -> String {
    let Ok(time) = text.parse::<Timestamp>() else { return text.to_owned() };
    let left = time.as_second().saturating_sub(now.as_second());
    let day: String = text.chars().take(10).collect();
    match left.abs() / DAY {
        _ if left <= 0 && left > -DAY => format!("{day}, past"),
        days if left < 0 => format!("{day}, past for {days}d"),
        0 => format!("{day}, in {}h", left / 3_600),
        days => format!("{day}, in {days}d"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_where_a_login_is_when_it_ends_and_whether_it_works() {
        let condition = |of: &str, status: &str, reason: &str| json!({ "type": of, "status": status, "reason": reason, "message": "why" });
        let object = json!({
            "apiVersion": "iam.openfaas.com/v1alpha1", "kind": "RegistryCredential",
            "metadata": { "name": "hub" },
            "spec": { "registry": "docker.io", "secretRef": { "name": "hub-login" } },
            "status": {
                "conditions": [condition("Verified", "True", "LoginAccepted"), condition("Ready", "False", "RollingOut")],
                "registry": "https://index.docker.io/v1/",
                "namespaces": { "desired": 3, "ready": 2, "failed": 0, "summary": "2/3" },
                "expiresAt": "2027-01-31T12:00:00Z",
            },
        });
        let new = json!({
            "apiVersion": "iam.openfaas.com/v1alpha1", "kind": "RegistryCredential",
            "metadata": { "name": "ghcr" }, "spec": { "registry": "ghcr.io", "secretRef": { "name": "a" } },
        });
        let shown = [object, new].map(|object| Shown::of(&serde_json::from_value(object).unwrap()));
        let now = "2027-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(
            in_words(&shown, now),
            "NAME  REGISTRY                     NAMESPACES  EXPIRES             VERIFIED  READY  REASON\n\
             hub   https://index.docker.io/v1/  2/3         2027-01-31, in 30d  True      False  RollingOut\n\
             ghcr  ghcr.io                      -           -                   -         -      -\n"
        );
    }

    #[test]
    fn an_end_is_told_by_its_day_and_how_far_away_it_is() {
        let now = "2027-01-31T12:00:00Z".parse().unwrap();
        for (text, want) in [
            ("2027-02-01T12:00:00Z", "2027-02-01, in 1d"),
            ("2027-02-01T11:59:59Z", "2027-02-01, in 23h"),
            ("2027-01-31T12:00:00Z", "2027-01-31, past"),
            ("2027-01-30T12:00:01Z", "2027-01-30, past"),
            ("2027-01-29T12:00:00Z", "2027-01-29, past for 2d"),
            ("soon", "soon"),
        ] {
            assert_eq!(end(text, now), want, "{text}");
        }
    }
}
