//! What decides where there is no cluster: a folder says what is granted, the provider's own list which
//! functions there are. Each is read by itself, and both together are published.
//!
//! Neither waits for the other: a provider that hangs holds back no change of a Role.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;

use super::folder::{self, FolderError, Stands, Watch};
use super::lists::Everything;
use super::provider::{self, News};
use crate::bundle::Bundle;
use crate::compile::LastValid;
use crate::gateway::service::Gateway;
use crate::token::SigningKey;

/// How often it is looked whether the folder's name still leads to what is watched. What is exchanged whole, as a
/// link by git-sync, tells nobody, and the removal of a Role in it would never be felt.
const LOOK: Duration = Duration::from_secs(1);

/// What was read so far.
pub struct Standalone {
    folder: PathBuf,
    /// What its name led to when it was read.
    stands: Option<Stands>,
    namespace: String,
    signing: Arc<SigningKey>,
    last_valid: LastValid,
    bundle: Bundle,
    functions: Everything,
    generation: u64,
}

impl Standalone {
    /// Reads the folder for the first time, and decides by it from now on; what is wrong with it is told at
    /// once. Functions count as public only when the provider was asked what it has.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn start(
        folder: PathBuf,
        namespace: &str,
        signing: Arc<SigningKey>,
        gateway: &Gateway,
    ) -> Result<(Self, Watch), FolderError> {
        let stands = folder::stands(&folder);
        let watch = Watch::new(&folder)?;
        let mut last_valid = LastValid::new();
        let bundle = folder::read(&folder, namespace, &mut last_valid)?;
        let (namespace, functions) = (namespace.to_owned(), Everything::new());
        let mut read =
            Self { folder, stands, namespace, signing, last_valid, bundle, functions, generation: 0 };
        gateway.provider.expect_list();
        read.publish(gateway);
        Ok((read, watch))
    }

    /// Follows folder and provider until it is dropped.
    pub async fn follow(mut self, watch: Watch, gateway: Arc<Gateway>) {
        let (tell, mut news) = mpsc::channel(1);
        let mut changes = Box::pin(changes_of(watch));
        let mut due = tokio::time::interval(LOOK);
        let mut asking = pin!(provider::ask(gateway.clone(), tell));
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(()) => self.read(&gateway),
                    None => return,
                },
                Some(news) = news.recv() => self.hear(news, &gateway),
                _ = due.tick() => if let Some(watch) = self.moved() {
                    changes = Box::pin(changes_of(watch));
                    self.read(&gateway);
                },
                () = &mut asking => return,
            }
        }
    }

    /// A watch on the folder, where its name leads elsewhere by now.
    fn moved(&mut self) -> Option<Watch> {
        let stands = folder::stands(&self.folder);
        if stands == self.stands {
            return None;
        }
        self.stands = stands;
        let watch = stands.and_then(|_| Watch::new(&self.folder).ok());
        if watch.is_none() {
            // It is looked for again.
            self.stands = None;
        }
        watch
    }

    fn read(&mut self, gateway: &Arc<Gateway>) {
        match folder::read(&self.folder, &self.namespace, &mut self.last_valid) {
            Ok(bundle) => {
                self.bundle = bundle;
                self.publish(gateway);
                let (generation, records) = (self.generation, self.bundle.len());
                tracing::info!(generation, records, "the manifests were read anew");
                let gateway = gateway.clone();
                tokio::spawn(async move { gateway.refresh_all().await });
            }
            Err(error) => tracing::error!(error = %error, "the last good manifests stay in force"),
        }
    }

    /// Takes lists of functions; whoever waits for them goes on when they decide.
    fn hear(&mut self, news: News, gateway: &Gateway) {
        if news.functions != self.functions {
            self.functions = news.functions;
            self.publish(gateway);
        }
        gateway.provider.hear(news.heard);
    }

    fn publish(&mut self, gateway: &Gateway) {
        self.generation += 1;
        let mut bundle = self.bundle.clone();
        for (name, function) in self.functions.values().flat_map(|functions| functions.iter()) {
            bundle.insert(name.as_str(), function.record());
        }
        gateway.publish(&bundle, self.generation, self.signing.clone());
    }
}

/// Each change that is told, whoever else is listened to meanwhile.
fn changes_of(watch: Watch) -> impl Stream<Item = ()> + Send {
    stream::unfold(watch, |mut watch| async { Some((watch.next().await?, watch)) })
}
