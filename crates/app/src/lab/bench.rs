//! What a job works with: the machine, its model files, the memory it may use, and the miner that makes room.

use std::sync::Arc;

use cortensor_engine::LoadOptions;
use cortensor_fidelity::same_vocabulary;
use cortensor_hardware::Hardware;
use cortensor_models::{Artifact, inventory::Inventory};
use cortensor_planner::{Load, Plan, Variant, estimate_memory, in_megabytes};
use cortensor_protocol::ArtifactDigest;
use tokio::{sync::watch, task::spawn_blocking};

use super::{
    Place,
    arrangement::{Arrangement, MiningMeanwhile, Sharing},
    compare,
    shelf::Shelf,
    stock::Stock,
};
use crate::{
    App, Failure, FailureCode, Machine, Problem, ProblemCode, Settings, Status,
    measurements::{Measurements, machine_key},
    survey,
};

/// A job's bench. Whatever happened, it ends with [`Bench::clear`].
pub(super) struct Bench<'a> {
    place: &'a Place,
    miner: Option<App>,
    lent: bool,
    pub(super) shelf: Shelf,
}

/// What was found on this machine.
pub(super) struct Found {
    pub(super) machine: ThisMachine,
    pub(super) stock: Stock,
}

/// A machine and what was measured on it.
pub(super) struct ThisMachine {
    settings: Settings,
    hardware: Hardware,
    measurements: Measurements,
}

/// What a job needs of the memory.
#[derive(Clone, Copy)]
pub(super) struct Need {
    /// What each model is loaded with.
    pub(super) options: LoadOptions,
    /// What is held besides the models, in bytes.
    pub(super) besides: u64,
}

/// Most tokens of prompt and answer together, of all these files.
pub(super) fn context(artifacts: &[Artifact], wished: u32) -> u32 {
    artifacts.iter().map(|artifact| artifact.geometry.context_tokens).fold(wished, u32::min)
}

impl ThisMachine {
    /// What the benchmark measured of a file here, in tokens a second.
    pub(super) fn measured(&self, engine: &str, artifact: ArtifactDigest) -> Option<f64> {
        let measured = self.measurements.of(&machine_key(&self.hardware, engine));
        measured.iter().find(|one| one.artifact == artifact).map(|one| one.decode_tokens_per_second)
    }

    /// What the planner would choose of these.
    pub(super) fn plan(&self, variants: &[Variant], engine: &str) -> Option<Plan> {
        let measured = self.measurements.of(&machine_key(&self.hardware, engine));
        cortensor_planner::plan(&self.hardware, variants, measured, &survey::plan_settings(&self.settings)).ok()
    }

    fn usable(&self) -> u64 {
        let free = self.hardware.memory.free_bytes;
        self.settings.memory_budget_bytes.map_or(free, |budget| budget.min(free))
    }
}

/// This machine as it is now.
pub(super) async fn machine(place: &Place) -> Result<ThisMachine, Failure> {
    let settings = Settings::read(&place.folders)?;
    let (folder, overrides) = (place.folders.data().to_owned(), settings.hardware.clone());
    let hardware = spawn_blocking(move || cortensor_hardware::detect(&folder, &overrides)).await;
    let hardware = hardware.map_err(|error| Failure::of(FailureCode::Engine, &error))?;
    Ok(ThisMachine { settings, hardware, measurements: Measurements::read(&place.folders) })
}

impl<'a> Bench<'a> {
    pub(super) fn new(place: &'a Place, miner: Option<App>) -> Self {
        Self { place, miner, lent: false, shelf: Shelf::new(Arc::clone(&place.engine)) }
    }

    /// Looks at the machine and its files.
    pub(super) async fn look(&self) -> Result<Found, Failure> {
        let before = Machine {
            folders: self.place.folders.clone(),
            starter_model: self.place.starter_model.clone(),
            settings: Settings::read(&self.place.folders)?,
            engine: Arc::clone(&self.place.engine),
            threads: None,
        };
        let ladder = survey::ladder(&before, &watch::Sender::new(Status::default())).await.map_err(of_problem);
        let stock = Stock::new(ladder, Inventory::at(self.place.folders.models())).await;
        Ok(Found { machine: machine(self.place).await?, stock })
    }

