//! What there is: the list's models and those that are here, each format with where it is.

use cortensor_download::Library;
use cortensor_hardware::Hardware;
use cortensor_models::{
    inventory::{Condition, FoundFile, HeldModel, Inventory},
    ladder::{best_source, unlisted},
    manifest::{ListedModel, Manifest, Source, Variant},
};
use cortensor_planner::{Listed, PlanSettings, fit};
use cortensor_protocol::{ModelId, Precision};
use jiff::Timestamp;

use super::{DiskView, ListView, ListedFacts, ModelView, VariantPlace, VariantView, failed, usage::InUse};
use crate::{Failure, FailureCode};

/// Formats that are offered to be made where a more exact file is here.
const OFFERED: [Precision; 5] = [Precision::Q8_0, Precision::Q6K, Precision::Q5K, Precision::Q4K, Precision::Q4_0];

/// What was seen in one look.
pub(super) struct Seen {
    pub(super) models: Vec<ModelView>,
    pub(super) disk: DiskView,
    pub(super) list: ListView,
    pub(super) limit: Option<u64>,
}

/// What a look is taken with.
struct Look<'a> {
    manifest: &'a Manifest,
    inventory: &'a Inventory,
    held: Vec<HeldModel>,
    found: Vec<FoundFile>,
    in_use: &'a InUse,
    room: Option<&'a Room>,
}

/// What models have to fit in.
pub(super) struct Room {
    pub(super) hardware: Hardware,
    pub(super) settings: PlanSettings,
}

/// Looks at list, record, caches and disk. Blocks.
pub(super) fn look(
    library: &Library,
    manifest: &Manifest,
    in_use: &InUse,
    room: Option<&Room>,
) -> Result<Seen, Failure> {
    let inventory = library.inventory();
    let held = inventory.held().map_err(|error| failed(&error))?;
    let look = Look { manifest, inventory, held, found: library.caches().found(), in_use, room };
    let list = ListView {
        version: manifest.version,
        expires: manifest.expires.to_string(),
        expired: manifest.check_expiry(Timestamp::now()).is_err(),
    };
    Ok(Seen { models: look.models()?, disk: look.disk(library), list, limit: library.pace().limit() })
}

/// Says why a model cannot be got, if it cannot.
pub(super) fn check_wanted(manifest: &Manifest, id: &ModelId, format: Precision) -> Result<(), Failure> {
    manifest.check_expiry(Timestamp::now()).map_err(|error| failed(&error))?;
    let model = manifest.model(id).map_err(|error| failed(&error))?;
    let variant = model.variant(format).map_err(|error| failed(&error))?;
    let message = match variant.made_from {
        Some(from) => format!("{id} {format} is made on this machine from {from}; get that one, then make it"),
        None if variant.sources.is_empty() => {
            format!("the list names no source for {id} {format}; import the file if you have it")
        }
        None => return Ok(()),
    };
    Err(Failure::new(FailureCode::Request, message))
}

