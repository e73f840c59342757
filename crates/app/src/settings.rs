//! What the user may set, in `settings.toml`.

use std::{fs, io, path::PathBuf};

use cortensor_hardware::Overrides;
use serde::{Deserialize, Serialize};

use crate::Folders;

/// The settings. Everything has a default; an unknown name is an error, so that a slip of the pen is not ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most memory the model may take, in bytes. Default: what is free.
    pub memory_budget_bytes: Option<u64>,
    /// Most tokens of prompt and answer together. Default: the model's, up to 4096.
    pub context_tokens: Option<u32>,
    /// Requests worked on at a time. Default: by the planner.
    pub slots: Option<u32>,
    /// Corrections to the hardware that was found.
    pub hardware: Overrides,
}

/// Why settings were not read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path} cannot be read; check that it is yours")]
    Read {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path} is not understood: {message}; correct it, or delete it to go back to the defaults")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A value is out of range.
    #[error("{path}: {name} is {value} and must be between {least} and {most}")]
    Range {
        /// Which file.
        path: PathBuf,
        /// Which setting.
        name: &'static str,
        /// What it says.
        value: u64,
        /// Least.
        least: u64,
        /// Most.
        most: u64,
    },
}

impl Settings {
    /// The settings of these folders; the defaults if there is no file.
    pub fn read(folders: &Folders) -> Result<Self, SettingsError> {
        let path = folders.settings();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(SettingsError::Read { path, source }),
        };
        let settings: Self = toml::from_str(&text)
            .map_err(|error| SettingsError::Parse { path: path.clone(), message: error.to_string() })?;
        settings.check(path)?;
        Ok(settings)
    }

    fn check(&self, path: PathBuf) -> Result<(), SettingsError> {
        let ranges = [
            ("memory_budget_bytes", self.memory_budget_bytes, 64 << 20, 1 << 50),
            ("context_tokens", self.context_tokens.map(u64::from), 256, 1 << 20),
            ("slots", self.slots.map(u64::from), 1, 64),
        ];
        let wrong = ranges
            .into_iter()
            .filter_map(|(name, value, least, most)| Some((name, value?, least, most)))
            .find(|(_, value, least, most)| value < least || value > most);
        match wrong {
            Some((name, value, least, most)) => Err(SettingsError::Range { path, name, value, least, most }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_not_one_or_out_of_range_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        assert_eq!(Settings::read(&folders).unwrap(), Settings::default());
        for (text, told) in [("slot = 2", "slot"), ("slots = 0", "between 1 and 64"), ("slots = ", "correct it")] {
            fs::write(folders.settings(), text).unwrap();
            let error = Settings::read(&folders).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        fs::write(folders.settings(), "slots = 3").unwrap();
        assert_eq!(Settings::read(&folders).unwrap().slots, Some(3));
    }
}
