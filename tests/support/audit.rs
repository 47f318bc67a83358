//! The API server's audit log as a list of requests: the honest way to count what a program asks.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use k8s_openapi::{api::core::v1::ConfigMap, jiff::Timestamp};
use kube::Api;
use serde::Deserialize;

use super::{Failure, Result, cluster::Cluster, wait::eventually};

/// A request that has been answered; a watch, that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Such as `system:serviceaccount:openfaas:faas-iam`.
    pub user: String,
    /// Such as `list`, in RBAC's words.
    pub verb: String,
    /// The API group; empty for the core group and for paths that are no resource.
    pub group: String,
    /// The resource in the plural, `/` and subresource where there is one; empty for paths that are no resource.
    pub resource: String,
    /// The namespace; empty where there is none.
    pub namespace: String,
    /// The object's name; empty for collections.
    pub name: String,
    /// The path with its query.
    pub uri: String,
    /// The HTTP status.
    pub code: u16,
    /// The client's `User-Agent`.
    pub agent: String,
    /// When the API server received it.
    pub received: Timestamp,
}

impl Request {
    /// Whether it was meant to change something.
    pub fn writes(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }
}

/// The log of one API server.
pub struct Audit {
    cluster: Cluster,
    file: PathBuf,
}

/// A moment in the log, by the API server's own clock.
#[derive(Clone, Copy, Debug)]
pub struct Mark(Timestamp);

impl Audit {
    /// The log in `file` of the API server of `cluster`.
    pub fn new(cluster: Cluster, file: PathBuf) -> Self {
        Self { cluster, file }
    }

    /// Marks this moment: asks for an object that does not exist and waits until the log has the question.
    ///
    /// # Errors
    /// When the API server does not answer or the log does not show it.
    pub async fn mark(&self) -> Result<Mark> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{MARK}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let maps: Api<ConfigMap> = Api::namespaced(self.cluster.admin().await?, "default");
        maps.get_opt(&name).await?;
        eventually("the audit log to show a mark", Duration::from_secs(20), || async {
            let requests = self.all()?;
            Ok(requests.iter().find(|request| request.name == name).map(|request| Mark(request.received)))
        })
        .await
    }

    /// The requests that the API server received since `mark` and has answered, in the order of the log.
    ///
    /// # Errors
    /// As [`Self::mark`], or when the log cannot be read.
    pub async fn since(&self, mark: &Mark) -> Result<Vec<Request>> {
        let now = self.mark().await?;
        let mut requests = self.all()?;
        requests.retain(|request| mark.0 < request.received && request.received < now.0);
        requests.retain(|request| !request.name.starts_with(MARK));
        Ok(requests)
    }

    /// The same, of one user only.
    ///
    /// # Errors
    /// As [`Self::since`].
    pub async fn by_user_since(&self, user: &str, mark: &Mark) -> Result<Vec<Request>> {
        let mut requests = self.since(mark).await?;
        requests.retain(|request| request.user == user);
        Ok(requests)
    }

    /// Every whole line of the log, and of which request it is: with bodies, where the control plane logs them.
    ///
    /// # Errors
    /// When one is not what the API server writes.
    pub fn lines(&self) -> Result<Vec<(Request, String)>> {
        let text = self.text()?;
        text.lines().map(|line| Ok((parse(line)?.into(), line.to_owned()))).collect()
    }

    /// What is in the log; a line that is still being written is left out.
    fn text(&self) -> Result<String> {
        let bytes = std::fs::read(&self.file)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.rfind('\n').map_or("", |end| &text[..end]).to_owned())
    }

    /// Everything in the log; a line that is still being written is left out.
    ///
    /// # Errors
    /// When a whole line is not what the API server writes.
    pub fn all(&self) -> Result<Vec<Request>> {
        let events = self.text()?.lines().map(parse).collect::<Result<Vec<Event>>>()?;
        // A watch is logged when it begins and, received at the same time, when it ends.
        Ok(events
            .into_iter()
            .filter(|event| !(event.verb == "watch" && event.stage == "ResponseComplete"))
            .map(Request::from)
            .collect())
    }
}

const MARK: &str = "faas-iam-mark-";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
    request_received_timestamp: Timestamp,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

fn parse(line: &str) -> Result<Event> {
    serde_json::from_str(line).map_err(|error| Failure::from(error).during(format!("audit line {line}")))
}

impl From<Event> for Request {
    fn from(event: Event) -> Self {
        let ObjectRef { api_group, resource, subresource, namespace, name } = event.object_ref;
        let slash = if subresource.is_empty() { "" } else { "/" };
        Self {
            user: event.user.username,
            verb: event.verb,
            group: api_group,
            resource: format!("{resource}{slash}{subresource}"),
            namespace,
            name,
            uri: event.request_uri,
            code: event.response_status.code,
            agent: event.user_agent,
            received: event.request_received_timestamp,
        }
    }
}
