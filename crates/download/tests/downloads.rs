//! Downloads from a hub that misbehaves on purpose.

mod double;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cortensor_download::{Backoff, Download, DownloadError, DownloadState, Hub, Library, Limits, Queue, Show, Token};
use cortensor_models::{
    inventory::{Caches, HeldModel, Inventory, Origin},
    manifest::Manifest,
};
use cortensor_protocol::{ModelId, Precision};
use double::{Double, Fault};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

/// Many chunks of a small file, and pauses that a test can wait for.
const CHUNK: u64 = 1000;

fn limits() -> Limits {
    let backoff = Backoff { first: Duration::from_millis(2), longest: Duration::from_secs(5), attempts: 4 };
    Limits { parallel: 3, chunk: CHUNK, run: 4, stall: Duration::from_millis(300), backoff }
}

/// A GGUF file of about this size, with weights that begin with `seed`.
fn gguf(bytes: usize, seed: u8) -> Vec<u8> {
    let weights = u32::try_from(bytes / 4).unwrap();
    let mut file = b"GGUF".to_vec();
    file.extend(3_u32.to_le_bytes());
    file.extend(1_u64.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.extend(1_u64.to_le_bytes());
    file.extend(b"w");
    file.extend(1_u32.to_le_bytes());
    file.extend(u64::from(weights).to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend((0..weights).flat_map(|index| (index ^ (u32::from(seed) << 24)).to_le_bytes()));
    file
}

struct Place {
    root: tempfile::TempDir,
    hub: Double,
    manifest: Manifest,
    caches: Caches,
    limits: Limits,
}

/// A model `tiny` in `Q8_0` whose one file is `content`, at a hub.
async fn place(content: &[u8]) -> Place {
    let hub = Double::start().await;
    hub.serve("tiny.gguf", content);
    let sources = serde_json::json!([{ "kind": "hub", "repository": "a/b", "revision": "main" }]);
    let manifest = manifest(&serde_json::json!({ "name": "tiny.gguf" }), &sources);
    let root = tempfile::tempdir().unwrap();
    Place { root, hub, manifest, caches: Caches::default(), limits: limits() }
}

fn manifest(file: &serde_json::Value, sources: &serde_json::Value) -> Manifest {
    let list = serde_json::json!({ "layout": 1, "version": 1, "expires": "2100-01-01T00:00:00Z", "models": [{
        "id": "tiny", "name": "Tiny", "family": "T", "parameters": 1, "layers": 1, "heads": 1, "kv_heads": 1,
        "context": 1, "licence": "MIT", "variants": [{ "format": "Q8_0", "files": [file], "sources": sources }] }] });
    Manifest::parse(&serde_json::to_vec(&list).unwrap()).unwrap()
}

fn id() -> ModelId {
    ModelId::new("tiny")
}

fn silent() -> Show {
    Arc::new(|_| ())
}

impl Place {
    fn library(&self) -> Library {
        let hub = Hub::new(&self.hub.address, Some(Token::new("secret"))).unwrap();
        Library::new(Inventory::at(self.root.path()), self.caches.clone(), hub, self.limits.clone()).unwrap()
    }

    async fn get(&self) -> Result<HeldModel, DownloadError> {
        let stop = CancellationToken::new();
        self.library().get(&self.manifest, &id(), Precision::Q8_0, silent(), &stop).await
    }

    async fn code(&self) -> &'static str {
        self.get().await.unwrap_err().code()
    }

    /// Gets until so many bytes came, then stops as Ctrl+C does.
    async fn get_until(&self, bytes: u64) -> Result<HeldModel, DownloadError> {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let show: Show = Arc::new(move |progress| {
            if progress.done >= bytes {
                stopped.cancel();
            }
        });
        self.library().get(&self.manifest, &id(), Precision::Q8_0, show, &stop).await
    }

    fn target(&self) -> PathBuf {
        self.root.path().join("tiny/Q8_0/tiny.gguf")
    }

    fn beside(&self, end: &str) -> PathBuf {
        self.target().with_added_extension(end)
    }

    fn assert_whole(&self, content: &[u8]) {
        assert!(fs::read(self.target()).unwrap() == content, "the file is another");
        assert!(!self.beside("part").exists() && !self.beside("part.journal").exists());
    }
}

#[tokio::test]
async fn a_model_comes_in_ranges_is_pinned_and_is_not_asked_for_again() {
    let content = gguf(20_000, 1);
    let place = place(&content).await;
    let held = place.get().await.unwrap();
    place.assert_whole(&content);
    assert_eq!((held.origin, held.bytes()), (Origin::Downloaded, content.len() as u64));
    let pin = place.library().inventory().pin(&id(), "tiny.gguf").unwrap().unwrap();
    assert_eq!(pin.sha256, held.files[0].sha256);
    let asked = place.hub.inside().seen.len();
    assert!(place.hub.gets() > 4, "several ranges");
    let commit = "a".repeat(40);
    assert!(place.hub.inside().seen.iter().skip(1).all(|seen| seen.contains(&commit)), "of one commit");
    assert_eq!(place.get().await.unwrap(), held);
    assert_eq!(place.hub.inside().seen.len(), asked);
}

#[tokio::test]
async fn a_hub_that_misbehaves_for_a_while_gives_the_whole_file_all_the_same() {
    let content = gguf(20_000, 2);
    let cases = [
        vec![Fault::Cut(0), Fault::Cut(1), Fault::Cut(999), Fault::Cut(1000), Fault::Cut(2500)],
        vec![Fault::Status(500, None), Fault::Status(503, Some("0")), Fault::Status(408, None)],
        vec![Fault::Stall(0), Fault::Stall(1500)],
    ];
    for faults in cases {
        let place = place(&content).await;
        place.hub.inside().faults = faults.clone().into();
        place.get().await.unwrap_or_else(|error| panic!("{faults:?}: {error}"));
        place.assert_whole(&content);
    }
}

#[tokio::test]
async fn a_hub_that_is_busy_is_asked_again_no_sooner_than_it_wants() {
    let place = place(&gguf(3000, 3)).await;
    place.hub.inside().faults = [Fault::Status(429, Some("1"))].into();
    let start = Instant::now();
    place.get().await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    let other = self::place(&gguf(3000, 3)).await;
    other.hub.inside().faults = [Fault::Status(429, Some("3600"))].into();
    assert_eq!(other.code().await, "busy");
}

#[tokio::test]
async fn a_server_without_ranges_gives_the_whole_file_and_can_be_taken_up_again() {
    let content = gguf(20_000, 4);
    let place = place(&content).await;
    place.hub.inside().no_ranges = true;
    place.hub.inside().faults = [Fault::Cut(7300)].into();
    assert_eq!(place.get_until(5000).await.unwrap_err().code(), "stopped");
    place.get().await.unwrap();
    place.assert_whole(&content);
}

#[tokio::test]
async fn wrong_bytes_are_thrown_away_and_the_next_source_is_asked() {
    let content = gguf(20_000, 5);
    let mut place = place(&content).await;
    place.hub.inside().faults = [Fault::WrongBytes].into();
    assert_eq!(place.code().await, "digest");
    assert!(!place.target().exists() && !place.beside("part").exists());

    let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content));
    let mirror = Double::start().await;
    mirror.serve("tiny.gguf", &content);
    let sources = serde_json::json!([
        { "kind": "hub", "repository": "a/b", "revision": "main" },
        { "kind": "url", "base": format!("{}/resolve", mirror.address) },
    ]);
    place.manifest = manifest(&serde_json::json!({ "name": "tiny.gguf", "sha256": sha256 }), &sources);
    place.hub.inside().faults = [Fault::Nothing, Fault::WrongBytes].into();
    place.get().await.unwrap();
    place.assert_whole(&content);
    assert!(mirror.gets() > 0 && mirror.inside().tokens.iter().all(Option::is_none));
}

