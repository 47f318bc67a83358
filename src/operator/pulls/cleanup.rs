//! Takes back what RegistryCredentials have put into namespaces, where no operator does: finds it, and does namespace by
//! namespace what [`super::leftovers`] says. Does IO, and decides only what to do where somebody was first.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::api::ListParams;
use kube::{Api, Client};
use serde::de::DeserializeOwned;

use super::apply::Writer;
use super::leftovers::{Leftovers, address};
use super::names;
use super::plan::{Miss, Step};
use crate::causes::chain;

pub use super::apply::Author;
pub use super::leftovers::Fate;

/// ServiceAccounts in one answer to a list,
const PAGE: u32 = 500;
/// and Secrets, which may have a mebibyte each.
const LARGE_PAGE: u32 = 50;
/// How often a namespace is looked at anew in which somebody was first.
const TIMES: usize = 10;
/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// One installation, and as whom it is taken back.
pub struct Cleanup {
    client: Client,
    owner: Box<str>,
    writer: Writer,
}

/// What there is to do in one namespace. Has no `Debug`: what stays is in it.
pub struct Job {
    /// Which namespace.
    pub namespace: Box<str>,
    steps: Vec<Step>,
}

/// What becomes of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which: `secrets/faas-iam-pull`.
    pub object: String,
    /// What.
    pub fate: Fate,
}

/// What came of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub namespace: Box<str>,
    /// What was done there.
    pub done: Vec<Change>,
    /// What could not be, with its cause; what comes after it was not tried.
    pub failed: Option<(String, String)>,
}

impl Job {
    /// What would be done.
    pub fn changes(&self) -> impl Iterator<Item = Change> {
        self.steps.iter().map(change)
    }
}

fn change(step: &Step) -> Change {
    Change { object: address(&step.object), fate: Fate::of(step) }
}

impl Cleanup {
    /// Of the installation in the IAM namespace `owner`, as `author`.
    pub fn new(client: Client, owner: &str, author: Author) -> Self {
        let writer = Writer::new(client.clone(), owner, author);
        Self { client, owner: owner.into(), writer }
    }

    /// Everything that is there, by namespace.
    ///
    /// # Errors
    /// What the API server said.
    pub async fn find(&self) -> Result<Vec<Job>, kube::Error> {
        let found = self.look(&Api::all(self.client.clone()), &Api::all(self.client.clone())).await?;
        Ok(found.jobs().into_iter().map(|(namespace, steps)| Job { namespace, steps }).collect())
    }

    async fn look(
        &self,
        accounts: &Api<ServiceAccount>,
        secrets: &Api<Secret>,
    ) -> Result<Leftovers, kube::Error> {
        let mut found = Leftovers::new(&self.owner);
        let ours: Vec<_> =
            names::labels(&self.owner).iter().map(|(key, value)| format!("{key}={value}")).collect();
        each(accounts, ListParams::default().limit(PAGE), |account| found.account(account)).await?;
        let ours = ListParams::default().labels(&ours.join(",")).limit(LARGE_PAGE);
        each(secrets, ours, |secret| found.secret(secret)).await?;
        Ok(found)
    }

    /// Takes back what is in a namespace. What goes wrong there ends it: a Secret stays while a ServiceAccount names it.
    pub async fn take_back(&self, job: Job) -> Taken {
        let Job { namespace, mut steps } = job;
        let mut taken = Taken { namespace, done: Vec::new(), failed: None };
        for _ in 0..TIMES {
            match self.write(&mut taken, steps).await {
                Ok(()) => return taken,
                Err((object, Miss::Failed(_, why))) => {
                    taken.failed = Some((object, why));
                    return taken;
                }
                Err((object, Miss::Beaten)) => match self.again(&taken.namespace).await {
                    Ok(anew) => steps = anew,
                    Err(error) => {
                        taken.failed = Some((object, chain(&error)));
                        return taken;
                    }
                },
            }
        }
        let why = "somebody else was first each time that it was to be written; run the command again";
        taken.failed = Some(("what is left".to_owned(), why.to_owned()));
        taken
    }

    async fn write(&self, taken: &mut Taken, steps: Vec<Step>) -> Result<(), (String, Miss)> {
        for step in steps {
            let change = change(&step);
            let write = tokio::time::timeout(PATIENCE, self.writer.write(&taken.namespace, &step)).await;
            if let Err(miss) = write.map_err(|_| late()).and_then(|wrote| wrote.map(drop)) {
                return Err((change.object, miss));
            }
            taken.done.push(change);
        }
        Ok(())
    }

    async fn again(&self, namespace: &str) -> Result<Vec<Step>, kube::Error> {
        let accounts = Api::namespaced(self.client.clone(), namespace);
        let secrets = Api::namespaced(self.client.clone(), namespace);
        Ok(self.look(&accounts, &secrets).await?.jobs().remove(namespace).unwrap_or_default())
    }
}

fn late() -> Miss {
    let why = format!("no answer within {} seconds", PATIENCE.as_secs());
    Miss::Failed(crate::api::Reason::Failed, why)
}

/// Shows each object of a list, page by page.
async fn each<K>(api: &Api<K>, mut page: ListParams, mut show: impl FnMut(&K)) -> Result<(), kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    loop {
        let list = api.list(&page).await?;
        list.items.iter().for_each(&mut show);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(()),
        }
    }
}
