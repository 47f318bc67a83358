//! The one cluster that the tests of a binary share, started by whoever asks first.
//!
//! With `TEST_KUBECONFIG` set it is that cluster: nothing of it is started or stopped, and it has no audit log here.

use std::path::PathBuf;

use tokio::sync::OnceCell;

use super::{Failure, Result, audit::Audit, cluster::Cluster, controlplane::ControlPlane, flags::Options};

/// The shared cluster. Tests do not kill its processes; a test that wants that starts a [`ControlPlane`].
pub struct Shared {
    cluster: Cluster,
    // Never dropped, as a static: its processes end because their leashes close when this process ends.
    plane: Option<ControlPlane>,
}

/// The shared cluster, within about ten seconds for the first who asks.
///
/// # Errors
/// When it could not be started; every later test gets the same answer at once.
pub async fn shared() -> Result<&'static Shared> {
    static SHARED: OnceCell<Result<Shared>> = OnceCell::const_new();
    match SHARED.get_or_init(start).await {
        Ok(shared) => Ok(shared),
        Err(failure) => Err(Failure::new(failure.to_string())),
    }
}

async fn start() -> Result<Shared> {
    if let Some(file) = std::env::var_os("TEST_KUBECONFIG") {
        return Ok(Shared { cluster: Cluster::new(PathBuf::from(file)), plane: None });
    }
    let plane = ControlPlane::start(Options::default()).await?;
    Ok(Shared { cluster: plane.cluster().clone(), plane: Some(plane) })
}

impl Shared {
    /// The cluster, for clients.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The audit log; none for a cluster that is not ours, where a test of it has to say that it is skipped.
    pub fn audit(&self) -> Option<Audit> {
        self.plane.as_ref().map(ControlPlane::audit)
    }
}
