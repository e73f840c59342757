//! What the whole path costs: an HTTP client through router and WebSocket to a node, against the same loaded model asked
//! directly, turn by turn in one run. Arguments: the starter model's file [rounds].
//!
//! Prints tokens per second and time to first token of both, and their ratio; medians over the rounds.

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use cortensor_engine::{Device, Engine, GenerationEvent, LoadOptions, Model};
use cortensor_engine_mistral::{EngineSettings, MistralEngine};
use cortensor_models::{ladder::prepare_ladder, starter};
use cortensor_node::{Identity, Ledger, Node, NodeConfig, NodeEvent, Serving};
use cortensor_protocol::{HardwareSummary, Mode, Precision, Prompt, Sampling, TaskKind};
use cortensor_router::{Policy, Router, RouterConfig};
use futures::StreamExt;
use serde_json::json;
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const QUESTION: &str = "Write a long story about a clockmaker who lives by the sea.";
const TOKENS: u32 = 96;

#[derive(Clone, Copy)]
struct Run {
    first_token: Duration,
    tokens_per_second: f64,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let source = PathBuf::from(arguments.next().ok_or("say the starter model's file")?);
    let rounds: usize = arguments.next().map_or(Ok(12), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let artifacts = prepare_ladder(&source, folder.path(), &starter(), &mut |_| {}, &|| false)?;
    let artifact = artifacts.iter().find(|artifact| artifact.precision == Precision::Q8_0).ok_or("no Q8_0")?;
    let engine = MistralEngine::new(EngineSettings::default());
    let options = LoadOptions { context_tokens: 2048, slots: 1, device: Device::Processor };
    let model = engine.load(artifact, options, watch::Sender::new(0.0)).await?;

    let router = Router::start(RouterConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        database: folder.path().join("router.sqlite"),
        name: "benchmark".to_owned(),
        network: "practice".to_owned(),
        policy: Policy::default(),
    })
    .await?;
    let key = router.create_practice_key("benchmark").await?;
    let url = format!("http://{}/v1/chat/completions", router.address());
    let node = Node::start(NodeConfig {
        router: format!("ws://{}/node/v1", router.address()),
        if_absent: None,
        identity: Identity::ephemeral(),
        ledger: Ledger::open(&folder.path().join("ledger.sqlite")).await?,
        software: "benchmark".to_owned(),
        hardware: HardwareSummary::default(),
        keep_prompts: Arc::default(),
        load: Arc::new(|| (0.0, 0)),
    });
    node.serve(Some(Serving { model: Arc::clone(&model), mode: Mode::Volume }));
    node.state().wait_for(|state| state.tier.as_ref().is_some_and(|report| report.tier.is_some())).await?;

    let (mut direct, mut path) = (Vec::new(), Vec::new());
    let mut events = node.events();
    for round in 0..=rounds {
        // Who begins changes, and nobody begins before the request before is paid: paying takes time of the same cores.
        let first = if round % 2 == 0 { Some(ask_model(model.as_ref()).await?) } else { None };
        let other = ask_router(&url, &key).await?;
        paid(&mut events).await?;
        let one = if let Some(first) = first { first } else { ask_model(model.as_ref()).await? };
        // The first round warms up.
        if round > 0 {
            direct.push(one);
            path.push(other);
        }
    }
    report(&direct, &path);
    node.stop().await;
    router.stop().await;
    model.unload().await;
    Ok(())
}

async fn paid(events: &mut broadcast::Receiver<NodeEvent>) -> Outcome<()> {
    loop {
        match events.recv().await? {
            NodeEvent::Settled(settlement) if settlement.kind == TaskKind::User => return Ok(()),
            NodeEvent::Settled(_) => {}
            NodeEvent::BrokeDown(breakdown) => return Err(breakdown.message.into()),
        }
    }
}

async fn ask_model(model: &dyn Model) -> Outcome<Run> {
    let started = Instant::now();
    let mut stream = model.generate(model.encode(&Prompt::user(QUESTION))?, Sampling::greedy(TOKENS));
    let mut clock = Clock::new(started);
    while let Some(event) = stream.next().await {
        if let GenerationEvent::Token(_) = event? {
            clock.token();
        }
    }
    clock.run()
}

async fn ask_router(url: &str, key: &str) -> Outcome<Run> {
    let body = json!({"model": starter().model, "stream": true, "max_tokens": TOKENS, "temperature": 0,
        "messages": [{"role": "user", "content": QUESTION}]});
    let http = reqwest::Client::new();
    http.get(url).send().await?;
    let started = Instant::now();
    let response = http.post(url).bearer_auth(key).json(&body).send().await?.error_for_status()?;
    let (mut stream, mut text, mut clock) = (response.bytes_stream(), String::new(), Clock::new(started));
    while let Some(bytes) = stream.next().await {
        text.push_str(&String::from_utf8_lossy(&bytes?));
        while let Some((event, rest)) = text.split_once("\n\n") {
            if event.contains("\"content\":\"") && !event.contains("\"content\":\"\"") {
                clock.token();
            }
            text = rest.to_owned();
        }
    }
    clock.run()
}

struct Clock {
    started: Instant,
    first: Option<Instant>,
    last: Instant,
    tokens: u32,
}

impl Clock {
    fn new(started: Instant) -> Self {
        Self { started, first: None, last: started, tokens: 0 }
    }

    fn token(&mut self) {
        self.last = Instant::now();
        self.first.get_or_insert(self.last);
        self.tokens += 1;
    }

    fn run(&self) -> Outcome<Run> {
        let first = self.first.ok_or("no tokens came")?;
        // The answer's length is fixed; both sides are measured over the same number of tokens.
        let seconds = self.last.duration_since(self.started).as_secs_f64();
        Ok(Run { first_token: first.duration_since(self.started), tokens_per_second: f64::from(TOKENS) / seconds })
    }
}

fn report(direct: &[Run], path: &[Run]) {
    let rate = |runs: &[Run]| median(runs.iter().map(|run| run.tokens_per_second));
    let first = |runs: &[Run]| median(runs.iter().map(|run| run.first_token.as_secs_f64() * 1e3));
    println!("medians of {} rounds, {TOKENS} tokens each    model directly    whole path", direct.len());
    println!("tokens/s, first token included           {:>14.2}  {:>12.2}", rate(direct), rate(path));
    println!("time to first token, ms                  {:>14.1}  {:>12.1}", first(direct), first(path));
    let pairs = || direct.iter().zip(path);
    let ratio = median(pairs().map(|(direct, path)| path.tokens_per_second / direct.tokens_per_second));
    let added = |(direct, path): (&Run, &Run)| path.first_token.as_secs_f64() - direct.first_token.as_secs_f64();
    println!(
        "medians of the pairs: path / direct, tokens/s: {ratio:.3}   added time to first token: {:.1} ms",
        median(pairs().map(added)) * 1e3
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
