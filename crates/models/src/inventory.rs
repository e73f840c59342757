//! Which models are on this machine, where from, and what they take.
//!
//! One record in the models' folder. Files that other programs or the user put somewhere are used where they are and never
//! removed; only what was downloaded into our folder is ours to delete.

mod caches;
mod error;
mod import;
mod ladders;
mod record;
mod split;
mod usable;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use cortensor_protocol::{ArtifactDigest, ModelId, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use caches::{Caches, FoundFile};
pub use error::InventoryError;
pub use split::{SplitName, split_name};
pub use usable::UnusableError;

use self::record::Record;

/// The record of a models' folder.
#[derive(Clone, Debug)]
pub struct Inventory {
    folder: PathBuf,
}

/// A model that is here, in one format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldModel {
    /// Its name: that of the network's list, or `local-` and the file's name.
    pub id: ModelId,
    /// Format of most weights.
    pub format: Precision,
    /// Its files in order.
    pub files: Vec<HeldFile>,
    /// How it came here.
    pub origin: Origin,
    /// Whether the user wants it kept whatever happens.
    pub keep: bool,
}

/// A file that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: ArtifactDigest,
    modified_nanos: u64,
}

/// How a model came here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Downloaded by this program, into its own folder.
    Downloaded,
    /// Made by this program from another file of the same model.
    Made,
    /// The user named it.
    Imported,
    /// Found in the cache of the Hugging Face tools.
    HuggingFace,
    /// Found among LM Studio's models.
    LmStudio,
}

/// What a file turned out to be when it was first got, for files whose digest the list does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: ArtifactDigest,
}

/// How a held model is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// As it was checked.
    Whole,
    /// A file changed since: check it again before use.
    Changed,
    /// A file is gone.
    Missing,
}

impl Origin {
    /// Whether the files are ours to delete.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Downloaded | Self::Made)
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Downloaded => "downloaded",
            Self::Made => "made here",
            Self::Imported => "imported",
            Self::HuggingFace => "Hugging Face cache",
            Self::LmStudio => "LM Studio",
        }
    }
}

impl HeldFile {
    /// A file as it is now, whose digest was just computed.
    pub fn of(path: &Path, sha256: ArtifactDigest) -> Result<Self, InventoryError> {
        let unreadable = |source| InventoryError::Read { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        let modified = metadata.modified().map_err(unreadable)?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified_nanos = u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { path: path.to_owned(), bytes: metadata.len(), sha256, modified_nanos })
    }

    fn condition(&self) -> Condition {
        match Self::of(&self.path, self.sha256) {
            Ok(now) if now == *self => Condition::Whole,
            Ok(_) => Condition::Changed,
            Err(_) => Condition::Missing,
        }
    }
}

impl HeldModel {
    /// What it takes on the disk.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// How it is now, by size and time of change of its files.
    pub fn condition(&self) -> Condition {
        let conditions: Vec<_> = self.files.iter().map(HeldFile::condition).collect();
        let found = |condition| conditions.contains(&condition).then_some(condition);
        found(Condition::Missing).or_else(|| found(Condition::Changed)).unwrap_or(Condition::Whole)
    }
}

impl Inventory {
    /// The record in this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where a model's own files go.
    pub fn place(&self, id: &ModelId, format: Precision) -> PathBuf {
        self.folder.join(id.as_str()).join(format.as_str())
    }

    /// The folder of the models that are ours.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The models that are here, the files of precision ladders behind the others.
    pub fn held(&self) -> Result<Vec<HeldModel>, InventoryError> {
        let record = Record::read(&self.folder)?;
        let ladders = ladders::held(&self.folder, &record);
        Ok(record.models.into_iter().chain(ladders).collect())
    }

    /// One of them.
    pub fn find(&self, id: &ModelId, format: Precision) -> Result<Option<HeldModel>, InventoryError> {
        Ok(self.held()?.into_iter().find(|held| held.id == *id && held.format == format))
    }

    /// Notes a model that was checked; one of the same name and format gives way, but what the user wants kept stays so.
    pub fn add(&self, mut model: HeldModel) -> Result<(), InventoryError> {
        self.change(|record| {
            let same = |held: &HeldModel| held.id == model.id && held.format == model.format;
            model.keep |= record.models.iter().any(|held| same(held) && held.keep);
            record.models.retain(|held| !same(held));
            record.models.push(model);
            Ok(())
        })
    }

    /// Says whether the user wants a model kept.
    pub fn keep(&self, id: &ModelId, format: Precision, keep: bool) -> Result<(), InventoryError> {
        self.change(|record| match record.one(id, format) {
            Ok(model) => {
                model.keep = keep;
                Ok(())
            }
            Err(error) => ladders::keep(&self.folder, record, id, format, keep).ok_or(error),
        })
    }

    /// Forgets a model, and deletes its files if they are ours. Tells how many bytes became free.
    pub fn remove(&self, id: &ModelId, format: Precision) -> Result<u64, InventoryError> {
        self.change(|record| {
            let model = match record.one(id, format) {
                Ok(model) => model.clone(),
                Err(error) => return ladders::remove(&self.folder, record, id, format).unwrap_or(Err(error)),
            };
            if model.keep {
                return Err(InventoryError::Kept { id: id.clone(), format });
            }
            record.models.retain(|held| *held != model);
            if model.origin.is_ours() { self.delete(&model) } else { Ok(0) }
        })
    }

    /// What a file was when it was first got.
    pub fn pin(&self, id: &ModelId, file: &str) -> Result<Option<Pin>, InventoryError> {
        Ok(Record::read(&self.folder)?.pins.get(&pin_name(id, file)).copied())
    }

    /// Pins what a file is. The first word stands: another one is refused.
    pub fn set_pin(&self, id: &ModelId, file: &str, pin: Pin) -> Result<(), InventoryError> {
        self.change(|record| match record.pins.insert(pin_name(id, file), pin) {
            Some(before) if before != pin => Err(InventoryError::Pinned { id: id.clone(), file: file.to_owned() }),
            _ => Ok(()),
        })
    }

    /// Only below our own folder: a record that somebody edited must not make us delete anything else.
    fn delete(&self, model: &HeldModel) -> Result<u64, InventoryError> {
        let place = self.place(&model.id, model.format);
        let mut freed = 0;
        for file in model.files.iter().filter(|file| file.path.parent() == Some(&place)) {
            match fs::remove_file(&file.path) {
                Ok(()) => freed += file.bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(InventoryError::Write { path: file.path.clone(), source }),
            }
        }
        // Folders that others put something into stay.
        let _ = fs::remove_dir(&place).and_then(|()| fs::remove_dir(self.folder.join(model.id.as_str())));
        Ok(freed)
    }

    /// Waits until no other process has this lock in our folder. It ends with the file.
    fn lock(&self, path: &Path) -> io::Result<File> {
        fs::create_dir_all(&self.folder)?;
        let lock = File::options().create(true).write(true).truncate(false).open(path)?;
        lock.lock()?;
        Ok(lock)
    }

    /// Reads, changes and writes the record while no other process does.
    fn change<T>(&self, change: impl FnOnce(&mut Record) -> Result<T, InventoryError>) -> Result<T, InventoryError> {
        let path = self.folder.join("inventory.lock");
        let _lock = self.lock(&path).map_err(|source| InventoryError::Write { path, source })?;
        let mut record = Record::read(&self.folder)?;
        let result = change(&mut record)?;
        record.write(&self.folder)?;
        Ok(result)
    }
}

fn pin_name(id: &ModelId, file: &str) -> String {
    format!("{id}/{file}")
}

#[cfg(test)]
mod tests;
