//! `cortensor bench`: every precision on this machine, by the same path that serves.

use std::{path::Path, process::ExitCode};

use cortensor_app::benchmark;
use cortensor_engine::{Engine, LoadOptions};
use cortensor_engine_mistral::{EngineSettings, MistralEngine};
use cortensor_models::{Artifact, ladder::prepare_ladder, starter};
use serde::Serialize;
use tokio::sync::watch;

use crate::{Common, Outcome};

/// What was measured of one precision.
#[derive(Serialize)]
struct Row {
    precision: String,
    file_megabytes: u64,
    load_seconds: f64,
    prefill_tokens_per_second: f64,
    decode_tokens_per_second: f64,
    first_token_milliseconds: f64,
    memory_megabytes: Option<u64>,
}

/// Measures and prints a table. A busy machine measures too little: it is said when it is.
pub(crate) async fn bench(common: &Common, model_file: &Path) -> Outcome {
    let folder = common.folders()?.ladder(starter().model.as_str());
    let source = model_file.to_owned();
    let artifacts = tokio::task::spawn_blocking(move || {
        let mut show = |progress: cortensor_models::ladder::LadderProgress| {
            eprint!("\rmodel files {:.0} %  ", progress.done * 100.0);
        };
        prepare_ladder(&source, &folder, &starter(), &mut show, &|| false)
    })
    .await??;
    eprintln!();
    let engine = MistralEngine::new(EngineSettings::default());
    let mut rows = Vec::new();
    for artifact in &artifacts {
        eprintln!("measuring {}", artifact.precision);
        rows.push(measure(&engine, artifact).await?);
    }
    if common.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print(&rows);
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(engine: &MistralEngine, artifact: &Artifact) -> Result<Row, Box<dyn std::error::Error + Send + Sync>> {
    let before = cortensor_hardware::process_memory_bytes();
    let started = std::time::Instant::now();
    let options = LoadOptions { context_tokens: 2048, slots: 1 };
    let model = engine.load(artifact, options, watch::Sender::new(0.0)).await?;
    let load_seconds = started.elapsed().as_secs_f64();
    let speed = benchmark::measure(model.as_ref()).await;
    let after = cortensor_hardware::process_memory_bytes();
    model.unload().await;
    let speed = speed?;
    Ok(Row {
        precision: artifact.precision.to_string(),
        file_megabytes: artifact.bytes / 1_000_000,
        load_seconds,
        prefill_tokens_per_second: speed.prefill_tokens_per_second,
        decode_tokens_per_second: speed.decode_tokens_per_second,
        first_token_milliseconds: speed.first_token.as_secs_f64() * 1e3,
        memory_megabytes: after.zip(before).map(|(after, before)| after.saturating_sub(before) / 1_000_000),
    })
}

fn print(rows: &[Row]) {
    println!("precision  file MB  load s  prefill tokens/s  decode tokens/s  first token ms  memory MB");
    for row in rows {
        println!(
            "{:<9}  {:>7}  {:>6.1}  {:>16.0}  {:>15.1}  {:>14.0}  {:>9}",
            row.precision,
            row.file_megabytes,
            row.load_seconds,
            row.prefill_tokens_per_second,
            row.decode_tokens_per_second,
            row.first_token_milliseconds,
            row.memory_megabytes.map_or_else(|| "?".to_owned(), |megabytes| megabytes.to_string()),
        );
    }
}
