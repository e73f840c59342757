//! `inventory.json`: what is here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use cortensor_protocol::{ModelId, Precision};
use serde::{Deserialize, Serialize};

use super::{HeldModel, InventoryError, Pin};
use crate::whole;

const FILE: &str = "inventory.json";

/// The record.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) models: Vec<HeldModel>,
    #[serde(default)]
    pub(super) pins: BTreeMap<String, Pin>,
    /// Files of precision ladders that the user wants kept, as `ID/FORMAT`: what else there is to know of them, the
    /// ladder's own record says.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) kept: BTreeSet<String>,
}

impl Record {
    /// The record of a folder; an empty one if there is none yet. A damaged one is an error: it has the pins in it.
    pub(super) fn read(folder: &Path) -> Result<Self, InventoryError> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| InventoryError::Record { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(InventoryError::Read { path, source }),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), InventoryError> {
        let path = folder.join(FILE);
        let content = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        let written = content.and_then(|content| whole::write(&path, &content));
        written.map(|_| ()).map_err(|source| InventoryError::Write { path, source })
    }

    pub(super) fn one(&mut self, id: &ModelId, format: Precision) -> Result<&mut HeldModel, InventoryError> {
        let found = self.models.iter_mut().find(|held| held.id == *id && held.format == format);
        found.ok_or_else(|| InventoryError::NotHeld { id: id.clone(), format })
    }
}
