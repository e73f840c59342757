//! A file on its way: the bytes that are here in `NAME.part`, and the journal that says which in `NAME.part.journal`.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cortensor_models::{sha256_while, whole};
use cortensor_protocol::ArtifactDigest;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    DownloadError,
    journal::{Identity, Journal},
};

/// A file on its way. Clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: PathBuf,
    identity: Identity,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    journal: Journal,
}

impl Part {
    /// Takes a download up, or begins it. Every chunk that the journal names is read and checked; one that is not what it was
    /// is forgotten. Blocks.
    pub(crate) fn open(target: &Path, identity: Identity, stop: &CancellationToken) -> Result<Self, DownloadError> {
        let failed = |source| DownloadError::File { path: part_path(target), source };
        target.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        let journal = Journal::open(&journal_path(target), &identity).map_err(failed)?;
        let journal = journal.ok_or_else(|| DownloadError::InUse { path: target.to_owned() })?;
        let file = File::options().create(true).read(true).write(true).truncate(false).open(part_path(target));
        let file = file.map_err(failed)?;
        file.set_len(identity.bytes).map_err(failed)?;
        let part = Self {
            shared: Arc::new(Shared { target: target.to_owned(), identity, open: Mutex::new(Open { file, journal }) }),
        };
        part.check_chunks(stop)?;
        whole::sync_folder(target).map_err(failed)?;
        Ok(part)
    }

    /// Removes what there is of a download that is not wanted any more.
    pub(crate) fn discard(target: &Path) -> Result<(), DownloadError> {
        for path in [part_path(target), journal_path(target)] {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(DownloadError::File { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Bytes on the disk that a download which was stopped has taken already.
    pub(crate) fn taken(target: &Path) -> u64 {
        let metadata = fs::metadata(part_path(target));
        #[cfg(unix)]
        let taken = metadata.map(|metadata| std::os::unix::fs::MetadataExt::blocks(&metadata) * 512);
        // Elsewhere the file has its room from the beginning.
        #[cfg(not(unix))]
        let taken = metadata.map(|metadata| metadata.len());
        taken.unwrap_or_default()
    }

    /// Bytes of a chunk in the file.
    pub(crate) fn range(&self, chunk: u64) -> Range<u64> {
        let Identity { bytes, chunk: length, .. } = self.shared.identity;
        chunk * length..((chunk + 1) * length).min(bytes)
    }

    /// How many chunks the file has.
    pub(crate) fn count(&self) -> u64 {
        self.shared.identity.bytes.div_ceil(self.shared.identity.chunk)
    }

    /// The chunks that are still to come.
    pub(crate) fn missing(&self) -> Vec<u64> {
        let open = self.lock();
        (0..self.count()).filter(|chunk| !open.journal.chunks.contains_key(chunk)).collect()
    }

    /// Whether a chunk is here.
    pub(crate) fn has(&self, chunk: u64) -> bool {
        self.lock().journal.chunks.contains_key(&chunk)
    }

    /// Bytes that are here.
    pub(crate) fn done(&self) -> u64 {
        let open = self.lock();
        open.journal.chunks.keys().map(|chunk| self.range(*chunk)).map(|range| range.end - range.start).sum()
    }

    /// Writes a chunk: bytes first, durably, then its line in the journal. Blocks.
    pub(crate) fn write(&self, chunk: u64, bytes: &[u8]) -> Result<(), DownloadError> {
        let digest = ArtifactDigest::new(Sha256::digest(bytes).into());
        let mut open = self.lock();
        let open = &mut *open;
        let written = write_at(&mut open.file, self.range(chunk).start, bytes);
        written.and_then(|()| open.journal.note(chunk, digest)).map_err(self.failed())
    }

    /// The digest of the whole file. Blocks.
    pub(crate) fn digest(&self, stop: &CancellationToken) -> Result<ArtifactDigest, DownloadError> {
        let digest = sha256_while(&part_path(&self.shared.target), &mut |_| !stop.is_cancelled());
        digest.map_err(self.failed())?.ok_or(DownloadError::Stopped)
    }

    /// Puts the file in its place, durably.
    pub(crate) fn finish(self) -> Result<(), DownloadError> {
        let target = &self.shared.target;
        let moved = self.lock().file.sync_all().and_then(|()| fs::rename(part_path(target), target));
        moved.and_then(|()| whole::sync_folder(target)).map_err(self.failed())?;
        Self::discard(target)
    }

    /// Forgets chunks that are not what they were: a power cut or a bad disk.
    fn check_chunks(&self, stop: &CancellationToken) -> Result<(), DownloadError> {
        let mut open = self.lock();
        let Open { file, journal } = &mut *open;
        let (mut good, mut bad) = (Vec::new(), false);
        for (chunk, digest) in &journal.chunks {
            if stop.is_cancelled() {
                return Err(DownloadError::Stopped);
            }
            let same = *chunk < self.count() && digest_at(file, self.range(*chunk)).map_err(self.failed())? == *digest;
            bad |= !same;
            good.extend(same.then_some((*chunk, *digest)));
        }
        if bad {
            journal.begin(&self.shared.identity).map_err(self.failed())?;
            good.into_iter().try_for_each(|(chunk, digest)| journal.note(chunk, digest)).map_err(self.failed())?;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.shared.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> impl Fn(io::Error) -> DownloadError + use<> {
        let path = part_path(&self.shared.target);
        move |source| DownloadError::File { path: path.clone(), source }
    }
}

fn write_at(file: &mut File, start: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn digest_at(file: &mut File, range: Range<u64>) -> io::Result<ArtifactDigest> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut hasher = Sha256::new();
    io::copy(&mut file.take(range.end - range.start), &mut hasher)?;
    Ok(ArtifactDigest::new(hasher.finalize().into()))
}

fn part_path(target: &Path) -> PathBuf {
    target.with_added_extension("part")
}

fn journal_path(target: &Path) -> PathBuf {
    target.with_added_extension("part.journal")
}
