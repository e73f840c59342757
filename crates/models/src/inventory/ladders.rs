//! The files of precision ladders, which their own records tell of: noted here too, the two could disagree.

use std::path::Path;

use cortensor_protocol::{ModelId, Precision};

use super::{HeldFile, HeldModel, InventoryError, Origin, record::Record};
use crate::ladder::{self, record};

/// What the ladders below `folder` are made of and what was made, but for what `noted` has already.
pub(super) fn held(folder: &Path, noted: &Record) -> Vec<HeldModel> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let new = |held: &HeldModel| !noted.models.iter().any(|other| other.id == held.id && other.format == held.format);
    let mut held: Vec<_> = folders.iter().flat_map(|folder| of_ladder(folder)).filter(new).collect();
    held.iter_mut().for_each(|held| held.keep = noted.kept.contains(&key(&held.id, held.format)));
    held
}

/// Says whether the user wants a ladder's file kept. Nothing if there is no such file.
pub(super) fn keep(folder: &Path, record: &mut Record, id: &ModelId, format: Precision, keep: bool) -> Option<()> {
    find(folder, record, id, format)?;
    let key = key(id, format);
    if keep {
        record.kept.insert(key)
    } else {
        record.kept.remove(&key)
    };
    Some(())
}

/// Deletes a ladder's file. Nothing if there is no such file.
pub(super) fn remove(
    folder: &Path,
    record: &Record,
    id: &ModelId,
    format: Precision,
) -> Option<Result<u64, InventoryError>> {
    let held = find(folder, record, id, format)?;
    let id = id.clone();
    if held.keep {
        return Some(Err(InventoryError::Kept { id, format }));
    }
    if !held.origin.is_ours() {
        return Some(Err(InventoryError::Needed { id, format }));
    }
    let (folder, name) = (folder.join(id.as_str()), ladder::file_name(&id, format));
    Some(match ladder::remove(&folder, &name) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(InventoryError::InUse { path: folder }),
        Err(source) => Err(InventoryError::Write { path: folder.join(name), source }),
    })
}

fn find(folder: &Path, record: &Record, id: &ModelId, format: Precision) -> Option<HeldModel> {
    held(folder, record).into_iter().find(|held| held.id == *id && held.format == format)
}

fn of_ladder(folder: &Path) -> Vec<HeldModel> {
    let (Some(record), Some(name)) = (record::Record::of_any(folder), folder.file_name()) else { return Vec::new() };
    let id = ModelId::new(name.to_string_lossy());
    let download = record.download.zip(record.source).map(|(download, entry)| {
        held_model(&id, download.precision, Origin::Imported, held_file(&download.path, &entry))
    });
    let made = Precision::ALL.into_iter().filter_map(|precision| {
        let name = ladder::file_name(&id, precision);
        let entry = record.files.get(&name)?;
        Some(held_model(&id, precision, Origin::Made, held_file(&folder.join(name), entry)))
    });
    made.chain(download).collect()
}

fn held_model(id: &ModelId, format: Precision, origin: Origin, file: HeldFile) -> HeldModel {
    HeldModel { id: id.clone(), format, files: vec![file], origin, keep: false }
}

fn held_file(path: &Path, entry: &record::Entry) -> HeldFile {
    let record::Entry { digest, bytes, modified_nanos } = *entry;
    HeldFile { path: path.to_owned(), bytes, sha256: digest, modified_nanos }
}

fn key(id: &ModelId, format: Precision) -> String {
    format!("{id}/{format}")
}
