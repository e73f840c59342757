//! Every answer, scored on every side: how far apart the sides expected each of its tokens.
//!
//! Memory: one answer's logits at a time (`8 × context × vocabulary` bytes, the engine's and ours), and behind that one row
//! of each side; what was scored waits on disk.

use cortensor_engine::{LoadOptions, Model};
use cortensor_fidelity::{CompareError, Distribution};
use cortensor_models::Artifact;
use cortensor_protocol::TokenId;
use tokio::task::spawn_blocking;

use super::{
    ComparisonPhase, Question, SideState, View,
    answer::{ANSWERS, of_engine, of_prompt},
    loading,
};
use crate::{
    Failure, FailureCode,
    files::FileError,
    lab::{
        Place,
        bench::Bench,
        comparison::{ComparedToken, Comparison, TopToken},
        spool::Spool,
    },
};

/// Tokens shown of what a side expected.
const TOP: usize = 5;

/// What one answer's logits take, the engine's and ours.
pub(super) fn bytes(artifact: &Artifact, options: LoadOptions, question: &Question) -> u64 {
    let most = question.prompt.most_tokens() + u64::from(question.sampling.max_tokens);
    8 * most.min(options.context_tokens.into()) * u64::from(artifact.geometry.vocabulary)
}

/// Scores every answer on every side and fills in what comes of it.
pub(super) async fn score(
    place: &Place,
    bench: &mut Bench<'_>,
    view: &View,
    question: &Question,
) -> Result<(), Failure> {
    let answers: Vec<Vec<TokenId>> = view.borrow().sides.iter().map(super::ComparisonSide::ids).collect();
    let count = answers.len();
    let mut scored: Vec<Vec<Spool>> = (0..count).map(|_| Vec::new()).collect();
    let mut texts = Vec::new();
    // The last one is in memory still.
    for index in (0..count).rev() {
        loading(bench, view, index).await?;
        let model = bench.shelf.model(index).await?;
        view.send_modify(|view| view.phase = ComparisonPhase::Scoring);
        for answer in &answers {
            scored[index].push(rows(place, &*model, question, answer).await?);
            view.send_modify(|view| advance(view, count));
        }
        texts = (0..model.artifact().geometry.vocabulary).map(|token| model.token_text(token)).collect();
    }
    let told = spawn_blocking(move || judge(scored, &texts)).await;
    let told = told.map_err(|error| Failure::of(FailureCode::Engine, &error))??;
    view.send_modify(|view| fill(view, told));
    Ok(())
}

/// What a side expected at each token of an answer.
async fn rows(place: &Place, model: &dyn Model, question: &Question, answer: &[TokenId]) -> Result<Spool, Failure> {
    let prompt = model.encode(&question.prompt).map_err(|error| of_prompt(&error))?;
    let behind = prompt.len().saturating_sub(1);
    // The last token's own row says what comes behind the answer.
    let said = &answer[..answer.len().saturating_sub(1)];
    let logits = model.score([prompt.as_slice(), said].concat()).await.map_err(|error| of_engine(&error))?;
    let (folder, count) = (place.folders.data().to_owned(), answer.len());
    let spooled = spawn_blocking(move || Spool::write(&folder, &logits, behind, count)).await;
    let spooled = spooled.map_err(|error| Failure::of(FailureCode::Engine, &error))?;
    spooled.map_err(|error| Failure::of(FailureCode::File, &error))
}

#[expect(clippy::cast_precision_loss, reason = "a handful of sides")]
fn advance(view: &mut Comparison, sides: usize) {
    view.progress = (view.progress.max(ANSWERS) + (1.0 - ANSWERS) / (sides * sides) as f32).min(1.0);
}

/// What is told of one token.
struct Told {
    divergence: f64,
    same_top: bool,
    top: Vec<Vec<TopToken>>,
}

/// Why rows were not judged.
#[derive(Debug, thiserror::Error)]
enum JudgeError {
    #[error(transparent)]
    Compare(#[from] CompareError),
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<JudgeError> for Failure {
    fn from(error: JudgeError) -> Self {
        match &error {
            JudgeError::Compare(cause) => Self::of(FailureCode::NotComparable, cause),
            JudgeError::File(cause) => Self::of(FailureCode::File, cause),
        }
    }
}

/// By answer, token by token. `scored` is by side, then by answer.
fn judge(mut scored: Vec<Vec<Spool>>, texts: &[String]) -> Result<Vec<Vec<Told>>, JudgeError> {
    let of_answer = |answer: usize, scored: &mut Vec<Vec<Spool>>| {
        let rows = scored.iter().map(|side| side[answer].rows()).min().unwrap_or_default();
        (0..rows).map(|row| told(answer, row, scored, texts)).collect()
    };
    (0..scored.len()).map(|answer| of_answer(answer, &mut scored)).collect()
}

fn told(answer: usize, row: usize, scored: &mut [Vec<Spool>], texts: &[String]) -> Result<Told, JudgeError> {
    let rows = scored.iter_mut().map(|side| Ok(Distribution::of(&side[answer].row(row)?)?));
    let rows = rows.collect::<Result<Vec<_>, JudgeError>>()?;
    let others = if answer == 0 { 1..rows.len() } else { answer..answer + 1 };
    let mut divergence = 0.0_f64;
    for other in &rows[others.clone()] {
        divergence = divergence.max(rows[0].divergence(other)?);
    }
    let same_top = rows[others].iter().all(|other| other.top() == rows[0].top());
    Ok(Told { divergence, same_top, top: rows.iter().map(|row| top(row, texts)).collect() })
}

fn top(row: &Distribution, texts: &[String]) -> Vec<TopToken> {
    let named = |(token, probability): (usize, f64)| TopToken {
        id: TokenId::try_from(token).unwrap_or(TokenId::MAX),
        text: texts.get(token).cloned().unwrap_or_default(),
        probability,
    };
    row.likeliest(TOP).into_iter().map(named).collect()
}

fn fill(view: &mut Comparison, told: Vec<Vec<Told>>) {
    for (side, told) in view.sides.iter_mut().zip(told) {
        side.mean_divergence = mean(told.iter().map(|one| one.divergence));
        side.same_top = mean(told.iter().map(|one| f64::from(u8::from(one.same_top))));
        side.state = SideState::Scored;
        side.tokens.iter_mut().zip(told).for_each(|(token, told)| show(token, told));
    }
}

fn show(token: &mut ComparedToken, told: Told) {
    (token.divergence, token.top) = (Some(told.divergence), told.top);
}

#[expect(clippy::cast_precision_loss, reason = "a thousand tokens")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}
