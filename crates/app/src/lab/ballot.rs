//! A blind vote from the question to the box. Who is who is known here only, until the vote is cast.

use std::sync::{Arc, Mutex, PoisonError};

use cortensor_engine::{Device, GenerationEvent, LoadOptions};
use cortensor_fidelity::{LEAST_VOTES, Preference};
use cortensor_models::{Artifact, starter};
use cortensor_protocol::Precision;
use futures::StreamExt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Place,
    bench::{Bench, Need, context},
    compare::{CONTEXT_TOKENS, Question, check_question, of_engine, of_prompt, short},
    side::SideChoice,
    stock::Stock,
    vote::{KeptVote, Revealed, Vote, VoteChoice, VotePhase, VoteRequest, VoteSummary},
};
use crate::{
    App, Failure, FailureCode, Folders,
    files::{read_json, write_json},
    wall_time,
};

/// As many votes are kept; of more, the oldest goes.
const MOST: usize = 1000;

/// Who is who of the vote that is open.
#[derive(Default)]
pub(super) struct Secret(Mutex<Option<Revealed>>);

impl Secret {
    fn set(&self, who: Option<Revealed>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = who;
    }

    fn take(&self) -> Option<Revealed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Refuses what cannot be voted on.
pub(super) fn check(request: &VoteRequest) -> Result<(), Failure> {
    let [first, second] = &request.sides;
    if first == second {
        return Err(Failure::new(FailureCode::Request, "both sides are the same; choose two".to_owned()));
    }
    check_question(&request.prompt, &request.sampling)
}

/// Has both sides answer, unseen. Ends with what opens the vote.
pub(super) fn begin(
    place: Arc<Place>,
    request: VoteRequest,
    miner: Option<App>,
    stop: CancellationToken,
) -> impl Future<Output = impl FnOnce() + Send> + Send {
    place.secret.set(None);
    let prompt = request.prompt.clone();
    place.vote.send_replace(Vote { phase: VotePhase::Answering, prompt, ..Vote::default() });
    async move {
        let mut bench = Bench::new(&place, miner);
        let answered = stop.run_until_cancelled(answers(&place, &mut bench, &request)).await;
        bench.clear().await;
        move || place.vote.send_modify(|view| end(&place, view, answered))
    }
}

/// Who was who, and what they said.
type Answered = (Revealed, [String; 2]);

fn end(place: &Place, view: &mut Vote, answered: Option<Result<Answered, Failure>>) {
    match answered {
        Some(Ok((who, [first, second]))) => open(place, view, who, first, second),
        Some(Err(failure)) => (view.phase, view.failure) = (VotePhase::Failed, Some(failure)),
        None => view.phase = VotePhase::Stopped,
    }
}

fn open(place: &Place, view: &mut Vote, who: Revealed, first: String, second: String) {
    view.identical = first == second;
    (view.first, view.second, view.progress) = (Some(first), Some(second), 1.0);
    if view.identical {
        (view.phase, view.revealed) = (VotePhase::Cast, Some(who));
    } else {
        view.phase = VotePhase::Open;
        place.secret.set(Some(who));
    }
}

async fn answers(place: &Place, bench: &mut Bench<'_>, request: &VoteRequest) -> Result<Answered, Failure> {
    let found = bench.look().await?;
    let mut files = choose(&found.stock, &request.sides).await?;
    if rand::random() {
        files.reverse();
    }
    let who = Revealed { first: files[0].precision, second: files[1].precision };
    let options = LoadOptions { context_tokens: context(&files, CONTEXT_TOKENS), slots: 1, device: Device::Processor };
    bench.arrange(&found, files, Need { options, besides: 0 }).await?;
    let question = Question::of(&request.prompt, request.system.as_deref(), &request.sampling);
    // Who answers first is thrown for once more: the progress tells who is slow, and is not to tell which answer that is.
    let first = usize::from(rand::random::<bool>());
    let mut texts = [String::new(), String::new()];
    for index in [first, 1 - first] {
        texts[index] = answer(bench, index, &question, &place.vote).await?;
    }
    Ok((who, texts))
}

/// The files that were chosen. Votes are kept by precision: they are about one model.
async fn choose(stock: &Stock, sides: &[SideChoice]) -> Result<Vec<Artifact>, Failure> {
    let mut files = Vec::new();
    for side in sides {
        files.push(stock.choose(side).await?);
    }
    if files.iter().any(|file| file.model != starter().model) {
        let message =
            "a blind vote is between two precisions of the starter model; choose them, or compare side by side";
        return Err(Failure::new(FailureCode::Request, message.to_owned()));
    }
    Ok(files)
}

async fn answer(
    bench: &mut Bench<'_>,
    index: usize,
    question: &Question,
    view: &watch::Sender<Vote>,
) -> Result<String, Failure> {
    let model = bench.shelf.model(index).await?;
    let prompt = model.encode(&question.prompt).map_err(|error| of_prompt(&error))?;
    let mut answer = model.generate(prompt, question.sampling.clone());
    let begun_at = view.borrow().progress;
    #[expect(clippy::cast_precision_loss, reason = "a thousand tokens")]
    let step = 0.5 / question.sampling.max_tokens as f32;
    let mut text = String::new();
    while let Some(event) = answer.next().await {
        match event.map_err(|error| of_engine(&error))? {
            GenerationEvent::Token(token) => {
                text.push_str(&token.text);
                view.send_modify(|view| view.progress = (view.progress + step).min(begun_at + 0.5));
            }
            GenerationEvent::Finished { .. } => view.send_modify(|view| view.progress = begun_at + 0.5),
        }
    }
    Ok(text)
}

/// Casts the vote that is open, and says who was who.
pub(super) fn cast(place: &Place, choice: VoteChoice) -> Result<Revealed, Failure> {
    let none =
        || Failure::new(FailureCode::Request, "there is nothing to vote on; ask for two answers first".to_owned());
    let sides = place.secret.take().ok_or_else(none)?;
    let prompt = place.vote.borrow().prompt.clone();
    let at = wall_time();
    let kept = keep(&place.folders, KeptVote { at, prompt: short(&prompt), sides, choice });
    if let Err(failure) = kept {
        // The vote is open still.
        place.secret.set(Some(sides));
        return Err(failure);
    }
    place.vote.send_modify(|view| {
        (view.phase, view.choice, view.revealed) = (VotePhase::Cast, Some(choice), Some(sides));
    });
    Ok(sides)
}

fn keep(folders: &Folders, vote: KeptVote) -> Result<(), Failure> {
    let mut votes = votes(folders)?;
    votes.insert(0, vote);
    votes.truncate(MOST);
    write_json(&folders.votes(), &votes).map_err(|error| Failure::of(FailureCode::File, &error))
}

/// The votes that were cast, newest first.
pub(super) fn votes(folders: &Folders) -> Result<Vec<KeptVote>, Failure> {
    let votes = read_json(&folders.votes()).map_err(|error| Failure::of(FailureCode::File, &error))?;
    Ok(votes.unwrap_or_default())
}

/// What the votes come to, by pair, the pair voted on last first.
pub(super) fn summaries(votes: &[KeptVote]) -> Vec<VoteSummary> {
    let mut pairs: Vec<((Precision, Precision), Preference)> = Vec::new();
    for vote in votes {
        let Revealed { first, second } = vote.sides;
        let pair = (first.min(second), first.max(second));
        let known = pairs.iter().position(|(known, _)| *known == pair).unwrap_or_else(|| {
            pairs.push((pair, Preference::default()));
            pairs.len() - 1
        });
        count(&mut pairs[known].1, vote.choice, first == pair.0);
    }
    pairs.into_iter().map(|((exact, other), preference)| summary(exact, other, &preference)).collect()
}

fn count(preference: &mut Preference, choice: VoteChoice, first_is_exact: bool) {
    match choice {
        VoteChoice::Equal => preference.equal += 1,
        VoteChoice::First if first_is_exact => preference.exact += 1,
        VoteChoice::Second if !first_is_exact => preference.exact += 1,
        VoteChoice::First | VoteChoice::Second => preference.other += 1,
    }
}

fn summary(exact: Precision, other: Precision, preference: &Preference) -> VoteSummary {
    VoteSummary {
        exact,
        other,
        for_exact: preference.exact,
        for_other: preference.other,
        equal: preference.equal,
        share: preference.share(),
        interval: preference.interval().into(),
        told: preference.told(),
        least_votes: LEAST_VOTES,
    }
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::Millis;

    use super::*;

    fn vote(first: Precision, second: Precision, choice: VoteChoice) -> KeptVote {
        KeptVote { at: Millis(0), prompt: String::new(), sides: Revealed { first, second }, choice }
    }

    #[test]
    fn votes_count_for_who_gave_the_answer_wherever_it_stood() {
        let (f16, q8, q4) = (Precision::F16, Precision::Q8_0, Precision::Q4_0);
        let votes = [
            vote(q8, f16, VoteChoice::First),
            vote(f16, q8, VoteChoice::First),
            vote(q8, f16, VoteChoice::Second),
            vote(q8, f16, VoteChoice::Equal),
            vote(q4, f16, VoteChoice::Second),
        ];
        let told: Vec<_> = summaries(&votes)
            .iter()
            .map(|one| (one.exact, one.other, one.for_exact, one.for_other, one.equal))
            .collect();
        assert_eq!(told, [(f16, q8, 2, 1, 1), (f16, q4, 1, 0, 0)]);
    }

    #[test]
    fn votes_are_kept_newest_first_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path());
        let one = vote(Precision::F16, Precision::Q8_0, VoteChoice::Equal);
        write_json(&folders.votes(), &vec![one.clone(); MOST]).unwrap();
        let newest = KeptVote { at: Millis(7), ..one };
        keep(&folders, newest.clone()).unwrap();
        let votes = votes(&folders).unwrap();
        assert_eq!((votes.len(), &votes[0]), (MOST, &newest));
    }
}
