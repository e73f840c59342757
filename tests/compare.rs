//! Comparing precisions, by what a host sees: answers side by side, figures over a text, blind votes. The engine's answers and
//! scores are written down; the last test asks the real one.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{Home, Miner, Network, echo, soon, starter};
use cortensor_app::{
    Comparison, ComparisonPhase, ComparisonRequest, ExportFormat, Failure, FailureCode, FidelityPhase, FidelityRequest,
    FidelityRun, Lab, MiningMeanwhile, Phase, SamplingChoice, Settings, Sharing, SideChoice, SideState, TextChoice,
    Vote, VoteChoice, VotePhase, VoteRequest,
};
use cortensor_engine::{
    Engine,
    scripted::{Script, ScriptedEngine},
};
use cortensor_engine_mistral::MistralEngine;
use cortensor_protocol::{FinishReason, Precision};
use tokio::sync::watch;

pub(crate) const F16: SideChoice = SideChoice::MostExact;
pub(crate) const Q8_0: SideChoice = SideChoice::Precision { precision: Precision::Q8_0 };
const SAMPLING: SamplingChoice = SamplingChoice { temperature: 0.0, top_p: None, max_tokens: 8 };

/// A lab on a folder of its own.
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) engine: Arc<ScriptedEngine>,
    pub(crate) lab: Lab,
}

impl Place {
    pub(crate) fn new(script: Script) -> Self {
        let (home, engine) = (Home::new(), Arc::new(ScriptedEngine::new(script)));
        let lab = Lab::new(home.folders(), starter(), engine.clone());
        Self { home, engine, lab }
    }

    fn with_memory(self, bytes: u64) -> Self {
        let settings = Settings { memory_budget_bytes: Some(bytes), ..Settings::default() };
        settings.write(&self.home.folders()).unwrap();
        self
    }

    pub(crate) async fn compare(&self, request: ComparisonRequest) -> Comparison {
        self.lab.compare(request, None, Err(nowhere())).unwrap();
        let over = compared(self.lab.comparison()).await;
        assert_eq!(self.engine.loaded(), 0, "nothing stays loaded");
        over
    }

    async fn measure(&self, request: &FidelityRequest) -> FidelityRun {
        self.lab.measure_fidelity(request.clone(), None).unwrap();
        measured(self.lab.fidelity()).await
    }
}

pub(crate) async fn compared(mut comparison: watch::Receiver<Comparison>) -> Comparison {
    let over = |comparison: &Comparison| comparison.id.is_some() && comparison.phase.is_over();
    soon("the comparison's end", comparison.wait_for(over)).await.unwrap().clone()
}

/// Nobody is asked: an error that must not matter.
fn nowhere() -> Failure {
    Failure::new(FailureCode::Network, "there is no network here".to_owned())
}

async fn measured(mut run: watch::Receiver<FidelityRun>) -> FidelityRun {
    let over = |run: &FidelityRun| run.request.is_some() && run.phase.is_over();
    soon("the report's end", run.wait_for(over)).await.unwrap().clone()
}

pub(crate) fn asked() -> ComparisonRequest {
    ComparisonRequest {
        prompt: "why is the sky blue?".to_owned(),
        system: None,
        sides: vec![F16, Q8_0],
        sampling: SAMPLING,
        in_turn: false,
        name: None,
    }
}

/// Times differ in the last bit once they were written and read.
fn without_speeds(mut comparison: Comparison) -> Comparison {
    for side in &mut comparison.sides {
        (side.first_token_ms, side.decode_tokens_per_second) = (None, None);
    }
    comparison
}

/// Both begin alike; the quantized one parts at the third word, and expects otherwise everywhere.
pub(crate) fn parting() -> Script {
    let words = |text: &str| text.split_inclusive(' ').map(str::to_owned).collect::<Vec<_>>();
    Script {
        answer_of: Arc::new(move |precision, _| {
            Some(words(if precision == Precision::F16 { "light is scattered" } else { "light is bent by air" }))
        }),
        expects: Arc::new(|precision, before| {
            vec![(if precision == Precision::F16 { before } else { before + 1 }, 20.0)]
        }),
        ..Script::saying(&[])
    }
}

