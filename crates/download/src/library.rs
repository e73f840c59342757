//! Getting a listed model: looked for on this machine first, then at its sources in order, each file checked and noted.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use cortensor_models::{
    gguf::Gguf,
    inventory::{Caches, Condition, FoundFile, HeldFile, HeldModel, Inventory, Origin, Pin},
    manifest::{ListedModel, Manifest, ManifestSignature, Source, Variant},
    sha256_while,
};
use cortensor_protocol::{ArtifactDigest, ModelId, Precision};
use jiff::Timestamp;
use reqwest::Url;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Backoff, DownloadError, Hub, Pace, Show, Stage,
    part::Part,
    progress::Reporter,
    remote::Remote,
    transfer::{CHUNK, RUN, STALL, Transfer, blocking},
    web::{Web, host},
};

/// Room that a file system needs for itself.
const SPARE_BYTES: u64 = 64 << 20;
/// Most of a list of models that is read.
const LONGEST_MANIFEST: usize = 4 << 20;

/// How downloads behave.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Ranges at once.
    pub parallel: usize,
    /// Bytes that are checked and noted together.
    pub chunk: u64,
    /// Chunks in a range.
    pub run: u64,
    /// Longer without a byte, and an answer is taken for dead.
    pub stall: Duration,
    /// When a source is asked again.
    pub backoff: Backoff,
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallel: 4, chunk: CHUNK, run: RUN, stall: STALL, backoff: Backoff::default() }
    }
}

/// The models of this machine and the way to get more.
pub struct Library {
    inventory: Inventory,
    caches: Caches,
    web: Web,
    limits: Limits,
    pace: Pace,
    free_bytes: fn(&Path) -> std::io::Result<u64>,
}

/// A file that is to be here.
#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    bytes: Option<u64>,
    sha256: Option<ArtifactDigest>,
    /// Whether the digest is to be pinned once it is known.
    pin: bool,
}

/// A model at work.
struct Job<'a> {
    model: &'a ListedModel,
    variant: &'a Variant,
    files: Vec<Wanted>,
    reporter: Reporter,
    stop: &'a CancellationToken,
}

impl Library {
    /// The models noted in `inventory`, found in `caches` or got from `hub`.
    pub fn new(inventory: Inventory, caches: Caches, hub: Hub, limits: Limits) -> Result<Self, DownloadError> {
        let web = Web::new(hub, limits.stall)?;
        let free_bytes = |folder: &Path| fs4::available_space(folder);
        Ok(Self { inventory, caches, web, limits, pace: Pace::default(), free_bytes })
    }

    /// The same on a disk with this much room.
    #[must_use]
    pub fn with_free_bytes(mut self, free_bytes: fn(&Path) -> std::io::Result<u64>) -> Self {
        self.free_bytes = free_bytes;
        self
    }

    /// The record of what is here.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// Where other programs have models.
    pub fn caches(&self) -> &Caches {
        &self.caches
    }

    /// What is free where ours go, if that can be told.
    pub fn free_bytes(&self) -> Option<u64> {
        let folder = self.inventory.folder();
        folder.ancestors().find_map(|folder| (self.free_bytes)(folder).ok())
    }

    /// The limit of bytes per second.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Gets a model, unless it is here. Stopped, it can be taken up again.
    pub async fn get(
        &self,
        manifest: &Manifest,
        id: &ModelId,
        format: Precision,
        show: Show,
        stop: &CancellationToken,
    ) -> Result<HeldModel, DownloadError> {
        manifest.check_expiry(Timestamp::now())?;
        let model = manifest.model(id)?;
        let variant = model.variant(format)?;
        if let Some(held) = self.inventory.find(id, format)?.filter(|held| held.condition() == Condition::Whole) {
            return Ok(held);
        }
        if let Some(from) = variant.made_from {
            return Err(DownloadError::MadeHere { id: id.clone(), format, from });
        }
        let files = self.wanted(model, variant)?;
        let job = Job { model, variant, files, reporter: Reporter::new(show), stop };
        let held = self.get_from_any(&job).await?;
        self.note(&job, held).await
    }

    /// Throws away what there is of a download that was stopped.
    pub fn discard(&self, manifest: &Manifest, id: &ModelId, format: Precision) -> Result<(), DownloadError> {
        // Of what the list does not have any more nothing is known to be on its way.
        let Ok(model) = manifest.model(id) else { return Ok(()) };
        let Ok(variant) = model.variant(format) else { return Ok(()) };
        let place = self.inventory.place(id, format);
        let files = self.wanted(model, variant)?;
        files.iter().try_for_each(|file| Part::discard(&place.join(&file.name)))
    }

