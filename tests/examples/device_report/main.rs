//! What a graphics card makes of models: whether every precision loads on it, whether its answers are the processor's, its
//! tokens a second alone and with others together, what a validator on the processor makes of its answers, and what it takes
//! of the card's memory against the estimate.
//! With `--llama`, llama.cpp's own `llama-batched-bench` on the same files and shapes. One line of JSON for each finding.
//!
//! `./dev bench card`, in a build with `--features cuda`, on a machine with a card.

mod load;
mod measure;
#[path = "../../support/synthetic.rs"]
mod synthetic;

use std::{error::Error, path::PathBuf, process::Command, time::Duration};

use clap::{Parser, ValueEnum};
use cortensor_engine::Device;
use cortensor_engine_mistral::{Activation, Batching, EngineSettings, MistralEngine};
use cortensor_models::{Artifact, prepare_ladder, starter};
use cortensor_planner::{Load, Variant};
use cortensor_protocol::Precision;
use serde_json::{Value, json};

use load::{Loaded, card_memory};
use synthetic::{HALF_A_BILLION, ONE_BILLION, Shape, THREE_BILLIONS};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Tokens of each prompt.
pub(crate) const PROMPT_TOKENS: usize = 256;
/// Tokens of each answer.
pub(crate) const ANSWER_TOKENS: usize = 64;
/// Most tokens of a sequence.
const CONTEXT_TOKENS: u32 = 512;
/// One that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(90);

/// What a graphics card makes of models.
#[derive(Parser)]
struct Arguments {
    /// The starter model's GGUF file; its ladder is made beside it.
    #[arg(long, env = "CORTENSOR_STARTER_MODEL")]
    model: PathBuf,
    /// The number of the card.
    #[arg(long, default_value_t = 0)]
    card: u32,
    /// Only these findings.
    #[arg(long, value_delimiter = ',', default_value = "agreement,audit,speed,llama")]
    find: Vec<Finding>,
    /// Sequences at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    together: Vec<u32>,
    /// Only what is made, not the starter model's ladder.
    #[arg(long, requires = "made")]
    only_made: bool,
    /// Only these precisions.
    #[arg(long, value_delimiter = ',')]
    precision: Vec<Precision>,
    /// Also models that are made in this folder.
    #[arg(long)]
    made: Option<PathBuf>,
    /// How large those are.
    #[arg(long, value_delimiter = ',', default_value = "one-billion")]
    size: Vec<Size>,
    /// `llama-batched-bench`.
    #[arg(long)]
    llama: Option<PathBuf>,
}

/// What is found out.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Finding {
    /// How far answers and distributions are from the processor's, and the memory.
    Agreement,
    /// What a validator on the processor makes of the card's answers.
    Audit,
    /// Tokens a second.
    Speed,
    /// llama.cpp's.
    Llama,
}

/// Parameters of a model that is made.
#[derive(Clone, Copy, ValueEnum)]
enum Size {
    HalfABillion,
    OneBillion,
    ThreeBillions,
}

