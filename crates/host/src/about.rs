//! What this program is and what it is made of.

use std::path::PathBuf;

use cortensor_app::Folders;
use cortensor_engine::Engine;
use cortensor_hardware::Build;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Written by `scripts/licences` from the lock files.
const COMPONENTS: &str = include_str!("../components.json");

/// What this program is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct About {
    /// Its version.
    pub version: String,
    /// The engine and its version.
    pub engine: String,
    /// What this build computes on.
    pub computes_on: String,
    /// The operating system it runs on.
    pub os: String,
    /// Where everything is kept.
    pub data_folder: PathBuf,
    /// Where logs are written.
    pub log_folder: PathBuf,
    /// Its own licence (SPDX).
    pub licence: String,
    /// What it is made of, by name.
    pub components: Vec<Component>,
}

/// A library in this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence (SPDX).
    pub licence: String,
}

impl About {
    /// This program on these folders.
    pub fn this(folders: &Folders, engine: &dyn Engine) -> Self {
        Self {
            version: cortensor_app::updates::version(),
            engine: engine.name().to_owned(),
            computes_on: Build::THIS.words().to_owned(),
            os: cortensor_hardware::operating_system(),
            data_folder: folders.data().to_owned(),
            log_folder: folders.logs(),
            licence: env!("CARGO_PKG_LICENSE").to_owned(),
            components: serde_json::from_str(COMPONENTS).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_components_is_a_list() {
        let components: Vec<Component> = serde_json::from_str(COMPONENTS).unwrap();
        assert!(components.iter().any(|component| component.name == "tokio" && !component.licence.is_empty()));
    }
}
