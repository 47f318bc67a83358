//! What decides where there is no cluster: a folder says what is granted, the provider's own list which
//! functions there are. Each is read by itself, and both together are published.
//!
//! Neither waits for the other: a provider that hangs holds back no change of a Role.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use tokio::sync::mpsc;

use super::folder::{self, FolderError, Watch};
use super::provider::{self, Functions, News};
use crate::bundle::Bundle;
use crate::compile::LastValid;
use crate::gateway::service::Gateway;
use crate::token::SigningKey;

/// What was read so far.
pub struct Standalone {
    folder: PathBuf,
    namespace: String,
    signing: Arc<SigningKey>,
    last_valid: LastValid,
    bundle: Bundle,
    functions: Functions,
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
        let watch = Watch::new(&folder)?;
        let mut last_valid = LastValid::new();
        let bundle = folder::read(&folder, namespace, &mut last_valid)?;
        let (namespace, functions) = (namespace.to_owned(), Functions::new());
        let mut read = Self { folder, namespace, signing, last_valid, bundle, functions, generation: 0 };
        gateway.provider.expect_list();
        read.publish(gateway);
        Ok((read, watch))
    }

    /// Follows folder and provider until it is dropped.
    pub async fn follow(mut self, watch: Watch, gateway: Arc<Gateway>) {
        let changes = stream::unfold(watch, |mut watch| async { Some((watch.next().await?, watch)) });
        let (tell, mut news) = mpsc::channel(1);
        let mut changes = pin!(changes);
        let mut asking = pin!(provider::ask(gateway.clone(), tell));
        loop {
            tokio::select! {
                change = changes.next() => match change {
                    Some(()) => self.read(&gateway),
                    None => return,
                },
                Some(news) = news.recv() => self.hear(news, &gateway),
                () = &mut asking => return,
            }
        }
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

    /// Takes a list of functions; whoever waits for it goes on when it decides.
    fn hear(&mut self, news: News, gateway: &Gateway) {
        if news.functions != self.functions {
            self.functions = news.functions;
            self.publish(gateway);
        }
        gateway.provider.listed();
    }

    fn publish(&mut self, gateway: &Gateway) {
        self.generation += 1;
        let mut bundle = self.bundle.clone();
        for (name, function) in &self.functions {
            bundle.insert(name.as_str(), function.record());
        }
        gateway.publish(&bundle, self.generation, self.signing.clone());
    }
}
