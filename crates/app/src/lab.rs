//! Where precisions are compared on this machine: answers side by side, figures over a text, blind votes.
//!
//! One job at a time, whatever it is: each wants the processor and the memory to itself. A job ends with its models
//! unloaded and the miner as it was before, whether it came to its end or was stopped. Nothing leaves the machine but the
//! question of a comparison that the user wants the network to answer too.

mod arrangement;
mod ballot;
mod bench;
mod compare;
mod comparison;
mod export;
mod history;
mod measure;
mod network;
mod report;
mod shelf;
mod side;
mod spool;
mod stock;
mod vote;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cortensor_engine::Engine;
use cortensor_models::inventory::Inventory;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use arrangement::{Arrangement, MiningMeanwhile, Sharing};
pub use comparison::{
    ComparedToken, Comparison, ComparisonEntry, ComparisonHistory, ComparisonId, ComparisonPhase, ComparisonRequest,
    ExportFormat, SamplingChoice, TopToken,
};
pub(crate) use measure::{Losses, losses};
pub use report::{
    FidelityPhase, FidelityReport, FidelityReports, FidelityRequest, FidelityRow, FidelityRun, MeasuredLoss,
    ReportedFile, ScoringSpeed, TextChoice, TextFacts,
};
pub use side::{ComparisonSide, ModelFile, RemoteSide, SideChoice, SideState, UnknownSide, Unscored};
pub use vote::{KeptVote, Revealed, Vote, VoteChoice, VotePhase, VoteRequest, VoteSummary};

use crate::{App, Failure, FailureCode, Folders, NetworkAccess, files::write_bytes};

/// Largest picture that is saved.
const MOST_PICTURE_BYTES: usize = 32 << 20;
/// What every PNG file begins with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The place where precisions are compared. Cheap to clone.
#[derive(Clone)]
pub struct Lab(Arc<Place>);

/// What a lab has.
struct Place {
    folders: Folders,
    starter_model: PathBuf,
    engine: Arc<dyn Engine>,
    comparison: watch::Sender<Comparison>,
    fidelity: watch::Sender<FidelityRun>,
    vote: watch::Sender<Vote>,
    secret: ballot::Secret,
    job: Mutex<Option<Job>>,
}

impl Place {
    fn job(&self) -> MutexGuard<'_, Option<Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a lab is busy with.
struct Job {
    kind: JobKind,
    stop: CancellationToken,
    over: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JobKind {
    Comparison,
    Fidelity,
    Vote,
}

impl JobKind {
    const fn words(self) -> &'static str {
        match self {
            Self::Comparison => "a comparison",
            Self::Fidelity => "a fidelity report",
            Self::Vote => "a blind vote",
        }
    }
}

impl Lab {
    /// A lab over the files in `folders`, with nothing to do.
    pub fn new(folders: Folders, starter_model: PathBuf, engine: Arc<dyn Engine>) -> Self {
        Self(Arc::new(Place {
            folders,
            starter_model,
            engine,
            comparison: watch::Sender::default(),
            fidelity: watch::Sender::default(),
            vote: watch::Sender::default(),
            secret: ballot::Secret::default(),
            job: Mutex::default(),
        }))
    }

    /// The latest comparison, now and from now on.
    pub fn comparison(&self) -> watch::Receiver<Comparison> {
        self.0.comparison.subscribe()
    }

    /// The models of the record of models, which can be sides too.
    pub async fn model_files(&self) -> Result<Vec<ModelFile>, Failure> {
        stock::files(Inventory::at(self.0.folders.models())).await
    }

    /// Begins a comparison; [`Lab::comparison`] says how it is. `miner` is paused if its memory is needed. `network` is
    /// asked, or why it cannot be is told, only if it is one of the sides.
    pub fn compare(
        &self,
        request: ComparisonRequest,
        miner: Option<App>,
        network: Result<NetworkAccess, Failure>,
    ) -> Result<(), Failure> {
        compare::check(&request)?;
        let access = request.sides.iter().any(compare::is_remote).then_some(network).transpose()?;
        self.begin(JobKind::Comparison, |place, stop| compare::begin(place, request, access, miner, stop))
    }

    /// Ends the comparison that is under way, if one is. Done when its memory is given back.
    pub async fn stop_comparison(&self) {
        self.end(JobKind::Comparison).await;
    }

    /// The comparisons that were kept.
    pub async fn comparisons(&self) -> Result<ComparisonHistory, Failure> {
        history::list(&self.0.folders).await
    }

    /// A comparison that was kept.
    pub async fn kept_comparison(&self, id: ComparisonId) -> Result<Comparison, Failure> {
        history::read(&self.0.folders, id).await
    }

    /// Gives a comparison another name.
    pub async fn rename_comparison(&self, id: ComparisonId, name: &str) -> Result<(), Failure> {
        let renamed = history::rename(&self.0.folders, id, name).await?;
        self.0.comparison.send_if_modified(|shown| {
            let shows = shown.id == Some(id);
            if shows {
                shown.name = renamed;
            }
            shows
        });
        Ok(())
    }

