//! A fidelity report from its start to its end: window by window, each scored on the reference and on every precision.
//!
//! Memory, whatever the text's length: the models (all, or one at a time), one window's logits (`8 × 512 × vocabulary` bytes,
//! the engine's and ours), a row of two models, and 40 bytes for each scored token, of which there are at most half a million.
//! The reference's rows wait on disk: those of one window where all models are loaded, else at most two gigabytes. They
//! are the engine's own 32-bit numbers; everything is summed in 64.

mod kept;
mod pace;
mod text;
mod windows;

use std::{collections::VecDeque, sync::Arc, time::Instant};

use cortensor_engine::{Device, LoadOptions, Logits};
use cortensor_fidelity::{CompareError, Distribution, Sample, Tally};
use cortensor_models::Artifact;
use cortensor_planner::Variant;
use cortensor_protocol::{ArtifactDigest, Prompt, TokenId};
use futures::future::OptionFuture;
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use self::{kept::Kept, pace::Pace, windows::Windows};
use super::{
    Place,
    bench::{self, Bench, Found, Need, context},
    compare::{of_engine, of_prompt},
    report::{FidelityPhase, FidelityReports, FidelityRequest, FidelityRun, MeasuredLoss, TextFacts},
    spool::Spool,
    stock::Stock,
};
use crate::{App, Failure, FailureCode, Folders, files::FileError};

/// Most that the reference's rows take on disk, in bytes.
const MOST_SPOOL_BYTES: usize = 2 << 30;

type View = watch::Sender<FidelityRun>;

/// Measures until it is over or `stop` is said; windows that were scored are kept, and the next run goes on behind them. Ends
/// with what shows the last state.
pub(super) fn begin(
    place: Arc<Place>,
    request: FidelityRequest,
    miner: Option<App>,
    stop: CancellationToken,
) -> impl Future<Output = impl FnOnce() + Send> + Send {
    let phase = FidelityPhase::Waiting;
    place.fidelity.send_replace(FidelityRun { phase, request: Some(request.clone()), ..FidelityRun::default() });
    async move {
        let (phase, failure) = run(&place, &request, miner, stop).await;
        move || {
            place.fidelity.send_modify(|view| {
                (view.phase, view.failure, view.precision, view.seconds_left) = (phase, failure, None, None);
            });
        }
    }
}

async fn run(
    place: &Place,
    request: &FidelityRequest,
    miner: Option<App>,
    stop: CancellationToken,
) -> (FidelityPhase, Option<Failure>) {
    let mut bench = Bench::new(place, miner.clone());
    let measured = stop.run_until_cancelled(measure(place, &mut bench, request)).await;
    bench.clear().await;
    if let Some(Err(error)) = OptionFuture::from(miner.as_ref().map(App::show_losses)).await {
        tracing::warn!(%error, "the miner does not show what was measured until its next start");
    }
    match measured {
        Some(Ok(())) => (FidelityPhase::Done, None),
        Some(Err(failure)) => (FidelityPhase::Failed, Some(failure)),
        None => (FidelityPhase::Stopped, None),
    }
}

/// The reports that were kept, with what is measured and planned today.
pub(super) async fn reports(place: &Place) -> Result<FidelityReports, Failure> {
    let (machine, folder) = (bench::machine(place).await?, place.folders.fidelity());
    let read = spawn_blocking(move || kept::read_all(&folder)).await;
    let (kept, damaged) =
        read.map_err(|error| Failure::of(FailureCode::File, &error))?.map_err(|error| of_file(&error))?;
    Ok(FidelityReports { reports: kept::reports(&kept, &machine, place.engine.name()), damaged })
}

/// What is known of the losses of each file.
#[derive(Default)]
pub(crate) struct Losses(Vec<(ArtifactDigest, MeasuredLoss)>);

impl Losses {
    /// What the newest measurement says of a file.
    pub(crate) fn of(&self, artifact: ArtifactDigest) -> Option<MeasuredLoss> {
        self.0.iter().find(|(known, _)| *known == artifact).map(|(_, loss)| loss.clone())
    }
}

/// What was measured of the losses with this engine. What cannot be read is as good as not measured.
pub(crate) async fn losses(folders: &Folders, engine: &str) -> Losses {
    let (folder, engine) = (folders.fidelity(), engine.to_owned());
    let read = spawn_blocking(move || kept::read_all(&folder).map(|(kept, _)| kept::losses(kept, &engine))).await;
    Losses(read.ok().and_then(Result::ok).unwrap_or_default())
}

/// What is measured.
struct Task<'a> {
    place: &'a Place,
    view: &'a View,
    found: Found,
    text: TextFacts,
    windows: Windows,
    /// The reference, then the others.
    artifacts: Vec<Artifact>,
    /// What is known of each of the others.
    kept: Vec<Kept>,
    pace: Pace,
}