#[tokio::test]
async fn the_same_answers_are_nowhere_apart_and_are_kept() {
    let place = Place::new(Script::saying(&["It ", "is", "."]));
    let over = place.compare(asked()).await;
    assert_eq!((over.phase, &over.failure, over.first_divergence), (ComparisonPhase::Done, &None, None));
    assert_eq!(over.arrangement.as_ref().unwrap().how, Sharing::Together);
    for side in &over.sides {
        assert_eq!(
            (side.text().as_str(), side.finish, side.state),
            ("It is.", Some(FinishReason::Stop), SideState::Scored)
        );
        assert_eq!((side.equal_tokens, side.mean_divergence, side.same_top), (3, Some(0.0), Some(1.0)));
        assert!(side.tokens.iter().all(|token| token.divergence == Some(0.0) && token.top.len() == 2));
    }
    let history = place.lab.comparisons().await.unwrap();
    assert_eq!((history.entries.len(), history.entries[0].name.as_str()), (1, "why is the sky blue?"));
    let kept = place.lab.kept_comparison(over.id.unwrap()).await.unwrap();
    assert_eq!(without_speeds(kept), without_speeds(over));
}

#[tokio::test]
async fn answers_that_part_are_marked_where_they_do_and_say_what_each_side_expected() {
    let place = Place::new(parting());
    let over = place.compare(asked()).await;
    assert_eq!((over.phase, over.first_divergence), (ComparisonPhase::Done, Some(2)));
    let [reference, other] = over.sides.as_slice() else { panic!("{over:?}") };
    assert_eq!((reference.text().as_str(), other.text().as_str()), ("light is scattered", "light is bent by air"));
    assert!(other.mean_divergence.unwrap() > 1.0 && other.same_top == Some(0.0));
    // The prompt's last letter is what each expects to come again, or the one behind it.
    let top: Vec<_> = other.tokens[0].top.iter().map(|top| (top[0].id, top.len())).collect();
    assert_eq!(top, [(Some(u32::from(b'?')), 5), (Some(u32::from(b'?') + 1), 5)]);
    assert!(other.tokens[0].top[0][0].probability > other.tokens[0].top[0][1].probability);

    let folder = tempfile::tempdir().unwrap();
    for (format, said) in [(ExportFormat::Markdown, "| tokens/s |"), (ExportFormat::Csv, "side,position,token")] {
        let path = folder.path().join(format.file_name());
        place.lab.export_comparison(over.id.unwrap(), format, &path).await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(said) && text.contains("Q8_0"), "{text}");
    }
}

#[tokio::test]
async fn models_that_do_not_fit_together_are_loaded_one_by_one_and_it_is_said_why() {
    let place = Place::new(parting());
    let together = place.compare(asked()).await;
    let needed = together.arrangement.unwrap().together_bytes;
    let place = place.with_memory(needed - 1);
    let over = place.compare(asked()).await;
    let arrangement = over.arrangement.clone().unwrap();
    assert_eq!((over.phase, arrangement.how), (ComparisonPhase::Done, Sharing::OneByOne));
    assert!(arrangement.words.contains("One after the other"), "{}", arrangement.words);
    let divergences =
        |comparison: &Comparison| -> Vec<_> { comparison.sides.iter().map(|side| side.mean_divergence).collect() };
    assert_eq!(divergences(&over), divergences(&Comparison { sides: together.sides, ..Comparison::default() }));
    assert!(over.sides.iter().all(|side| side.alone));

    let place = place.with_memory(64 << 20);
    let failed = place.compare(asked()).await;
    assert_eq!((failed.phase, failed.failure.unwrap().code), (ComparisonPhase::Failed, FailureCode::Memory));
}

#[tokio::test]
async fn a_comparison_that_is_stopped_gives_the_memory_back_and_keeps_what_was_said() {
    let place = Place::new(Script::saying(&["word "; 8]).paced(Duration::from_millis(200)));
    let mut comparison = place.lab.comparison();
    place.lab.compare(asked(), None, Err(nowhere())).unwrap();
    let said = |comparison: &Comparison| comparison.sides.iter().any(|side| !side.tokens.is_empty());
    drop(soon("the first word", comparison.wait_for(said)).await.unwrap());
    let busy = place.lab.compare(asked(), None, Err(nowhere())).unwrap_err();
    assert_eq!(busy.code, FailureCode::Busy);
    soon("the stop", place.lab.stop_comparison()).await;
    assert_eq!(place.engine.loaded(), 0);
    let stopped = comparison.borrow().clone();
    assert_eq!(stopped.phase, ComparisonPhase::Stopped);
    assert_eq!(place.lab.comparisons().await.unwrap().entries.len(), 1);
    assert_eq!(place.compare(asked()).await.phase, ComparisonPhase::Done, "the next one runs");
}

