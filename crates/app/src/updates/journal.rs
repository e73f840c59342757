//! What became of updates, in `updates.json`.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use cortensor_protocol::Millis;
use rand::Rng as _;
use semver::Version;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Folders,
    files::{FileError, read_json, write_json},
};

/// Most versions that are known not to work here.
const MOST_BAD: usize = 20;

/// The record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Journal {
    /// Drawn once: when this machine's turn is in a staged release. Tells nothing else.
    pub seed: u64,
    /// When the channel was last looked at.
    pub checked_at: Option<Millis>,
    /// A version that was installed and has not worked yet.
    pub trial: Option<Trial>,
    /// The program that was at work before the last update.
    pub kept: Option<Kept>,
    /// Versions that did not work here.
    pub bad: Vec<Version>,
    /// What the user has not seen yet.
    pub rolled_back: Option<RolledBack>,
}

/// An update that has to show that it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// What was at work before.
    pub from: Version,
    /// What was installed.
    pub to: Version,
    /// Whether it mined before: then it has to mine again.
    pub was_mining: bool,
    /// Whether what was at work before could not start either: then that proves nothing.
    pub had_failed: bool,
}

/// A program that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its version.
    pub version: Version,
    /// The copy, with the settings of its time beside it.
    pub folder: PathBuf,
    /// Where it was installed.
    pub program: PathBuf,
    /// Whether it may be put back there: where a package manager put it, it runs from its copy.
    pub in_place: bool,
    /// Where the starter model was, which the copy would look for beside itself.
    pub starter_model: PathBuf,
    /// Whether there were settings.
    pub had_settings: bool,
}

/// An update that was undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RolledBack {
    /// What did not work.
    #[ts(type = "string")]
    pub version: Version,
    /// What runs again.
    #[ts(type = "string")]
    pub to: Version,
    /// What it did.
    pub reason: String,
    /// When.
    pub at: Millis,
}

impl Journal {
    /// The record in this folder; a new one if there is none. One that cannot be read is begun anew, and that is logged:
    /// it is no reason not to start.
    pub fn of(folders: &Folders) -> Self {
        let read = read_json(&folders.updates_record()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the record of updates is begun anew");
            None
        });
        read.unwrap_or_else(|| Self { seed: rand::rng().random(), ..Self::default() })
    }

    /// Changes the record as it is just now: several see to it.
    pub fn change(folders: &Folders, change: impl FnOnce(&mut Self)) -> Result<Self, FileError> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut journal = Self::of(folders);
        change(&mut journal);
        journal.keep(folders)?;
        Ok(journal)
    }

    /// Whether this version still has to show that it works.
    pub fn is_on_trial(&self, version: &Version) -> bool {
        self.trial.as_ref().is_some_and(|trial| trial.to == *version)
    }

    /// Writes it down.
    fn keep(&self, folders: &Folders) -> Result<(), FileError> {
        write_json(&folders.updates_record(), self)
    }

    /// Whether this version did not work here.
    pub fn is_bad(&self, version: &Version) -> bool {
        self.bad.contains(version)
    }

    /// Notes that this version does not work here.
    pub fn condemn(&mut self, version: &Version) {
        if !self.is_bad(version) {
            self.bad.push(version.clone());
        }
        let old = self.bad.len().saturating_sub(MOST_BAD);
        self.bad.drain(..old);
    }

    /// Notes that the version on trial is undone.
    pub(super) fn roll_back(&mut self, trial: &Trial, reason: String, at: Millis) {
        self.condemn(&trial.to);
        let (version, to) = (trial.to.clone(), trial.from.clone());
        self.rolled_back = Some(RolledBack { version, to, reason, at });
        self.trial = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_kept_and_a_damaged_one_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let (from, to) = (Version::new(0, 1, 0), Version::new(0, 2, 0));
        let trial = Trial { from, to: to.clone(), was_mining: true, had_failed: false };
        let mut journal = Journal { trial: Some(trial.clone()), ..Journal::of(&folders) };
        journal.keep(&folders).unwrap();
        assert_eq!(Journal::of(&folders), journal);
        journal.roll_back(&trial, "it ended".to_owned(), Millis(7));
        journal.keep(&folders).unwrap();
        let read = Journal::of(&folders);
        assert!(read.is_bad(&to) && read.trial.is_none());
        assert_eq!(read.rolled_back.unwrap().to.to_string(), "0.1.0");
        std::fs::write(folders.updates_record(), "{").unwrap();
        assert_eq!(Journal::of(&folders).bad, []);
    }
}
