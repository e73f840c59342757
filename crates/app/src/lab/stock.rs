//! Model files that a side may be: those of the starter model's ladder, and those in the record of models.

use cortensor_models::{
    Artifact,
    inventory::{HeldModel, Inventory},
};
use cortensor_protocol::{ModelId, Precision};
use tokio::task::spawn_blocking;

use super::side::{ModelFile, SideChoice};
use crate::{Failure, FailureCode};

/// What there is. Either may be unreadable, which matters to whoever wants something of it.
pub(super) struct Stock {
    ladder: Result<Vec<Artifact>, Failure>,
    inventory: Inventory,
    held: Result<Vec<HeldModel>, Failure>,
}

impl Stock {
    /// The ladder, and what `inventory` has.
    pub(super) async fn new(ladder: Result<Vec<Artifact>, Failure>, inventory: Inventory) -> Self {
        let record = inventory.clone();
        Self { ladder, inventory, held: blocking(move || held(&record)).await }
    }

    /// The file that was chosen.
    pub(super) async fn choose(&self, choice: &SideChoice) -> Result<Artifact, Failure> {
        match choice {
            SideChoice::MostExact => {
                let ladder = self.ladder.as_ref().map_err(Clone::clone)?;
                ladder.iter().min_by_key(|one| one.precision).cloned().ok_or_else(|| self.nothing())
            }
            SideChoice::Precision { precision } => {
                let ladder = self.ladder.as_ref().map_err(Clone::clone)?;
                ladder.iter().find(|one| one.precision == *precision).cloned().ok_or_else(|| self.nothing())
            }
            SideChoice::Artifact { digest, .. } => {
                let here = |held: &HeldModel| held.files.first().is_some_and(|file| file.sha256 == *digest);
                self.find(|one| one.digest == *digest, here).await
            }
            SideChoice::Model { model, precision } => {
                let same = |id: &ModelId, format: Precision| id == model && format == *precision;
                self.find(|one| same(&one.model, one.precision), |held| same(&held.id, held.format)).await
            }
            SideChoice::Remote { .. } => Err(not_here()),
        }
    }

    /// Every file of a model that can be used, the most exact first.
    pub(super) async fn of_model(&self, model: &ModelId) -> Vec<Artifact> {
        let ladder = self.ladder.iter().flatten().filter(|one| one.model == *model);
        let mut found: Vec<Artifact> = ladder.cloned().collect();
        for held in self.held.iter().flatten().filter(|held| held.id == *model) {
            match self.artifact(held).await {
                Ok(artifact) if found.iter().any(|one| one.digest == artifact.digest) => {}
                Ok(artifact) => found.push(artifact),
                Err(failure) => tracing::warn!(%failure, "a model is left out"),
            }
        }
        found.sort_by_key(|artifact| artifact.precision);
        found
    }

    /// In the ladder, else in the record.
    async fn find(
        &self,
        in_ladder: impl Fn(&Artifact) -> bool,
        in_record: impl Fn(&HeldModel) -> bool,
    ) -> Result<Artifact, Failure> {
        if let Some(artifact) = self.ladder.iter().flatten().find(|one| in_ladder(one)) {
            return Ok(artifact.clone());
        }
        let held = self.held.as_ref().map_err(Clone::clone)?;
        match held.iter().find(|held| in_record(held)) {
            Some(held) => self.artifact(held).await,
            None => Err(self.nothing()),
        }
    }

    async fn artifact(&self, held: &HeldModel) -> Result<Artifact, Failure> {
        let (inventory, held) = (self.inventory.clone(), held.clone());
        blocking(move || inventory.artifact(&held).map_err(|error| Failure::of(FailureCode::Model, &error))).await
    }

    fn nothing(&self) -> Failure {
        let ladder = self.ladder.iter().flatten().map(|artifact| artifact.precision.to_string());
        let held = self.held.iter().flatten().map(|held| format!("{}:{}", held.id, held.format));
        let there: Vec<_> = ladder.chain(held).collect();
        refused(format!("there is no such model file; choose one of {}", there.join(", ")))
    }
}

/// The models of the record, as something to choose.
pub(super) async fn files(inventory: Inventory) -> Result<Vec<ModelFile>, Failure> {
    let file = |held: HeldModel| ModelFile {
        file_bytes: held.bytes(),
        problem: held.check_usable().err().map(|error| Failure::of(FailureCode::Model, &error).message),
        model: held.id,
        precision: held.format,
    };
    blocking(move || Ok(held(&inventory)?.into_iter().map(file).collect())).await
}

fn held(inventory: &Inventory) -> Result<Vec<HeldModel>, Failure> {
    inventory.held().map_err(|error| Failure::of(FailureCode::Model, &error))
}

fn not_here() -> Failure {
    refused("this is measured on this machine only; choose a model file instead of the network".to_owned())
}

fn refused(message: String) -> Failure {
    Failure::new(FailureCode::Request, message)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    spawn_blocking(work).await.map_err(|error| Failure::of(FailureCode::Model, &error))?
}
