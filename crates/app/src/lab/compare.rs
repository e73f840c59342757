//! A comparison from its start to its end: load, answer, score, keep.

mod answer;
mod score;

use std::sync::Arc;

use cortensor_engine::LoadOptions;
use cortensor_planner::{Load, Variant, estimate_memory};
use cortensor_protocol::{ChatMessage, Millis, Prompt, Role, Sampling};
use futures::future::try_join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Place,
    bench::{Bench, Found, Need},
    comparison::{
        Comparison, ComparisonId, ComparisonPhase, ComparisonRequest, ComparisonSide, SamplingChoice, SideChoice,
        SideState,
    },
    history,
};
use crate::{App, Failure, FailureCode};
pub(super) use answer::{of_engine, of_prompt};

/// Most tokens of prompt and answer together.
pub(super) const CONTEXT_TOKENS: u32 = 2048;
/// Most tokens of an answer.
const MOST_ANSWER_TOKENS: u32 = 1024;
/// Most letters of a name.
const LONGEST_NAME: usize = 80;

type View = watch::Sender<Comparison>;

/// Refuses what cannot be compared.
pub(super) fn check(request: &ComparisonRequest) -> Result<(), Failure> {
    let sides = request.sides.len();
    if !(2..=4).contains(&sides) {
        return Err(refused(format!("a comparison has two to four sides, and this one has {sides}")));
    }
    check_question(&request.prompt, &request.sampling)
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
    miner: Option<App>,
    stop: CancellationToken,
) -> impl Future<Output = impl FnOnce() + Send> + Send {
    place.comparison.send_replace(begun(request.clone()));
    async move {
        let over = run(&place, &request, miner, stop).await;
        move || drop(place.comparison.send_replace(over))
    }
}

async fn run(place: &Place, request: &ComparisonRequest, miner: Option<App>, stop: CancellationToken) -> Comparison {
    let mut bench = Bench::new(place, miner);
    let compared = stop.run_until_cancelled(compare(place, &mut bench, request)).await;
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
        started_at: Some(Millis(jiff::Timestamp::now().as_millisecond())),
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

async fn compare(place: &Place, bench: &mut Bench<'_>, request: &ComparisonRequest) -> Result<(), Failure> {
    let view = &place.comparison;
    let question = Question::of(&request.prompt, request.system.as_deref(), &request.sampling);
    let found = bench.look().await?;
    let options = LoadOptions { context_tokens: found.context(CONTEXT_TOKENS), slots: 1 };
    let sides = sides(place, &found, &request.sides, options)?;
    view.send_modify(|view| view.sides = sides);
    let artifacts = request.sides.iter().map(|side| found.choose(side).cloned());
    let artifacts = artifacts.collect::<Result<Vec<_>, _>>()?;
    let need = Need { options, besides: score::bytes(&artifacts[0], options, &question) };
    let (arrangement, mining) = bench.arrange(&found, artifacts, need).await?;
    view.send_modify(|view| (view.arrangement, view.mining) = (Some(arrangement), mining));
    answers(bench, view, &question, request).await?;
    score::score(place, bench, view, &question).await
}

fn sides(
    place: &Place,
    found: &Found,
    choices: &[SideChoice],
    options: LoadOptions,
) -> Result<Vec<ComparisonSide>, Failure> {
    let load = Load { context_tokens: options.context_tokens, slots: options.slots };
    let side = |choice: &SideChoice| {
        let artifact = found.choose(choice)?;
        let label = match choice {
            SideChoice::Artifact { label, .. } => label.clone(),
            _ => None,
        };
        let variant = Variant::from(artifact);
        Ok(ComparisonSide {
            estimated_memory_bytes: estimate_memory(&variant, load).total(),
            benchmark_tokens_per_second: found.machine.measured(place.engine.name(), artifact.digest),
            ..ComparisonSide::of(artifact, label)
        })
    };
    choices.iter().map(side).collect()
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

/// Lets every side answer: side by side where all are in memory, else one after the other.
async fn answers(
    bench: &mut Bench<'_>,
    view: &View,
    question: &Question,
    request: &ComparisonRequest,
) -> Result<(), Failure> {
    let all = 0..request.sides.len();
    let alone = request.in_turn || !bench.shelf.is_together();
    let (mut vocabulary, mut loaded) = (None, Vec::new());
    for index in all.clone() {
        loading(bench, view, index).await?;
        bench.check_vocabularies(&mut vocabulary, index).await?;
        let model = bench.shelf.model(index).await?;
        if alone {
            answer::answer(&*model, question, view, index, alone).await?;
        } else {
            loaded.push((index, model));
        }
    }
    let together = loaded.iter().map(|(index, model)| answer::answer(&**model, question, view, *index, alone));
    try_join_all(together).await.map(|_| ())
}

/// Loads a side if it is not in memory, and says so.
async fn loading(bench: &mut Bench<'_>, view: &View, index: usize) -> Result<(), Failure> {
    if !bench.shelf.has(index) {
        view.send_modify(|view| {
            view.phase = ComparisonPhase::Loading;
            view.sides[index].state = view.sides[index].state.max(SideState::Loading);
        });
        bench.shelf.model(index).await?;
    }
    let grown = bench.shelf.grown(index);
    view.send_modify(|view| view.sides[index].memory_bytes = view.sides[index].memory_bytes.or(grown));
    Ok(())
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
