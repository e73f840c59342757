//! How many tokens it takes to find out that a node does not run what it claims, and how often an honest one is accused.
//!
//! `collect` lets every precision of the starter model answer the same prompts greedily, with several thread counts and numbers
//! of requests at a time, and scores each answer on every artifact that might be claimed. `report` calibrates the audit on one
//! half of that and tries it on the other.
//!
//! `./dev bench audit` runs both.

#![expect(clippy::cast_precision_loss, reason = "counts of tokens and answers")]

use std::{
    collections::BTreeMap,
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
use cortensor_fidelity::{Audit, Calibration, Verdict, margin};
use cortensor_models::{Artifact, prepare_ladder, sha256_file, starter};
use cortensor_protocol::{Precision, Prompt, Sampling, TokenId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
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
/// Orders in which the answers of one half may come.
const ORDERS: u64 = 400;
/// Margins that rounding decides, and those that count in full, in nats.
const TIE: f64 = 0.05;
const CLEAR: f64 = 1.0;
/// Clear mismatches that honest answers may have beyond those that were seen: with none among n tokens, the true rate is
/// below 3/n with 95 % confidence.
const UNSEEN: f64 = 3.0;
const ERROR_RATE: f64 = 1e-3;

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

/// What came of one claim.
#[derive(Serialize)]
struct Row {
    claimed: Precision,
    by: String,
    answers: usize,
    tokens: usize,
    /// Share of tokens that the reference would have chosen too, ties counted.
    same: f64,
    mean_score: f64,
    /// Share of orders in which the audit accused.
    accused: f64,
    /// Share in which it found the claim consistent.
    consistent: f64,
    /// Tokens until the verdict: the median, and what 95 of 100 orders needed at most.
    median: Option<u64>,
    most: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let model = || arguments.model.clone().ok_or("say --model, or set CORTENSOR_STARTER_MODEL");
    match arguments.command {
        Task::Collect { out, sequences, tokens } => {
            collect(&ladder(&model()?)?, &model()?, &out, sequences, tokens).await
        }
        Task::Report { margins, json } => report(&margins, json),
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
    let options = LoadOptions { context_tokens: CONTEXT_TOKENS, slots };
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

fn report(margins: &Path, json: bool) -> Result<(), Failure> {
    let seen: Result<Vec<Seen>, Failure> =
        BufReader::new(File::open(margins)?).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect();
    let seen = seen?;
    let claims: Vec<Precision> =
        seen.iter().map(|one| one.claimed).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let mut rows = Vec::new();
    for claimed in claims {
        let of_claim: Vec<&Seen> = seen.iter().filter(|one| one.claimed == claimed).collect();
        rows.extend(judge(claimed, &of_claim, json)?);
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        print(&rows);
    }
    Ok(())
}

/// Every poser's answers to one claim, judged by an audit that was calibrated on other answers.
fn judge(claimed: Precision, seen: &[&Seen], quiet: bool) -> Result<Vec<Row>, Failure> {
    let mut by = BTreeMap::<&str, (Vec<&Seen>, Vec<&Seen>)>::new();
    for one in seen {
        let (first, second) = by.entry(&one.by).or_default();
        // In turn, so that both halves have every kind of prompt and every condition.
        if first.len() <= second.len() { first.push(one) } else { second.push(one) }
    }
    let honest = claimed.to_string();
    let calibration = calibrate(&honest, &by)?;
    if !quiet {
        println!(
            "\n{claimed} claimed: honest mean score up to {:.5}, lies from {:.5}",
            calibration.honest_mean, calibration.lie_mean
        );
    }
    let rows = by.iter().map(|(by, (_, tried))| try_out(claimed, by, tried, calibration, **by == honest));
    rows.collect()
}

fn calibrate(honest: &str, by: &BTreeMap<&str, (Vec<&Seen>, Vec<&Seen>)>) -> Result<Calibration, Failure> {
    let sum = |seen: &[&Seen]| seen.iter().flat_map(|one| &one.margins).map(|margin| score(*margin)).sum::<f64>();
    let count = |seen: &[&Seen]| seen.iter().map(|one| one.margins.len()).sum::<usize>() as f64;
    let (first, _) = by.get(honest).ok_or("nobody answered honestly")?;
    let lies = by.iter().filter(|(name, _)| **name != honest).map(|(_, (first, _))| sum(first) / count(first));
    let nearest = lies.reduce(f64::min).ok_or("nobody lied")?;
    let honest_mean = (sum(first) + UNSEEN) / count(first);
    // Half of it, so that a lie that is somewhat nearer on other prompts is still one.
    let lie_mean = (nearest / 2.0).max(honest_mean * 1.5);
    let (false_alarm, missed_lie) = (ERROR_RATE, ERROR_RATE);
    Ok(Calibration { tie: TIE, clear: CLEAR, honest_mean, lie_mean, false_alarm, missed_lie }.check()?)
}

fn score(margin: f64) -> f64 {
    ((margin - TIE) / (CLEAR - TIE)).clamp(0.0, 1.0)
}

fn try_out(
    claimed: Precision,
    by: &str,
    tried: &[&Seen],
    calibration: Calibration,
    honest: bool,
) -> Result<Row, Failure> {
    let margins: Vec<f64> = tried.iter().flat_map(|one| one.margins.iter().copied()).collect();
    let tokens = margins.len();
    let mut verdicts = Vec::new();
    for order in 0..ORDERS {
        let mut answers = tried.to_vec();
        answers.shuffle(&mut StdRng::seed_from_u64(order));
        verdicts.push(audit(calibration, answers.iter().flat_map(|one| &one.margins), honest)?);
    }
    let share = |verdict| verdicts.iter().filter(|(one, _)| *one == verdict).count() as f64 / ORDERS as f64;
    let wanted = if honest { Verdict::Consistent } else { Verdict::NotWhatItClaims };
    let mut needed: Vec<u64> =
        verdicts.iter().map(|(verdict, tokens)| if *verdict == wanted { *tokens } else { u64::MAX }).collect();
    needed.sort_unstable();
    let at = |share: usize| needed.get(needed.len() * share / 100).copied().filter(|tokens| *tokens < u64::MAX);
    Ok(Row {
        claimed,
        by: by.to_owned(),
        answers: tried.len(),
        tokens,
        same: margins.iter().filter(|margin| **margin <= TIE).count() as f64 / tokens as f64,
        mean_score: margins.iter().map(|margin| score(*margin)).sum::<f64>() / tokens as f64,
        accused: share(Verdict::NotWhatItClaims),
        consistent: share(Verdict::Consistent),
        median: at(50),
        most: at(95),
    })
}

/// The verdict and how many tokens it took. An honest node is looked at to the end: it must not be accused later either.
fn audit<'a>(
    calibration: Calibration,
    margins: impl Iterator<Item = &'a f64>,
    honest: bool,
) -> Result<(Verdict, u64), Failure> {
    let mut audit = Audit::new(calibration)?;
    let mut decided = None;
    for margin in margins {
        audit.observe(*margin);
        if audit.verdict() != Verdict::AskMore && decided.is_none() {
            decided = Some(audit.evidence().tokens);
            if !honest {
                break;
            }
        }
    }
    Ok((audit.verdict(), decided.unwrap_or(audit.evidence().tokens)))
}

fn print(rows: &[Row]) {
    println!(
        "\n| claimed | answered by | answers | tokens | same token | mean score | accused | consistent | tokens to the verdict, median | 95 of 100 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let tokens = |tokens: Option<u64>| tokens.map_or_else(|| "more".to_owned(), |tokens| tokens.to_string());
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {:.2} % | {:.5} | {:.1} % | {:.1} % | {} | {} |",
            row.claimed,
            row.by,
            row.answers,
            row.tokens,
            row.same * 100.0,
            row.mean_score,
            row.accused * 100.0,
            row.consistent * 100.0,
            tokens(row.median),
            tokens(row.most)
        );
    }
}
