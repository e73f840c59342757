//! An unload gives the memory back. A program of its own: other tests would be measured too.

#![cfg(target_os = "linux")]

mod common;

use common::{collect, load, question};
use cortensor_protocol::{Precision, Sampling};

/// What may stay of 780 MB after an unload: thread pools and their buffers, and the allocator's slack (40 to 42
/// were measured).
const STAYS_MEGABYTES: u64 = 60;

/// What may stay of it when a model is only dropped, and nobody tidies up after the engine's thread (98 to 160).
const STAYS_DROPPED_MEGABYTES: u64 = 220;

/// Memory without the pages of the program itself, which the system can read again and drops when it needs room.
fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn unloading_gives_the_memory_back_every_time() {
    let before = resident_megabytes();
    for round in 0..5 {
        let model = load(Precision::F16, 1024, 1).await;
        let prompt = question(&*model, "Tell me about the sea.");
        collect(model.generate(prompt.clone(), Sampling::greedy(16))).await.unwrap();
        model.score(prompt).await.unwrap();
        let loaded = resident_megabytes();
        let unload = round % 2 == 0;
        if unload {
            model.unload().await;
        }
        drop(model);
        let most = before + if unload { STAYS_MEGABYTES } else { released(before).await };
        let after = resident_megabytes();
        println!("{before} MB before, {loaded} MB loaded, {after} MB after (unload: {unload})");
        assert!(loaded > before + 250, "{loaded} MB loaded");
        assert!(after < most, "{before} MB before, {after} MB after");
    }
}

/// A dropped model cannot be waited for: its memory comes back when its engine's thread ended.
async fn released(before: u64) -> u64 {
    for _ in 0..500 {
        if resident_megabytes() < before + STAYS_DROPPED_MEGABYTES {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    STAYS_DROPPED_MEGABYTES
}