async fn measure(place: &Place, bench: &mut Bench<'_>, request: &FidelityRequest) -> Result<(), Failure> {
    let view = &place.fidelity;
    let text = text::read(&request.text).await?;
    let found = bench.look().await?;
    let artifacts = chosen(&found.stock, request).await?;
    let window = u32::try_from(windows::WINDOW).unwrap_or(u32::MAX);
    let options = LoadOptions { context_tokens: context(&artifacts, window), slots: 1, device: Device::Processor };
    let besides = 8 * u64::from(window) * u64::from(artifacts[0].geometry.vocabulary);
    let (arrangement, mining) = bench.arrange(&found, artifacts.clone(), Need { options, besides }).await?;
    view.send_modify(|view| {
        (view.phase, view.arrangement, view.mining) = (FidelityPhase::Loading, Some(arrangement), mining);
    });
    let tokens = tokens(bench, view, &artifacts, &text.text).await?;
    let begin = bench.shelf.model(0).await?.encode(&Prompt::Text { text: String::new() });
    let begin = begin.map_err(|error| of_prompt(&error))?.first().copied();
    let windows =
        Windows::new(tokens, begin, request.most_windows).map_err(|error| Failure::of(FailureCode::Request, &error))?;
    let text = text.facts(&windows);
    let kept = kept(place, &artifacts, &text).await?;
    let known: Vec<usize> = kept.iter().map(Kept::done).collect();
    let speed = Pace::new(&known, windows.count());
    Task { place, view, found, text, windows, artifacts, kept, pace: speed }.run(bench).await
}

/// The reference, then the other files of its model.
async fn chosen(stock: &Stock, request: &FidelityRequest) -> Result<Vec<Artifact>, Failure> {
    let reference = stock.choose(&request.reference).await?;
    let of_model = stock.of_model(&reference.model).await;
    let wanted =
        |artifact: &&Artifact| request.precisions.is_empty() || request.precisions.contains(&artifact.precision);
    let others = of_model.iter().filter(|artifact| artifact.digest != reference.digest).filter(wanted);
    let all: Vec<Artifact> = [reference.clone()].into_iter().chain(others.cloned()).collect();
    let missing = request.precisions.iter().find(|wanted| !all.iter().any(|one| one.precision == **wanted));
    if let Some(missing) = missing {
        let message = format!("there is no file of {missing}; leave it out");
        return Err(Failure::new(FailureCode::Request, message));
    }
    if all.len() < 2 {
        let message = format!("there is nothing to compare {} with; choose another precision", reference.precision);
        return Err(Failure::new(FailureCode::Request, message));
    }
    Ok(all)
}

/// The tokens of the text, which every model has to see alike.
async fn tokens(
    bench: &mut Bench<'_>,
    view: &View,
    artifacts: &[Artifact],
    text: &str,
) -> Result<Vec<TokenId>, Failure> {
    let (mut vocabulary, mut tokens) = (None, None);
    // The reference last: it is scored first.
    for index in (0..artifacts.len()).rev() {
        view.send_modify(|view| view.precision = Some(artifacts[index].precision));
        bench.check_vocabularies(&mut vocabulary, index).await?;
        let (model, text) = (bench.shelf.model(index).await?, text.to_owned());
        let seen = spawn_blocking(move || model.encode(&Prompt::Text { text })).await;
        let seen =
            seen.map_err(|error| Failure::of(FailureCode::Engine, &error))?.map_err(|error| of_prompt(&error))?;
        if tokens.as_ref().is_some_and(|tokens| *tokens != seen) {
            let message = "the models' tokenizers see other tokens in this text; compare precisions of one model";
            return Err(Failure::new(FailureCode::NotComparable, message.to_owned()));
        }
        tokens = Some(seen);
    }
    Ok(tokens.unwrap_or_default())
}

async fn kept(place: &Place, artifacts: &[Artifact], text: &TextFacts) -> Result<Vec<Kept>, Failure> {
    let (folder, engine, text) = (place.folders.fidelity(), place.engine.name().to_owned(), text.clone());
    let variants: Vec<Variant> = artifacts.iter().map(Variant::from).collect();
    let opened = spawn_blocking(move || {
        let open = |other: &Variant| Kept::open(&folder, kept::Head::new(&variants[0], other, &text, &engine));
        variants[1..].iter().map(open).collect::<Result<Vec<_>, _>>()
    });
    opened.await.map_err(|error| Failure::of(FailureCode::File, &error))?.map_err(|error| of_file(&error))
}