    /// Puts files on the shelf, with as much room as there is: together, else one by one, else with the miner paused.
    pub(super) async fn arrange(
        &mut self,
        found: &Found,
        artifacts: Vec<Artifact>,
        need: Need,
    ) -> Result<(Arrangement, MiningMeanwhile), Failure> {
        let needed = Needed::of(&artifacts, need);
        let mut usable = found.machine.usable();
        let mut meanwhile = self.meanwhile();
        if needed.fits(usable).is_none() && meanwhile == MiningMeanwhile::GoesOn {
            self.lend().await?;
            meanwhile = MiningMeanwhile::Paused;
            usable = machine(self.place).await?.usable();
        }
        let how = needed.fits(usable).ok_or_else(|| needed.refused(usable))?;
        self.shelf.hold(artifacts, need.options, how);
        Ok((needed.arrangement(how, usable), meanwhile))
    }

    fn meanwhile(&self) -> MiningMeanwhile {
        let loaded = self.miner.as_ref().is_some_and(|miner| miner.status().borrow().loaded.is_some());
        if loaded { MiningMeanwhile::GoesOn } else { MiningMeanwhile::Nothing }
    }

    async fn lend(&mut self) -> Result<(), Failure> {
        let Some(miner) = &self.miner else { return Ok(()) };
        // Before it is asked: whoever gives up meanwhile asks for it back all the same.
        self.lent = true;
        Ok(miner.lend().await?)
    }

    /// Refuses models that do not speak of the same tokens.
    pub(super) async fn check_vocabularies(
        &mut self,
        vocabulary: &mut Option<Vec<String>>,
        index: usize,
    ) -> Result<(), Failure> {
        let tokens = compare::tokens(&*self.shelf.model(index).await?);
        let Some(known) = vocabulary else {
            *vocabulary = Some(tokens);
            return Ok(());
        };
        same_vocabulary(known, &tokens).map_err(|error| Failure::of(FailureCode::NotComparable, &error))
    }

    /// Unloads everything and gives the miner its memory back.
    pub(super) async fn clear(mut self) {
        self.shelf.clear().await;
        if let Some(miner) = self.miner.take().filter(|_| self.lent)
            && let Err(error) = miner.take_back().await
        {
            tracing::warn!(%error, "the miner did not go on by itself");
        }
    }
}

/// What models take in memory, with a quarter more for what no estimate knows.
struct Needed {
    together: u64,
    largest: u64,
}

impl Needed {
    fn of(artifacts: &[Artifact], need: Need) -> Self {
        let load = Load { context_tokens: need.options.context_tokens, slots: need.options.slots };
        let mut known: Vec<ArtifactDigest> = Vec::new();
        let (mut together, mut largest) = (0, 0);
        for artifact in artifacts {
            // The same file is loaded once.
            if known.contains(&artifact.digest) {
                continue;
            }
            known.push(artifact.digest);
            let bytes = estimate_memory(&Variant::from(artifact), load).total().saturating_mul(5) / 4;
            (together, largest) = (together + bytes, bytes.max(largest));
        }
        Self { together: together + need.besides, largest: largest + need.besides }
    }

    fn fits(&self, usable: u64) -> Option<Sharing> {
        match usable {
            _ if self.together <= usable => Some(Sharing::Together),
            _ if self.largest <= usable => Some(Sharing::OneByOne),
            _ => None,
        }
    }

    fn arrangement(&self, how: Sharing, usable_bytes: u64) -> Arrangement {
        let (together, usable) = (in_megabytes(self.together), in_megabytes(usable_bytes));
        let words = match how {
            Sharing::Together => format!("All fit into memory together: they need {together} of {usable}."),
            Sharing::OneByOne => {
                format!("One after the other: together they need {together}, and {usable} may be used.")
            }
        };
        Arrangement { how, together_bytes: self.together, usable_bytes, words }
    }

    fn refused(&self, usable: u64) -> Failure {
        let message = format!(
            "the largest of these needs {} and {} may be used; close other programs, choose smaller precisions or raise memory_budget_bytes",
            in_megabytes(self.largest),
            in_megabytes(usable)
        );
        Failure::new(FailureCode::Memory, message)
    }
}

fn of_problem(problem: Problem) -> Failure {
    let code = match problem.code {
        ProblemCode::Files => FailureCode::File,
        ProblemCode::Model => FailureCode::Model,
        _ => FailureCode::Engine,
    };
    Failure::new(code, problem.message)
}
