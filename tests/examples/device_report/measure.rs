//! Answers, distributions and speeds of a loaded model.

use std::time::{Duration, Instant};

use cortensor_engine::{GenerationEvent, Logits, Model};
use cortensor_fidelity::{Distribution, Scale};
use cortensor_protocol::{Prompt, Sampling, TokenId};
use futures::{StreamExt, future::try_join_all};
use serde_json::{Value, json};

use crate::{ANSWER_TOKENS, Failure, PROMPT_TOKENS};

/// English that anyone has.
const TEXT: &str = include_str!("../../../ARCHITECTURE.md");
const QUESTIONS: [&str; 3] = [
    "Why is the sky blue?",
    "Write one sentence about the sea.",
    "List three things that a good library has, and say why each of them matters.",
];
const ROUNDS: usize = 3;

/// What a model says and holds likely.
pub(crate) struct Sample {
    answers: Vec<Vec<TokenId>>,
    logits: Logits,
}

/// Answers to questions, and the distributions behind each token of a text.
pub(crate) async fn sample(model: &dyn Model) -> Result<Sample, Failure> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        let prompt = model.encode(&Prompt::user(question))?;
        answers.push(answer(model, prompt).await?.tokens);
    }
    let text = &prompts(model, 1)?[0];
    Ok(Sample { answers, logits: model.score(text.clone()).await? })
}

/// How far `found` is from `expected`.
pub(crate) fn compare(expected: &Sample, found: &Sample) -> Result<Value, Failure> {
    let pairs = || expected.answers.iter().zip(&found.answers);
    let alike =
        |(one, other): (&Vec<TokenId>, &Vec<TokenId>)| one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (mut sum, mut largest, mut same) = (0.0, 0.0_f64, 0_u32);
    for row in 0..expected.logits.rows() {
        let of = |logits: &Logits| logits.row(row).ok_or("a row is missing").map(Distribution::of);
        let (one, other) = (of(&expected.logits)??, of(&found.logits)??);
        let apart = one.divergence(&other)?;
        sum += apart;
        largest = largest.max(apart);
        same += u32::from(one.top() == other.top());
    }
    let rows = u32::try_from(expected.logits.rows())?;
    Ok(json!({
        "answers": pairs().count(),
        "tokens": pairs().map(|(one, _)| one.len()).collect::<Vec<_>>(),
        "tokens_alike": pairs().map(alike).collect::<Vec<_>>(),
        "scored": rows,
        "mean_divergence": sum / f64::from(rows),
        "largest_divergence": largest,
        "same_likeliest": f64::from(same) / f64::from(rows),
    }))
}

/// Prompts of [`PROMPT_TOKENS`] that have no beginning in common: nothing is to be kept from one to the next.
fn prompts(model: &dyn Model, count: usize) -> Result<Vec<Vec<TokenId>>, Failure> {
    let tokens = model.encode(&Prompt::Text { text: TEXT.to_owned() })?;
    let starts = (0..count).map(|index| index * 67);
    let prompts = starts.map(|start| tokens.get(start..start + PROMPT_TOKENS).map(<[TokenId]>::to_vec));
    prompts.collect::<Option<_>>().ok_or_else(|| "the text is too short".into())
}

struct Answer {
    tokens: Vec<TokenId>,
    first: Duration,
    last: Duration,
}

async fn answer(model: &dyn Model, prompt: Vec<TokenId>) -> Result<Answer, Failure> {
    let asked = Instant::now();
    let mut events = model.generate(prompt, Sampling::greedy(u32::try_from(ANSWER_TOKENS)?));
    let (mut tokens, mut first, mut last) = (Vec::new(), None, Duration::ZERO);
    while let Some(event) = events.next().await {
        if let GenerationEvent::Token(token) = event? {
            last = asked.elapsed();
            first.get_or_insert(last);
            tokens.push(token.id);
        }
    }
    Ok(Answer { tokens, first: first.unwrap_or(last), last })
}

