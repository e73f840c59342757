//! What our side of the engine costs: tokens per second through the `Engine` trait against bare `mistral.rs`, on the same
//! file with the same settings and the same prompt, one request after the other, alternating. Both are loaded at the same
//! time, each in a process of its own, because our side tunes the allocator of its process; only one works. With
//! `--llama-bench`, llama.cpp's own benchmark on the same file and threads beside it.
//!
//! `CORTENSOR_STARTER_MODEL=... cargo run -p cortensor-engine-mistral --example engine_overhead -- --json`

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Parser;
use cortensor_engine::{Device, Engine, GenerationEvent, LoadOptions, Model};
use cortensor_engine_mistral::{Activation, EngineSettings, MistralEngine};
use cortensor_models::{Artifact, Tokenizer, prepare_ladder};
use cortensor_protocol::{Precision, Prompt, Sampling, TokenId};
use futures::StreamExt;
use mistralrs::{
    Constraint, DefaultSchedulerMethod, DeviceMapSetting, MistralRs, ModelDType, NormalRequest, Request,
    RequestMessage, Response, SamplingParams, SchedulerConfig, TokenSource,
    core::{GGUFLoaderBuilder, GGUFSpecificConfig, MistralRsBuilder},
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

type Failure = Box<dyn Error + Send + Sync>;

/// Our side of the engine against the bare engine.
#[derive(Parser)]
struct Arguments {
    /// The starter model's GGUF file; its ladder is made beside it.
    #[arg(long, env = "CORTENSOR_STARTER_MODEL")]
    model: PathBuf,
    /// Only these precisions.
    #[arg(long, value_delimiter = ',')]
    precision: Vec<Precision>,
    /// Tokens of the prompt.
    #[arg(long, default_value_t = 256)]
    prompt_tokens: usize,
    /// Tokens of the answer.
    #[arg(long, default_value_t = 64)]
    tokens: usize,
    /// Runs of each.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Type of the values between the layers: f32, f16 or bf16.
    #[arg(long, default_value = "f32")]
    activation: String,
    /// llama.cpp's benchmark program.
    #[arg(long)]
    llama_bench: Option<PathBuf>,
    /// For machines.
    #[arg(long)]
    json: bool,
    /// Be the process of the bare engine: answer each line with the speed of one more run.
    #[arg(long, hide = true)]
    bare: bool,
}

/// Tokens per second.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Speed {
    prefill: f64,
    decode: f64,
}

struct Row {
    precision: Precision,
    bare: Speed,
    ours: Speed,
    llama: Option<Speed>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let folder = arguments.model.with_file_name("ladder");
    let starter = cortensor_models::starter();
    let mut ladder = prepare_ladder(&arguments.model, &folder, &starter, &mut |_| {}, &|| false)?;
    ladder.retain(|artifact| arguments.precision.is_empty() || arguments.precision.contains(&artifact.precision));
    if arguments.bare {
        return be_bare(ladder.first().ok_or("no such precision")?, &arguments).await;
    }
    let mut rows = Vec::new();
    for artifact in &ladder {
        eprintln!("measuring {} ...", artifact.precision);
        rows.push(measure(artifact, &arguments).await?);
    }
    if arguments.json {
        print_json(&rows, &arguments);
    } else {
        print_table(&rows);
    }
    Ok(())
}

async fn measure(artifact: &Artifact, arguments: &Arguments) -> Result<Row, Failure> {
    let (activation, _) = activation(&arguments.activation)?;
    let mut bare = Bare::start(artifact, arguments)?;
    let (progress, _) = watch::channel(0.0);
    let options = LoadOptions { context_tokens: 4096, slots: 1, device: Device::Processor };
    let ours = MistralEngine::new(EngineSettings { activation, ..EngineSettings::default() })
        .load(artifact, options, progress)
        .await?;
    let prompt = prompt(artifact, arguments.prompt_tokens)?;
    let (mut our_runs, mut bare_runs) = (Vec::new(), Vec::new());
    for round in 0..=arguments.rounds {
        let our_run = run_ours(&*ours, &prompt, arguments.tokens).await?;
        let bare_run = bare.run()?;
        if round > 0 {
            our_runs.push(our_run);
            bare_runs.push(bare_run);
        }
    }
    ours.unload().await;
    bare.end()?;
    let llama = arguments.llama_bench.as_deref().map(|program| llama(program, artifact, arguments)).transpose()?;
    Ok(Row { precision: artifact.precision, bare: medians(&bare_runs), ours: medians(&our_runs), llama })
}