#[tokio::test]
async fn another_length_than_was_asked_for_is_refused() {
    let place = place(&gguf(20_000, 6)).await;
    place.hub.inside().faults = [Fault::WrongLength].into();
    assert_eq!(place.code().await, "answer");
}

#[tokio::test]
async fn the_token_goes_to_the_hub_and_not_to_where_it_redirects() {
    let content = gguf(9000, 7);
    let place = place(&content).await;
    let store = Double::start().await;
    store.serve("tiny.gguf", &content);
    place.hub.inside().store = Some(store.address.clone());
    place.get().await.unwrap();
    place.assert_whole(&content);
    assert!(place.hub.inside().tokens.iter().all(|token| token.as_deref() == Some("Bearer secret")));
    let tokens = store.inside().tokens.clone();
    assert!(!tokens.is_empty() && tokens.iter().all(Option::is_none), "{tokens:?}");
}

#[tokio::test]
async fn a_file_that_changes_between_two_ranges_is_begun_anew_and_never_mixed() {
    let (content, other) = (gguf(20_000, 8), gguf(20_000, 9));
    for listing_only in [false, true] {
        let place = place(&content).await;
        place.hub.inside().listing_only = listing_only;
        place.hub.inside().faults = [Fault::Nothing, Fault::Change(other.clone())].into();
        place.get().await.unwrap();
        place.assert_whole(&other);
    }
}

