//! How many of the network's questions each precision of the starter model has right: what the pass mark of a test is set by.
//!
//! The same sittings for every precision, as the router composes them, each answered greedily by the real engine.
//! `./dev bench questions` runs it.

use std::{collections::BTreeMap, error::Error, path::PathBuf};

use clap::Parser;
use cortensor_engine::{Device, Engine as _, GenerationEvent, LoadOptions, Model};
use cortensor_engine_mistral::MistralEngine;
use cortensor_models::{Artifact, prepare_ladder, starter};
use cortensor_protocol::{Precision, Prompt, Sampling};
use cortensor_router::{Policy, QUESTION_TOKENS, Question, QuestionKind, questions};
use futures::StreamExt as _;
use tokio::sync::watch;

type Failure = Box<dyn Error + Send + Sync>;

/// What a test of Proof of Useful Work finds, on the real ladder.
#[derive(Parser)]
struct Arguments {
    /// The starter model's GGUF file; its ladder is made beside it.
    #[arg(long, env = "CORTENSOR_STARTER_MODEL")]
    model: PathBuf,
    /// Sets of questions for each precision
    #[arg(long, default_value_t = 50)]
    tests: u64,
    /// The first set's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// This precision only; may be said several times
    #[arg(long)]
    precision: Vec<Precision>,
    /// Show what was answered wrongly
    #[arg(long)]
    answers: bool,
}

/// What one precision's tests came to.
#[derive(Default)]
struct Tally {
    /// Tests with so many right answers.
    right: BTreeMap<u32, u64>,
    /// Hundredths of right answers of each test, those of partly right ones included.
    scores: Vec<u32>,
    /// Of each kind: right answers.
    kinds: BTreeMap<QuestionKind, u64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let folder = arguments.model.with_file_name("ladder");
    let ladder = prepare_ladder(&arguments.model, &folder, &starter(), &mut |_| {}, &|| false)?;
    let mark = Policy::default().test_pass_mark;
    let kinds = QuestionKind::ALL.map(|kind| format!("{kind:?}"));
    println!("{} sets of questions each; passed with {mark} of {} right.", arguments.tests, kinds.len());
    println!("| precision | passed | right answers: sets | {} |", kinds.join(" | "));
    let asked =
        |artifact: &Artifact| arguments.precision.is_empty() || arguments.precision.contains(&artifact.precision);
    for artifact in ladder.into_iter().filter(asked) {
        let tally = tally(&artifact, &arguments).await?;
        let passed: u64 = tally.right.range(mark..).map(|(_, tests)| tests).sum();
        let right: Vec<_> = tally.right.iter().map(|(right, tests)| format!("{right}: {tests}")).collect();
        let kinds = QuestionKind::ALL.map(|kind| tally.kinds.get(&kind).copied().unwrap_or(0).to_string());
        println!("| {} | {passed} | {} | {} |", artifact.precision, right.join(", "), kinds.join(" | "));
    }
    Ok(())
}

async fn tally(artifact: &Artifact, arguments: &Arguments) -> Result<Tally, Failure> {
    let options = LoadOptions { context_tokens: 1024, slots: 1, device: Device::Processor };
    let model = MistralEngine::default().load(artifact, options, watch::Sender::new(0.0)).await?;
    let mut tally = Tally::default();
    for seed in (arguments.seed..).take(usize::try_from(arguments.tests)?) {
        let (mut right, mut score) = (0, 0);
        for question in questions(seed) {
            let answer = answer(&*model, &question).await?;
            score += u32::from(question.score(&answer).number());
            if question.accepts(&answer) {
                right += 1;
                *tally.kinds.entry(question.kind).or_default() += 1;
            } else if arguments.answers {
                eprintln!("{} {seed} {:?}\n  {}\n  > {answer:?}", artifact.precision, question.kind, question.prompt);
            }
        }
        *tally.right.entry(right).or_default() += 1;
        tally.scores.push(score);
    }
    model.unload().await;
    tally.scores.sort_unstable();
    eprintln!("{}: {:?}", artifact.precision, tally.scores);
    Ok(tally)
}

async fn answer(model: &dyn Model, question: &Question) -> Result<String, Failure> {
    let prompt = model.encode(&Prompt::user(question.prompt.clone()))?;
    let mut events = model.generate(prompt, Sampling::greedy(QUESTION_TOKENS));
    let mut answer = String::new();
    while let Some(event) = events.next().await {
        if let GenerationEvent::Token(token) = event? {
            answer.push_str(&token.text);
        }
    }
    Ok(answer)
}