    /// What is on the disk of downloads that are not finished.
    pub fn unfinished_bytes(&self) -> u64 {
        let inside =
            |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let models = inside(self.inventory.folder().to_owned());
        let files = models.flat_map(inside).flat_map(inside);
        let parts = files.filter(|path| path.extension().is_some_and(|end| end == "part"));
        parts.map(|part| Part::taken(&part.with_extension(""))).sum()
    }

    /// Gets a list of models and its signature, which is beside it under the same name and `.sig`.
    pub async fn manifest(&self, address: &str) -> Result<(Vec<u8>, ManifestSignature), DownloadError> {
        let wrong = |_| DownloadError::Endpoint { endpoint: address.to_owned() };
        let url = Url::parse(address).map_err(wrong)?;
        let beside = Url::parse(&format!("{address}.sig")).map_err(wrong)?;
        let bytes = self.web.document(&url, LONGEST_MANIFEST).await?;
        let signature = self.web.document(&beside, LONGEST_MANIFEST).await?;
        Ok((bytes, String::from_utf8_lossy(&signature).parse()?))
    }

    /// The files of a variant, with what is known of them.
    fn wanted(&self, model: &ListedModel, variant: &Variant) -> Result<Vec<Wanted>, DownloadError> {
        let mut wanted = Vec::new();
        for file in variant.expanded() {
            let pin = self.inventory.pin(&model.id, &file.name)?;
            let bytes = file.bytes.or(pin.as_ref().map(|pin| pin.bytes));
            let sha256 = file.sha256.or(pin.map(|pin| pin.sha256));
            wanted.push(Wanted { name: file.name, bytes, sha256, pin: file.sha256.is_none() });
        }
        Ok(wanted)
    }

    async fn get_from_any(&self, job: &Job<'_>) -> Result<Vec<(HeldFile, Origin)>, DownloadError> {
        let (id, format) = (job.model.id.clone(), job.variant.format);
        let mut last = None;
        for source in &job.variant.sources {
            match self.get_from(job, source).await {
                Ok(held) => return Ok(held),
                Err(error) if error.is_ours() => return Err(error),
                Err(error) => {
                    tracing::warn!(%id, %format, code = error.code(), "a source failed: {error}");
                    last = Some(error);
                }
            }
        }
        let tried = job.variant.sources.len();
        Err(match last {
            None => DownloadError::NoSource { id, format },
            Some(only) if tried == 1 => only,
            Some(last) => DownloadError::AllFailed { id, format, tried, source: Box::new(last) },
        })
    }

    /// Gets all files from one source; a file that changed there on the way is begun anew, once.
    async fn get_from(&self, job: &Job<'_>, source: &Source) -> Result<Vec<(HeldFile, Origin)>, DownloadError> {
        match self.try_get_from(job, source).await {
            Err(DownloadError::Changed { .. }) => self.try_get_from(job, source).await,
            other => other,
        }
    }

    async fn try_get_from(&self, job: &Job<'_>, source: &Source) -> Result<Vec<(HeldFile, Origin)>, DownloadError> {
        let mut remotes = Vec::new();
        for file in &job.files {
            remotes.push(self.describe(job, source, file).await?);
        }
        let total: u64 = remotes.iter().map(|remote| remote.bytes).sum();
        job.reporter.change(|progress| (progress.done, progress.total) = (0, total));
        let found = self.found(job, &remotes).await?;
        self.check_space(job, &remotes, &found)?;
        let mut held = Vec::new();
        for ((file, remote), found) in job.files.iter().zip(&remotes).zip(found) {
            held.push(match found {
                Some(found) => found,
                None => (self.fetch(job, file, remote).await?, Origin::Downloaded),
            });
        }
        Ok(held)
    }

    /// What the source has, if that is what is wanted.
    async fn describe(&self, job: &Job<'_>, source: &Source, file: &Wanted) -> Result<Remote, DownloadError> {
        let transfer = self.transfer(job);
        let mut failures = 0;
        let mut remote = loop {
            match self.web.describe(source, &file.name).await {
                Ok(remote) => break remote,
                Err(error) => {
                    failures += 1;
                    transfer.pause(failures, error).await?;
                }
            }
        };
        let other_size = file.bytes.is_some_and(|bytes| bytes != remote.bytes);
        let other = file.sha256.is_some() && remote.sha256.is_some() && file.sha256 != remote.sha256;
        if other || other_size {
            return Err(DownloadError::OtherFile { host: host(&remote.url), file: file.name.clone() });
        }
        remote.sha256 = file.sha256.or(remote.sha256);
        Ok(remote)
    }

    /// Files that are here already: in their place after a kill, or in another program's cache.
    async fn found(&self, job: &Job<'_>, remotes: &[Remote]) -> Result<Vec<Option<(HeldFile, Origin)>>, DownloadError> {
        let place = self.inventory.place(&job.model.id, job.variant.format);
        let caches = self.caches.clone();
        let ours: Vec<PathBuf> = job.files.iter().map(|file| place.join(&file.name)).collect();
        let (remotes, stop) = (remotes.to_vec(), job.stop.clone());
        blocking(move || {
            let foreign = caches.found();
            ours.iter().zip(&remotes).map(|(ours, remote)| look(ours, &foreign, remote, &stop)).collect()
        })
        .await
    }