#[tokio::test]
async fn a_file_other_than_the_one_that_was_pinned_is_refused() {
    let place = place(&gguf(9000, 10)).await;
    place.get().await.unwrap();
    place.library().inventory().remove(&id(), Precision::Q8_0).unwrap();
    place.hub.serve("tiny.gguf", &gguf(9000, 11));
    assert_eq!(place.code().await, "other_file");
    assert!(!place.target().exists());
}

#[tokio::test]
async fn size_and_digest_come_from_the_listing_where_the_headers_have_none() {
    let place = place(&gguf(9000, 12)).await;
    place.hub.inside().listing_only = true;
    place.hub.inside().faults = [Fault::WrongBytes].into();
    assert_eq!(place.code().await, "digest");
    place.get().await.unwrap();
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (status, code, says) in [(401, "refused", "HF_TOKEN"), (403, "refused", "licence"), (404, "missing", "list")] {
        let place = place(&gguf(3000, 13)).await;
        place.hub.inside().status = Some(status);
        let error = place.get().await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(place.hub.inside().seen.len(), 1, "a lasting refusal is not asked again");
    }
}

#[tokio::test]
async fn nothing_is_got_onto_a_disk_that_is_too_full() {
    let place = place(&gguf(3000, 14)).await;
    let library = place.library().with_free_bytes(|_| Ok(64 << 20));
    let got = library.get(&place.manifest, &id(), Precision::Q8_0, silent(), &CancellationToken::new()).await;
    assert_eq!((got.unwrap_err().code(), place.hub.gets()), ("disk_full", 0));
}

#[tokio::test]
async fn a_file_that_another_program_has_is_used_where_it_is() {
    let content = gguf(9000, 15);
    let mut place = place(&content).await;
    let studio = place.root.path().join("studio");
    let there = studio.join("publisher/repository/renamed.gguf");
    fs::create_dir_all(there.parent().unwrap()).unwrap();
    fs::write(&there, &content).unwrap();
    fs::write(there.with_file_name("same-size.gguf"), gguf(9000, 16)).unwrap();
    place.caches.lm_studio = vec![studio];
    let held = place.get().await.unwrap();
    assert_eq!((held.origin, &held.files[0].path, place.hub.gets()), (Origin::LmStudio, &there, 0));
    assert_eq!(place.library().inventory().remove(&id(), Precision::Q8_0).unwrap(), 0);
    assert!(there.exists());
}

#[tokio::test]
async fn all_parts_of_a_split_file_come() {
    let mut place = place(b"").await;
    let sources = serde_json::json!([{ "kind": "hub", "repository": "a/b", "revision": "main" }]);
    place.manifest = manifest(&serde_json::json!({ "name": "big-00001-of-00003.gguf" }), &sources);
    for part in 1..=3 {
        place.hub.serve(&format!("big-0000{part}-of-00003.gguf"), &gguf(5000, part));
    }
    let held = place.get().await.unwrap();
    let names: Vec<_> = held.files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["big-00001-of-00003.gguf", "big-00002-of-00003.gguf", "big-00003-of-00003.gguf"]);
}

#[tokio::test]
async fn what_comes_and_is_no_model_is_thrown_away() {
    let place = place(b"<html>Sign in to go on</html>").await;
    assert_eq!(place.code().await, "not_a_model");
    assert!(!place.target().exists());
}

