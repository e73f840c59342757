use super::*;
use crate::{StarterModel, manifest::Manifest, sha256_file, synthetic};

fn gguf(path: &Path) -> ArtifactDigest {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    synthetic::write(path, &synthetic::metadata("smollm"));
    sha256_file(path, &mut |_| ()).unwrap()
}

/// A list with one model whose one file has this digest.
fn list(digest: Option<ArtifactDigest>) -> Manifest {
    let file = serde_json::json!({ "name": "tiny.gguf", "sha256": digest });
    let list = serde_json::json!({ "layout": 1, "version": 1, "expires": "2027-01-01T00:00:00Z", "models": [{
        "id": "tiny", "name": "Tiny", "family": "T", "parameters": 1, "layers": 1, "heads": 1, "kv_heads": 1,
        "context": 1, "licence": "MIT", "variants": [{ "format": "Q4_1", "files": [file] }] }] });
    Manifest::parse(&serde_json::to_vec(&list).unwrap()).unwrap()
}

struct Place {
    root: tempfile::TempDir,
    inventory: Inventory,
}

fn place() -> Place {
    let root = tempfile::tempdir().unwrap();
    Place { inventory: Inventory::at(root.path().join("models")), root }
}

impl Place {
    fn import(&self, path: &Path, list: &Manifest) -> Result<Vec<String>, &'static str> {
        let models = self.inventory.import(path, list, &mut |_| true).map_err(|error| error.code())?;
        Ok(models.iter().map(|held| format!("{} {}", held.id, held.format)).collect())
    }
}

#[test]
fn a_file_gets_a_listed_name_by_its_digest_alone() {
    let place = place();
    let path = place.root.path().join("tiny.gguf");
    let digest = gguf(&path);
    assert_eq!(place.import(&path, &list(Some(digest))).unwrap(), ["tiny Q4_1"]);
    assert_eq!(place.import(&path, &list(Some(ArtifactDigest::new([1; 32])))).unwrap(), ["local-tiny Q4_1"]);
    assert_eq!(place.import(&path, &list(None)).unwrap(), ["local-tiny Q4_1"]);
    place.inventory.set_pin(&ModelId::new("tiny"), "tiny.gguf", Pin { bytes: 1, sha256: digest }).unwrap();
    assert_eq!(place.import(&path, &list(None)).unwrap(), ["tiny Q4_1"]);
}

#[test]
fn a_folder_gives_each_of_its_models_and_parts_belong_together() {
    let place = place();
    let folder = place.root.path().join("mine");
    for name in ["B Model.gguf", "a-00001-of-00002.gguf", "a-00002-of-00002.gguf", "notes.txt"] {
        gguf(&folder.join(name));
    }
    assert_eq!(place.import(&folder, &list(None)).unwrap(), ["local-b-model Q4_1", "local-a Q4_1"]);
    assert_eq!(place.inventory.held().unwrap()[1].files.len(), 2);
    fs::remove_file(folder.join("a-00002-of-00002.gguf")).unwrap();
    assert_eq!(place.import(&folder, &list(None)), Err("parts_missing"));
    assert_eq!(place.import(&folder.join("notes.txt/none"), &list(None)), Err("file_unreadable"));
    fs::create_dir(folder.join("empty")).unwrap();
    assert_eq!(place.import(&folder.join("empty"), &list(None)), Err("no_model_in_folder"));
    fs::write(folder.join("B Model.gguf"), "<html>").unwrap();
    assert_eq!(place.import(&folder.join("B Model.gguf"), &list(None)), Err("not_a_model"));
}

#[test]
fn a_model_whose_files_name_says_nothing_is_called_as_it_calls_itself_or_as_its_folder() {
    let place = place();
    let folder = place.root.path().join("Big Model-GGUF");
    let parts = ["model-00001-of-00002.gguf", "model-00002-of-00002.gguf"].map(|name| folder.join(name));
    for part in &parts {
        gguf(part);
    }
    assert_eq!(place.import(&parts[0], &list(None)).unwrap(), ["local-big-model-gguf Q4_1"]);
    let mut metadata = synthetic::metadata("smollm");
    metadata.push(("general.name", candle_core::quantized::gguf_file::Value::String("Tiny One 1B".to_owned())));
    synthetic::write(&parts[0], &metadata);
    assert_eq!(place.import(&folder, &list(None)).unwrap(), ["local-tiny-one-1b Q4_1"]);
}