/// Of `slots` sequences at a time: prompt tokens a second until every answer has begun, answer tokens a second from there on;
/// and how many answers are those that the same model gives to each alone.
pub(crate) async fn speed(model: &dyn Model, slots: u32) -> Result<Value, Failure> {
    let prompts = prompts(model, slots as usize)?;
    let mut alone = Vec::new();
    for prompt in prompts.iter().take(8) {
        alone.push(answer(model, prompt.clone()).await?.tokens);
    }
    let mut runs = Vec::new();
    let (mut same, mut alike, mut given) = (0, 0, Vec::new());
    for _ in 0..=ROUNDS {
        let answers = try_join_all(prompts.iter().map(|prompt| answer(model, prompt.clone()))).await?;
        runs.push(rates(&answers));
        let begins_alike = |(one, other): (&Answer, &Vec<TokenId>)| {
            one.tokens.iter().zip(other).take_while(|(left, right)| left == right).count()
        };
        same = answers.iter().zip(&alone).filter(|(one, other)| one.tokens == **other).count();
        alike = answers.iter().zip(&alone).map(begins_alike).sum();
        given = answers.into_iter().take(alone.len()).map(|answer| answer.tokens).collect();
    }
    // The first one allocates what the others use again.
    runs.remove(0);
    let tokens: usize = alone.iter().map(Vec::len).sum();
    Ok(json!({
        "together": slots,
        "prefill": median(runs.iter().map(|run| run.0)),
        "decode": median(runs.iter().map(|run| run.1)),
        "compared": alone.len(),
        "same_as_alone": same,
        "tokens_alike": float(alike) / float(tokens.max(1)),
        "worst_margin": worst_margin(model, &prompts, &given).await.map_or_else(|error| json!(error.to_string()), |worst| json!(worst)),
    }))
}

/// Answers that an audit is made of.
const AUDITED: usize = 24;
/// How the router's default policy scores margins.
const SCALE: Scale = Scale { tie: 0.05, clear: 1.0 };

/// What `reference` makes of the greedy answers of `claimed`, token by token.
pub(crate) async fn audit(claimed: &dyn Model, reference: &dyn Model) -> Result<Value, Failure> {
    let (mut scores, mut margins) = (Vec::new(), Vec::new());
    for prompt in prompts(claimed, AUDITED)? {
        let tokens = answer(claimed, prompt.clone()).await?.tokens;
        let found = margins_of(reference, &prompt, &tokens).await?;
        let sum: f64 = found.iter().map(|margin| SCALE.score(f64::from(*margin))).sum();
        scores.push(sum / float(found.len().max(1)));
        margins.extend(found);
    }
    let total: f64 = margins.iter().map(|margin| SCALE.score(f64::from(*margin))).sum();
    Ok(json!({
        "answers": scores.len(),
        "tokens": margins.len(),
        "not_the_likeliest": margins.iter().filter(|margin| **margin > 0.0).count(),
        "mean_score": total / float(margins.len().max(1)),
        "worst_answer_mean_score": scores.iter().copied().fold(0.0, f64::max),
        "worst_margin": margins.iter().copied().fold(0.0, f32::max),
    }))
}

/// By how much the model would have preferred its own likeliest token to each of an answer, in nats.
async fn margins_of(model: &dyn Model, prompt: &[TokenId], answer: &[TokenId]) -> Result<Vec<f32>, Failure> {
    let logits = model.score([prompt, answer].concat()).await?;
    let mut margins = Vec::new();
    for (index, token) in answer.iter().enumerate() {
        let row = logits.row(prompt.len() + index - 1).ok_or("a row is missing")?;
        let likeliest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        margins.push(likeliest - row[usize::try_from(*token)?]);
    }
    Ok(margins)
}

/// The most, in nats, that the model itself preferred another token to one it gave: near nothing where two were as likely,
/// much where an answer is wrong.
async fn worst_margin(model: &dyn Model, prompts: &[Vec<TokenId>], answers: &[Vec<TokenId>]) -> Result<f32, Failure> {
    let mut worst = 0.0_f32;
    for (prompt, answer) in prompts.iter().zip(answers) {
        worst = margins_of(model, prompt, answer).await?.into_iter().fold(worst, f32::max);
    }
    Ok(worst)
}

fn rates(answers: &[Answer]) -> (f64, f64) {
    let begun = answers.iter().map(|answer| answer.first).max().unwrap_or_default();
    let ended = answers.iter().map(|answer| answer.last).max().unwrap_or_default();
    let later = answers.iter().map(|answer| answer.tokens.len().saturating_sub(1)).sum::<usize>();
    let prompts = answers.len() * PROMPT_TOKENS;
    (float(prompts) / begun.as_secs_f64(), float(later) / ended.saturating_sub(begun).as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are small")]
fn float(count: usize) -> f64 {
    count as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
