//! Through the boundary, against the hub double that downloads are tested with.

#[path = "../../../download/tests/downloads/double.rs"]
#[expect(dead_code, reason = "the double can do more than is asked of it here")]
mod double;

use std::{fs, path::Path, time::Duration};

use cortensor_download::Backoff;
use cortensor_hardware::{Hardware, Memory};
use cortensor_models::{inventory::Origin, manifest::sign};
use cortensor_planner::Fit;
use cortensor_protocol::{ArtifactDigest, Mode};
use double::Double;
use sha2::Digest;

use super::*;
use crate::{Comparison, ComparisonPhase, FidelityRun, Loaded, Phase, Status, Vote};

struct Bench {
    root: tempfile::TempDir,
    hub: Double,
    status: watch::Sender<Status>,
    comparison: watch::Sender<Comparison>,
    _others: (watch::Sender<FidelityRun>, watch::Sender<Vote>),
    users: Users,
    list: serde_json::Value,
}

/// A GGUF file with one matrix of 32 columns in `F32`.
fn gguf(rows: u64, seed: u8) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    file.extend(3_u32.to_le_bytes());
    file.extend(1_u64.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(1_u64.to_le_bytes());
    file.extend(b"w");
    file.extend(2_u32.to_le_bytes());
    file.extend(32_u64.to_le_bytes());
    file.extend(rows.to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend((0..rows * 32).flat_map(|index| f32::from((index % 251) as u8 ^ seed).to_le_bytes()));
    file
}

fn listed(id: &str, variants: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({ "id": id, "name": id.to_uppercase(), "family": "T", "parameters": 1, "layers": 1, "heads": 1,
        "kv_heads": 1, "context": 1, "licence": "MIT", "variants": variants })
}

/// A model `tiny` at a hub, as `F32` and, made from it, `Q8_0`.
async fn bench() -> Bench {
    let hub = Double::start().await;
    hub.serve("tiny.gguf", &gguf(400, 1));
    let sources = serde_json::json!([{ "kind": "hub", "repository": "a/b", "revision": "main" }]);
    let tiny = listed(
        "tiny",
        &serde_json::json!([
            { "format": "F32", "files": [{ "name": "tiny.gguf" }], "sources": sources },
            { "format": "Q8_0", "made_from": "F32", "files": [{ "name": "tiny.Q8_0.gguf" }] },
        ]),
    );
    let other = listed(
        "other",
        &serde_json::json!([
            { "format": "F16", "files": [{ "name": "tiny.gguf" }], "sources": sources },
            { "format": "Q4_0", "files": [{ "name": "lost.gguf" }] },
        ]),
    );
    let (status, comparison) =
        (watch::Sender::new(Status { phase: Phase::Mining, ..Status::default() }), watch::Sender::default());
    let (fidelity, vote) = (watch::Sender::default(), watch::Sender::default());
    let users = Users {
        status: status.subscribe(),
        comparison: comparison.subscribe(),
        fidelity: fidelity.subscribe(),
        vote: vote.subscribe(),
    };
    let root = tempfile::tempdir().unwrap();
    Bench { root, hub, status, comparison, _others: (fidelity, vote), users, list: serde_json::json!([tiny, other]) }
}

impl Bench {
    fn folder(&self) -> PathBuf {
        self.root.path().join("models")
    }

    fn models(&self) -> Models {
        self.models_of(Folders::at(self.root.path().join("data")))
    }

    fn models_of(&self, folders: Folders) -> Models {
        let list =
            serde_json::json!({ "layout": 1, "version": 3, "expires": "2100-01-01T00:00:00Z", "models": self.list });
        let bytes = serde_json::to_vec(&list).unwrap();
        let (signature, key) = sign(&bytes, &[7; 32]);
        let store = ManifestStore::with(&self.folder(), key, &bytes, &signature).unwrap();
        let backoff = Backoff { first: Duration::from_millis(1), longest: Duration::from_secs(1), attempts: 2 };
        let limits = Limits { chunk: 1000, run: 4, backoff, ..Limits::default() };
        let caches = Caches { hugging_face: Some(self.root.path().join("hub")), lm_studio: Vec::new() };
        let hub = Hub::new(&self.hub.address, None).unwrap();
        let library = Library::new(Inventory::at(self.folder()), caches, hub, limits).unwrap();
        Models::new(Ok(Shop { library, store }), folders, self.users.clone())
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

async fn until(models: &Models, holds: impl Fn(&ModelsView) -> bool) -> ModelsView {
    let mut view = models.view();
    let seen = tokio::time::timeout(Duration::from_secs(20), view.wait_for(|view| holds(view))).await;
    seen.unwrap_or_else(|_| panic!("this does not come: {:?}", models.view().borrow())).unwrap().clone()
}

/// The formats of a model with where each is, in one word.
fn told(view: &ModelsView, id: &str) -> Vec<String> {
    let models = view.models.iter().flatten();
    let variants = models.filter(|model| model.id.as_str() == id).flat_map(|model| &model.variants);
    let word = |variant: &VariantView| {
        let place = serde_json::to_value(&variant.place).unwrap()["is"].as_str().unwrap().to_owned();
        let make = variant.make_from.map_or_else(String::new, |from| format!(" from {from}"));
        format!("{} {} {place}{make}", variant.id, variant.format)
    };
    variants.map(word).collect()
}

fn tiny() -> ModelId {
    ModelId::new("tiny")
}

fn is_here(view: &ModelsView, id: &str, format: &str) -> bool {
    let wanted = format!("{id} {format} here");
    view.models.iter().flatten().any(|model| told(view, model.id.as_str()).contains(&wanted))
}

#[tokio::test]
async fn every_format_says_where_it_is_and_what_it_could_be_made_from() {
    let bench = bench().await;
    let models = bench.models();
    let view = until(&models, |view| view.models.is_some()).await;
    assert_eq!(told(&view, "tiny"), ["tiny F32 listed", "tiny Q8_0 made_from"]);
    assert_eq!(told(&view, "other"), ["other F16 listed", "other Q4_0 nowhere"]);
    assert!(view.list.is_some_and(|list| list.version == 3 && !list.expired));

    // In a cache of another program, by name and repository.
    bench.write("hub/models--a--b/snapshots/abc/tiny.gguf", &gguf(400, 1));
    bench.write("hub/models--a--b/refs/main", b"abc");
    let own = bench.write("mine/own.gguf", &gguf(40, 2));
    models.import(own.clone()).unwrap();
    let view = until(&models, |view| is_here(view, "local-own", "F32")).await;
    assert_eq!(told(&view, "tiny")[0], "tiny F32 found");
    let offered = [
        "F32 here",
        "Q8_0 nowhere from F32",
        "Q6_K nowhere from F32",
        "Q5_K nowhere from F32",
        "Q4_0 nowhere from F32",
        "Q4_K nowhere from F32",
    ];
    assert_eq!(told(&view, "local-own"), offered.map(|words| format!("local-own {words}")));
    let disk = view.disk.unwrap();
    assert_eq!((disk.ours_bytes, disk.others_bytes), (0, own.metadata().unwrap().len()));

    // Got, it is used where it is.
    models.get(&tiny(), Precision::F32).unwrap();
    let view = until(&models, |view| is_here(view, "tiny", "F32")).await;
    assert_eq!(told(&view, "tiny")[1], "tiny Q8_0 made_from from F32");
    assert_eq!(view.disk.unwrap().ours_bytes, 0);
    models.stop().await;
}

#[tokio::test]
async fn a_download_that_came_and_ended_between_two_looks_is_seen() {
    let bench = bench().await;
    let models = bench.models();
    models.get(&tiny(), Precision::F32).unwrap();
    until(&models, |view| is_here(view, "tiny", "F32")).await;
    let status = models.0.running().as_ref().unwrap().queue.as_ref().unwrap().status();
    models.stop().await;

    let fresh = bench.models();
    let (downloads, seen) = watch::channel(Vec::new());
    let stop = CancellationToken::new();
    let follower = tokio::spawn(follow(Arc::clone(&fresh.0), seen, stop.clone()));
    downloads.send(status.borrow().clone()).unwrap();
    let mut view = fresh.0.view.subscribe();
    let looked = tokio::time::timeout(Duration::from_secs(20), view.wait_for(|view| view.models.is_some())).await;
    assert!(is_here(&looked.expect("nobody looks").unwrap(), "tiny", "F32"));
    stop.cancel();
    follower.await.unwrap();
}

#[tokio::test]
async fn a_download_shows_its_progress_and_not_the_list_again_and_can_be_paused_and_taken_up_after_a_restart() {
    let bench = bench().await;
    let models = bench.models();
    until(&models, |view| view.models.is_some()).await;
    models.limit(Some(30_000)).unwrap();
    models.get(&tiny(), Precision::F32).unwrap();
    let came = |view: &ModelsView| view.downloads.first().and_then(|one| one.done_bytes) > Some(5000);
    let view = until(&models, came).await;
    assert!(matches!(view.downloads[0].phase, DownloadPhase::Coming { .. }), "{:?}", view.downloads);
    models.pause(&tiny(), Precision::F32).unwrap();
    let paused = until(&models, |view| view.downloads[0].phase == DownloadPhase::Paused).await;
    assert_eq!(paused.downloads[0].total_bytes, Some(gguf(400, 1).len() as u64));
    assert!(paused.downloads[0].done_bytes > Some(5000));
    assert_eq!(paused.models, view.models, "the list is news only when something has come to its end");
    models.stop().await;

    let models = bench.models();
    let view = until(&models, |view| view.downloads.len() == 1 && view.limit_bytes_per_second.is_some()).await;
    assert_eq!((&view.downloads[0].phase, view.limit_bytes_per_second), (&DownloadPhase::Paused, Some(30_000)));
    until(&models, |view| view.disk.as_ref().is_some_and(|disk| disk.unfinished_bytes > 0)).await;
    models.limit(None).unwrap();
    models.resume(&tiny(), Precision::F32).unwrap();
    let view = until(&models, |view| is_here(view, "tiny", "F32")).await;
    assert!(view.downloads.is_empty());
    models.get(&tiny(), Precision::F32).unwrap();
    assert!(models.view().borrow().downloads.is_empty(), "it is here");
    assert_eq!(models.pause(&tiny(), Precision::F32).unwrap_err().code, FailureCode::Request);
    models.stop().await;
}

#[tokio::test]
async fn what_fails_says_what_to_do_and_can_be_tried_again_or_cancelled() {
    let bench = bench().await;
    let models = bench.models();
    bench.hub.inside().status = Some(403);
    models.get(&tiny(), Precision::F32).unwrap();
    let failed =
        |view: &ModelsView| matches!(view.downloads.first().map(|one| &one.phase), Some(DownloadPhase::Failed { .. }));
    let view = until(&models, failed).await;
    let DownloadPhase::Failed { code, message } = &view.downloads[0].phase else { unreachable!() };
    assert!(code == "refused" && message.contains("HF_TOKEN"), "{message}");
    models.cancel(&tiny(), Precision::F32).unwrap();
    until(&models, |view| view.downloads.is_empty()).await;
    bench.hub.inside().status = None;
    models.get(&tiny(), Precision::F32).unwrap();
    until(&models, |view| is_here(view, "tiny", "F32")).await;

    let refused = |id: &str, format| models.get(&ModelId::new(id), format).unwrap_err().message;
    assert!(refused("tiny", Precision::Q8_0).contains("made on this machine from F32"));
    assert!(refused("other", Precision::Q4_0).contains("import the file"));
    assert!(refused("nobody", Precision::Q4_0).contains("not in the list"));
    models.stop().await;
}

#[tokio::test]
async fn a_format_is_made_and_what_could_not_have_it_is_told_and_one_job_is_enough() {
    let bench = bench().await;
    let models = bench.models();
    models.get(&tiny(), Precision::F32).unwrap();
    until(&models, |view| is_here(view, "tiny", "F32")).await;
    models.make(tiny(), Precision::Q8_0).unwrap();
    assert_eq!(models.import(PathBuf::from("x")).unwrap_err().code, FailureCode::Busy);
    let view = until(&models, |view| is_here(view, "tiny", "Q8_0")).await;
    let made = WorkPhase::Made { from: Precision::F32, fallbacks: Vec::new() };
    assert_eq!(view.work.map(|work| work.phase), Some(made));
    // The list has no Q4_K of it: what is made has no listed name, and is shown with the model all the same.
    models.make(tiny(), Precision::Q4K).unwrap();
    let view = until(&models, |view| told(view, "tiny").contains(&"local-tiny Q4_K here".to_owned())).await;
    let Some(WorkPhase::Made { fallbacks, .. }) = view.work.clone().map(|work| work.phase) else { panic!() };
    assert_eq!((fallbacks[0].wanted, fallbacks[0].used, fallbacks[0].row), (Precision::Q4K, Precision::Q5_0, 32));
    assert_eq!(told(&view, "local-tiny"), [] as [&str; 0]);

    models.import(bench.root.path().join("nothing")).unwrap();
    let over =
        |view: &ModelsView| view.work.as_ref().is_some_and(|work| matches!(work.phase, WorkPhase::Failed { .. }));
    let view = until(&models, over).await;
    assert_eq!(view.work.unwrap().kind, WorkKind::Import { path: bench.root.path().join("nothing") });
    models.stop().await;
}

fn serving(model: &ModelId, precision: Precision) -> Loaded {
    Loaded {
        model: model.clone(),
        precision,
        mode: Mode::Volume,
        estimated_bytes: 0,
        measured_bytes: None,
        most_bytes: 0,
        seconds: 0.0,
        card: None,
    }
}

#[tokio::test]
async fn nothing_is_deleted_that_is_loaded_or_compared_or_kept() {
    let bench = bench().await;
    let models = bench.models();
    models.get(&tiny(), Precision::F32).unwrap();
    until(&models, |view| is_here(view, "tiny", "F32")).await;
    bench.status.send_modify(|status| status.loaded = Some(serving(&tiny(), Precision::F32)));
    let uses = |view: &ModelsView| match &view.models.as_ref().unwrap()[0].variants[0].place {
        VariantPlace::Here { uses, .. } => uses.clone(),
        _ => Vec::new(),
    };
    until(&models, |view| uses(view) == [ModelUse::Loaded]).await;
    let remove = || models.remove(tiny(), Precision::F32);
    let refused = remove().await.unwrap_err();
    assert!(refused.code == FailureCode::Busy && refused.message.contains("is loaded"), "{refused}");

    bench.status.send_modify(|status| status.loaded = None);
    models.keep(tiny(), Precision::F32, true).await.unwrap();
    assert!(remove().await.unwrap_err().message.contains("to be kept"));
    models.keep(tiny(), Precision::F32, false).await.unwrap();
    let place = bench.folder().join("tiny/F32/tiny.gguf");
    assert!(place.exists());
    assert_eq!(remove().await.unwrap(), gguf(400, 1).len() as u64);
    assert!(!place.exists());
    until(&models, |view| told(view, "tiny")[0] == "tiny F32 listed").await;
    models.stop().await;
}

#[tokio::test]
async fn files_of_the_ladder_stay_while_precisions_are_compared_or_the_miner_starts() {
    let bench = bench().await;
    let (models, starter) = (bench.models(), cortensor_models::starter().model);
    let why = || async { models.remove(starter.clone(), Precision::Q8_0).await.unwrap_err().message };
    assert!(why().await.contains("is not on this machine"));
    bench.comparison.send_modify(|comparison| comparison.phase = ComparisonPhase::Answering);
    assert!(why().await.contains("comparison"));
    bench.status.send_modify(|status| status.phase = Phase::Switching);
    assert!(why().await.contains("by the miner"));
}

#[tokio::test]
async fn a_listed_model_says_whether_it_fits_once_the_machine_is_known() {
    let bench = bench().await;
    let models = bench.models();
    let fits = |view: &ModelsView| {
        let variants =
            view.models.iter().flatten().filter(|model| model.id == tiny()).flat_map(|model| &model.variants);
        variants.map(|variant| variant.fit.as_ref().map(|badge| badge.fit)).collect::<Vec<_>>()
    };
    let view = until(&models, |view| view.models.is_some()).await;
    assert_eq!(fits(&view), [None, None]);
    for (free_bytes, expected) in [(64 << 30, Fit::Fits), (1 << 20, Fit::DoesNotFit)] {
        let memory = Memory { total_bytes: 64 << 30, free_bytes };
        bench.status.send_modify(|status| status.hardware = Some(Hardware { memory, ..Hardware::default() }));
        let view = until(&models, |view| fits(view).first().copied().flatten() == Some(expected)).await;
        assert_eq!(fits(&view), [Some(expected); 2]);
    }
}

#[tokio::test]
async fn a_shop_that_cannot_be_opened_is_told_and_does_nothing() {
    let bench = bench().await;
    let failure = Failure::new(FailureCode::Model, "HF_ENDPOINT is no address".to_owned());
    let models = Models::new(Err(failure.clone()), Folders::at(bench.folder()), bench.users.clone());
    assert_eq!(models.view().borrow().failure, Some(failure.clone()));
    assert_eq!(models.get(&tiny(), Precision::F32), Err(failure));
    models.stop().await;
}

#[tokio::test]
async fn an_imported_file_has_a_listed_name_by_its_digest_and_stays_where_it_is() {
    let mut bench = bench().await;
    let path = bench.write("mine/whatever.gguf", &gguf(50, 3));
    let digest = ArtifactDigest::new(sha2::Sha256::digest(gguf(50, 3)).into());
    bench.list[0]["variants"][0]["files"][0]["sha256"] = serde_json::json!(digest);
    let models = bench.models();
    models.import(path.parent().map(Path::to_owned).unwrap()).unwrap();
    let view = until(&models, |view| is_here(view, "tiny", "F32")).await;
    assert_eq!(view.work.unwrap().phase, WorkPhase::Imported { models: vec!["tiny F32".to_owned()] });
    let VariantPlace::Here { origin, ours, .. } = &view.models.unwrap()[0].variants[0].place.clone() else { panic!() };
    assert_eq!((*origin, *ours), (Origin::Imported, false));
    assert_eq!(models.remove(tiny(), Precision::F32).await.unwrap(), 0);
    assert!(path.exists());
    models.stop().await;
}

#[tokio::test]
async fn a_node_with_a_name_says_before_that_the_models_are_not_its_own_to_change() {
    let bench = bench().await;
    let main = Folders::at(bench.root.path().join("data"));
    for (folders, shared) in [(main.node("rig-2".parse().unwrap()), true), (main, false)] {
        let models = bench.models_of(folders);
        assert_eq!(models.view().borrow().shared, shared);
        assert_eq!(models.keep(tiny(), Precision::F32, true).await.unwrap_err().message.contains("shared"), shared);
        models.stop().await;
    }
}