#[test]
fn a_split_model_is_a_listed_one_if_every_part_is() {
    let place = place();
    let names = ["tiny-00001-of-00002.gguf", "tiny-00002-of-00002.gguf"];
    let digests = names.map(|name| gguf(&place.root.path().join(name)));
    let mut list = list(Some(digests[0]));
    list.models[0].variants[0].files[0].name = names[0].to_owned();
    let import = || place.import(&place.root.path().join(names[0]), &list).unwrap();
    assert_eq!(import(), ["local-tiny Q4_1"]);
    place.inventory.set_pin(&ModelId::new("tiny"), names[1], Pin { bytes: 1, sha256: digests[1] }).unwrap();
    assert_eq!(import(), ["tiny Q4_1"]);
}

#[cfg(unix)]
#[test]
fn parts_that_are_links_into_a_cache_keep_their_names() {
    let place = place();
    let (blobs, snapshot) = (place.root.path().join("blobs"), place.root.path().join("snapshots/abc"));
    fs::create_dir_all(&snapshot).unwrap();
    for (digest, name) in [("01", "big-00001-of-00002.gguf"), ("02", "big-00002-of-00002.gguf")] {
        gguf(&blobs.join(digest));
        std::os::unix::fs::symlink(blobs.join(digest), snapshot.join(name)).unwrap();
    }
    let first = snapshot.join("big-00001-of-00002.gguf");
    assert_eq!(place.import(&first, &list(None)).unwrap(), ["local-big Q4_1"]);
    let held = place.inventory.held().unwrap();
    assert_eq!((held[0].files.len(), held[0].condition()), (2, Condition::Whole));
}

