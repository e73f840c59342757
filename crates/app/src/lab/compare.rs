//! A comparison from its start to its end: load, answer, score, keep.

mod answer;
mod cast;
mod parting;
mod remote;
mod score;

use std::sync::Arc;

use cortensor_engine::Model;
use cortensor_protocol::{ChatMessage, Prompt, Role, Sampling};
use futures::future::{try_join, try_join_all};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::{
    cast::{Cast, Fit, Measure},
    remote::Network,
};
use super::{
    Place,
    bench::{Bench, Need},
    comparison::{Comparison, ComparisonId, ComparisonPhase, ComparisonRequest, SamplingChoice},
    history,
    side::{ComparisonSide, SideChoice, SideState, Unscored},
};
use crate::{App, Failure, FailureCode, NetworkAccess, wall_time};
pub(super) use answer::{of_engine, of_prompt};
pub(super) use cast::tokens;

/// Most tokens of prompt and answer together.
pub(super) const CONTEXT_TOKENS: u32 = 2048;
/// Most tokens of an answer.
const MOST_ANSWER_TOKENS: u32 = 1024;
/// Share of the whole that the answers are.
const ANSWERS: f32 = 0.7;
/// Most letters of a name.
const LONGEST_NAME: usize = 80;

type View = watch::Sender<Comparison>;

/// Refuses what cannot be compared.
pub(super) fn check(request: &ComparisonRequest) -> Result<(), Failure> {
    let sides = request.sides.len();
    if !(2..=4).contains(&sides) {
        return Err(refused(format!("a comparison has two to four sides, and this one has {sides}")));
    }
    if request.sides.iter().all(is_remote) {
        return Err(refused("at least one side has to be on this machine; choose a model file for it".to_owned()));
    }
    check_question(&request.prompt, &request.sampling)
}

/// Whether the network is to answer.
pub(super) fn is_remote(side: &SideChoice) -> bool {
    matches!(side, SideChoice::Remote { .. })
}

/// Refuses what cannot be answered.
pub(super) fn check_question(prompt: &str, sampling: &SamplingChoice) -> Result<(), Failure> {
    let SamplingChoice { temperature, top_p, max_tokens } = *sampling;
    if prompt.trim().is_empty() {
        return Err(refused("the prompt is empty; write what is to be answered".to_owned()));
    }
    if !(0.0..=2.0).contains(&temperature) {
        return Err(refused(format!("the temperature is {temperature} and must be between 0 and 2")));
    }
    if let Some(share) = top_p.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
        return Err(refused(format!("top_p is {share} and must be above 0 and at most 1")));
    }
    if !(1..=MOST_ANSWER_TOKENS).contains(&max_tokens) {
        return Err(refused(format!("an answer may have 1 to {MOST_ANSWER_TOKENS} tokens, not {max_tokens}")));
    }
    Ok(())
}

fn refused(message: String) -> Failure {
    Failure::new(FailureCode::Request, message)
}

/// Compares until it is over or `stop` is said; what there is then is kept. Ends with what shows the last state.
pub(super) fn begin(
    place: Arc<Place>,
    request: ComparisonRequest,
    access: Option<NetworkAccess>,
    miner: Option<App>,
    stop: CancellationToken,
) -> impl Future<Output = impl FnOnce() + Send> + Send {
    place.comparison.send_replace(begun(request.clone()));
    async move {
        let over = run(&place, &request, access.as_ref(), miner, stop).await;
        move || drop(place.comparison.send_replace(over))
    }
}

async fn run(
    place: &Place,
    request: &ComparisonRequest,
    access: Option<&NetworkAccess>,
    miner: Option<App>,
    stop: CancellationToken,
) -> Comparison {
    let mut bench = Bench::new(place, miner);
    let compared = stop.run_until_cancelled(compare(place, &mut bench, request, access)).await;
    bench.clear().await;
    let (phase, failure) = match compared {
        Some(Ok(())) => (ComparisonPhase::Done, None),
        Some(Err(failure)) => (ComparisonPhase::Failed, Some(failure)),
        None => (ComparisonPhase::Stopped, None),
    };
    let over = Comparison { phase, failure, progress: 1.0, ..place.comparison.borrow().clone() };
    kept(place, over).await
}

fn begun(request: ComparisonRequest) -> Comparison {
    Comparison {
        id: Some(ComparisonId::new()),
        phase: ComparisonPhase::Waiting,
        name: name_of(&request),
        started_at: Some(wall_time()),
        request: Some(request),
        ..Comparison::default()
    }
}

