//! The index: which shards make up the bundle. The one object that decides what serves, so it carries
//! a generation that only grows and the digest of the whole.

use serde::{Deserialize, Serialize};

use super::{Digest, Shard};

/// The version of the format that this code writes and reads.
pub const FORMAT: u32 = 1;

/// The index as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Version of the format; another one is refused.
    pub format: u32,
    /// Grows with every write: the last one plus one, or the time in ms, whichever is more.
    pub generation: u64,
    /// SHA-256 over all shards in order.
    pub digest: Digest,
    /// Bytes of all shards together.
    pub size: usize,
    /// How many records they hold.
    pub records: usize,
    /// The shards in order.
    pub shards: Vec<ShardRef>,
    /// Shards of earlier generations, and since when they are needed no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Retired>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardRef {
    /// The ConfigMap's name; where a stranger holds the first choice, one with a suffix.
    pub name: Box<str>,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its size, bytes.
    pub size: usize,
}

/// A shard that was needed once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retired {
    /// The ConfigMap's name.
    pub name: Box<str>,
    /// Since when it is needed no more, ms since 1970.
    pub since: i64,
}

/// An index that cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// No JSON of ours.
    #[error("the index is broken: {0}")]
    Broken(String),
    /// A format of another version.
    #[error("the index has format {0}, this version reads {FORMAT}; upgrade the older half")]
    Format(u32),
    /// It is older than what serves.
    #[error(
        "the index has generation {found}, which is not above the serving {serving}; where an operator whose clock is behind \
         has made it anew, restart whoever serves the other"
    )]
    Old {
        /// What was read.
        found: u64,
        /// What serves.
        serving: u64,
    },
    /// The index does not add up in itself.
    #[error("the index says {field} {said}, its shards make {found}")]
    Sum {
        /// Which figure.
        field: &'static str,
        /// What the index says.
        said: String,
        /// What it is.
        found: String,
    },
    /// It lists more than the bundle may hold.
    #[error("the index lists {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Bytes listed.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

impl Index {
    /// The index of some shards. `names` gives the ConfigMap's name of each.
    pub fn new(
        generation: u64,
        records: usize,
        shards: &[Shard],
        names: impl Fn(&Shard) -> Box<str>,
    ) -> Self {
        let refs = shards.iter().map(|s| ShardRef { name: names(s), sha256: s.sha256, size: s.text.len() });
        Self {
            format: FORMAT,
            generation,
            digest: super::shard::digest(shards),
            size: shards.iter().map(|s| s.text.len()).sum(),
            records,
            shards: refs.collect(),
            retired: Vec::new(),
        }
    }

    /// Reads an index.
    ///
    /// # Errors
    /// [`IndexError`] for another format and for figures that do not add up.
    pub fn decode(bytes: &[u8], limit: usize) -> Result<Self, IndexError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let broken = |e: serde_json::Error| IndexError::Broken(e.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(broken)?;
        if head.format != FORMAT {
            return Err(IndexError::Format(head.format));
        }
        let index: Self = serde_json::from_slice(bytes).map_err(broken)?;
        let size = index.shards.iter().fold(0usize, |sum, s| sum.saturating_add(s.size));
        if size != index.size {
            return Err(IndexError::Sum {
                field: "size",
                said: index.size.to_string(),
                found: size.to_string(),
            });
        }
        if size > limit {
            return Err(IndexError::TooLarge { size, limit });
        }
        Ok(index)
    }

    /// The index as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether this index may take the place of one with generation `serving`.
    ///
    /// Nothing else is asked, not whether it is in another Secret than that one was: a backup that is put back, and a list
    /// from an API server that lags, show an index of before under another uid, and what it grants may have been taken away
    /// since. The price: where somebody deletes the index and the next operator's clock is behind, whoever serves stays with
    /// the last good bundle, and says so, until the clock has caught up and something is edited, or it is started anew.
    ///
    /// # Errors
    /// [`IndexError::Old`] where it may not.
    pub fn supersedes(&self, serving: Option<u64>) -> Result<(), IndexError> {
        match serving {
            Some(serving) if self.generation <= serving => {
                Err(IndexError::Old { found: self.generation, serving })
            }
            _ => Ok(()),
        }
    }

    /// The generation to write after `last`, at a time in ms since 1970.
    pub fn next_generation(last: Option<u64>, now_ms: i64) -> u64 {
        let now = u64::try_from(now_ms).unwrap_or(0);
        last.map_or(now, |g| g.saturating_add(1).max(now))
    }
}
