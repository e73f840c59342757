//! An unload gives the memory back. A program of its own: other tests would be measured too.

#![cfg(target_os = "linux")]

mod common;

use common::{collect, load, question};
use cortensor_protocol::{Precision, Sampling};

/// What may stay of several hundred megabytes: thread pools with their buffers and the allocator's slack (10 to 50 were measured).
const MAY_STAY_MEGABYTES: u64 = 80;

/// What may come on top with later loads; it is slack too, and not with each of them.
const MAY_GROW_MEGABYTES: u64 = 16;

/// Memory without the pages of the program itself, which the system can read again and drops when it needs room.
fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn unloading_gives_the_memory_back_every_time() {
    let before = resident_megabytes();
    let mut after = Vec::new();
    for round in 0..4 {
        let model = load(Precision::F16, 1024, 1).await;
        let prompt = question(&*model, "Tell me about the sea.");
        collect(model.generate(prompt.clone(), Sampling::greedy(16))).await.unwrap();
        model.score(prompt).await.unwrap();
        let loaded = resident_megabytes();
        if round % 2 == 0 {
            model.unload().await;
        }
        drop(model);
        if round % 2 == 1 {
            released(before).await;
        }
        after.push(resident_megabytes());
        println!("{before} MB before, {loaded} MB loaded, {} MB after unload {}", after[round], round + 1);
        assert!(loaded > before + 250, "{loaded} MB loaded");
    }
    assert!(after.iter().all(|after| *after < before + MAY_STAY_MEGABYTES), "{before} MB before, then {after:?}");
    assert!(after[2] < after[0] + MAY_GROW_MEGABYTES, "it does not grow: {after:?}");
}

/// A dropped model cannot be waited for: its memory comes back when its engine's thread ended.
async fn released(before: u64) {
    for _ in 0..500 {
        if resident_megabytes() < before + MAY_STAY_MEGABYTES {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
