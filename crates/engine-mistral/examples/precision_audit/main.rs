//! How many tokens it takes to find out that a node does not run what it claims, and how often an honest one is accused.
//!
//! `collect` lets every precision of the starter model answer the same prompts greedily, with several thread counts and numbers
//! of requests at a time, and scores each answer on every artifact that might be claimed. `report` calibrates the audit on one
//! half of that and tries it on the other.
//!
//! `./dev bench audit` runs both.

#![expect(clippy::cast_precision_loss, reason = "counts of tokens and answers")]

mod report;

use std::{
    error::Error,
    fs::{self, File},
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use candle_core::{
    Device,
    quantized::gguf_file::{self, Value as Meta},
};
use clap::{Parser, Subcommand};
use cortensor_engine::{Engine as _, GenerationEvent, LoadOptions, Model};
use cortensor_engine_mistral::MistralEngine;
use cortensor_fidelity::margin;
use cortensor_models::{Artifact, prepare_ladder, sha256_file, starter};
use cortensor_protocol::{Precision, Prompt, Sampling, TokenId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

type Failure = Box<dyn Error + Send + Sync>;

const CONTEXT_TOKENS: u32 = 1024;
/// Threads, and requests at a time: answers are collected under each in turn.
const CONDITIONS: [(usize, u32); 4] = [(2, 1), (1, 1), (2, 2), (1, 4)];
/// Who poses as the full-precision model without being any precision of it.
const SHORTENED: &str = "shortened";
/// Layers of the 30 that the shortened model keeps.
const SHORTENED_LAYERS: u32 = 29;
/// What an audit of precision finds, on the real ladder.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
    /// The starter model's GGUF file; its ladder is made beside it.
    #[arg(long, global = true, env = "CORTENSOR_STARTER_MODEL")]
    model: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Task {
    /// Let everyone answer and score the answers
    Collect {
        /// Where the margins go
        out: PathBuf,
        /// Answers of each precision
        #[arg(long, default_value_t = 200)]
        sequences: usize,
        /// Most tokens of each
        #[arg(long, default_value_t = 48)]
        tokens: u32,
    },
    /// Say what came of it
    Report {
        /// Written by `collect`
        margins: PathBuf,
        /// For machines
        #[arg(long)]
        json: bool,
    },
    /// Answer prompts: a process of its own for each number of threads
    #[command(hide = true)]
    Answer { by: String, slots: u32, tokens: u32, first: usize, count: usize },
}

/// An answer, by token ids.
#[derive(Clone, Serialize, Deserialize)]
struct Answer {
    prompt: Vec<TokenId>,
    tokens: Vec<TokenId>,
}

/// One answer, seen by the artifact that was claimed.
#[derive(Clone, Serialize, Deserialize)]
struct Seen {
    claimed: Precision,
    by: String,
    threads: usize,
    slots: u32,
    margins: Vec<f64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let model = || arguments.model.clone().ok_or("say --model, or set CORTENSOR_STARTER_MODEL");
    match arguments.command {
        Task::Collect { out, sequences, tokens } => {
            collect(&ladder(&model()?)?, &model()?, &out, sequences, tokens).await
        }
        Task::Report { margins, json } => report::report(&margins, json),
        Task::Answer { by, slots, tokens, first, count } => {
            answer(&find(&ladder(&model()?)?, &by)?, slots, tokens, first, count).await
        }
    }
}

/// The starter model's ladder, and one model that is none of it.
fn ladder(model: &Path) -> Result<Vec<(String, Artifact)>, Failure> {
    let folder = model.with_file_name("ladder");
    let ladder = prepare_ladder(model, &folder, &starter(), &mut |_| {}, &|| false)?;
    let full = ladder.first().ok_or("the ladder is empty")?;
    let shortened = shorten(full, &model.with_file_name("shortened.gguf"))?;
    let mut all: Vec<_> = ladder.iter().map(|artifact| (artifact.precision.to_string(), artifact.clone())).collect();
    all.push((SHORTENED.to_owned(), shortened));
    Ok(all)
}

fn find(ladder: &[(String, Artifact)], by: &str) -> Result<Artifact, Failure> {
    let found = ladder.iter().find(|(name, _)| name == by);
    Ok(found.ok_or_else(|| format!("there is no {by}"))?.1.clone())
}

/// Writes the model without its last layer: another model with the same tokenizer, and the hardest to tell from the first
/// that can be made without training.
fn shorten(full: &Artifact, path: &Path) -> Result<Artifact, Failure> {
    if !path.exists() {
        let mut file = BufReader::new(File::open(&full.path)?);
        let content = gguf_file::Content::read(&mut file)?;
        let kept = |name: &String| {
            let layer = name.strip_prefix("blk.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
            layer.is_none_or(|layer| layer < SHORTENED_LAYERS)
        };
        let mut tensors = Vec::new();
        for name in content.tensor_infos.keys().filter(|name| kept(name)) {
            tensors.push((name.clone(), content.tensor(&mut file, name, &Device::Cpu)?));
        }
        let mut metadata = content.metadata.clone();
        metadata.insert("llama.block_count".to_owned(), Meta::U32(SHORTENED_LAYERS));
        let metadata: Vec<_> = metadata.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let scratch = path.with_extension("part");
        gguf_file::write(&mut BufWriter::new(File::create(&scratch)?), &metadata, &tensors)?;
        fs::rename(scratch, path)?;
    }
    let (digest, bytes) = (sha256_file(path, &mut |_| {})?, fs::metadata(path)?.len());
    let mut geometry = full.geometry;
    geometry.layers = SHORTENED_LAYERS;
    Ok(Artifact { path: path.to_owned(), digest, bytes, geometry, ..full.clone() })
}

/// Everybody's answers, each scored by every artifact of the ladder.
async fn collect(
    ladder: &[(String, Artifact)],
    model: &Path,
    out: &Path,
    sequences: usize,
    tokens: u32,
) -> Result<(), Failure> {
    let mut answers = Vec::new();
    for (by, _) in ladder {
        let share = sequences.div_ceil(CONDITIONS.len());
        for (turn, (threads, slots)) in CONDITIONS.into_iter().enumerate() {
            let first = turn * share;
            let count = share.min(sequences.saturating_sub(first));
            eprintln!("{by}: {count} answers with {threads} threads, {slots} at a time");
            let given = answers_of_another_process(model, by, (threads, slots), tokens, first, count)?;
            answers.extend(given.into_iter().map(|answer| (by.clone(), threads, slots, answer)));
        }
    }
    let mut file = BufWriter::new(File::create(out)?);
    for (claimed, artifact) in ladder.iter().filter(|(name, _)| name != SHORTENED) {
        eprintln!("scoring on {claimed}");
        let reference = load(artifact, 1).await?;
        // The shortened model only shows that another model is found out: one claim is enough for that.
        let tried = |by: &str| by != SHORTENED || artifact.precision == ladder[0].1.precision;
        for (by, threads, slots, answer) in answers.iter().filter(|(by, ..)| tried(by)) {
            let margins = margins(&*reference, answer).await?;
            let (claimed, by) = (artifact.precision, by.clone());
            serde_json::to_writer(&mut file, &Seen { claimed, by, threads: *threads, slots: *slots, margins })?;
            writeln!(file)?;
        }
        reference.unload().await;
    }
    Ok(file.flush()?)
}

fn answers_of_another_process(
    model: &Path,
    by: &str,
    (threads, slots): (usize, u32),
    tokens: u32,
    first: usize,
    count: usize,
) -> Result<Vec<Answer>, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--model")
        .arg(model)
        .args(["answer", by, &slots.to_string(), &tokens.to_string(), &first.to_string(), &count.to_string()])
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{by} did not answer").into());
    }
    output.stdout.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

async fn answer(artifact: &Artifact, slots: u32, tokens: u32, first: usize, count: usize) -> Result<(), Failure> {
    let model = load(artifact, slots).await?;
    let answers = stream::iter(first..first + count).map(|number| one_answer(&*model, number, tokens));
    let answers: Vec<Answer> = answers.buffered(slots as usize).try_collect().await?;
    model.unload().await;
    for answer in answers {
        println!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}

async fn one_answer(model: &dyn Model, number: usize, tokens: u32) -> Result<Answer, Failure> {
    let prompt = model.encode(&Prompt::user(request(number)))?;
    let mut generation = model.generate(prompt.clone(), Sampling::greedy(tokens));
    let mut answer = Answer { prompt, tokens: Vec::new() };
    while let Some(event) = generation.next().await {
        if let GenerationEvent::Token(token) = event? {
            answer.tokens.push(token.id);
        }
    }
    Ok(answer)
}

async fn load(artifact: &Artifact, slots: u32) -> Result<Arc<dyn Model>, Failure> {
    let options = LoadOptions { context_tokens: CONTEXT_TOKENS, slots, device: cortensor_engine::Device::Processor };
    Ok(MistralEngine::default().load(artifact, options, watch::Sender::new(0.0)).await?)
}

async fn margins(reference: &dyn Model, answer: &Answer) -> Result<Vec<f64>, Failure> {
    let sequence: Vec<TokenId> = answer.prompt.iter().chain(&answer.tokens).copied().collect();
    let logits = reference.score(sequence).await?;
    let of = |(index, token): (usize, &TokenId)| {
        let row = logits.row(answer.prompt.len() - 1 + index).ok_or("a token was not scored")?;
        margin(row, *token as usize).ok_or_else(|| "a token is not in the vocabulary".into())
    };
    answer.tokens.iter().enumerate().map(of).collect()
}

/// What a user might ask: another one for each number.
fn request(number: usize) -> String {
    const FORMS: [&str; 12] = [
        "Explain {} to a child of ten.",
        "Write a short story about {}.",
        "What are three facts about {}?",
        "Give me advice on {}.",
        "Write an email to a colleague about {}.",
        "What is good and what is bad about {}?",
        "Make a list of five questions about {}.",
        "Summarize the history of {} in a few sentences.",
        "How does {} work?",
        "Compare {} today with {} a hundred years ago.",
        "Write a poem about {}.",
        "I want to learn about {}. Where do I begin?",
    ];
    const TOPICS: [&str; 20] = [
        "bread",
        "the moon",
        "bicycles",
        "learning to swim",
        "old maps",
        "a garden in winter",
        "trains",
        "tea",
        "bees",
        "sleep",
        "money",
        "the sea",
        "photography",
        "a long walk",
        "computers",
        "volcanoes",
        "chess",
        "music",
        "glass",
        "friendship",
    ];
    let (form, topic) = (FORMS[number % FORMS.len()], TOPICS[number / FORMS.len() % TOPICS.len()]);
    form.replace("{}", topic)
}
