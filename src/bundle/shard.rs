//! Cutting a bundle into shards and putting it together again. Where a cut falls depends on the keys
//! around it, so that a changed record rewrites its own shard and hardly ever another.

use std::fmt;

use super::encode::{decode, line};
use super::{Bundle, DecodeError, Digest, Index, IndexError, Key};

/// Below this a shard goes on.
const SOFT: usize = 32 << 10;
/// Above this a shard ends whatever follows, unless one record alone has more.
const HARD: usize = 160 << 10;
/// The most bytes that one record may have: a ConfigMap holds 1 MiB, and no record is cut.
pub const MAX_RECORD: usize = 1000 << 10;
/// Between the two, one key in this many ends a shard; with records of about 500 bytes, at about 64 KiB.
const ONE_IN: u8 = 64;

/// One shard: some lines of the bundle.
#[derive(Clone, PartialEq, Eq)]
pub struct Shard {
    /// SHA-256 of the text.
    pub sha256: Digest,
    /// The lines.
    pub text: String,
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shard({}, {} bytes)", self.sha256, self.text.len())
    }
}

impl Shard {
    fn new(text: String) -> Self {
        Self { sha256: Digest::of(text.as_bytes()), text }
    }
}

/// Shards that do not make the bundle which the index promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// A shard that the index lists is not there.
    #[error("shard `{0}` is missing")]
    Missing(String),
    /// A shard holds other bytes than the index promises.
    #[error("shard `{name}` has digest {found}, the index says {said}")]
    Altered {
        /// The ConfigMap's name.
        name: String,
        /// What the index says.
        said: Digest,
        /// What the bytes give.
        found: Digest,
    },
    /// All shards are right, and the whole is not.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The lines cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Bundle {
    /// The bundle's shards, in order. The same records always give the same shards.
    pub fn shards(&self) -> Vec<Shard> {
        let mut shards = Vec::new();
        let mut open = String::new();
        for (key, record) in self.iter() {
            let Some(line) = line(key, record) else { continue };
            if open.len() + line.len() > HARD && !open.is_empty() {
                shards.push(Shard::new(std::mem::take(&mut open)));
            }
            open.push_str(&line);
            if open.len() >= SOFT && ends_shard(key) {
                shards.push(Shard::new(std::mem::take(&mut open)));
            }
        }
        if !open.is_empty() {
            shards.push(Shard::new(open));
        }
        shards
    }

    /// The bytes that one record takes.
    pub fn size_of(&self, key: &Key) -> usize {
        self.records.get(key).and_then(|record| line(key, record)).map_or(0, |l| l.len())
    }
}

fn ends_shard(key: &Key) -> bool {
    let Digest([first, ..]) = Digest::of(key.name.as_bytes());
    first % ONE_IN == 0
}

/// SHA-256 over all shards in order.
pub(super) fn digest(shards: &[Shard]) -> Digest {
    use sha2::Digest as _;
    let mut all = sha2::Sha256::new();
    shards.iter().for_each(|s| all.update(s.text.as_bytes()));
    Digest(all.finalize().into())
}

/// Puts a bundle together from its index; `fetch` gives the text of a shard by its ConfigMap's name.
///
/// # Errors
/// [`AssembleError`] where a shard is missing or altered, or the whole is not what the index says.
pub fn assemble<'a>(index: &Index, fetch: impl Fn(&str) -> Option<&'a str>) -> Result<Bundle, AssembleError> {
    let mut shards = Vec::with_capacity(index.shards.len());
    for listed in &index.shards {
        let text = fetch(&listed.name).ok_or_else(|| AssembleError::Missing(listed.name.to_string()))?;
        let found = Digest::of(text.as_bytes());
        if found != listed.sha256 {
            return Err(AssembleError::Altered { name: listed.name.to_string(), said: listed.sha256, found });
        }
        shards.push(Shard { sha256: found, text: text.to_owned() });
    }
    let found = digest(&shards);
    if found != index.digest {
        let (said, found) = (index.digest.to_string(), found.to_string());
        return Err(IndexError::Sum { field: "digest", said, found }.into());
    }
    let records = shards.iter().map(|s| s.text.lines().count()).sum::<usize>();
    if records != index.records {
        let (said, found) = (index.records.to_string(), records.to_string());
        return Err(IndexError::Sum { field: "records", said, found }.into());
    }
    Ok(decode(&shards.iter().map(|s| s.text.as_str()).collect::<String>())?)
}