impl Task<'_> {
    async fn run(mut self, bench: &mut Bench<'_>) -> Result<(), Failure> {
        self.show();
        let at_once = if bench.shelf.is_together() { 1 } else { self.windows_on_disk() };
        let mut start = self.pace.resumed();
        while start < self.windows.count() {
            let end = (start + at_once).min(self.windows.count());
            self.group(bench, start, end).await?;
            start = end;
        }
        Ok(())
    }

    /// As many windows as the reference's rows may take on disk.
    fn windows_on_disk(&self) -> usize {
        let row = self.artifacts[0].geometry.vocabulary as usize * size_of::<f32>();
        (MOST_SPOOL_BYTES / (windows::SCORED * row).max(1)).max(1)
    }

    /// Scores some windows on the reference, then on every other that has not seen them.
    async fn group(&mut self, bench: &mut Bench<'_>, start: usize, end: usize) -> Result<(), Failure> {
        let mut references = VecDeque::new();
        for window in start..end {
            let logits = self.score(bench, 0, window).await?;
            references.push_back(self.spool(logits).await?);
        }
        for other in 0..self.kept.len() {
            let first = self.kept[other].done().clamp(start, end);
            references.rotate_left(first - start);
            for window in first..end {
                let logits = self.score(bench, other + 1, window).await?;
                if let Some(reference) = references.pop_front() {
                    references.push_back(self.add(other, window, reference, logits).await?);
                }
            }
        }
        Ok(())
    }

    /// A window's logits by the model at `index`, which is loaded if it is not.
    async fn score(&mut self, bench: &mut Bench<'_>, index: usize, window: usize) -> Result<Logits, Failure> {
        let phase = if bench.shelf.has(index) { FidelityPhase::Scoring } else { FidelityPhase::Loading };
        let precision = Some(self.artifacts[index].precision);
        self.view.send_modify(|view| (view.phase, view.precision) = (phase, precision));
        let model = bench.shelf.model(index).await?;
        self.view.send_modify(|view| view.phase = FidelityPhase::Scoring);
        let begun = Instant::now();
        let logits = model.score(self.windows.tokens(window)).await.map_err(|error| of_engine(&error))?;
        self.pace.scored(index, begun.elapsed());
        self.show_pace();
        Ok(logits)
    }

    async fn spool(&self, logits: Logits) -> Result<Spool, Failure> {
        let folder = self.place.folders.data().to_owned();
        let spooled = spawn_blocking(move || Spool::write(&folder, &logits, windows::FIRST, windows::SCORED)).await;
        spooled.map_err(|error| Failure::of(FailureCode::File, &error))?.map_err(|error| of_file(&error))
    }

    /// Compares a window, keeps what comes of it, and gives the reference's rows back for the next precision.
    async fn add(&mut self, other: usize, window: usize, reference: Spool, logits: Logits) -> Result<Spool, Failure> {
        let targets = self.windows.targets(window);
        let compared = spawn_blocking(move || compare(reference, &logits, &targets)).await;
        let (reference, tally) = compared.map_err(|error| Failure::of(FailureCode::Engine, &error))??;
        self.kept[other].add(tally).map_err(|error| of_file(&error))?;
        self.show();
        Ok(reference)
    }

    fn show_pace(&self) {
        self.view.send_modify(|view| {
            (view.progress, view.tokens_per_second, view.seconds_left) =
                (self.pace.progress(), self.pace.tokens_per_second(), self.pace.seconds_left());
            view.scoring = self.pace.by_model(&self.artifacts);
        });
    }

    fn show(&self) {
        let reports = kept::reports(&self.kept, &self.found.machine, self.place.engine.name());
        let done = self.kept.iter().map(Kept::done).min().unwrap_or_default();
        self.view.send_modify(|view| {
            view.windows = self.text.windows;
            view.windows_done = u32::try_from(done).unwrap_or(u32::MAX).min(view.windows);
            view.windows_resumed = u32::try_from(self.pace.resumed()).unwrap_or(u32::MAX).min(view.windows);
            view.report = reports.into_iter().next();
        });
    }
}

/// What a window comes to.
fn compare(mut reference: Spool, logits: &Logits, targets: &[(TokenId, u32)]) -> Result<(Spool, Tally), Failure> {
    let mut tally = Tally::default();
    for (row, (token, position)) in targets.iter().enumerate() {
        let known = reference.row(row).map_err(|error| of_file(&error))?;
        let seen = logits.row(windows::FIRST + row).unwrap_or_default();
        tally.add(sample(&known, seen, *token, *position).map_err(|error| not_comparable(&error))?);
    }
    Ok((reference, tally))
}

fn sample(reference: &[f32], other: &[f32], token: TokenId, position: u32) -> Result<Sample, CompareError> {
    Sample::new(&Distribution::of(reference)?, &Distribution::of(other)?, token as usize, position)
}

fn not_comparable(error: &CompareError) -> Failure {
    Failure::of(FailureCode::NotComparable, error)
}

fn of_file(error: &FileError) -> Failure {
    Failure::of(FailureCode::File, error)
}