#[test]
fn a_precision_ladder_is_listed_kept_and_deleted_like_everything_else() {
    let place = place();
    let source = place.root.path().join("tiny.Q4_1.gguf");
    synthetic::write(&source, &synthetic::metadata("smollm"));
    let (model, folder) = (synthetic::model(&source), place.root.path().join("models/tiny"));
    let prepare =
        |model: &StarterModel| crate::prepare_ladder(&source, &folder, model, &mut |_| (), &|| false).unwrap();
    let artifacts = prepare(&model);
    let told = || {
        let held = place.inventory.held().unwrap();
        held.iter().map(|held| (held.format, held.origin, held.bytes(), held.condition())).collect::<Vec<_>>()
    };
    let made = artifacts.iter().map(|one| (one.precision, Origin::Made, one.bytes, Condition::Whole));
    let mut expected: Vec<_> = made.collect();
    expected.push((Precision::Q4_1, Origin::Imported, source.metadata().unwrap().len(), Condition::Whole));
    assert_eq!(told(), expected);

    let (id, inventory) = (ModelId::new("tiny"), &place.inventory);
    inventory.keep(&id, Precision::Q8_0, true).unwrap();
    assert!(inventory.find(&id, Precision::Q8_0).unwrap().unwrap().keep);
    assert_eq!(inventory.remove(&id, Precision::Q8_0).unwrap_err().code(), "model_kept");
    inventory.keep(&id, Precision::Q8_0, false).unwrap();
    assert_eq!(inventory.remove(&id, Precision::Q4_1).unwrap_err().code(), "model_needed");
    let lock = File::options().write(true).open(folder.join("ladder.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(inventory.remove(&id, Precision::Q8_0).unwrap_err().code(), "in_use");
    drop(lock);
    assert_eq!(inventory.remove(&id, Precision::Q8_0).unwrap(), artifacts[1].bytes);
    assert!(!artifacts[1].path.exists() && source.exists());
    expected.remove(1);
    assert_eq!(told(), expected);
    assert_eq!(prepare(&model), [artifacts[0].clone(), artifacts[2].clone()], "it stays deleted");
    prepare(&StarterModel { ladder: vec![Precision::Q8_0], ..model.clone() });
    assert_eq!(prepare(&model), artifacts, "until it is asked for");
}

#[test]
fn only_what_was_downloaded_is_deleted_and_what_is_kept_is_not() {
    let place = place();
    let (id, format) = (ModelId::new("tiny"), Precision::Q4_1);
    let ours = place.inventory.place(&id, format).join("tiny.gguf");
    let foreign = place.root.path().join("foreign.gguf");
    for (path, origin, stays) in [(&ours, Origin::Downloaded, false), (&foreign, Origin::HuggingFace, true)] {
        let digest = gguf(path);
        let file = HeldFile::of(path, digest).unwrap();
        let bytes = file.bytes;
        let model = HeldModel { id: id.clone(), format, files: vec![file], origin, keep: false };
        place.inventory.add(model).unwrap();
        place.inventory.keep(&id, format, true).unwrap();
        assert_eq!(place.inventory.remove(&id, format).unwrap_err().code(), "model_kept");
        place.inventory.keep(&id, format, false).unwrap();
        assert_eq!(place.inventory.remove(&id, format).unwrap(), if stays { 0 } else { bytes });
        assert_eq!(path.exists(), stays);
    }
    assert_eq!(place.inventory.remove(&id, format).unwrap_err().code(), "model_not_here");
    assert!(!place.inventory.place(&id, format).exists());
}

#[test]
fn a_record_that_was_tampered_with_deletes_nothing_outside_our_folder() {
    let place = place();
    let (id, format) = (ModelId::new("tiny"), Precision::Q4_1);
    let outside = place.root.path().join("precious.gguf");
    let digest = gguf(&outside);
    let files = vec![HeldFile::of(&outside, digest).unwrap()];
    let model = HeldModel { id: id.clone(), format, files, origin: Origin::Downloaded, keep: false };
    place.inventory.add(model).unwrap();
    assert_eq!(place.inventory.remove(&id, format).unwrap(), 0);
    assert!(outside.exists());
}

#[test]
fn the_first_digest_of_a_file_stands() {
    let place = place();
    let id = ModelId::new("tiny");
    let pin = |byte| Pin { bytes: 1, sha256: ArtifactDigest::new([byte; 32]) };
    place.inventory.set_pin(&id, "a.gguf", pin(1)).unwrap();
    place.inventory.set_pin(&id, "a.gguf", pin(1)).unwrap();
    assert_eq!(place.inventory.set_pin(&id, "a.gguf", pin(2)).unwrap_err().code(), "pinned_otherwise");
    assert_eq!(place.inventory.pin(&id, "a.gguf").unwrap(), Some(pin(1)));
}

#[test]
fn a_file_that_changed_or_went_away_is_told() {
    let place = place();
    let path = place.root.path().join("tiny.gguf");
    let digest = gguf(&path);
    place.import(&path, &list(Some(digest))).unwrap();
    let held = || place.inventory.held().unwrap()[0].condition();
    assert_eq!(held(), Condition::Whole);
    fs::write(&path, "other").unwrap();
    assert_eq!(held(), Condition::Changed);
    fs::remove_file(&path).unwrap();
    assert_eq!(held(), Condition::Missing);
}

#[test]
fn the_caches_of_other_programs_are_found_where_they_are() {
    let place = place();
    let home = place.root.path();
    let hub = home.join("hf/hub/models--Owner--Name-GGUF");
    let blob = hub.join("blobs/0123");
    gguf(&blob);
    let snapshot = hub.join("snapshots/abc123");
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(hub.join("refs")).unwrap();
    fs::write(hub.join("refs/main"), "abc123").unwrap();
    fs::hard_link(&blob, snapshot.join("name.gguf")).unwrap();
    gguf(&hub.join("snapshots/0dd/old.gguf"));
    gguf(&home.join(".lmstudio/models/Publisher/Repo/file.gguf"));
    gguf(&home.join("moved/models/Publisher/Other/there.gguf"));
    fs::write(home.join(".lmstudio-home-pointer"), home.join("moved").to_str().unwrap()).unwrap();

    let variable = |name: &str| (name == "HF_HOME").then(|| home.join("hf").into_os_string());
    let found = Caches::of_user(home, &variable).found();
    let told: Vec<_> = found.iter().map(|file| (file.origin, file.repository.as_str())).collect();
    let expected = [
        (Origin::HuggingFace, "Owner/Name-GGUF"),
        (Origin::LmStudio, "Publisher/Other"),
        (Origin::LmStudio, "Publisher/Repo"),
    ];
    assert_eq!(told, expected);
    assert!(Caches::of_user(&home.join("nobody"), &|_| None).found().is_empty());
}

#[test]
fn names_of_parts_are_read_and_others_are_not() {
    let name = split_name("Big-Q4_K_M-00002-of-00003.gguf").unwrap();
    assert_eq!((name.stem.as_str(), name.part, name.count), ("Big-Q4_K_M", 2, 3));
    assert_eq!(name.all()[2], "Big-Q4_K_M-00003-of-00003.gguf");
    for other in ["a.gguf", "a-00004-of-00003.gguf", "a-00000-of-00003.gguf", "a-1-of-3.gguf", "a-00001-of-00003.bin"] {
        assert_eq!(split_name(other), None, "{other}");
    }
}