#[tokio::test]
async fn a_permuted_vocabulary_is_refused() {
    let script = Script {
        token_texts: Arc::new(|precision, token| {
            let swapped = if precision == Precision::Q8_0 && token < 2 { 1 - token } else { token };
            format!("<{swapped}>")
        }),
        ..Script::saying(&["yes"])
    };
    let place = Place::new(script);
    let over = place.compare(asked()).await;
    let failure = over.failure.unwrap();
    assert_eq!((over.phase, failure.code), (ComparisonPhase::Failed, FailureCode::NotComparable));
    assert!(failure.message.contains("token 0"), "{}", failure.message);
    assert!(place.lab.comparisons().await.unwrap().entries.is_empty());
    let report = place.measure(&over_text(&place, 600)).await;
    assert_eq!((report.phase, report.failure.unwrap().code), (FidelityPhase::Failed, FailureCode::NotComparable));
}

#[tokio::test]
async fn a_miner_whose_memory_was_asked_for_mines_again_afterwards() {
    let network = Network::start().await;
    let miner = Miner::start(&network, echo()).await;
    let place = Place::new(Script::saying(&["yes"])).with_memory(64 << 20);
    let mut status = miner.app.status();
    let paused = tokio::spawn(async move { status.wait_for(|status| status.phase == Phase::Paused).await.is_ok() });
    place.lab.compare(asked(), Some(miner.app.clone()), Err(nowhere())).unwrap();
    let over = compared(place.lab.comparison()).await;
    assert_eq!(over.failure.unwrap().code, FailureCode::Memory);
    assert!(soon("the pause", paused).await.unwrap());
    miner.comes_to(Phase::Mining).await;
    assert_eq!(miner.engine.loaded(), 1);

    let roomy = Place::new(Script::saying(&["yes"]));
    roomy.lab.compare(asked(), Some(miner.app.clone()), Err(nowhere())).unwrap();
    assert_eq!(compared(roomy.lab.comparison()).await.mining, MiningMeanwhile::GoesOn);
    miner.quit().await;
}

/// A text of as many letters, which are as many tokens here.
fn over_text(place: &Place, letters: usize) -> FidelityRequest {
    let path = place.home.folders().data().join("text.txt");
    std::fs::write(&path, "abcdefg ".repeat(letters / 8 + 1).split_at(letters).0).unwrap();
    let precisions = vec![Precision::Q8_0];
    FidelityRequest { text: TextChoice::File { path }, reference: F16, precisions, most_windows: None }
}

#[tokio::test]
async fn a_report_tells_how_far_apart_models_are_and_goes_on_where_it_was_stopped() {
    let scored = Arc::new(Mutex::new(0_u32));
    let counting = Arc::clone(&scored);
    let expects = parting().expects;
    let script = Script {
        expects: Arc::new(move |precision, before| {
            *counting.lock().unwrap() += 1;
            expects(precision, before)
        }),
        ..parting()
    };
    let place = Place::new(script);
    let request = over_text(&place, 1100);
    let first = FidelityRequest { most_windows: Some(1), ..request.clone() };
    let half = place.measure(&first).await;
    assert_eq!((half.phase, half.windows_done, half.windows), (FidelityPhase::Done, 1, 1), "{:?}", half.failure);
    assert!(half.report.unwrap().text.cut);
    *scored.lock().unwrap() = 0;
    let whole = place.measure(&request).await;
    assert_eq!((whole.windows_resumed, whole.windows_done, whole.windows), (1, 2, 2));
    assert_eq!(*scored.lock().unwrap(), 2 * 512, "only the second window is scored");
    let report = whole.report.unwrap();
    let row = &report.precisions[0];
    assert_eq!((row.file.precision, row.windows, row.whole, row.statistics.tokens), (Precision::Q8_0, 2, true, 510));
    assert!(row.statistics.divergence.value > 1.0 && row.statistics.same_top.value == 0.0);
    assert!(row.words.contains("0 of 100"), "{}", row.words);
    assert_eq!(place.lab.fidelity_reports().await.unwrap().reports, [report]);
    assert_eq!(place.engine.loaded(), 0);
}