impl Look<'_> {
    fn models(&self) -> Result<Vec<ModelView>, Failure> {
        let listed = self.manifest.models.iter().map(|model| self.listed(model));
        let mut models = listed.collect::<Result<Vec<_>, _>>()?;
        let known =
            |id: &ModelId| self.manifest.models.iter().any(|model| model.id == *id || unlisted(&model.id) == *id);
        for held in self.held.iter().filter(|held| !known(&held.id)) {
            if !models.iter().any(|model| model.id == held.id) {
                models.push(self.unlisted(&held.id));
            }
        }
        Ok(models)
    }

    fn listed(&self, model: &ListedModel) -> Result<ModelView, Failure> {
        let mut variants = Vec::new();
        for variant in &model.variants {
            let fit = self.room.map(|Room { hardware, settings }| fit(hardware, Listed { model, variant }, settings));
            variants.push(VariantView { fit, ..self.listed_variant(model, variant)? });
        }
        let more = |held: &&HeldModel| {
            held.id == unlisted(&model.id) || held.id == model.id && model.variant(held.format).is_err()
        };
        variants.extend(self.held.iter().filter(more).map(|held| self.here(held)));
        self.offer(&model.id, &mut variants);
        let listed = ListedFacts {
            family: model.family.clone(),
            licence: model.licence.clone(),
            parameters: model.parameters,
            context_tokens: model.context,
        };
        Ok(ModelView {
            id: model.id.clone(),
            name: model.name.clone(),
            listed: Some(listed),
            variants: sorted(variants),
        })
    }

    fn unlisted(&self, id: &ModelId) -> ModelView {
        let mut variants = self.held.iter().filter(|held| held.id == *id).map(|held| self.here(held)).collect();
        self.offer(id, &mut variants);
        let name = id.as_str().trim_start_matches("local-").to_owned();
        ModelView { id: id.clone(), name, listed: None, variants: sorted(variants) }
    }

    /// Adds what can be made, to the formats that there are and as formats of its own.
    fn offer(&self, id: &ModelId, variants: &mut Vec<VariantView>) {
        let here = |variants: &[VariantView], format| {
            variants.iter().any(|one| one.format == format && matches!(one.place, VariantPlace::Here { .. }))
        };
        let source = |format| best_source(&self.held, self.manifest, id, format).ok().map(|held| held.format);
        let listed: Vec<_> = variants.iter().map(|variant| variant.format).collect();
        for format in listed.iter().copied().filter(|format| !here(variants, *format)).collect::<Vec<_>>() {
            let make_from = source(format);
            variants.iter_mut().filter(|one| one.format == format).for_each(|one| one.make_from = make_from);
        }
        for format in OFFERED.into_iter().filter(|format| !listed.contains(format)) {
            if let Some(from) = source(format) {
                variants.push(variant(&unlisted(id), format, None, VariantPlace::Nowhere, Some(from)));
            }
        }
    }

    fn listed_variant(&self, model: &ListedModel, one: &Variant) -> Result<VariantView, Failure> {
        if let Some(held) = self.held.iter().find(|held| held.id == model.id && held.format == one.format) {
            return Ok(self.here(held));
        }
        let bytes = self.known_bytes(model, one)?;
        let place = match (one.made_from, self.found(one, bytes)) {
            (Some(from), _) => VariantPlace::MadeFrom { from },
            (None, Some(file)) => VariantPlace::Found { origin: file.origin, path: file.path.clone() },
            (None, None) if one.sources.is_empty() => VariantPlace::Nowhere,
            (None, None) => VariantPlace::Listed,
        };
        Ok(variant(&model.id, one.format, bytes, place, None))
    }

    /// The size that the list says, or that was seen when the files were got before.
    fn known_bytes(&self, model: &ListedModel, variant: &Variant) -> Result<Option<u64>, Failure> {
        let mut bytes = Some(0);
        for file in variant.expanded() {
            let pin = self.inventory.pin(&model.id, &file.name).map_err(|error| failed(&error))?;
            let known = file.bytes.or(pin.map(|pin| pin.bytes));
            bytes = bytes.zip(known).map(|(sum, bytes)| sum + bytes);
        }
        Ok(bytes)
    }

    /// A file of another program with the name of the first one, from the repository that the list names, and not of another size.
    fn found(&self, variant: &Variant, bytes: Option<u64>) -> Option<&FoundFile> {
        let first = variant.files.first()?;
        let repositories = variant.sources.iter().filter_map(|source| match source {
            Source::Hub { repository, .. } => Some(repository.as_str()),
            Source::Url { .. } => None,
        });
        let repositories: Vec<_> = repositories.collect();
        let whole = variant.expanded().len() == 1;
        self.found.iter().find(|file| {
            let named = file.path.file_name().is_some_and(|name| name == first.name.as_str());
            let sized = first.bytes.or(bytes.filter(|_| whole)).is_none_or(|bytes| bytes == file.bytes);
            named && sized && repositories.contains(&file.repository.as_str())
        })
    }

    fn here(&self, held: &HeldModel) -> VariantView {
        let place = VariantPlace::Here {
            origin: held.origin,
            condition: held.condition(),
            ours: held.origin.is_ours(),
            keep: held.keep,
            path: held.files.first().map(|file| file.path.clone()).unwrap_or_default(),
            uses: self.in_use.of(&held.id, held.format),
        };
        variant(&held.id, held.format, Some(held.bytes()), place, None)
    }

    fn disk(&self, library: &Library) -> DiskView {
        let present = self.held.iter().filter(|held| held.condition() != Condition::Missing);
        let (ours, others): (Vec<_>, Vec<_>) = present.partition(|held| held.origin.is_ours());
        let sum = |held: Vec<&HeldModel>| held.into_iter().map(HeldModel::bytes).sum();
        DiskView {
            folder: self.inventory.folder().to_owned(),
            ours_bytes: sum(ours),
            others_bytes: sum(others),
            unfinished_bytes: library.unfinished_bytes(),
            free_bytes: library.free_bytes(),
        }
    }
}

fn variant(
    id: &ModelId,
    format: Precision,
    bytes: Option<u64>,
    place: VariantPlace,
    make_from: Option<Precision>,
) -> VariantView {
    VariantView { id: id.clone(), format, precision_class: format.class(), bytes, place, make_from, fit: None }
}

/// The most exact first.
fn sorted(mut variants: Vec<VariantView>) -> Vec<VariantView> {
    variants.sort_by_key(|variant| Precision::ALL.iter().position(|format| *format == variant.format));
    variants
}
