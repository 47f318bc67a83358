//! Takes out of all namespaces what RegistryCredentials have put there, with the rights of whoever runs the command.
//! What that is and how it goes is the operator's own code.

use std::cell::Cell;
use std::future::Future;

use futures::{StreamExt as _, stream};
use kube::ResourceExt as _;
use serde_json::Value;

use super::writing::MANAGER;
use super::{AT_ONCE, Cluster, ClusterError};
use crate::cli::progress::counted;
use crate::operator::pulls::cleanup::{Author, Cleanup, Job, Taken};
use crate::process::signal;

const CURE: &str = "this command lists Secrets and ServiceAccounts of all namespaces";
const LACKS_RIGHT: &str = "you lack a right: this command patches and deletes Secrets, and patches ServiceAccounts, in all namespaces";

impl Cluster {
    /// The RegistryCredentials that hand out logins.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn handing_out(&self) -> Result<Vec<String>, ClusterError> {
        let all = match self.credentials() {
            // Their definition is gone, and they are with it.
            Err(ClusterError::NotServed { .. }) => Vec::new(),
            all => all?,
        };
        let suspended = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(true);
        let active = all.iter().filter(|object| !suspended(object.data.pointer("/spec/suspend")));
        Ok(active.map(|object| object.name_any()).collect())
    }

    /// What they have put into namespaces.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub fn handed_out(&self) -> Result<Vec<Job>, ClusterError> {
        self.wait("pull secrets of the installation", async {
            let found = self.cleanup().find().await;
            found.map_err(|error| self.failed("Secrets and ServiceAccounts".to_owned(), &error, CURE))
        })
    }

    /// Takes it back, until somebody wants it to end.
    pub fn take_back(&self, jobs: Vec<Job>) -> Vec<Taken> {
        let (cleanup, all, done) = (self.cleanup(), jobs.len(), Cell::new(0));
        let take_back = async |job| {
            let taken = cleanup.take_back(job).await;
            done.set(done.get() + 1);
            taken
        };
        let how_far = || format!("{} of {all} namespaces", done.get());
        self.runtime.block_on(async { counted(how_far, work_off(jobs, signal(), take_back)).await })
    }

    fn cleanup(&self) -> Cleanup {
        let author = Author { manager: MANAGER, lacks_right: LACKS_RIGHT };
        Cleanup::new(self.client.clone(), &self.namespace, author)
    }
}

/// Does each, a few at once. Once `stop` is over it begins no other one, and waits for those that have begun.
async fn work_off<J, T, F>(jobs: Vec<J>, stop: impl Future<Output = ()>, work: impl Fn(J) -> F) -> Vec<T>
where
    F: Future<Output = T>,
{
    stream::iter(jobs).take_until(stop).map(work).buffered(AT_ONCE).collect().await
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn who_stops_it_gets_what_has_begun_done_and_nothing_else_begun() {
        let (stop, begun) = (Notify::new(), Cell::new(0));
        let work = async |job: usize| {
            begun.set(begun.get() + 1);
            if job == 2 {
                stop.notify_one();
            }
            tokio::task::yield_now().await;
            job
        };
        let done = work_off((0..10 * AT_ONCE).collect(), stop.notified(), work).await;
        assert_eq!(done, (0..begun.get()).collect::<Vec<_>>());
        assert!(begun.get() <= 2 * AT_ONCE, "{}", begun.get());
    }
}
