//! The precision ladder: one download made into several precisions of the same model.
//!
//! The full-precision file made here is a reference **of the download**, not of the weights the model was trained to: the
//! starter model comes as `Q4_1`, and what that rounding took does not come back. Say so wherever it is shown.
//!
//! The work is taken up where it was left: `ladder.json` in the folder tells what is finished, files appear whole or not at all,
//! and one process at a time works in a folder. The same download gives the same bytes on every machine, so digests agree
//! between nodes.

mod derive;
mod error;
mod header;
mod make;
mod recipe;
pub(crate) mod record;

pub use error::LadderError;
pub use make::{Made, best_source, make, unlisted};
pub use recipe::Fallback;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    slice::from_ref,
    thread,
    time::Duration,
};

use cortensor_protocol::{ModelId, Precision};

use self::record::{Download, Entry, Record, State};
use crate::{Artifact, StarterModel, gguf::Gguf, whole, write_tokenizer};

/// Folder of the tokenizer, in the ladder's.
const TOKENIZER_FOLDER: &str = "tokenizer";
/// The files of the tokenizer, in the ladder's folder.
const TOKENIZER_FILES: [&str; 2] = ["tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json"];
/// Held by the process that works in the folder.
const LOCK_FILE: &str = "ladder.lock";
/// Room for the tokenizer, the record and what a file system needs for itself.
const SPARE_BYTES: u64 = 16 << 20;
/// How often we look whether the other process is done.
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// Share of the whole that checking the download takes; the ladder's files share the rest.
const CHECKING_SHARE: f32 = 0.1;

/// Where the work is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LadderProgress {
    /// What is being done.
    pub step: LadderStep,
    /// 0 to 1 of the whole.
    pub done: f32,
}

/// One step of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LadderStep {
    /// Another process works in the folder.
    Waiting,
    /// The download and what was made before are checked.
    Checking,
    /// The tokenizer is written.
    Tokenizer,
    /// A file was damaged or swapped since it was made, and is made anew.
    Repairing(Precision),
    /// Weights are brought into a precision.
    Deriving(Precision),
    /// They are written.
    Writing(Precision),
}

/// Makes the ladder of `model` from its download `source` in `folder`, or checks the one that is there.
///
/// What was deleted with [`remove`] is left out, but for the last of the ladder where all of it was: something is always there
/// to serve with, and a ladder of one precision is how that one is asked for again.
///
/// A second call takes what it recorded for true as long as size and time of change of a file are the same; otherwise the
/// file is read again. Blocks: call it where blocking is allowed.
pub fn prepare_ladder(
    source: &Path,
    folder: &Path,
    model: &StarterModel,
    progress: &mut dyn FnMut(LadderProgress),
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Artifact>, LadderError> {
    prepare(
        source,
        folder,
        model,
        &|folder| fs4::available_space(folder),
        &mut Watch { progress, cancelled, done: 0.0 },
    )
}

/// Who is told about the work and may stop it.
struct Watch<'a> {
    progress: &'a mut dyn FnMut(LadderProgress),
    cancelled: &'a dyn Fn() -> bool,
    done: f32,
}

/// One folder at work.
struct Ladder<'a> {
    folder: &'a Path,
    model: &'a StarterModel,
    record: Record,
}

impl Watch<'_> {
    /// Tells where the work is, unless it is to stop. Progress never goes back.
    fn tell(&mut self, step: LadderStep, done: f32) -> Result<(), LadderError> {
        if (self.cancelled)() {
            return Err(LadderError::Cancelled);
        }
        self.done = self.done.max(done.clamp(0.0, 1.0));
        (self.progress)(LadderProgress { step, done: self.done });
        Ok(())
    }
}

fn prepare(
    source: &Path,
    folder: &Path,
    model: &StarterModel,
    free_bytes: &dyn Fn(&Path) -> io::Result<u64>,
    watch: &mut Watch<'_>,
) -> Result<Vec<Artifact>, LadderError> {
    let in_folder = |source| LadderError::Folder { path: folder.to_owned(), source };
    fs::create_dir_all(folder.join(TOKENIZER_FOLDER)).map_err(in_folder)?;
    let _lock = lock(folder, watch)?;
    whole::remove_partial_files(folder).map_err(in_folder)?;
    whole::remove_partial_files(&folder.join(TOKENIZER_FOLDER)).map_err(in_folder)?;

    let mut ladder = Ladder { folder, model, record: Record::read(folder, model.digest) };
    ladder.check_source(source, watch)?;
    let gguf = Gguf::open(source).map_err(LadderError::Gguf)?;
    ladder.note_download(&gguf)?;
    ladder.tokenizer(source, watch)?;
    let missing = ladder.missing(watch)?;
    ladder.check_space(&gguf, &missing, free_bytes)?;
    for precision in missing {
        ladder.make(&gguf, precision, watch)?;
    }
    let artifacts = ladder.artifacts(&gguf)?;
    watch.tell(LadderStep::Checking, 1.0)?;
    Ok(artifacts)
}