/// The process of the bare engine.
struct Bare {
    process: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Bare {
    fn start(artifact: &Artifact, arguments: &Arguments) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--bare").arg("--model").arg(&arguments.model);
        command.arg("--precision").arg(artifact.precision.to_string());
        command.arg("--activation").arg(&arguments.activation);
        for (flag, value) in [("--prompt-tokens", arguments.prompt_tokens), ("--tokens", arguments.tokens)] {
            command.arg(flag).arg(value.to_string());
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = BufReader::new(process.stdout.take().ok_or("no output")?);
        Ok(Self { process, answers })
    }

    fn run(&mut self) -> Result<Speed, Failure> {
        self.process.stdin.as_mut().ok_or("no input")?.write_all(b"run\n")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    }

    fn end(mut self) -> Result<(), Failure> {
        drop(self.process.stdin.take());
        self.process.wait()?;
        Ok(())
    }
}

async fn be_bare(artifact: &Artifact, arguments: &Arguments) -> Result<(), Failure> {
    let (_, activation) = activation(&arguments.activation)?;
    let engine = load_bare(artifact, activation).await?;
    let prompt = prompt(artifact, arguments.prompt_tokens)?;
    for line in std::io::stdin().lines() {
        line?;
        println!("{}", serde_json::to_string(&run_bare(&engine, &prompt, arguments.tokens).await?)?);
    }
    Ok(())
}

fn activation(name: &str) -> Result<(Activation, ModelDType), Failure> {
    match name {
        "f32" => Ok((Activation::F32, ModelDType::F32)),
        "f16" => Ok((Activation::F16, ModelDType::F16)),
        "bf16" => Ok((Activation::Bf16, ModelDType::BF16)),
        other => Err(format!("{other} is no activation type; say f32, f16 or bf16").into()),
    }
}

/// A text that the model goes on with for as long as it may.
fn prompt(artifact: &Artifact, tokens: usize) -> Result<Vec<TokenId>, Failure> {
    let lines: Vec<String> =
        (1..tokens).map(|number| format!("Line {number}: the tide came in and went out again.")).collect();
    let text = lines.join(
        "
",
    );
    let mut ids = Tokenizer::open(&artifact.tokenizer)?.encode(&Prompt::Text { text })?;
    ids.truncate(tokens);
    Ok(ids)
}

/// Times of an answer: to its first token, and from there to its last.
fn speed(prompt: usize, tokens: usize, first: Duration, total: Duration) -> Speed {
    Speed { prefill: rate(prompt, first), decode: rate(tokens - 1, total.saturating_sub(first)) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are small")]
fn rate(tokens: usize, time: Duration) -> f64 {
    tokens as f64 / time.as_secs_f64()
}

async fn run_ours(model: &dyn Model, prompt: &[TokenId], tokens: usize) -> Result<Speed, Failure> {
    let asked = Instant::now();
    let mut answer = model.generate(prompt.to_vec(), Sampling::greedy(u32::try_from(tokens)?));
    let (mut count, mut first, mut last) = (0, Duration::ZERO, Duration::ZERO);
    while let Some(event) = answer.next().await {
        if let GenerationEvent::Token(_) = event? {
            count += 1;
            last = asked.elapsed();
            first = if count == 1 { last } else { first };
        }
    }
    expect_all(count, tokens)?;
    Ok(speed(prompt.len(), count, first, last))
}

async fn run_bare(engine: &MistralRs, prompt: &[TokenId], tokens: usize) -> Result<Speed, Failure> {
    let (responses, mut inbox) = mpsc::channel(tokens + 1);
    let message = RequestMessage::CompletionTokens(prompt.to_vec());
    let sampling = SamplingParams { max_len: Some(tokens), ..SamplingParams::deterministic() };
    let request = NormalRequest {
        is_streaming: true,
        constraint: Constraint::None,
        ..NormalRequest::new_simple(message, sampling, responses, 0, None, None)
    };
    let asked = Instant::now();
    engine.get_sender(None)?.send(Request::Normal(Box::new(request))).await?;
    let (mut count, mut first, mut last) = (0, Duration::ZERO, Duration::ZERO);
    while let Some(response) = inbox.recv().await {
        let Response::CompletionChunk(_) = response else { return Err("the bare engine failed".into()) };
        count += 1;
        last = asked.elapsed();
        first = if count == 1 { last } else { first };
    }
    expect_all(count, tokens)?;
    Ok(speed(prompt.len(), count, first, last))
}

fn expect_all(count: usize, tokens: usize) -> Result<(), Failure> {
    if count == tokens { Ok(()) } else { Err(format!("{count} tokens came instead of {tokens}").into()) }
}

async fn load_bare(artifact: &Artifact, activation: ModelDType) -> Result<Arc<MistralRs>, Failure> {
    let folder = artifact.path.parent().unwrap_or(Path::new("."));
    let file = artifact.path.file_name().ok_or("no file")?.to_string_lossy().into_owned();
    let loader = GGUFLoaderBuilder::new(
        None,
        Some(artifact.tokenizer.display().to_string()),
        folder.display().to_string(),
        vec![file],
        GGUFSpecificConfig::default(),
        false,
        None,
    );
    let pipeline = tokio::task::spawn_blocking(move || {
        let device = mistralrs::best_device(false)?;
        let mapping = DeviceMapSetting::dummy();
        let loader = loader.build();
        let pipeline =
            loader.load_model_from_hf(None, TokenSource::None, &activation, &device, true, mapping, None, None)?;
        Ok::<_, Failure>(pipeline)
    });
    let scheduler =
        SchedulerConfig::DefaultScheduler { method: DefaultSchedulerMethod::Fixed(std::num::NonZeroUsize::MIN) };
    let builder = MistralRsBuilder::new(pipeline.await??, scheduler, false, None);
    Ok(builder.with_no_prefix_cache(true).with_prefix_cache_n(0).build().await)
}

fn medians(runs: &[Speed]) -> Speed {
    let median = |of: fn(&Speed) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Speed { prefill: median(|run| run.prefill), decode: median(|run| run.decode) }
}

fn llama(program: &Path, artifact: &Artifact, arguments: &Arguments) -> Result<Speed, Failure> {
    let threads = std::thread::available_parallelism()?;
    let mut command = Command::new(program);
    command.arg("-m").arg(&artifact.path).args(["-o", "json"]);
    for (flag, value) in
        [("-p", arguments.prompt_tokens), ("-n", arguments.tokens), ("-r", arguments.rounds), ("-t", threads.get())]
    {
        command.arg(flag).arg(value.to_string());
    }
    let output = command.output()?;
    let tests: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    let of = |kind: &str| {
        let test = tests.iter().find(|test| test[kind].as_u64().is_some_and(|tokens| tokens > 0));
        test.and_then(|test| test["avg_ts"].as_f64()).ok_or("llama-bench told no speed")
    };
    Ok(Speed { prefill: of("n_prompt")?, decode: of("n_gen")? })
}

fn print_json(rows: &[Row], arguments: &Arguments) {
    let speed = |speed: Speed| json!({ "prefill": speed.prefill, "decode": speed.decode });
    let ratio = |ours: Speed, other: Speed| json!({ "prefill": ours.prefill / other.prefill, "decode": ours.decode / other.decode });
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "precision": row.precision,
                "bare": speed(row.bare),
                "ours": speed(row.ours),
                "ours_to_bare": ratio(row.ours, row.bare),
                "llama_cpp": row.llama.map(speed),
                "ours_to_llama_cpp": row.llama.map(|llama| ratio(row.ours, llama)),
            })
        })
        .collect();
    let (prompt_tokens, tokens, rounds) = (arguments.prompt_tokens, arguments.tokens, arguments.rounds);
    println!("{}", json!({ "prompt_tokens": prompt_tokens, "tokens": tokens, "rounds": rounds, "rows": rows }));
}

/// Tokens per second; the ratios are ours to the other's.
fn print_table(rows: &[Row]) {
    println!(
        "{:9} {:7} {:>9} {:>9} {:>6} {:>10} {:>6}",
        "precision", "", "bare", "ours", "ratio", "llama.cpp", "ratio"
    );
    for row in rows {
        print_line(row, "prefill", |speed| speed.prefill);
        print_line(row, "decode", |speed| speed.decode);
    }
}

fn print_line(row: &Row, what: &str, of: fn(Speed) -> f64) {
    let (bare, ours) = (of(row.bare), of(row.ours));
    print!("{:9} {what:7} {bare:9.1} {ours:9.1} {:6.3}", row.precision, ours / bare);
    match row.llama.map(of) {
        Some(llama) => println!(" {llama:10.1} {:6.2}", ours / llama),
        None => println!(),
    }
}
