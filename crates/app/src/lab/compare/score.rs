//! Every answer, scored on every side of this machine that has the same tokens: how far apart the sides expected each of them.
//!
//! Memory: one answer's logits at a time (`8 × context × vocabulary` bytes, the engine's and ours), and behind that one row
//! of each side; what was scored waits on disk.

use cortensor_engine::{LoadOptions, Model};
use cortensor_fidelity::{CompareError, Distribution};
use cortensor_models::Artifact;
use cortensor_protocol::TokenId;
use tokio::task::spawn_blocking;

use super::{
    ANSWERS, ComparisonPhase, Question, SideState, Stage,
    answer::{of_engine, of_prompt},
    cast::tokens,
    loading,
};
use crate::{
    Failure, FailureCode,
    files::FileError,
    lab::{
        Place,
        bench::Bench,
        comparison::{ComparedToken, Comparison, TopToken},
        side::ComparisonSide,
        spool::Spool,
    },
};

/// Tokens shown of what a side expected.
pub(super) const TOP: usize = 5;

/// What one answer's logits take, the engine's and ours: of the largest vocabulary.
pub(super) fn bytes(artifacts: &[Artifact], options: LoadOptions, question: &Question) -> u64 {
    let most = question.prompt.most_tokens() + u64::from(question.sampling.max_tokens);
    let vocabulary = artifacts.iter().map(|artifact| artifact.geometry.vocabulary).max().unwrap_or_default();
    8 * most.min(options.context_tokens.into()) * u64::from(vocabulary)
}

/// Who scores whose answers, by their places among the sides.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Panel {
    scorers: Vec<usize>,
    answers: Vec<usize>,
}

impl Panel {
    /// Sides of this machine with the same tokens score each other's answers and the network's. Nothing where there would be
    /// nothing to hold against anything.
    fn of(sides: &[ComparisonSide]) -> Option<Self> {
        let places = |is: &dyn Fn(&ComparisonSide) -> bool| -> Vec<usize> {
            (0..sides.len()).filter(|side| is(&sides[*side])).collect()
        };
        let other_tokens = |side: &ComparisonSide| side.by_text && side.remote.is_none();
        let scorers = places(&|side| side.remote.is_none() && !other_tokens(side));
        let answers = places(&|side| !other_tokens(side));
        (answers.len() > 1).then_some(Self { scorers, answers })
    }

    fn steps(&self) -> usize {
        self.scorers.len() * self.answers.len()
    }
}

/// Scores every answer on every side that can, and fills in what comes of it.
pub(super) async fn score(place: &Place, bench: &mut Bench<'_>, stage: &Stage<'_>) -> Result<(), Failure> {
    let view = stage.view;
    let Some(panel) = Panel::of(&view.borrow().sides) else { return Ok(()) };
    let answers: Vec<Vec<TokenId>> = {
        let view = view.borrow();
        panel.answers.iter().map(|side| view.sides[*side].ids()).collect()
    };
    let mut scored: Vec<Vec<Spool>> = panel.scorers.iter().map(|_| Vec::new()).collect();
    let mut texts = Vec::new();
    // The last one is in memory still.
    for (place_among, side) in panel.scorers.iter().enumerate().rev() {
        loading(bench, stage, *side).await?;
        let model = stage.model(bench, *side).await?;
        view.send_modify(|view| view.phase = ComparisonPhase::Scoring);
        for answer in &answers {
            scored[place_among].push(rows(place, &*model, stage.question, answer).await?);
            view.send_modify(|view| step(view, panel.steps()));
        }
        texts = tokens(&*model);
    }
    let (asked, reference) = (panel.clone(), panel.scorers.first() == Some(&0));
    let told = spawn_blocking(move || judge(&asked, scored, &texts, reference)).await;
    let told = told.map_err(|error| Failure::of(FailureCode::Engine, &error))??;
    view.send_modify(|view| fill(view, &panel, told));
    Ok(())
}

