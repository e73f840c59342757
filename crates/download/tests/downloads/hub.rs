//! What a hub does wrong, and what it says no to.

use std::time::{Duration, Instant};

use crate::{
    double::{Double, Fault},
    place::{gguf, manifest, place},
};

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