    fn check_space(
        &self,
        job: &Job<'_>,
        remotes: &[Remote],
        found: &[Option<(HeldFile, Origin)>],
    ) -> Result<(), DownloadError> {
        let place = self.inventory.place(&job.model.id, job.variant.format);
        let failed = |source| DownloadError::File { path: place.clone(), source };
        std::fs::create_dir_all(&place).map_err(failed)?;
        let missing = remotes.iter().zip(&job.files).zip(found).filter(|(_, found)| found.is_none());
        let left = missing.map(|((remote, file), _)| remote.bytes.saturating_sub(Part::taken(&place.join(&file.name))));
        let left: u64 = left.sum();
        let free = (self.free_bytes)(&place).map_err(failed)?;
        let needed = left + SPARE_BYTES;
        if left > 0 && free < needed { Err(DownloadError::Space { path: place, needed, free }) } else { Ok(()) }
    }

    async fn fetch(&self, job: &Job<'_>, file: &Wanted, remote: &Remote) -> Result<HeldFile, DownloadError> {
        let target = self.inventory.place(&job.model.id, job.variant.format).join(&file.name);
        job.reporter.change(|progress| {
            progress.stage = Stage::Downloading;
            progress.file.clone_from(&file.name);
            progress.host = host(&remote.url);
        });
        let digest = self.transfer(job).fetch(remote, &target, remote.sha256).await?;
        Ok(HeldFile::of(&target, digest)?)
    }

    fn transfer<'a>(&'a self, job: &'a Job<'_>) -> Transfer<'a> {
        let (web, limits, pace) = (&self.web, &self.limits, &self.pace);
        let (reporter, stop) = (&job.reporter, job.stop);
        Transfer { web, limits, pace, reporter, stop, writes: TaskTracker::new(), whole: Mutex::default() }
    }

    /// Checks that the files are a model, pins them, and notes it.
    async fn note(&self, job: &Job<'_>, files: Vec<(HeldFile, Origin)>) -> Result<HeldModel, DownloadError> {
        let paths: Vec<_> = files.iter().map(|(file, origin)| (file.path.clone(), *origin)).collect();
        blocking(move || paths.into_iter().try_for_each(|(path, origin)| check_header(&path, origin))).await?;
        for (wanted, (file, _)) in job.files.iter().zip(&files).filter(|(wanted, _)| wanted.pin) {
            let pin = Pin { bytes: file.bytes, sha256: file.sha256 };
            self.inventory.set_pin(&job.model.id, &wanted.name, pin)?;
        }
        // Ours as soon as one file is: deleting looks at each file's place.
        let ours = files.iter().any(|(_, origin)| origin.is_ours());
        let origin =
            if ours { Origin::Downloaded } else { files.first().map_or(Origin::Downloaded, |(_, origin)| *origin) };
        let files = files.into_iter().map(|(file, _)| file).collect();
        let held = HeldModel { id: job.model.id.clone(), format: job.variant.format, files, origin, keep: false };
        self.inventory.add(held.clone())?;
        job.reporter.change(|progress| (progress.stage, progress.done) = (Stage::Finished, progress.total));
        Ok(held)
    }
}

/// A file whose digest is the one that is wanted.
fn look(
    ours: &Path,
    cached: &[FoundFile],
    remote: &Remote,
    stop: &CancellationToken,
) -> Result<Option<(HeldFile, Origin)>, DownloadError> {
    let Some(wanted) = remote.sha256 else { return Ok(None) };
    let same_size = cached.iter().filter(|file| file.bytes == remote.bytes);
    let here = ours.is_file().then_some((ours, Origin::Downloaded));
    for (path, origin) in here.into_iter().chain(same_size.map(|file| (file.path.as_path(), file.origin))) {
        match sha256_while(path, &mut |_| !stop.is_cancelled()) {
            Ok(None) => return Err(DownloadError::Stopped),
            Ok(Some(digest)) if digest == wanted => return Ok(Some((HeldFile::of(path, digest)?, origin))),
            // A foreign file that is another, or that may not be read, is of no use and none of our business.
            Ok(Some(_)) | Err(_) => {}
        }
    }
    Ok(None)
}

fn check_header(path: &Path, origin: Origin) -> Result<(), DownloadError> {
    let Err(error) = Gguf::open(path) else { return Ok(()) };
    if origin.is_ours() {
        std::fs::remove_file(path).map_err(|source| DownloadError::File { path: path.to_owned(), source })?;
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Err(DownloadError::Gguf { file, source: Box::new(error) })
}
