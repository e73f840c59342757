//! Importing and making: one job at a time, for each wants the disk and all cores.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cortensor_models::ladder::{LadderError, LadderProgress};
use cortensor_protocol::{ModelId, Precision};
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Place, Shared, WorkKind, WorkPhase, WorkView, failed};
use crate::{Failure, FailureCode};

/// What is under way.
pub(super) struct Job {
    stop: CancellationToken,
    over: CancellationToken,
}

/// What a job has.
struct Bench {
    place: Arc<Place>,
    shop: Shared,
    stop: CancellationToken,
    /// Bytes or parts of the whole that were told last, so that a thousandth is news and a byte is not.
    told: Mutex<f32>,
    _over: DropGuard,
}

/// Begins to import.
pub(super) fn import(place: &Arc<Place>, path: PathBuf) -> Result<(), Failure> {
    begin(place, WorkKind::Import { path: path.clone() }, move |bench| {
        let list = bench.shop.list()?;
        let (total, mut seen) = (bytes_in(&path), Counted::default());
        let mut go_on = |bytes| bench.goes_on(share(seen.add(bytes), total));
        let imported =
            bench.shop.library.inventory().import(&path, &list, &mut go_on).map_err(|error| failed(&error))?;
        let models = imported.iter().map(|held| format!("{} {}", held.id, held.format)).collect();
        Ok(WorkPhase::Imported { models })
    })
}

/// Begins to make a format.
pub(super) fn make(place: &Arc<Place>, id: ModelId, format: Precision) -> Result<(), Failure> {
    begin(place, WorkKind::Make { id: id.clone(), format }, move |bench| {
        let list = bench.shop.list()?;
        let mut show = |progress: LadderProgress| {
            bench.goes_on(progress.done);
        };
        let inventory = bench.shop.library.inventory();
        let stopped = || bench.stop.is_cancelled();
        match cortensor_models::ladder::make(inventory, &list, &id, format, &mut show, &stopped) {
            Ok(made) => Ok(WorkPhase::Made { from: made.from, fallbacks: made.fallbacks }),
            Err(LadderError::Cancelled) => Ok(WorkPhase::Stopped),
            Err(error) => Err(failed(&error)),
        }
    })
}

/// Ends what is under way. Done when it has ended.
pub(super) async fn stop(place: &Arc<Place>) {
    let running = place.job().as_ref().map(|job| (job.stop.clone(), job.over.clone()));
    if let Some((stop, over)) = running {
        stop.cancel();
        over.cancelled().await;
    }
}

fn begin(
    place: &Arc<Place>,
    kind: WorkKind,
    work: impl FnOnce(&Bench) -> Result<WorkPhase, Failure> + Send + 'static,
) -> Result<(), Failure> {
    let shop = place.shop()?.clone();
    let mut job = place.job();
    if job.as_ref().is_some_and(|job| !job.over.is_cancelled()) {
        let message = "a model is being imported or made already; wait until that is done, or stop it".to_owned();
        return Err(Failure::new(FailureCode::Busy, message));
    }
    let (cancelled, over) = (CancellationToken::new(), CancellationToken::new());
    *job = Some(Job { stop: cancelled.clone(), over: over.clone() });
    place.view.send_modify(|view| view.work = Some(WorkView { kind, phase: WorkPhase::Running, progress: 0.0 }));
    let bench =
        Bench { place: Arc::clone(place), shop, stop: cancelled, told: Mutex::new(0.0), _over: over.drop_guard() };
    spawn_blocking(move || {
        let phase = work(&bench);
        bench.end(phase);
    });
    Ok(())
}

impl Bench {
    /// Shows how far it is; says whether to go on.
    fn goes_on(&self, progress: f32) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if progress - *told >= 0.001 {
            *told = progress;
            show(&self.place.view, |work| work.progress = progress);
        }
        !self.stop.is_cancelled()
    }

    fn end(self, phase: Result<WorkPhase, Failure>) {
        let stopped = self.stop.is_cancelled();
        let phase = match phase {
            Err(_) if stopped => WorkPhase::Stopped,
            phase => phase.unwrap_or_else(|failure| WorkPhase::Failed { failure }),
        };
        // Whoever sees the end can begin the next job, and not before.
        let place = Arc::clone(&self.place);
        let _job = place.job();
        show(&place.view, |work| work.phase = phase);
        drop(self);
        place.again.notify_one();
    }
}

fn show(view: &watch::Sender<super::ModelsView>, change: impl FnOnce(&mut WorkView)) {
    view.send_modify(|view| {
        if let Some(work) = view.work.as_mut() {
            change(work);
        }
    });
}

/// Adds up counts that begin again with every file.
#[derive(Default)]
struct Counted {
    before: u64,
    now: u64,
}

impl Counted {
    fn add(&mut self, now: u64) -> u64 {
        if now < self.now {
            self.before += self.now;
        }
        self.now = now;
        self.before + now
    }
}

/// What there is to be read of a file or folder.
fn bytes_in(path: &Path) -> u64 {
    let inside = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let models = inside.filter(|path| path.extension().is_some_and(|end| end == "gguf"));
    let files: Vec<_> = if path.is_dir() { models.collect() } else { vec![path.to_owned()] };
    files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len()).sum()
}

#[expect(clippy::cast_precision_loss, reason = "a progress bar needs no more")]
fn share(part: u64, whole: u64) -> f32 {
    (part as f32 / whole.max(1) as f32).min(1.0)
}
