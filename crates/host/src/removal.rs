//! Taking the miner off this computer, from a host that shows it.

use cortensor_app::{Failure, RemovalChoice, RemovalPlan, RemovalReport, remove};

use crate::Miner;

impl Miner {
    /// What there is of the miner on this computer.
    pub async fn removal_plan(&self) -> Result<RemovalPlan, Failure> {
        RemovalPlan::of(&self.options().folders).await
    }

    /// Finishes what runs, ends, and deletes what was chosen. Where nothing can be deleted it mines again. The host holds the
    /// folders' lock.
    pub async fn remove(&self, choice: &RemovalChoice) -> Result<RemovalReport, Failure> {
        choice.check(&self.removal_plan().await?)?;
        self.stop().await;
        let done = remove(&self.options().folders, choice, |step| tracing::info!(?step, "removed")).await;
        if done.is_err() {
            self.start_again().await;
        }
        done
    }
}
