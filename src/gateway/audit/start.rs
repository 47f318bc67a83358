//! Which audit trail was asked for, its start and its end.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::file::{Place, Writer};
use super::queue::{Queue, WAITING};
use super::webhook::{Deliverer, Pace, Webhook, WebhookError};
use super::{Audit, Event};
use crate::flags::{FileError, secret_line};
use crate::gateway::metrics::Metrics;

/// How long what waits may take to be written once there is no more.
const END: Duration = Duration::from_secs(5);

/// A URL that may be a credential. Its `Debug` does not show it.
#[derive(Clone)]
pub struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// The flags of the audit trail.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AuditArgs {
    /// A file to which every decision that matters is appended as a line of JSON; `-` is standard output. It may be renamed at any time
    #[arg(long, env = "FAAS_IAM_AUDIT_FILE", value_name = "FILE")]
    pub audit_file: Option<PathBuf>,

    /// Where decisions about the REST API are sent in the format of OpenFaaS' own audit webhook; https, or http
    #[arg(
        long,
        env = "FAAS_IAM_AUDIT_WEBHOOK_URL",
        hide_env_values = true,
        value_name = "URL",
        requires = "audit_webhook_secret_file"
    )]
    pub audit_webhook_url: Option<Hidden>,

    /// A file with the secret that signs what is sent there
    #[arg(
        long,
        env = "FAAS_IAM_AUDIT_WEBHOOK_SECRET_FILE",
        value_name = "FILE",
        requires = "audit_webhook_url"
    )]
    pub audit_webhook_secret_file: Option<PathBuf>,
}

/// An audit trail that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Its file.
    #[error("`{}` cannot be opened", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file of its secret.
    #[error(transparent)]
    Secret(#[from] FileError),
    /// The webhook.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
}

/// Those who write, to be waited for at the end.
#[derive(Default)]
pub struct Writers {
    file: Option<oneshot::Receiver<()>>,
    webhook: Option<JoinHandle<()>>,
    hurry: CancellationToken,
}

impl Audit {
    /// Starts what was asked for; inside a runtime.
    ///
    /// # Errors
    /// [`AuditError`] where a file cannot be opened, or the webhook's URL is none.
    pub fn start(args: &AuditArgs, metrics: &Metrics) -> Result<(Self, Writers), AuditError> {
        let mut writers = Writers::default();
        let mut sinks = Vec::new();
        if let Some(path) = &args.audit_file {
            sinks.push(writers.start_file(path, metrics)?);
        }
        if let (Some(url), Some(secret)) = (&args.audit_webhook_url, &args.audit_webhook_secret_file) {
            sinks.push(writers.start_webhook(Webhook::new(&url.0, &secret_line(secret)?)?, metrics));
        }
        Ok((Self::of(sinks), writers))
    }
}

impl Writers {
    fn start_file(&mut self, path: &Path, metrics: &Metrics) -> Result<Queue, AuditError> {
        let failed = |source| AuditError::File { path: path.to_owned(), source };
        let place = Place::open(path).map_err(failed)?;
        let (queue, waiting) = Queue::new("file", |_| true, WAITING, metrics.audited("file", "dropped"));
        let writer = Writer::new(place, queue.lost().clone(), metrics.audited("file", "written"));
        self.file = Some(writer.start(waiting).map_err(failed)?);
        Ok(queue)
    }

    fn start_webhook(&mut self, webhook: Webhook, metrics: &Metrics) -> Queue {
        let host = webhook.host();
        if webhook.is_open() {
            tracing::warn!(host, "audit events are sent over plain http: others can read them on their way");
        }
        let dropped = metrics.audited("webhook", "dropped");
        let (queue, waiting) = Queue::new("webhook", is_of_the_api, WAITING, dropped);
        let (lost, delivered) = (queue.lost().clone(), metrics.audited("webhook", "written"));
        let deliverer =
            Deliverer { webhook, pace: Pace::default(), lost, delivered, hurry: self.hurry.clone() };
        self.webhook = Some(tokio::spawn(deliverer.run(waiting)));
        queue
    }

    /// Waits until everything is written that waits, within bounds; nothing may come any more.
    pub async fn end(self, audit: &Audit) {
        self.hurry.cancel();
        let all = async {
            for sink in audit.sinks() {
                sink.end().await;
            }
            // A writer that is gone has ended, too.
            if let Some(file) = self.file {
                let _ = file.await;
            }
            if let Some(webhook) = self.webhook {
                let _ = webhook.await;
            }
        };
        if timeout(END, all).await.is_err() {
            for sink in audit.sinks().iter().filter(|sink| sink.len() > 0) {
                tracing::error!(
                    sink = sink.name(),
                    events = sink.len(),
                    "audit events were still waiting at the end"
                );
            }
        }
    }
}

/// What the upstream's webhook is told (`openfaas-wire.md`: `api_access`).
fn is_of_the_api(event: &Event) -> bool {
    event.event == "system"
}
