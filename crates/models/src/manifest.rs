//! The signed list of the models that the network serves: what they are, which files they come in and where those are.
//!
//! Whoever can change this list chooses what every miner loads, so it is used only with a signature by the network's key, only
//! until it expires, and never in an older version than one that was seen ([`ManifestStore`]). What it does not know (a size, a
//! digest) is absent: it is learnt at the first download and pinned on this machine from then on.

mod check;
mod error;
mod signature;
mod store;

use cortensor_protocol::{ArtifactDigest, ModelId, Precision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::inventory::split_name;

pub use error::ManifestError;
pub use signature::{ManifestKey, ManifestSignature, sign};
pub use store::{ManifestStore, SignedManifest};

/// The layout of the file that this program reads.
pub const LAYOUT: u32 = 1;

/// The list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout of the file: [`LAYOUT`].
    pub layout: u32,
    /// Grows with every change. A lower one than was seen is refused.
    pub version: u64,
    /// Until when it may be used to get models.
    pub expires: Timestamp,
    /// The models.
    pub models: Vec<ListedModel>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedModel {
    /// Its name on the network.
    pub id: ModelId,
    /// Its name for people.
    pub name: String,
    /// What it is a kind of, such as `Qwen3`.
    pub family: String,
    /// Weights.
    pub parameters: u64,
    /// Transformer blocks.
    pub layers: u32,
    /// Attention heads.
    pub heads: u32,
    /// Heads that keep keys and values.
    pub kv_heads: u32,
    /// Most tokens it was trained for.
    pub context: u32,
    /// Licence of the weights, as SPDX or the hub names it.
    pub licence: String,
    /// The forms it comes in, each format once.
    pub variants: Vec<Variant>,
}

/// A model in one format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Format of most weights.
    pub format: Precision,
    /// The format that this one is made from on the device, if it is: such a variant is not downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<Precision>,
    /// Its files in order; several where the GGUF is split.
    pub files: Vec<ListedFile>,
    /// Where the same bytes are, in the order to try.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedFile {
    /// Its name, without a folder.
    pub name: String,
    /// Its size, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its SHA-256, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<ArtifactDigest>,
}

/// Where the files of a variant are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A repository on a model hub.
    Hub {
        /// Owner and name.
        repository: String,
        /// Branch, tag or commit.
        revision: String,
        /// Folder inside the repository, if they are in one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<String>,
    },
    /// A folder on some other server.
    Url {
        /// Its address; a file's name is appended behind a slash.
        base: String,
    },
}

impl Manifest {
    /// Reads and checks a list. The signature was checked before: see [`ManifestKey::open`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::Layout)?;
        check::check(&manifest)?;
        Ok(manifest)
    }

    /// Says whether models may still be got by this list.
    pub fn check_expiry(&self, now: Timestamp) -> Result<(), ManifestError> {
        if now < self.expires { Ok(()) } else { Err(ManifestError::Expired { expires: self.expires }) }
    }

    /// One of the models.
    pub fn model(&self, id: &ModelId) -> Result<&ListedModel, ManifestError> {
        let found = self.models.iter().find(|model| model.id == *id);
        found.ok_or_else(|| ManifestError::NoSuchModel { id: id.clone() })
    }
}

impl ListedModel {
    /// The model in one format.
    pub fn variant(&self, format: Precision) -> Result<&Variant, ManifestError> {
        let found = self.variants.iter().find(|variant| variant.format == format);
        found.ok_or_else(|| ManifestError::NoSuchFormat {
            id: self.id.clone(),
            format,
            known: self.variants.iter().map(|variant| variant.format.as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

impl Variant {
    /// Its files in order, those of a split one from the name of its first.
    pub fn expanded(&self) -> Vec<ListedFile> {
        let mut files = self.files.clone();
        if let [only] = &self.files[..]
            && let Some(split) = split_name(&only.name)
        {
            let others = split.all().into_iter().skip(1);
            files.extend(others.map(|name| ListedFile { name, bytes: None, sha256: None }));
        }
        files
    }

    /// Its size, if all of it is known.
    pub fn bytes(&self) -> Option<u64> {
        self.expanded().iter().map(|file| file.bytes).sum()
    }
}

#[cfg(test)]
mod tests;