/// Deletes a file of the ladder in `folder`, and has it made by itself no more. Nothing if another process works
/// in the folder. Tells how many bytes became free.
pub(crate) fn remove(folder: &Path, name: &str) -> io::Result<Option<u64>> {
    let lock = File::options().create(true).write(true).truncate(false).open(folder.join(LOCK_FILE))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let path = folder.join(name);
    let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
    if let Some(mut record) = Record::of_any(folder) {
        record.files.remove(name);
        record.unwanted.insert(name.to_owned());
        record.write(folder).map_err(|(_, source)| source)?;
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(Some(bytes)),
    }
}

/// Waits until no other process works in the folder. The lock ends with the process, however that ends.
fn lock(folder: &Path, watch: &mut Watch<'_>) -> Result<File, LadderError> {
    let path = folder.join(LOCK_FILE);
    let failed = |source| LadderError::Folder { path: path.clone(), source };
    let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => watch.tell(LadderStep::Waiting, 0.0)?,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        thread::sleep(LOCK_PAUSE);
    }
}

impl Ladder<'_> {
    fn check_source(&mut self, source: &Path, watch: &mut Watch<'_>) -> Result<(), LadderError> {
        watch.tell(LadderStep::Checking, 0.0)?;
        let unreadable = |error| LadderError::Source { path: source.to_owned(), source: error };
        let found = fs::metadata(source).map_err(unreadable)?.len();
        if found != self.model.bytes {
            return Err(LadderError::SourceSize { path: source.to_owned(), expected: self.model.bytes, found });
        }
        if self.record.source.as_ref().is_some_and(|entry| entry.is_unchanged(source)) {
            return Ok(());
        }
        let digest = hash(source, watch, |bytes| CHECKING_SHARE * share(bytes, found))?.map_err(unreadable)?;
        if digest != self.model.digest {
            let expected = self.model.digest;
            return Err(LadderError::SourceDigest { path: source.to_owned(), expected, found: digest });
        }
        self.record.source = Some(Entry::of(source, digest).map_err(unreadable)?);
        self.save()
    }

    /// Notes where the download is, which nothing is made by: it is the same one wherever it lies.
    fn note_download(&mut self, gguf: &Gguf) -> Result<(), LadderError> {
        let path = std::path::absolute(gguf.path()).unwrap_or_else(|_| gguf.path().to_owned());
        let download = gguf.precision().ok().map(|precision| Download { path, precision });
        if self.record.download == download {
            return Ok(());
        }
        self.record.download = download;
        self.save()
    }

    fn tokenizer(&mut self, source: &Path, watch: &mut Watch<'_>) -> Result<(), LadderError> {
        let mut whole = true;
        for name in TOKENIZER_FILES {
            whole &= self.is_finished(name, watch)?;
        }
        if whole {
            return Ok(());
        }
        watch.tell(LadderStep::Tokenizer, CHECKING_SHARE)?;
        write_tokenizer(source, &self.folder.join(TOKENIZER_FOLDER)).map_err(LadderError::Tokenizer)?;
        for name in TOKENIZER_FILES {
            let path = self.folder.join(name);
            let failed = |source| LadderError::Write { path: path.clone(), source };
            let digest = crate::digest::sha256_while(&path, &mut |_| true).map_err(failed)?;
            let digest = digest.ok_or(LadderError::Cancelled)?;
            self.record.files.insert(name.to_owned(), Entry::of(&path, digest).map_err(failed)?);
        }
        self.save()
    }

    /// What is still to be made. What was damaged is removed at once: its room is needed.
    fn missing(&mut self, watch: &mut Watch<'_>) -> Result<Vec<Precision>, LadderError> {
        let (wanted, mut missing) = (self.wanted(), Vec::new());
        for precision in self.model.ladder.clone() {
            let name = self.file_name(precision);
            if self.is_finished(&name, watch)? {
                continue;
            }
            let path = self.folder.join(&name);
            if self.record.files.remove(&name).is_some() {
                watch.tell(LadderStep::Repairing(precision), CHECKING_SHARE)?;
            }
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(LadderError::Folder { path, source });
                }
                _ if wanted.contains(&precision) => missing.push(precision),
                _ => {}
            }
        }
        Ok(missing)
    }

    /// What the user did not delete; of a ladder that was deleted whole, the last, which is the smallest.
    fn wanted(&self) -> Vec<Precision> {
        let is_wanted = |precision: &Precision| !self.record.unwanted.contains(&self.file_name(*precision));
        let wanted: Vec<_> = self.model.ladder.iter().copied().filter(is_wanted).collect();
        if wanted.is_empty() { self.model.ladder.last().copied().into_iter().collect() } else { wanted }
    }

    fn is_finished(&mut self, name: &str, watch: &mut Watch<'_>) -> Result<bool, LadderError> {
        let path = self.folder.join(name);
        let Some(entry) = self.record.files.get(name).cloned() else { return Ok(false) };
        match entry.state(&path) {
            State::Unchanged => Ok(true),
            State::Other => Ok(false),
            State::Touched => {
                let digest = hash(&path, watch, |_| CHECKING_SHARE)?;
                let same = digest.is_ok_and(|digest| digest == entry.digest);
                if let (true, Ok(entry)) = (same, Entry::of(&path, entry.digest)) {
                    self.record.files.insert(name.to_owned(), entry);
                    self.save()?;
                }
                Ok(same)
            }
        }
    }

    fn check_space(
        &self,
        gguf: &Gguf,
        missing: &[Precision],
        free_bytes: &dyn Fn(&Path) -> io::Result<u64>,
    ) -> Result<(), LadderError> {
        if missing.is_empty() {
            return Ok(());
        }
        let path = self.folder.to_owned();
        let needed = SPARE_BYTES
            + missing.iter().map(|precision| recipe::estimated_bytes(from_ref(gguf), *precision)).sum::<u64>();
        match free_bytes(self.folder) {
            Ok(free) if free < needed => Err(LadderError::Space { path, needed, free }),
            Ok(_) => Ok(()),
            Err(source) => Err(LadderError::Folder { path, source }),
        }
    }

    fn make(&mut self, gguf: &Gguf, precision: Precision, watch: &mut Watch<'_>) -> Result<(), LadderError> {
        let name = self.file_name(precision);
        let path = self.folder.join(&name);
        let place = self.model.ladder.iter().position(|other| *other == precision).unwrap_or_default();
        let made = derive::derive(from_ref(gguf), precision, &path, &mut |step, done| {
            let files = (to_f32(place) + done) / to_f32(self.model.ladder.len());
            watch.tell(step, CHECKING_SHARE + (1.0 - CHECKING_SHARE) * files)
        })?;
        let entry = Entry::of(&path, made.digest).map_err(|source| LadderError::Write { path, source })?;
        self.record.unwanted.remove(&name);
        self.record.files.insert(name, entry);
        self.save()
    }

    fn artifacts(&self, gguf: &Gguf) -> Result<Vec<Artifact>, LadderError> {
        let geometry = gguf.geometry().map_err(LadderError::Gguf)?;
        let artifact = |precision: &Precision| {
            let name = self.file_name(*precision);
            let entry = self.record.files.get(&name)?;
            Some(Artifact {
                model: self.model.model.clone(),
                precision: *precision,
                path: self.folder.join(name),
                digest: entry.digest,
                bytes: entry.bytes,
                geometry,
                tokenizer: self.folder.join(TOKENIZER_FOLDER),
            })
        };
        Ok(self.model.ladder.iter().filter_map(artifact).collect())
    }

    fn file_name(&self, precision: Precision) -> String {
        file_name(&self.model.model, precision)
    }

    fn save(&self) -> Result<(), LadderError> {
        self.record.write(self.folder).map_err(|(path, source)| LadderError::Write { path, source })
    }
}

/// Hashes a file under watch: the outer error is that of the watch.
fn hash(
    path: &Path,
    watch: &mut Watch<'_>,
    done: impl Fn(u64) -> f32,
) -> Result<io::Result<cortensor_protocol::ArtifactDigest>, LadderError> {
    let mut go_on = |bytes| watch.tell(LadderStep::Checking, done(bytes)).is_ok();
    match crate::digest::sha256_while(path, &mut go_on) {
        Ok(Some(digest)) => Ok(Ok(digest)),
        Ok(None) => Err(LadderError::Cancelled),
        Err(source) => Ok(Err(source)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a progress bar needs no more")]
fn share(part: u64, whole: u64) -> f32 {
    part as f32 / whole.max(1) as f32
}

#[expect(clippy::cast_precision_loss, reason = "a progress bar needs no more")]
fn to_f32(count: usize) -> f32 {
    count as f32
}

/// Name of a model's file that was made here.
pub(crate) fn file_name(model: &ModelId, precision: Precision) -> String {
    format!("{model}.{precision}.gguf")
}

/// Where the record of a ladder is.
fn record_path(folder: &Path) -> PathBuf {
    folder.join("ladder.json")
}

#[cfg(test)]
mod tests;
