//! What the user chose last, kept over restarts.

use cortensor_protocol::Mode;
use serde::{Deserialize, Serialize};

use crate::{
    Folders,
    files::{FileError, read_json, write_json},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) mode: Mode,
    pub(crate) paused: bool,
}

impl Default for Choice {
    /// A first run begins where most requests are served; the switch is one word away.
    fn default() -> Self {
        Self { mode: Mode::Volume, paused: false }
    }
}

impl Choice {
    pub(crate) fn read(folders: &Folders) -> Result<Self, FileError> {
        Ok(read_json(&folders.choice())?.unwrap_or_default())
    }

    pub(crate) fn write(self, folders: &Folders) -> Result<(), FileError> {
        write_json(&folders.choice(), &self)
    }
}
