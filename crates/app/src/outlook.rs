//! What a miner would use of this machine, told before anything has started.

use cortensor_hardware::Hardware;
use cortensor_models::{
    manifest::{ListedModel, ManifestError, ManifestStore},
    starter,
};
use cortensor_planner::{Listed, fit};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Folders, Settings, survey};

/// This machine, and what the starter model would take of it. Nothing is measured or written to know that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Outlook {
    /// What is here, within what the settings allow.
    pub hardware: Hardware,
    /// The starter model's name.
    pub model: String,
    /// About the most memory that it takes: in its most exact precision, with its whole context. Nothing if it cannot be told.
    #[ts(type = "number | null")]
    pub memory_bytes: Option<u64>,
    /// What its precisions take on the disk.
    #[ts(type = "number | null")]
    pub disk_bytes: Option<u64>,
}

impl Outlook {
    /// Looks. Takes some milliseconds, more with graphics cards; blocks.
    pub fn look(folders: &Folders) -> Self {
        let settings = Settings::read(folders).unwrap_or_default();
        let hardware = cortensor_hardware::detect(folders.data(), &settings.hardware);
        let listed = listed(folders);
        if let Err(error) = &listed {
            tracing::warn!(%error, "what the starter model takes cannot be told");
        }
        let listed = listed.ok();
        Self {
            memory_bytes: listed.as_ref().and_then(|model| memory(model, &hardware, &settings)),
            disk_bytes: listed.as_ref().and_then(disk),
            model: starter().name.to_owned(),
            hardware,
        }
    }
}

fn listed(folders: &Folders) -> Result<ListedModel, ManifestError> {
    ManifestStore::open(&folders.models())?.current()?.manifest.model(&starter().model).cloned()
}

fn memory(model: &ListedModel, hardware: &Hardware, settings: &Settings) -> Option<u64> {
    let settings = survey::plan_settings(settings);
    let variants = starter().ladder.into_iter().filter_map(|format| model.variant(format).ok());
    variants.map(|variant| fit(hardware, Listed { model, variant }, &settings).needed_bytes).max()
}

fn disk(model: &ListedModel) -> Option<u64> {
    starter().ladder.into_iter().map(|format| model.variant(format).ok()?.bytes()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_used_is_told_of_an_empty_folder_and_leaves_it_empty() {
        let folder = tempfile::tempdir().unwrap();
        let outlook = Outlook::look(&Folders::at(folder.path()));
        assert!(outlook.hardware.memory.total_bytes > 0);
        assert_eq!(outlook.disk_bytes, Some(270_885_920 + 144_811_072 + 91_726_912));
        assert!(outlook.memory_bytes.is_some_and(|bytes| (300_000_000..3_000_000_000).contains(&bytes)), "{outlook:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