#[tokio::test]
async fn a_file_is_got_by_one_process_at_a_time() {
    let place = place(&gguf(9000, 17)).await;
    assert_eq!(place.get_until(2000).await.unwrap_err().code(), "stopped");
    let journal = fs::File::options().write(true).open(place.beside("part.journal")).unwrap();
    journal.lock().unwrap();
    assert_eq!(place.code().await, "in_use");
    drop(journal);
    place.get().await.unwrap();
}

#[tokio::test]
async fn the_limit_of_bytes_per_second_holds() {
    let place = place(&gguf(20_000, 18)).await;
    let library = place.library();
    library.pace().set(Some(40_000));
    let start = Instant::now();
    library.get(&place.manifest, &id(), Precision::Q8_0, silent(), &CancellationToken::new()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(450), "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Stopped anywhere, with the journal torn anywhere and a byte of what came flipped anywhere.
    #[test]
    fn a_download_is_whole_however_often_and_wherever_it_is_killed(
        stops in proptest::collection::vec((1_u64..20_000, 0_usize..200, proptest::option::of(0_usize..20_000)), 1..4),
        size in 4000_usize..20_000,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let content = gguf(size, 19);
            let place = place(&content).await;
            for (bytes, torn, flipped) in stops {
                if place.get_until(bytes).await.is_ok() {
                    break;
                }
                tear(&place.beside("part.journal"), torn);
                flip(&place.beside("part"), flipped);
            }
            place.get().await.unwrap();
            place.assert_whole(&content);
        });
    }
}

fn tear(journal: &Path, by: usize) {
    if let Ok(content) = fs::read(journal) {
        fs::write(journal, &content[..content.len().saturating_sub(by)]).unwrap();
    }
}

fn flip(part: &Path, at: Option<usize>) {
    if let (Some(at), Ok(mut content)) = (at, fs::read(part))
        && let Some(byte) = content.get_mut(at)
    {
        *byte ^= 0x55;
        fs::write(part, content).unwrap();
    }
}

#[tokio::test]
async fn what_came_before_a_stop_is_not_got_again() {
    let content = gguf(200_000, 20);
    let place = place(&content).await;
    assert_eq!(place.get_until(150_000).await.unwrap_err().code(), "stopped");
    let journal = fs::read_to_string(place.beside("part.journal")).unwrap();
    let chunks = journal.lines().count() - 1;
    assert!(chunks > 100, "{chunks}");
    place.hub.inside().bytes_sent = 0;
    place.get().await.unwrap();
    place.assert_whole(&content);
    assert_eq!(place.hub.inside().bytes_sent, content.len() - chunks * 1000);
}

async fn until(queue: &Queue, holds: impl Fn(&[Download]) -> bool) -> Vec<Download> {
    let mut status = queue.status();
    let seen = tokio::time::timeout(Duration::from_secs(20), status.wait_for(|downloads| holds(downloads))).await;
    seen.expect("this comes").unwrap().clone()
}