/// What a side expected at each token of an answer.
async fn rows(place: &Place, model: &dyn Model, question: &Question, answer: &[TokenId]) -> Result<Spool, Failure> {
    let prompt = model.encode(&question.prompt).map_err(|error| of_prompt(&error))?;
    let behind = prompt.len().saturating_sub(1);
    // The last token's own row says what comes behind the answer. The network may have room for more than there is here.
    let room = (model.options().context_tokens as usize).saturating_sub(prompt.len());
    let said = &answer[..answer.len().saturating_sub(1).min(room)];
    let logits = model.score([prompt.as_slice(), said].concat()).await.map_err(|error| of_engine(&error))?;
    let (folder, count) = (place.folders.data().to_owned(), answer.len());
    let spooled = spawn_blocking(move || Spool::write(&folder, &logits, behind, count)).await;
    let spooled = spooled.map_err(|error| Failure::of(FailureCode::Engine, &error))?;
    spooled.map_err(|error| Failure::of(FailureCode::File, &error))
}

#[expect(clippy::cast_precision_loss, reason = "a handful of sides")]
fn step(view: &mut Comparison, steps: usize) {
    view.progress = (view.progress.max(ANSWERS) + (1.0 - ANSWERS) / steps as f32).min(1.0);
}

/// What is told of one token.
struct Told {
    /// Nothing where there is no distribution to hold it against.
    apart: Option<Apart>,
    /// By scorer.
    top: Vec<Vec<TopToken>>,
}

