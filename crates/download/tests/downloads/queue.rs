//! Downloads one after another.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cortensor_download::{Download, DownloadState, Queue};
use cortensor_models::manifest::Manifest;
use cortensor_protocol::{ModelId, Precision};

use crate::place::{gguf, id, place};

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