fn name_of(request: &ComparisonRequest) -> String {
    let given = request.name.as_deref().filter(|name| !name.trim().is_empty());
    short(given.unwrap_or(&request.prompt))
}

/// The beginning of a text, in one line.
pub(super) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_NAME {
        return line;
    }
    line.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// Writes it down if there is anything in it. A comparison that cannot be kept is shown all the same.
async fn kept(place: &Place, comparison: Comparison) -> Comparison {
    let has_answers = comparison.sides.iter().any(|side| !side.tokens.is_empty());
    if comparison.phase == ComparisonPhase::Failed || !has_answers {
        return comparison;
    }
    match history::keep(&place.folders, &comparison).await {
        Ok(()) => comparison,
        Err(failure) => Comparison { failure: Some(failure), ..comparison },
    }
}

async fn compare(
    place: &Place,
    bench: &mut Bench<'_>,
    request: &ComparisonRequest,
    access: Option<&NetworkAccess>,
) -> Result<(), Failure> {
    let view = &place.comparison;
    let question = Question::of(&request.prompt, request.system.as_deref(), &request.sampling);
    if let Some(access) = access {
        access.check().await?;
    }
    let found = bench.look().await?;
    let cast = Cast::of(&found.stock, &request.sides).await?;
    let sides = cast.sides(&request.sides, &found, place.engine.name(), access);
    view.send_modify(|view| view.sides = sides);
    let network = network(access, &cast).await?;
    let options = cast.options(CONTEXT_TOKENS);
    let need = Need { options, besides: score::bytes(&cast.artifacts, options, &question) };
    let (arrangement, mining) = bench.arrange(&found, cast.artifacts.clone(), need).await?;
    view.send_modify(|view| (view.arrangement, view.mining) = (Some(arrangement), mining));
    let stage = Stage { view, question: &question, cast: &cast, network: network.as_ref(), in_turn: request.in_turn };
    answers(bench, &stage).await?;
    score::score(place, bench, &stage).await
}

async fn network(access: Option<&NetworkAccess>, cast: &Cast) -> Result<Option<Network>, Failure> {
    let Some(access) = access else { return Ok(None) };
    let tokenizer = cast.tokenizer().await?;
    Ok(tokenizer.map(|tokenizer| Network { access: access.clone(), tokenizer }))
}

/// What is known from the first answer to the last score.
struct Stage<'a> {
    view: &'a View,
    question: &'a Question,
    cast: &'a Cast,
    network: Option<&'a Network>,
    in_turn: bool,
}

impl Stage<'_> {
    /// The model of a side of this machine, loaded if it is not.
    async fn model(&self, bench: &mut Bench<'_>, side: usize) -> Result<Arc<dyn Model>, Failure> {
        bench.shelf.model(self.cast.seat(side).unwrap_or_default()).await
    }
}

/// What every side is asked.
pub(super) struct Question {
    pub(super) prompt: Prompt,
    pub(super) sampling: Sampling,
}

impl Question {
    pub(super) fn of(prompt: &str, system: Option<&str>, choice: &SamplingChoice) -> Self {
        let system = system.filter(|text| !text.trim().is_empty());
        let system = system.map(|text| ChatMessage { role: Role::System, content: text.to_owned() });
        let user = ChatMessage { role: Role::User, content: prompt.to_owned() };
        let messages = system.into_iter().chain([user]).collect();
        let SamplingChoice { temperature, top_p, max_tokens } = *choice;
        Self {
            prompt: Prompt::Chat { messages },
            sampling: Sampling { temperature, top_p, ..Sampling::greedy(max_tokens) },
        }
    }
}

/// Lets every side answer: side by side where all are in memory, else one after the other, and the network first: it needs no
/// memory here, and may have no answer.
async fn answers(bench: &mut Bench<'_>, stage: &Stage<'_>) -> Result<(), Failure> {
    let alone = stage.in_turn || !bench.shelf.is_together();
    let asked = stage.network.map(|network| stage.cast.remote().into_iter().map(move |side| (network, side)));
    let asking =
        asked.into_iter().flatten().map(|(network, side)| remote::answer(network, stage.question, stage.view, side));
    let mut asking: Vec<_> = asking.collect();
    if alone {
        for asking in asking.drain(..) {
            asking.await?;
        }
    }
    let mut loaded = Vec::new();
    let mut measure = None;
    for side in stage.cast.here() {
        loading(bench, stage, side).await?;
        let model = stage.model(bench, side).await?;
        fit(&mut measure, &*model, stage, side)?;
        if alone {
            answer::answer(&*model, stage.question, stage.view, side, alone).await?;
        } else {
            loaded.push((side, model));
        }
    }
    let here = loaded.iter().map(|(side, model)| answer::answer(&**model, stage.question, stage.view, *side, alone));
    try_join(try_join_all(here), try_join_all(asking)).await.map(|_| ())
}

