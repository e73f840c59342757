//! Where everything is kept, and the lock that keeps a second miner out.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use fd_lock::{RwLock, RwLockWriteGuard};

/// The folder of one miner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    data: PathBuf,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// There is no home folder.
    #[error("this user has no home folder; say where to keep things with --data FOLDER")]
    NoHome,
    /// The folder cannot be made.
    #[error("the folder {path} cannot be made; choose another one with --data FOLDER")]
    Create {
        /// Which.
        path: PathBuf,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// Another miner uses it.
    #[error(
        "a miner is already running on {path}; see `cortensor status`, or choose another folder with --data FOLDER"
    )]
    InUse {
        /// Which.
        path: PathBuf,
    },
}

/// Held as long as a miner runs on a folder.
pub struct Lock {
    _guard: RwLockWriteGuard<'static, File>,
}

impl Folders {
    /// The folder that the operating system has for this program's data.
    pub fn of_this_user() -> Result<Self, FoldersError> {
        let found = directories::ProjectDirs::from("network", "Cortensor", "Cortensor Miner");
        let found = found.ok_or(FoldersError::NoHome)?;
        Ok(Self { data: found.data_local_dir().to_owned() })
    }

    /// This folder.
    pub fn at(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into() }
    }

    /// Makes the folder and locks it.
    pub fn lock(&self) -> Result<Lock, FoldersError> {
        let error = |source| FoldersError::Create { path: self.data.clone(), source };
        fs::create_dir_all(&self.data).map_err(error)?;
        let file = File::create(self.data.join("lock")).map_err(error)?;
        let in_use = |_| FoldersError::InUse { path: self.data.clone() };
        let mut lock = RwLock::new(file);
        drop(lock.try_write().map_err(in_use)?);
        // It can be had, and lives as long as the process: a few bytes, once.
        let guard = Box::leak(Box::new(lock)).try_write().map_err(in_use)?;
        Ok(Lock { _guard: guard })
    }

    /// The folder itself.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What the node earned.
    pub fn ledger(&self) -> PathBuf {
        self.data.join("ledger.sqlite")
    }

    /// The embedded practice router's database.
    pub fn router(&self) -> PathBuf {
        self.data.join("router.sqlite")
    }

    /// Model files, and the record of them.
    pub fn models(&self) -> PathBuf {
        self.data.join("models")
    }

    /// The precision ladder of a model.
    pub fn ladder(&self, model: &str) -> PathBuf {
        self.models().join(model)
    }

    /// The API key of the local user of the practice network.
    pub fn practice_key(&self) -> PathBuf {
        self.data.join("practice-api-key")
    }

    /// The key of this user at another router than the practice network's.
    pub(crate) fn network_key(&self) -> PathBuf {
        self.data.join("network-api-key.json")
    }

    /// The key of the validators of a router on this machine.
    pub fn validator_key(&self) -> PathBuf {
        self.data.join("validator-key")
    }

    /// The key of the router's operator.
    pub fn operator_key(&self) -> PathBuf {
        self.data.join("operator-key")
    }

    /// Statements of what was withdrawn.
    pub fn withdrawals(&self) -> PathBuf {
        self.data.join("withdrawals")
    }

    /// What broke, and how it was mended.
    pub(crate) fn incidents(&self) -> PathBuf {
        self.data.join("incidents.json")
    }

    /// The user's settings.
    pub fn settings(&self) -> PathBuf {
        self.data.join("settings.toml")
    }

    /// Logs.
    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// Which key is the node's.
    pub(crate) fn identity(&self) -> PathBuf {
        self.data.join("identity.json")
    }

    /// How far the first run is.
    pub(crate) fn first_run(&self) -> PathBuf {
        self.data.join("first-run.json")
    }

    pub(crate) fn measurements(&self) -> PathBuf {
        self.data.join("measurements.json")
    }

    /// What ran out of memory.
    pub(crate) fn memory_limits(&self) -> PathBuf {
        self.data.join("memory-limits.json")
    }

    /// What is in memory.
    pub(crate) fn at_work(&self) -> PathBuf {
        self.data.join("at-work.json")
    }

    pub(crate) fn comparisons(&self) -> PathBuf {
        self.data.join("comparisons")
    }

    pub(crate) fn fidelity(&self) -> PathBuf {
        self.data.join("fidelity")
    }

    pub(crate) fn votes(&self) -> PathBuf {
        self.data.join("votes.json")
    }

    pub(crate) fn choice(&self) -> PathBuf {
        self.data.join("choice.json")
    }

    pub(crate) fn told(&self) -> PathBuf {
        self.data.join("told.json")
    }

    /// Programs: what is downloaded and what is kept.
    pub fn updates(&self) -> PathBuf {
        self.data.join("updates")
    }

    /// What became of updates.
    pub(crate) fn updates_record(&self) -> PathBuf {
        self.data.join("updates.json")
    }

    /// How to reach the miner that runs on this folder.
    pub fn control(&self) -> PathBuf {
        self.data.join("control.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_miner_is_kept_out_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().join("new"));
        let lock = folders.lock().unwrap();
        assert!(matches!(folders.lock().err().unwrap(), FoldersError::InUse { .. }));
        drop(lock);
        assert!(folders.lock().is_ok());
    }
}
