//! What serves, as commands ask for it: what follows from files, or the bundle that a cluster serves.

use std::io;

use super::cluster::{Cluster, ClusterError};
use super::source::SourceArgs;
use crate::bundle::{Bundle, Index};
use crate::compile::LastValid;
use crate::folder::{Compiled, Manifests};

/// What serves, and what there is to say about the objects it came from.
#[derive(Debug)]
pub struct World {
    /// What follows from files; of a cluster its bundle alone.
    pub compiled: Compiled,
    /// The index of the bundle, where a cluster serves it.
    pub index: Option<Index>,
}

impl World {
    /// What serves, from files or as the cluster serves it.
    ///
    /// # Errors
    /// [`ClusterError`] where the cluster does not give it; files never fail, but may be unreadable.
    pub fn serving(args: &SourceArgs) -> Result<Self, ClusterError> {
        if args.is_files() {
            return Ok(Self { compiled: of_files(args, false), index: None });
        }
        let (index, bundle) = Cluster::connect(&args.cluster)?.served()?;
        Ok(Self { compiled: Compiled { bundle, ..Compiled::default() }, index: Some(index) })
    }

    /// What serves.
    pub fn bundle(&self) -> &Bundle {
        &self.compiled.bundle
    }

    /// Whether a cluster serves this, as opposed to what would follow from files.
    pub fn is_served(&self) -> bool {
        self.index.is_some()
    }

    /// The generation that a cluster serves, as the first words of an answer.
    pub fn generation(&self) -> Option<u64> {
        self.index.as_ref().map(|index| index.generation)
    }

    /// What to say of files without an object of ours.
    pub fn nothing(&self, source: &SourceArgs) -> Option<String> {
        if self.is_served() { None } else { nothing(&self.compiled, source) }
    }
}

/// What follows from the files that are named; with `partial`, a Policy that is not among them is no problem.
pub fn of_files(args: &SourceArgs, partial: bool) -> Compiled {
    let (paths, namespace) = (&args.files, &args.cluster.namespace);
    let manifests = Manifests { paths, recursive: args.recursive, namespace, partial };
    Compiled::of_files(&manifests, &mut io::stdin().lock(), LastValid::new())
}

/// What to say where there is no object of ours.
pub fn nothing(compiled: &Compiled, source: &SourceArgs) -> Option<String> {
    compiled.is_nothing().then(|| format!("no JwtIssuer, Policy or Role in {}", source.places()))
}
