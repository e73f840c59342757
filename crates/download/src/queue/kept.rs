//! `queue.json`: what was wanted and how fast it may come, so that a restart goes on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cortensor_models::whole;
use cortensor_protocol::{ModelId, Precision};
use serde::{Deserialize, Serialize};

use super::{Download, DownloadState};

/// What a queue begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Most bytes a second.
    #[serde(default)]
    pub(super) limit: Option<u64>,
    #[serde(default)]
    pub(super) wanted: Vec<Wanted>,
}

/// A model that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) model: ModelId,
    pub(super) format: Precision,
    pub(super) paused: bool,
}

impl Kept {
    /// What was kept below `folder`. A damaged file holds wishes that can be said again, and is no reason to stop.
    pub(super) fn read(folder: &Path) -> Self {
        let read = match fs::read(path(folder)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => Err(error),
        };
        read.unwrap_or_else(|error| {
            tracing::warn!(%error, "what was to be downloaded is not known any more");
            Self::default()
        })
    }

    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        whole::write(&path(folder), &serde_json::to_vec_pretty(self)?).map(|_| ())
    }
}

impl Wanted {
    /// Nothing for what is finished or not wanted any more. What failed is tried again.
    pub(super) fn of(download: &Download) -> Option<Self> {
        let paused = download.state == DownloadState::Paused;
        let over = matches!(download.state, DownloadState::Finished | DownloadState::Cancelled);
        (!over).then(|| Self { model: download.model.clone(), format: download.format, paused })
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("queue.json")
}