#[tokio::test]
async fn a_queue_works_one_by_one_and_can_be_paused_resumed_and_cancelled() {
    let content = gguf(50_000, 21);
    let mut place = place(&content).await;
    let mut list = serde_json::to_value(&place.manifest).unwrap();
    let mut second = list["models"][0].clone();
    second["id"] = "other".into();
    list["models"].as_array_mut().unwrap().push(second);
    place.manifest = Manifest::parse(&serde_json::to_vec(&list).unwrap()).unwrap();
    let library = Arc::new(place.library());
    library.pace().set(Some(50_000));
    let queue = Queue::start(library.clone(), place.manifest.clone(), 1);
    let most = Arc::new(AtomicU64::new(0));
    queue.add(id(), Precision::Q8_0).unwrap();
    queue.add(ModelId::new("other"), Precision::Q8_0).unwrap();
    queue.add(id(), Precision::Q8_0).unwrap();

    let came =
        |download: &Download| matches!(&download.state, DownloadState::Running(progress) if progress.done > 5000);
    let downloads = until(&queue, |downloads| downloads.len() == 2 && came(&downloads[0])).await;
    assert_eq!(downloads[1].state, DownloadState::Queued);
    let (first, second) = (downloads[0].id, downloads[1].id);
    queue.pause(first).unwrap();
    until(&queue, |downloads| downloads[0].state == DownloadState::Paused && came(&downloads[1])).await;
    assert!(place.beside("part").exists());

    library.pace().set(None);
    queue.resume(first).unwrap();
    let running = most.clone();
    until(&queue, |downloads| {
        let now = downloads.iter().filter(|one| matches!(one.state, DownloadState::Running(_))).count() as u64;
        running.fetch_max(now, Ordering::Relaxed);
        downloads.iter().all(|one| one.state == DownloadState::Finished)
    })
    .await;
    assert_eq!(most.load(Ordering::Relaxed), 1);
    place.assert_whole(&content);

    library.inventory().remove(&ModelId::new("other"), Precision::Q8_0).unwrap();
    library.pace().set(Some(50_000));
    queue.add(ModelId::new("other"), Precision::Q8_0).unwrap();
    let third = until(&queue, |downloads| downloads.last().is_some_and(came)).await.last().unwrap().id;
    assert_ne!(third, second);
    queue.cancel(third).unwrap();
    until(&queue, |downloads| downloads.last().is_some_and(|one| one.state == DownloadState::Cancelled)).await;
    queue.stop().await;
    let left = fs::read_dir(place.root.path().join("other/Q8_0")).map(Iterator::count);
    assert!(left.is_err() || left.is_ok_and(|count| count == 0), "what came is thrown away");
}

#[tokio::test]
async fn a_list_comes_with_its_signature_and_is_not_believed_when_it_is_too_long() {
    let place = place(b"").await;
    let bytes = br#"{"layout":1}"#;
    let (signature, _) = cortensor_models::manifest::sign(bytes, &[3; 32]);
    place.hub.serve("manifest.json", bytes);
    place.hub.serve("manifest.json.sig", signature.to_string().as_bytes());
    let address = format!("{}/manifest.json", place.hub.address);
    assert_eq!(place.library().manifest(&address).await.unwrap(), (bytes.to_vec(), signature));
    place.hub.serve("manifest.json", &vec![b' '; 5 << 20]);
    assert_eq!(place.library().manifest(&address).await.unwrap_err().code(), "answer");
}

#[tokio::test]
async fn what_was_wanted_goes_on_after_a_restart_with_its_limit_and_what_was_paused_stays_so() {
    let content = gguf(60_000, 22);
    let mut place = place(&content).await;
    let mut list = serde_json::to_value(&place.manifest).unwrap();
    let mut second = list["models"][0].clone();
    second["id"] = "other".into();
    list["models"].as_array_mut().unwrap().push(second);
    place.manifest = Manifest::parse(&serde_json::to_vec(&list).unwrap()).unwrap();
    let start = || Queue::start(Arc::new(place.library()), place.manifest.clone(), 1);

    let queue = start();
    queue.limit(Some(20_000)).unwrap();
    queue.add(id(), Precision::Q8_0).unwrap();
    queue.add(ModelId::new("other"), Precision::Q8_0).unwrap();
    let downloads = until(&queue, |downloads| downloads.len() == 2 && is_running(&downloads[0])).await;
    queue.pause(downloads[1].id).unwrap();
    until(&queue, |downloads| downloads[1].state == DownloadState::Paused).await;
    queue.stop().await;

    let library = Arc::new(place.library());
    let queue = Queue::start(library.clone(), place.manifest.clone(), 1);
    assert_eq!(library.pace().limit(), Some(20_000));
    queue.limit(None).unwrap();
    let downloads = until(&queue, |downloads| downloads[0].state == DownloadState::Finished).await;
    assert_eq!((downloads[1].model.as_str(), &downloads[1].state), ("other", &DownloadState::Paused));
    place.assert_whole(&content);
    queue.cancel(downloads[1].id).unwrap();
    until(&queue, |downloads| downloads[1].state == DownloadState::Cancelled).await;
    queue.stop().await;
    assert!(start().status().borrow().is_empty());
    fs::write(place.root.path().join("queue.json"), "{").unwrap();
    assert!(start().status().borrow().is_empty());
}

fn is_running(download: &Download) -> bool {
    matches!(download.state, DownloadState::Running(_))
}
