//! What a user needs of the miner in the first minutes and hardly ever after.

use std::{path::PathBuf, sync::PoisonError};

use cortensor_app::{Failure, FailureCode, ImportedEnv, Outlook, Wipe};
use tokio::task::spawn_blocking;

use crate::Miner;

impl Miner {
    /// What a miner would use of this machine. Starts nothing.
    pub async fn outlook(&self) -> Result<Outlook, Failure> {
        let folders = self.options().folders.clone();
        let looked = spawn_blocking(move || Outlook::look(&folders)).await;
        looked.map_err(|error| Failure::of(FailureCode::Engine, &error))
    }

    /// Sends one question to the embedded practice network, and gives its answer.
    pub async fn try_out(&self, question: &str) -> Result<String, Failure> {
        let loaded = self.status().borrow().loaded.as_ref().map(|loaded| loaded.model.clone());
        let Some((model, _)) = loaded.zip(self.practice()) else {
            let message = "there is no practice network that takes requests now; wait until the miner takes them";
            return Err(Failure::new(FailureCode::Network, message.to_owned()));
        };
        self.network()?.answer(&model, question).await
    }

    /// Takes the key of a node's `.env` over, from the next start on. The user has seen that it replaces the one before.
    pub async fn import_env(&self, path: PathBuf, passphrase: Option<String>) -> Result<ImportedEnv, Failure> {
        let folders = self.options().folders.clone();
        let taken = spawn_blocking(move || ImportedEnv::take(&folders, &path, passphrase.as_deref(), true)).await;
        let imported = taken.map_err(|error| Failure::of(FailureCode::Identity, &error))??;
        *self.imported.lock().unwrap_or_else(PoisonError::into_inner) = Some(imported.clone());
        Ok(imported)
    }

    /// Takes the key out of the file that [`Miner::import_env`] took it over from, and out of no other.
    pub async fn wipe_env(&self, how: Wipe) -> Result<(), Failure> {
        let imported = self.imported.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(imported) = imported else {
            let message = "no key was imported from a file since the program started; import it first".to_owned();
            return Err(Failure::new(FailureCode::Request, message));
        };
        let folders = self.options().folders.clone();
        let wiped = spawn_blocking(move || imported.wipe(&folders, how)).await;
        wiped.map_err(|error| Failure::of(FailureCode::File, &error))?.map_err(Failure::from)
    }
}
