//! What the planner says a model takes, against what it takes: on the real engine, every slot at work at full context.
//! A program of its own: other tests would be measured too.

#![cfg(target_os = "linux")]

#[path = "support/synthetic.rs"]
mod synthetic;

use std::{fs, path::PathBuf};

use cortensor_engine::{Device, Engine, GenerationEvent, LoadOptions, Model};
use cortensor_engine_mistral::MistralEngine;
use cortensor_models::Artifact;
use cortensor_planner::{Load, MemoryEstimate, Variant, estimate_memory};
use cortensor_protocol::{Precision, Prompt, Sampling};
use futures::{StreamExt, future::join_all};
use tokio::sync::watch;

use synthetic::{HALF_A_BILLION, ONE_BILLION, Shape, THREE_BILLIONS};

const MEGABYTE: u64 = 1_000_000;

/// A value of `/proc/self/status` in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}

/// Lets the most that was held be counted anew.
fn forget_the_most() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn starter() -> PathBuf {
    let source = std::env::var_os("CORTENSOR_STARTER_MODEL");
    PathBuf::from(source.expect("set CORTENSOR_STARTER_MODEL to the starter model's file (`./dev test` does)"))
}

fn ladder() -> Vec<Artifact> {
    let source = starter();
    let folder = source.with_file_name("ladder");
    cortensor_models::prepare_ladder(&source, &folder, &cortensor_models::starter(), &mut |_| {}, &|| false).unwrap()
}

/// Fills every slot up to the context.
async fn fill(model: &dyn Model) {
    let LoadOptions { context_tokens, slots, .. } = model.options();
    let text = "one, two, three, four, ".repeat(context_tokens as usize);
    let mut prompt = model.encode(&Prompt::Text { text }).unwrap();
    prompt.truncate(context_tokens as usize - 16);
    let answers = (0..slots).map(|_| model.generate(prompt.clone(), Sampling::greedy(32)).collect::<Vec<_>>());
    for events in join_all(answers).await {
        assert!(matches!(events.last(), Some(Ok(GenerationEvent::Finished { .. }))), "{:?}", events.last());
    }
}

/// (after the load, at most)
async fn taken(artifact: &Artifact, options: LoadOptions) -> (u64, u64) {
    let before = memory("VmRSS:");
    let model = MistralEngine::default().load(artifact, options, watch::Sender::new(0.0)).await.unwrap();
    let loaded = memory("VmRSS:") - before;
    forget_the_most();
    fill(model.as_ref()).await;
    let most = memory("VmHWM:") - before;
    model.unload().await;
    (loaded, most)
}

fn close(what: &str, estimate: u64, taken: u64) {
    let allowed = (estimate / 10).max(100 * MEGABYTE);
    println!("{what}: estimated {} MB, taken {} MB", estimate / MEGABYTE, taken / MEGABYTE);
    assert!(estimate.abs_diff(taken) <= allowed, "{what}: estimated {estimate}, taken {taken}");
}

/// Loads, fills and unloads, and compares what was taken with the estimate.
async fn check(artifact: &Artifact, load: Load) {
    let estimate: MemoryEstimate = estimate_memory(&Variant::from(artifact), load);
    let options = LoadOptions { context_tokens: load.context_tokens, slots: load.slots, device: Device::Processor };
    let (loaded, most) = taken(artifact, options).await;
    let name = format!("{} {}", artifact.model, artifact.precision);
    close(&format!("{name} loaded"), estimate.loaded(), loaded);
    close(&format!("{name} at full context"), estimate.total(), most);
}

/// One test for all of it: two at a time would be measured together.
/// [`what_larger_models_take`] is run by itself, for the same reason.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_takes_is_what_the_planner_says() {
    for artifact in ladder() {
        check(&artifact, Load { context_tokens: 1024, slots: 1 }).await;
    }
    check_made(HALF_A_BILLION, Precision::Q8_0, 512).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten minutes, and 4 GB of disk: cargo test --workspace --test estimate -- --ignored"]
async fn what_larger_models_take() {
    for (shape, precision, context_tokens) in [
        (HALF_A_BILLION, Precision::F16, 512),
        (ONE_BILLION, Precision::Q8_0, 256),
        (ONE_BILLION, Precision::Q4_0, 256),
        (THREE_BILLIONS, Precision::Q4_0, 256),
    ] {
        check_made(shape, precision, context_tokens).await;
    }
}

async fn check_made(shape: Shape, precision: Precision, context_tokens: u32) {
    // On the disk that is built on: a folder in memory would not hold them.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let artifact = shape.artifact(folder.path(), precision, &starter());
    check(&artifact, Load { context_tokens, slots: 1 }).await;
}
