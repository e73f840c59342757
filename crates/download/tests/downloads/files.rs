//! Where files come from, where they lie, and which are believed.

use std::{
    fs,
    time::{Duration, Instant},
};

use cortensor_models::inventory::Origin;
use cortensor_protocol::Precision;
use tokio_util::sync::CancellationToken;

use crate::place::{gguf, id, manifest, place, silent};

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
async fn a_file_other_than_the_one_that_was_pinned_is_refused() {
    let place = place(&gguf(9000, 10)).await;
    place.get().await.unwrap();
    place.library().inventory().remove(&id(), Precision::Q8_0).unwrap();
    place.hub.serve("tiny.gguf", &gguf(9000, 11));
    assert_eq!(place.code().await, "other_file");
    assert!(!place.target().exists());
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
async fn the_limit_of_bytes_per_second_holds() {
    let place = place(&gguf(20_000, 18)).await;
    let library = place.library();
    library.pace().set(Some(40_000));
    let start = Instant::now();
    library.get(&place.manifest, &id(), Precision::Q8_0, silent(), &CancellationToken::new()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(450), "{:?}", start.elapsed());
}
