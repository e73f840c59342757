//! What a list must hold beyond its layout: names that are safe as file names, nothing twice, sources one can ask.

use std::collections::BTreeSet;

use super::{LAYOUT, ListedModel, Manifest, ManifestError, Source, Variant};

/// Checks everything that the types do not.
pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    if manifest.layout != LAYOUT {
        return Err(ManifestError::OtherLayout { found: manifest.layout });
    }
    let mut ids = BTreeSet::new();
    for model in &manifest.models {
        expect(ids.insert(&model.id), model, "is listed twice")?;
        check_model(model)?;
    }
    Ok(())
}

fn check_model(model: &ListedModel) -> Result<(), ManifestError> {
    expect(is_plain_name(model.id.as_str()), model, "has an id that cannot be a folder's name")?;
    let mut formats = BTreeSet::new();
    for variant in &model.variants {
        expect(formats.insert(variant.format), model, "has a format twice")?;
        check_variant(model, variant)?;
    }
    Ok(())
}

fn check_variant(model: &ListedModel, variant: &Variant) -> Result<(), ManifestError> {
    let mut names = BTreeSet::new();
    expect(!variant.files.is_empty(), model, "has a format without files")?;
    for file in &variant.files {
        let gguf = is_plain_name(&file.name) && file.name.strip_suffix(".gguf").is_some();
        expect(gguf, model, "has a file whose name is not that of a GGUF file")?;
        expect(names.insert(&file.name), model, "has a file twice")?;
    }
    let made_from_other = variant.made_from.is_none_or(|from| {
        from != variant.format && model.variants.iter().any(|other| other.format == from && other.made_from.is_none())
    });
    expect(made_from_other, model, "is to be made from a format that it does not come in")?;
    variant.sources.iter().try_for_each(|source| expect(is_askable(source), model, "has a source that cannot be asked"))
}

fn is_askable(source: &Source) -> bool {
    match source {
        Source::Hub { repository, revision, folder } => {
            let parts: Vec<_> = repository.split('/').collect();
            let folder = folder.iter().flat_map(|folder| folder.split('/'));
            parts.len() == 2 && parts.into_iter().chain([revision.as_str()]).chain(folder).all(is_plain_name)
        }
        // A plain connection would tell everybody on the way what is got; loopback is for tests and local mirrors.
        Source::Url { base } => base.starts_with("https://") || base.starts_with("http://127.0.0.1"),
    }
}

/// Letters, digits and `.-_`, not beginning with a dot: the same on every file system, and never a way out of a folder.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.chars().all(plain)
}

fn expect(holds: bool, model: &ListedModel, fault: &'static str) -> Result<(), ManifestError> {
    if holds { Ok(()) } else { Err(ManifestError::Content { id: model.id.clone(), fault }) }
}