    /// Forgets a comparison.
    pub async fn delete_comparison(&self, id: ComparisonId) -> Result<(), Failure> {
        history::delete(&self.0.folders, id).await
    }

    /// Writes a comparison into a file, for others.
    pub async fn export_comparison(&self, id: ComparisonId, format: ExportFormat, path: &Path) -> Result<(), Failure> {
        let comparison = history::read(&self.0.folders, id).await?;
        write_bytes(path, &export::written(&comparison, format)?)
            .map_err(|error| Failure::of(FailureCode::File, &error))
    }

    /// The latest fidelity report, now and from now on.
    pub fn fidelity(&self) -> watch::Receiver<FidelityRun> {
        self.0.fidelity.subscribe()
    }

    /// Begins a fidelity report, or goes on with one that was stopped; [`Lab::fidelity`] says how it is.
    pub fn measure_fidelity(&self, request: FidelityRequest, miner: Option<App>) -> Result<(), Failure> {
        self.begin(JobKind::Fidelity, |place, stop| measure::begin(place, request, miner, stop))
    }

    /// Ends the report that is under way, if one is; what was scored is kept.
    pub async fn stop_fidelity(&self) {
        self.end(JobKind::Fidelity).await;
    }

    /// The reports that were kept.
    pub async fn fidelity_reports(&self) -> Result<FidelityReports, Failure> {
        measure::reports(&self.0).await
    }

    /// The latest vote, now and from now on.
    pub fn vote(&self) -> watch::Receiver<Vote> {
        self.0.vote.subscribe()
    }

    /// Has two sides answer, unnamed; [`Lab::vote`] says how it is.
    pub fn start_vote(&self, request: VoteRequest, miner: Option<App>) -> Result<(), Failure> {
        ballot::check(&request)?;
        self.begin(JobKind::Vote, |place, stop| ballot::begin(place, request, miner, stop))
    }

    /// Ends the answers to a vote that is not open yet.
    pub async fn stop_vote(&self) {
        self.end(JobKind::Vote).await;
    }

    /// Casts the vote that is open, and says who was who.
    pub fn cast_vote(&self, choice: VoteChoice) -> Result<Revealed, Failure> {
        ballot::cast(&self.0, choice)
    }

    /// The votes that were cast, newest first.
    pub fn votes(&self) -> Result<Vec<KeptVote>, Failure> {
        ballot::votes(&self.0.folders)
    }

    /// Whether the user tells precisions apart, by pair.
    pub fn vote_summaries(&self) -> Result<Vec<VoteSummary>, Failure> {
        Ok(ballot::summaries(&self.votes()?))
    }

    /// Whether anything is under way.
    pub fn is_busy(&self) -> bool {
        self.running().is_some()
    }

    /// Ends whatever is under way. Done when its memory is given back.
    pub async fn stop(&self) {
        if let Some((_, stop, over)) = self.running() {
            stop.cancel();
            over.cancelled().await;
        }
    }

    /// Begins a job, whose first state is shown before this returns. The work ends with what shows its last state: whoever
    /// sees that can begin the next job.
    fn begin<Work, Last>(
        &self,
        kind: JobKind,
        work: impl FnOnce(Arc<Place>, CancellationToken) -> Work,
    ) -> Result<(), Failure>
    where
        Work: Future<Output = Last> + Send + 'static,
        Last: FnOnce() + Send,
    {
        let mut job = self.0.job();
        if let Some(running) = job.as_ref().filter(|job| !job.over.is_cancelled()) {
            let message = format!("{} is under way; stop it first, or wait until it is over", running.kind.words());
            return Err(Failure::new(FailureCode::Busy, message));
        }
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        *job = Some(Job { kind, stop: stop.clone(), over: over.clone() });
        let (place, work, ended) = (Arc::clone(&self.0), work(Arc::clone(&self.0), stop), over.drop_guard());
        tokio::spawn(async move {
            let last = work.await;
            let _job = place.job();
            last();
            drop(ended);
        });
        Ok(())
    }

    async fn end(&self, kind: JobKind) {
        if self.running().is_some_and(|(running, ..)| running == kind) {
            self.stop().await;
        }
    }

    fn running(&self) -> Option<(JobKind, CancellationToken, CancellationToken)> {
        self.0.job().as_ref().map(|job| (job.kind, job.stop.clone(), job.over.clone()))
    }
}

/// Writes a picture that the screen made of a comparison.
pub fn save_picture(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if !bytes.starts_with(PNG) || bytes.len() > MOST_PICTURE_BYTES {
        let message = "this is no picture that can be saved; make it anew".to_owned();
        return Err(Failure::new(FailureCode::File, message));
    }
    write_bytes(path, bytes).map_err(|error| Failure::of(FailureCode::File, &error))
}
