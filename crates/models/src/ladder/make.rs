//! Any precision of any model that is here, made from the most exact file of it.

use std::{fs, io, path::Path};

use cortensor_protocol::{ArtifactDigest, ModelId, Precision};

use super::{
    Fallback, LadderError, LadderProgress, LadderStep, SPARE_BYTES, Watch, derive, file_name, lock, prepare_ladder,
    recipe,
};
use crate::{
    gguf::Gguf,
    inventory::{Condition, HeldFile, HeldModel, Inventory, Origin},
    manifest::{Manifest, Variant},
    starter, whole,
};

/// A model that is here now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// As it is noted. Its name is that of the list only where the list says that this format is made from that one.
    pub model: HeldModel,
    /// What it was made from.
    pub from: Precision,
    /// Weights that could not have the format of the others.
    pub fallbacks: Vec<Fallback>,
}

/// What to make, of what.
struct Making<'a> {
    inventory: &'a Inventory,
    /// The name that the result has.
    id: ModelId,
    format: Precision,
    source: HeldModel,
    /// What the list says it must be.
    expected: Option<ArtifactDigest>,
}

/// Makes `format` of a model, unless it is here. Blocks: call it where blocking is allowed.
///
/// Fewer bits only, unless the list says that just this is made from just that: a file of more bits than it was made from would
/// pose as more exact than it is.
pub fn make(
    inventory: &Inventory,
    manifest: &Manifest,
    id: &ModelId,
    format: Precision,
    progress: &mut dyn FnMut(LadderProgress),
    cancelled: &dyn Fn() -> bool,
) -> Result<Made, LadderError> {
    let source = best_source(&inventory.held()?, manifest, id, format)?.clone();
    let listed = listed(manifest, id, format, &source);
    let id = if listed.is_some() { id.clone() } else { unlisted(id) };
    let from = source.format;
    if let Some(model) = inventory.find(&id, format)?.filter(|held| held.condition() == Condition::Whole) {
        return Ok(Made { model, from, fallbacks: Vec::new() });
    }
    let expected = listed.and_then(|variant| variant.files.first()?.sha256);
    let making = Making { inventory, id, format, source, expected };
    if making.is_of_starter() {
        let model = making.with_starter(progress, cancelled)?;
        return Ok(Made { model, from, fallbacks: Vec::new() });
    }
    making.run(&|folder| fs4::available_space(folder), &mut Watch { progress, cancelled, done: 0.0 })
}

/// Which of the models that are here `format` of a model would be made from: the one that the list names, or else the most exact.
pub fn best_source<'a>(
    held: &'a [HeldModel],
    manifest: &Manifest,
    id: &ModelId,
    format: Precision,
) -> Result<&'a HeldModel, LadderError> {
    let place = |format: Precision| Precision::ALL.iter().position(|other| *other == format);
    let named = manifest.model(id).and_then(|model| model.variant(format)).ok().and_then(|variant| variant.made_from);
    let other = |held: &&HeldModel| held.id == *id && held.format != format && held.condition() == Condition::Whole;
    if let Some(found) = held.iter().filter(other).find(|held| Some(held.format) == named) {
        return Ok(found);
    }
    // What was made here is as exact as what it was made from, at best.
    let best = held.iter().filter(other).min_by_key(|held| (place(held.format), held.origin == Origin::Made));
    let best = best.ok_or_else(|| LadderError::NothingToMakeFrom { id: id.clone(), format })?;
    if place(best.format) < place(format) {
        return Ok(best);
    }
    Err(LadderError::NotMoreExact { id: id.clone(), format, best: best.format })
}

/// The variant that the list has of this, if it is made from just this file.
fn listed<'a>(manifest: &'a Manifest, id: &ModelId, format: Precision, source: &HeldModel) -> Option<&'a Variant> {
    let model = manifest.model(id).ok()?;
    let (variant, origin) = (model.variant(format).ok()?, model.variant(source.format).ok()?);
    let digests = origin.files.iter().map(|file| file.sha256);
    let same = digests.zip(&source.files).all(|(listed, held)| listed.is_none_or(|listed| listed == held.sha256));
    (variant.made_from == Some(source.format) && same).then_some(variant)
}

/// The name of what is made of a model and is not what the list has under its name.
pub fn unlisted(id: &ModelId) -> ModelId {
    if id.as_str().starts_with("local-") { id.clone() } else { ModelId::new(format!("local-{id}")) }
}

impl Making<'_> {
    /// The starter model has a folder where all its precisions are, which the miner looks after.
    fn is_of_starter(&self) -> bool {
        let starter = starter();
        let from_download = self.source.files.first().is_some_and(|file| file.sha256 == starter.digest);
        self.id == starter.model && from_download && starter.ladder.contains(&self.format)
    }

    fn with_starter(
        &self,
        progress: &mut dyn FnMut(LadderProgress),
        cancelled: &dyn Fn() -> bool,
    ) -> Result<HeldModel, LadderError> {
        let model = crate::StarterModel { ladder: vec![self.format], ..starter() };
        let folder = self.inventory.folder().join(self.id.as_str());
        prepare_ladder(&self.source.files[0].path, &folder, &model, progress, cancelled)?;
        let found = self.inventory.find(&self.id, self.format)?;
        found.ok_or_else(|| LadderError::NothingToMakeFrom { id: self.id.clone(), format: self.format })
    }

    fn run(&self, free_bytes: &dyn Fn(&Path) -> io::Result<u64>, watch: &mut Watch<'_>) -> Result<Made, LadderError> {
        watch.tell(LadderStep::Checking, 0.0)?;
        let parts = self.source.files.iter().map(|file| Gguf::open(&file.path)).collect::<Result<Vec<_>, _>>();
        let parts = parts.map_err(LadderError::Gguf)?;
        let place = self.inventory.place(&self.id, self.format);
        let in_place = |source| LadderError::Folder { path: place.clone(), source };
        fs::create_dir_all(&place).map_err(in_place)?;
        let _lock = lock(self.inventory.folder(), watch)?;
        whole::remove_partial_files(&place).map_err(in_place)?;
        let (needed, free) =
            (SPARE_BYTES + recipe::estimated_bytes(&parts, self.format), free_bytes(&place).map_err(in_place)?);
        if free < needed {
            return Err(LadderError::Space { path: place, needed, free });
        }
        let target = place.join(file_name(&self.id, self.format));
        let made = derive::derive(&parts, self.format, &target, &mut |step, done| watch.tell(step, done))?;
        self.check(made.digest, &target)?;
        let model = self.note(&target, made.digest)?;
        Ok(Made { model, from: self.source.format, fallbacks: made.fallbacks })
    }

    fn check(&self, found: ArtifactDigest, target: &Path) -> Result<(), LadderError> {
        let Some(expected) = self.expected.filter(|expected| *expected != found) else { return Ok(()) };
        fs::remove_file(target).map_err(|source| LadderError::Write { path: target.to_owned(), source })?;
        Err(LadderError::MadeOtherwise { id: self.id.clone(), format: self.format, expected, found })
    }

    fn note(&self, target: &Path, digest: ArtifactDigest) -> Result<HeldModel, LadderError> {
        let files = vec![HeldFile::of(target, digest)?];
        let (id, format) = (self.id.clone(), self.format);
        let model = HeldModel { id, format, files, origin: Origin::Made, keep: false };
        self.inventory.add(model.clone())?;
        Ok(model)
    }
}

#[cfg(test)]
mod tests;