#[derive(Clone, Copy)]
struct Apart {
    divergence: f64,
    same_top: bool,
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

/// By answer, token by token. `scored` is by scorer, then by answer; `reference`: whether the first scorer is what all is
/// compared with.
fn judge(
    panel: &Panel,
    mut scored: Vec<Vec<Spool>>,
    texts: &[String],
    reference: bool,
) -> Result<Vec<Vec<Told>>, JudgeError> {
    let mut told = Vec::new();
    for (place, side) in panel.answers.iter().enumerate() {
        let own = panel.scorers.iter().position(|scorer| scorer == side).filter(|_| reference);
        let rows = scored.iter().map(|spools| spools[place].rows()).min().unwrap_or_default();
        told.push((0..rows).map(|row| told_of(place, row, own, &mut scored, texts)).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(told)
}

/// `own`: which of the scorers gave the answer, if it is held against the reference.
fn told_of(
    answer: usize,
    row: usize,
    own: Option<usize>,
    scored: &mut [Vec<Spool>],
    texts: &[String],
) -> Result<Told, JudgeError> {
    let rows = scored.iter_mut().map(|side| Ok(Distribution::of(&side[answer].row(row)?)?));
    let rows = rows.collect::<Result<Vec<_>, JudgeError>>()?;
    let others = match own {
        None => &rows[..0],
        Some(0) => &rows[1..],
        Some(own) => &rows[own..=own],
    };
    Ok(Told { apart: apart(&rows[0], others)?, top: rows.iter().map(|row| top(row, texts)).collect() })
}

fn apart(reference: &Distribution, others: &[Distribution]) -> Result<Option<Apart>, CompareError> {
    let mut divergence = 0.0_f64;
    for other in others {
        divergence = divergence.max(reference.divergence(other)?);
    }
    let same_top = others.iter().all(|other| other.top() == reference.top());
    Ok((!others.is_empty()).then_some(Apart { divergence, same_top }))
}

fn top(row: &Distribution, texts: &[String]) -> Vec<TopToken> {
    let named = |(token, probability): (usize, f64)| TopToken {
        id: TokenId::try_from(token).ok(),
        text: texts.get(token).cloned().unwrap_or_default(),
        probability,
    };
    row.likeliest(TOP).into_iter().map(named).collect()
}

fn fill(view: &mut Comparison, panel: &Panel, told: Vec<Vec<Told>>) {
    let sides = view.sides.len();
    for (side, told) in panel.answers.iter().zip(told) {
        let side = &mut view.sides[*side];
        side.mean_divergence = mean(told.iter().filter_map(|one| one.apart).map(|apart| apart.divergence));
        side.same_top = mean(told.iter().filter_map(|one| one.apart).map(|apart| f64::from(u8::from(apart.same_top))));
        side.state = SideState::Scored;
        side.tokens.iter_mut().zip(told).for_each(|(token, told)| show(token, told, panel, sides));
    }
    for remote in (0..sides).filter(|side| view.sides[*side].remote.is_some()).collect::<Vec<_>>() {
        agree(view, panel, remote);
    }
}

/// Puts what each scorer expected beside what the network did.
fn show(token: &mut ComparedToken, told: Told, panel: &Panel, sides: usize) {
    token.divergence = told.apart.map(|apart| apart.divergence);
    token.top.resize(sides, Vec::new());
    for (side, top) in panel.scorers.iter().zip(told.top) {
        token.top[*side] = top;
    }
}

/// How often the network and the sides of this machine expected the same token most, over the tokens where the network told it.
/// A network that is the reference is held against every side of this machine, else the reference against the network.
fn agree(view: &mut Comparison, panel: &Panel, remote: usize) {
    let likeliest = |token: &ComparedToken, side: usize| token.top.get(side)?.first().map(|top| top.text.clone());
    let tokens = &view.sides[remote].tokens;
    let share = |with: &[usize]| {
        let told = tokens.iter().filter_map(|token| Some((token, likeliest(token, remote)?)));
        let same = |(token, top): (&ComparedToken, String)| {
            with.iter().all(|side| likeliest(token, *side).as_ref() == Some(&top))
        };
        mean(told.map(|token| f64::from(u8::from(same(token)))))
    };
    if remote == 0 {
        let by_side: Vec<_> = panel.scorers.iter().map(|side| (*side, share(&[*side]))).collect();
        let whole = share(&panel.scorers);
        view.sides[0].same_top = whole;
        by_side.into_iter().for_each(|(side, share)| view.sides[side].same_top = share);
    } else if panel.scorers.first() == Some(&0) {
        let whole = share(&[0]);
        view.sides[remote].same_top = whole;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a thousand tokens")]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::ModelId;

    use super::*;
    use crate::lab::side::RemoteSide;

    fn remote() -> ComparisonSide {
        ComparisonSide::remote(RemoteSide::new(None, "", &ModelId::new("m")))
    }

    fn here(by_text: bool) -> ComparisonSide {
        ComparisonSide { remote: None, by_text, ..remote() }
    }

    #[test]
    fn sides_with_the_same_tokens_score_each_other_and_the_network() {
        let panel = |sides: &[ComparisonSide]| Panel::of(sides).map(|panel| (panel.scorers, panel.answers));
        let (same, other) = (here(false), here(true));
        assert_eq!(panel(&[same.clone(), same.clone()]), Some((vec![0, 1], vec![0, 1])));
        assert_eq!(panel(&[same.clone(), other.clone(), same.clone()]), Some((vec![0, 2], vec![0, 2])));
        assert_eq!(panel(&[same.clone(), other.clone()]), None);
        assert_eq!(panel(&[remote(), same.clone(), other]), Some((vec![1], vec![0, 1])));
        assert_eq!(panel(&[same, remote()]), Some((vec![0], vec![0, 1])));
    }

    #[test]
    fn agreement_with_the_network_is_over_the_tokens_where_it_told_what_it_expected() {
        let top = |text: &str| vec![TopToken { id: None, text: text.to_owned(), probability: 0.9 }];
        let token = |top: Vec<Vec<TopToken>>| ComparedToken { id: 1, text: "a".to_owned(), divergence: None, top };
        let tokens =
            vec![token(vec![top("a"), top("a")]), token(vec![top("a"), top("b")]), token(vec![Vec::new(), top("b")])];
        let mut view =
            Comparison { sides: vec![ComparisonSide { tokens, ..remote() }, here(false)], ..Comparison::default() };
        let panel = Panel::of(&view.sides).unwrap();
        agree(&mut view, &panel, 0);
        assert_eq!((view.sides[0].same_top, view.sides[1].same_top), (Some(0.5), Some(0.5)));

        let tokens = vec![token(vec![top("a"), top("a")]), token(vec![top("b"), Vec::new()])];
        view.sides = vec![here(false), ComparisonSide { tokens, ..remote() }];
        let panel = Panel::of(&view.sides).unwrap();
        agree(&mut view, &panel, 1);
        assert_eq!((view.sides[0].same_top, view.sides[1].same_top), (None, Some(1.0)));
    }
}