#[tokio::test]
async fn models_that_do_not_fit_together_come_to_the_same_figures() {
    let place = Place::new(parting());
    let request = over_text(&place, 1100);
    let together = place.measure(&request).await;
    let arrangement = together.arrangement.unwrap();
    let place = Place::new(parting()).with_memory(arrangement.together_bytes - 1);
    let apart = place.measure(&over_text(&place, 1100)).await;
    assert_eq!(apart.arrangement.unwrap().how, Sharing::OneByOne);
    let statistics = |run: Option<cortensor_app::FidelityReport>| run.unwrap().precisions[0].statistics.clone();
    assert_eq!(statistics(apart.report), statistics(together.report));
}

#[tokio::test]
async fn a_vote_does_not_tell_who_is_who_before_it_is_cast() {
    let place = Place::new(parting());
    let request = VoteRequest { prompt: "why?".to_owned(), system: None, sides: [Q8_0, F16], sampling: SAMPLING };
    let mut vote = place.lab.vote();
    place.lab.start_vote(request.clone(), None).unwrap();
    let open = |vote: &Vote| !matches!(vote.phase, VotePhase::Idle | VotePhase::Answering);
    let opened = soon("the answers", vote.wait_for(open)).await.unwrap().clone();
    assert_eq!((opened.phase, opened.revealed, place.engine.loaded()), (VotePhase::Open, None, 0));
    let revealed = place.lab.cast_vote(VoteChoice::First).unwrap();
    let said = if revealed.first == Precision::F16 { "light is scattered" } else { "light is bent by air" };
    assert_eq!(opened.first.as_deref(), Some(said));
    assert_eq!((vote.borrow().revealed, place.lab.votes().unwrap()[0].sides), (Some(revealed), revealed));
    assert_eq!(place.lab.vote_summaries().unwrap()[0].least_votes, 10);
    assert_eq!(place.lab.cast_vote(VoteChoice::First).unwrap_err().code, FailureCode::Request);
}

#[tokio::test]
async fn the_same_two_answers_are_nothing_to_vote_on() {
    let place = Place::new(Script::saying(&["yes"]));
    let request = VoteRequest { prompt: "why?".to_owned(), system: None, sides: [Q8_0, F16], sampling: SAMPLING };
    let mut vote = place.lab.vote();
    place.lab.start_vote(request, None).unwrap();
    let over = soon("the answers", vote.wait_for(|vote| vote.phase == VotePhase::Cast)).await.unwrap().clone();
    assert!(over.identical && over.revealed.is_some());
    assert!(place.lab.cast_vote(VoteChoice::Equal).is_err() && place.lab.votes().unwrap().is_empty());
}

/// The figures that llama.cpp has for these files: mean KL of `Q8_0` 0.004, the same word 96 of 100 times.
#[tokio::test(flavor = "multi_thread")]
async fn the_real_engine_is_close_to_its_reference_and_nowhere_from_itself() {
    let home = Home::new();
    let engine: Arc<dyn Engine> = Arc::new(MistralEngine::default());
    let lab = Lab::new(home.folders(), starter(), engine);
    let request = ComparisonRequest { sides: vec![F16, F16, Q8_0], in_turn: true, ..asked() };
    lab.compare(request, None, Err(nowhere())).unwrap();
    let over = compared(lab.comparison()).await;
    assert_eq!(over.phase, ComparisonPhase::Done, "{:?}", over.failure);
    let [_, same, quantized] = over.sides.as_slice() else { panic!("{over:?}") };
    assert_eq!((same.first_divergence, same.mean_divergence, same.same_top), (None, Some(0.0), Some(1.0)));
    assert!((1e-6..0.2).contains(&quantized.mean_divergence.unwrap()), "{:?}", quantized.mean_divergence);

    let precisions = vec![Precision::Q8_0];
    let text = TextChoice::Bundled;
    lab.measure_fidelity(FidelityRequest { text, reference: F16, precisions, most_windows: Some(1) }, None).unwrap();
    let run = measured(lab.fidelity()).await;
    let told = run.report.expect("a report").precisions[0].statistics.clone();
    assert!((1e-4..0.02).contains(&told.divergence.value), "{told:?}");
    assert!(told.same_top.value > 0.9 && told.perplexity.value < 40.0, "{told:?}");
}
