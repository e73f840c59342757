//! `ladder.json`: what is finished in a ladder's folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use cortensor_protocol::{ArtifactDigest, Precision};
use serde::{Deserialize, Serialize};

use super::record_path;
use crate::whole;

/// How files are made. Raise it when the same download is to give other bytes: ladders made before are then made anew.
const RECIPE: u32 = 1;

/// What is finished.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    recipe: u32,
    /// The download all of it was made from.
    source_digest: ArtifactDigest,
    /// The download as it was checked.
    pub(crate) source: Option<Entry>,
    /// Where the download is and what it is, for whoever lists what is on this machine.
    #[serde(default)]
    pub(crate) download: Option<Download>,
    /// Files by name in the folder.
    pub(crate) files: BTreeMap<String, Entry>,
    /// Names of files that the user deleted: they are made when they are asked for, and not by themselves.
    #[serde(default)]
    pub(super) unwanted: BTreeSet<String>,
}

/// The file that a ladder was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Download {
    pub(crate) path: PathBuf,
    pub(crate) precision: Precision,
}

/// A file that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) digest: ArtifactDigest,
    pub(crate) bytes: u64,
    pub(crate) modified_nanos: u64,
}

/// A file compared with its entry.
pub(super) enum State {
    /// Size and time of change are the same.
    Unchanged,
    /// Of the same size, but changed or copied: its digest decides.
    Touched,
    /// Missing or another.
    Other,
}

impl Record {
    /// What is finished in `folder` of the ladder from `source_digest`; nothing if the record is of another ladder or damaged,
    /// since nothing is known of the files then.
    pub(super) fn read(folder: &Path, source_digest: ArtifactDigest) -> Self {
        Self::of_any(folder).filter(|record| record.source_digest == source_digest).unwrap_or(Self {
            recipe: RECIPE,
            source_digest,
            source: None,
            download: None,
            files: BTreeMap::new(),
            unwanted: BTreeSet::new(),
        })
    }

    /// What is finished in `folder`, whatever it was made from.
    pub(crate) fn of_any(folder: &Path) -> Option<Self> {
        let record: Self = serde_json::from_slice(&fs::read(record_path(folder)).ok()?).ok()?;
        (record.recipe == RECIPE).then_some(record)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
        let path = record_path(folder);
        let content = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        content.and_then(|content| whole::write(&path, &content)).map(|_| ()).map_err(|source| (path, source))
    }
}

impl Entry {
    /// A file as it is now, whose digest is known.
    pub(super) fn of(path: &Path, digest: ArtifactDigest) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { digest, bytes: metadata.len(), modified_nanos: modified_nanos(&metadata)? })
    }

    pub(super) fn is_unchanged(&self, path: &Path) -> bool {
        matches!(self.state(path), State::Unchanged)
    }

    pub(super) fn state(&self, path: &Path) -> State {
        match Self::of(path, self.digest) {
            Ok(now) if now == *self => State::Unchanged,
            Ok(now) if now.bytes == self.bytes => State::Touched,
            _ => State::Other,
        }
    }
}

fn modified_nanos(metadata: &fs::Metadata) -> io::Result<u64> {
    let since_epoch = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX))
}