impl Size {
    const fn shape(self) -> Shape {
        match self {
            Self::HalfABillion => HALF_A_BILLION,
            Self::OneBillion => ONE_BILLION,
            Self::ThreeBillions => THREE_BILLIONS,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let wanted = |precision| arguments.precision.is_empty() || arguments.precision.contains(&precision);
    let folder = arguments.model.with_file_name("ladder");
    let mut artifacts = prepare_ladder(&arguments.model, &folder, &starter(), &mut |_| {}, &|| false)?;
    artifacts.retain(|artifact| wanted(artifact.precision) && !arguments.only_made);
    if let Some(folder) = &arguments.made {
        std::fs::create_dir_all(folder)?;
        for size in &arguments.size {
            let precisions = [Precision::F16, Precision::Q8_0, Precision::Q4_0].into_iter().filter(|one| wanted(*one));
            artifacts.extend(precisions.map(|precision| made(size.shape(), folder, precision, &arguments)));
        }
    }
    for artifact in &artifacts {
        report(artifact, &arguments).await;
    }
    Ok(())
}

fn made(shape: Shape, folder: &std::path::Path, precision: Precision, arguments: &Arguments) -> Artifact {
    eprintln!("making {precision} ...");
    shape.artifact(folder, precision, &arguments.model)
}

/// Finding after finding, so that one that fails or hangs does not take the others along.
async fn report(artifact: &Artifact, arguments: &Arguments) {
    let name = format!("{} {}", artifact.model, artifact.precision);
    let card = Device::Card(arguments.card);
    let asked = |finding| arguments.find.contains(&finding);
    if asked(Finding::Agreement) {
        tell(&name, "agreement", agreement(artifact, card)).await;
    }
    if asked(Finding::Audit) {
        tell(&name, "audit", audit(artifact, card)).await;
    }
    if asked(Finding::Speed) {
        for (activation, slots) in [Activation::F32, Activation::Bf16]
            .into_iter()
            .flat_map(|activation| arguments.together.iter().map(move |slots| (activation, *slots)))
        {
            let what = format!("{} x{slots}", activation.as_str());
            tell(&name, &what, speed(artifact, card, activation, slots)).await;
        }
    }
    if let Some(program) = arguments.llama.as_ref().filter(|_| asked(Finding::Llama)) {
        tell(&name, "llama.cpp", async { llama(program, artifact, &arguments.together) }).await;
    }
}

async fn tell(name: &str, what: &str, finding: impl Future<Output = Result<Value, Failure>>) {
    let found = match tokio::time::timeout(LONGEST, finding).await {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => json!({ "error": error.to_string() }),
        Err(_) => json!({ "error": format!("took longer than {} s", LONGEST.as_secs()) }),
    };
    println!("{}", json!({ "model": name, "what": what, "found": found }));
}

/// Answers and logits of the card beside the processor's.
async fn agreement(artifact: &Artifact, card: Device) -> Result<Value, Failure> {
    let one_by_one = MistralEngine::default();
    let processor = Loaded::new(&one_by_one, artifact, Device::Processor, CONTEXT_TOKENS, 1).await?;
    let expected = measure::sample(processor.model.as_ref()).await?;
    processor.unload().await;
    let before = card_memory(card)?;
    let on_card = Loaded::new(&one_by_one, artifact, card, CONTEXT_TOKENS, 1).await?;
    let loaded = card_memory(card)?.saturating_sub(before);
    let found = measure::sample(on_card.model.as_ref()).await?;
    let most = card_memory(card)?.saturating_sub(before);
    let seconds = on_card.seconds;
    on_card.unload().await;
    let left = card_memory(card)?.saturating_sub(before);
    let load = Load { context_tokens: CONTEXT_TOKENS, slots: 1 };
    let backend = Some(cortensor_hardware::Backend::Cuda);
    let (_, estimate) =
        cortensor_planner::shrunk(&Variant::from(artifact), load, backend, u64::MAX).ok_or("no load")?;
    Ok(json!({
        "against_the_processor": measure::compare(&expected, &found)?,
        "load_seconds": seconds,
        "memory_mb": {
            "loaded": megabytes(loaded), "loaded_estimate": megabytes(estimate.loaded()),
            "most": megabytes(most), "most_estimate": megabytes(estimate.total()), "left_behind": megabytes(left),
        },
    }))
}

/// The card's answers as a validator sees them that has the same file on the processor.
async fn audit(artifact: &Artifact, card: Device) -> Result<Value, Failure> {
    let one_by_one = MistralEngine::default();
    let on_card = Loaded::new(&one_by_one, artifact, card, CONTEXT_TOKENS, 1).await?;
    let processor = Loaded::new(&one_by_one, artifact, Device::Processor, CONTEXT_TOKENS, 1).await?;
    let seen = measure::audit(on_card.model.as_ref(), processor.model.as_ref()).await;
    on_card.unload().await;
    processor.unload().await;
    seen
}

/// Tokens a second with `slots` sequences at a time, and whether each answer is the one it has alone.
async fn speed(artifact: &Artifact, card: Device, activation: Activation, slots: u32) -> Result<Value, Failure> {
    let batching = if slots == 1 { Batching::OneByOne } else { Batching::Together };
    let engine = MistralEngine::new(EngineSettings { activation, batching });
    let before = card_memory(card)?;
    let loaded = Loaded::new(&engine, artifact, card, CONTEXT_TOKENS, slots).await?;
    let outcome = measure::speed(loaded.model.as_ref(), slots).await;
    let most = card_memory(card)?.saturating_sub(before);
    loaded.unload().await;
    let mut outcome = outcome?;
    outcome["memory_mb"] = json!(megabytes(most));
    Ok(outcome)
}

pub(crate) fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

/// Prompt and answer tokens a second by `llama-batched-bench`, everything on the card.
fn llama(program: &std::path::Path, artifact: &Artifact, together: &[u32]) -> Result<Value, Failure> {
    let together = together.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let mut command = Command::new(program);
    command.arg("-m").arg(&artifact.path).args(["-ngl", "99", "-c", "16384", "-b", "2048", "-ub", "512"]);
    command.args(["-npp", &PROMPT_TOKENS.to_string(), "-ntg", &ANSWER_TOKENS.to_string(), "-npl", &together]);
    command.args(["--output-format", "jsonl"]);
    let output = command.output()?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if rows.is_empty() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let end: Vec<&str> = told.lines().rev().take(5).collect();
        return Err(format!("it printed no rows: {lines} {end:?}").into());
    }
    let row = |row: &Value| json!({ "together": row["pl"], "prefill": row["speed_pp"], "decode": row["speed_tg"] });
    Ok(rows.iter().map(row).collect())
}