/// Says of a side whether and how it can be held against the others.
fn fit(measure: &mut Option<Measure>, model: &dyn Model, stage: &Stage<'_>, side: usize) -> Result<(), Failure> {
    let fit = match measure {
        None => {
            *measure = Some(Measure::of(model, stage.question)?);
            Fit::default()
        }
        Some(measure) => measure.fit(model, stage.question)?,
    };
    stage.view.send_modify(|view| {
        let remote = view.sides.first().is_some_and(|side| side.remote.is_some());
        let side = &mut view.sides[side];
        (side.by_text, side.own_prompt) = (fit.unscored.is_some(), fit.own_prompt);
        side.unscored = fit.unscored.or_else(|| remote.then_some(Unscored::RemoteReference));
    });
    Ok(())
}

/// Loads a side if it is not in memory, and says so.
async fn loading(bench: &mut Bench<'_>, stage: &Stage<'_>, side: usize) -> Result<(), Failure> {
    let Some(seat) = stage.cast.seat(side) else { return Ok(()) };
    if !bench.shelf.has(seat) {
        stage.view.send_modify(|view| {
            view.phase = ComparisonPhase::Loading;
            view.sides[side].state = view.sides[side].state.max(SideState::Loading);
        });
        bench.shelf.model(seat).await?;
    }
    let grown = bench.shelf.grown(seat);
    stage.view.send_modify(|view| view.sides[side].memory_bytes = view.sides[side].memory_bytes.or(grown));
    Ok(())
}

/// How far the answers are, of all that is to be done.
#[expect(clippy::cast_precision_loss, reason = "a handful of sides, a thousand tokens")]
fn advance(view: &mut Comparison, most: u32) {
    let whole = |side: &ComparisonSide| side.state >= SideState::Answered;
    let most = most as usize;
    let said = |side: &ComparisonSide| if whole(side) { most } else { side.tokens.len().min(most) };
    let said: usize = view.sides.iter().map(said).sum();
    view.progress = view.progress.max(ANSWERS * said as f32 / (view.sides.len() * most).max(1) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_compared_is_told_before_anything_is_loaded() {
        let sampling = SamplingChoice { temperature: 0.0, top_p: None, max_tokens: 8 };
        let good = ComparisonRequest {
            prompt: "why?".to_owned(),
            system: None,
            sides: vec![SideChoice::MostExact; 2],
            sampling,
            in_turn: false,
            name: None,
        };
        assert_eq!(check(&good), Ok(()));
        let sampled = |sampling| ComparisonRequest { sampling, ..good.clone() };
        for (bad, told) in [
            (ComparisonRequest { sides: vec![SideChoice::MostExact], ..good.clone() }, "two to four"),
            (ComparisonRequest { sides: vec![SideChoice::MostExact; 5], ..good.clone() }, "two to four"),
            (ComparisonRequest { prompt: " \n".to_owned(), ..good.clone() }, "empty"),
            (ComparisonRequest { sides: vec![SideChoice::Remote { model: None }; 2], ..good.clone() }, "this machine"),
            (sampled(SamplingChoice { temperature: f32::NAN, ..sampling }), "temperature"),
            (sampled(SamplingChoice { top_p: Some(0.0), ..sampling }), "top_p"),
            (sampled(SamplingChoice { max_tokens: 0, ..sampling }), "1 to 1024"),
            (sampled(SamplingChoice { max_tokens: 1025, ..sampling }), "1 to 1024"),
        ] {
            let failure = check(&bad).unwrap_err();
            assert!(failure.code == FailureCode::Request && failure.message.contains(told), "{failure:?}");
        }
    }

    #[test]
    fn a_long_prompt_has_a_short_name() {
        assert_eq!(short(" why\n is it? "), "why is it?");
        let name = short(&"ä".repeat(200));
        assert!(name.chars().count() == LONGEST_NAME && name.ends_with('…'));
    }
}
