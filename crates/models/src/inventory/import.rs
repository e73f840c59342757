//! Using a model file where it is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cortensor_protocol::{ArtifactDigest, ModelId, Precision};

use super::{HeldFile, HeldModel, Inventory, InventoryError, Origin, split_name};
use crate::{
    digest::sha256_while,
    gguf::{Gguf, GgufError},
    manifest::Manifest,
};

/// Names that every model's file could have.
const NAMES_OF_NOTHING: [&str; 5] = ["model", "ggml-model", "pytorch_model", "gguf", "weights"];

impl Inventory {
    /// Takes a GGUF file, or those in a folder, where they are: reads header and digest, copies nothing.
    ///
    /// A file gets the name of a listed model only if its digest is that of the list or of a pin: a file's own name proves
    /// nothing. Blocks; `go_on` is told the bytes read and may stop it.
    pub fn import(
        &self,
        path: &Path,
        manifest: &Manifest,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Vec<HeldModel>, InventoryError> {
        // Links are not followed: a hub's cache has the names of files, and with them the parts of split ones, only in links.
        let unreadable = |source| InventoryError::Read { path: path.to_owned(), source };
        let path = std::path::absolute(path).map_err(unreadable)?;
        fs::metadata(&path).map_err(unreadable)?;
        let mut models = Vec::new();
        for files in files_of(&path)? {
            let model = self.read(&files, manifest, go_on)?;
            self.add(model.clone())?;
            models.push(model);
        }
        if models.is_empty() { Err(InventoryError::NoModel { path }) } else { Ok(models) }
    }

    fn read(
        &self,
        files: &[PathBuf],
        manifest: &Manifest,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<HeldModel, InventoryError> {
        // Header first: it costs nothing, and a file that is no model need not be read whole.
        let (local_format, title) = told(files).map_err(InventoryError::Gguf)?;
        let held = files.iter().map(|path| held_file(path, go_on)).collect::<Result<Vec<_>, _>>()?;
        let (id, format) = match self.listed(&held, manifest)? {
            Some(listed) => listed,
            None => (local_id(&files[0], title.as_deref()), local_format),
        };
        Ok(HeldModel { id, format, files: held, origin: Origin::Imported, keep: false })
    }

    /// The listed model that these files are, by their digests.
    fn listed(&self, held: &[HeldFile], manifest: &Manifest) -> Result<Option<(ModelId, Precision)>, InventoryError> {
        for model in &manifest.models {
            for variant in &model.variants {
                let digests = variant.expanded().into_iter().map(|file| match file.sha256 {
                    Some(digest) => Ok(Some(digest)),
                    None => Ok(self.pin(&model.id, &file.name)?.map(|pin| pin.sha256)),
                });
                let digests = digests.collect::<Result<Vec<Option<ArtifactDigest>>, InventoryError>>()?;
                if digests.iter().copied().eq(held.iter().map(|file| Some(file.sha256))) {
                    return Ok(Some((model.id.clone(), variant.format)));
                }
            }
        }
        Ok(None)
    }
}

/// The format of the first part that has weights, for some splits begin with a part of metadata alone; and what the model is
/// called in its file.
fn told(files: &[PathBuf]) -> Result<(Precision, Option<String>), GgufError> {
    let parts = files.iter().map(|path| Gguf::open(path)).collect::<Result<Vec<_>, _>>()?;
    let first = parts[0].precision();
    let format = parts.iter().find_map(|part| part.precision().ok()).map_or(first, Ok)?;
    Ok((format, parts[0].title().map(str::to_owned)))
}

fn held_file(path: &Path, go_on: &mut dyn FnMut(u64) -> bool) -> Result<HeldFile, InventoryError> {
    let digest = sha256_while(path, go_on).map_err(|source| InventoryError::Read { path: path.to_owned(), source })?;
    HeldFile::of(path, digest.ok_or(InventoryError::Cancelled)?)
}

/// The models that a path means, each as its files in order.
fn files_of(path: &Path) -> Result<Vec<Vec<PathBuf>>, InventoryError> {
    if path.is_file() {
        return Ok(vec![with_parts(path)?]);
    }
    let unreadable = |source| InventoryError::Read { path: path.to_owned(), source };
    let entries = fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(|path| is_first(path)).collect();
    files.sort();
    files.iter().map(|path| with_parts(path)).collect()
}

/// A model's only file, or its first one.
fn is_first(path: &Path) -> bool {
    let name = file_name(path);
    path.extension().is_some_and(|end| end == "gguf") && split_name(&name).is_none_or(|split| split.part == 1)
}

fn with_parts(path: &Path) -> Result<Vec<PathBuf>, InventoryError> {
    let Some(split) = split_name(&file_name(path)) else { return Ok(vec![path.to_owned()]) };
    let parts: Vec<_> = split.all().iter().map(|name| path.with_file_name(name)).collect();
    let whole = parts.iter().all(|part| part.is_file());
    if whole { Ok(parts) } else { Err(InventoryError::Parts { path: path.to_owned(), count: split.count }) }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file's name without its ending; where that says nothing, as often with parts, what the file calls the model, or else its folder.
fn local_id(path: &Path, title: Option<&str>) -> ModelId {
    let name = file_name(path);
    let stem = split_name(&name).map_or_else(|| name.trim_end_matches(".gguf").to_owned(), |split| split.stem);
    let folder = || path.parent().map(file_name).filter(|name| !name.is_empty());
    let says_nothing = NAMES_OF_NOTHING.contains(&stem.to_lowercase().as_str()) || is_digest(&stem);
    let better = says_nothing.then(|| title.map(str::to_owned).or_else(folder)).flatten();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '-' };
    let stem = better.unwrap_or(stem).to_lowercase();
    ModelId::new(format!("local-{}", stem.trim().chars().map(plain).collect::<String>()))
}

/// A file of a cache whose name is its digest.
fn is_digest(name: &str) -> bool {
    name.len() >= 40 && name.chars().all(|letter| letter.is_ascii_hexdigit())
}
