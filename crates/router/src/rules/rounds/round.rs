//! One round, from the draw to what it pays.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use cortensor_protocol::{
    Amount, Deadlines, JudgementKind, Millis, NetworkTask, NetworkTaskDeadlines, NetworkTaskEnd, NetworkTaskEvent,
    NetworkTaskState, NodeAddress, Outcome as Ended, ParticipantProgress, ParticipantStep, TaskId, UnpaidReason,
};
use tokio::{sync::mpsc, time::sleep};
use uuid::Uuid;

use super::{
    Draw,
    ask::Ask,
    nearness::{by_meaning, by_token},
    verdict::{Compared, Outcome, Partings, presence},
};
use crate::{
    clock::{now, wall_time},
    context::Context,
    rules::{
        answer::Binding,
        audit::Claim,
        backlog::Entry,
        choice::Choice,
        conduct::{self, Observation},
        drive::{Committed, Delivery, Job, Purse, RoundStep, Step, incentive, start},
        judgement::{OpenAnswer, Subject},
        pool::Want,
        problem::Problem,
    },
    store::{Ending, Line, Pay, RoundAnswer, RoundRecord},
};

/// Steps that one node can be heard of.
const STEPS: usize = 8;

/// A round that runs.
pub(super) struct Round {
    context: Arc<Context>,
    draw: Draw,
    seed: u64,
    ask: Ask,
    began_at: Millis,
    task: NetworkTask,
    seats: BTreeMap<NodeAddress, Seat>,
}

/// One node's place in it.
struct Seat {
    task: TaskId,
    /// Held for as long as the answer is wanted.
    deliveries: Option<mpsc::Receiver<Delivery>>,
    assigned: bool,
    refused: bool,
    /// Nothing more comes of it.
    ended: bool,
    broke_rules: Option<String>,
    /// What it did and the round has yet to take.
    due: VecDeque<NetworkTaskEvent>,
    answer: Option<Committed>,
}

impl Round {
    /// Holds a round with these nodes.
    pub(super) async fn run(context: Arc<Context>, draw: Draw, seed: u64) {
        let (steps, mut heard) = mpsc::channel(draw.nodes.len() * STEPS);
        let mut round = Self::begin(context, draw, seed, &steps);
        // From here on only the nodes' tasks hold it: it ends with the last of them.
        drop(steps);
        while let Some(wake_at) = round.task.wake_at() {
            tokio::select! {
                Some(step) = heard.recv() => round.hear(step),
                () = sleep(wake_at.since(now())) => {}
            }
            round.go_on();
        }
        if round.task.state() == NetworkTaskState::End(NetworkTaskEnd::Complete) {
            round.judge().await;
        }
        round.seats.values_mut().for_each(|seat| seat.deliveries = None);
        round.settle_unjudged().await;
        while let Some(step) = heard.recv().await {
            round.hear(step);
            round.settle_unjudged().await;
        }
    }

    fn begin(context: Arc<Context>, draw: Draw, seed: u64, steps: &mpsc::Sender<RoundStep>) -> Self {
        let ask = Ask::new(&context.policy, seed, context.judgements.is_open(JudgementKind::Meaning));
        let mut task = NetworkTask::new(deadlines(&context, ask.sampling.max_tokens), now());
        // In order, so neither can be refused; a round that is over at once is judged like any other.
        let _ = task.apply(NetworkTaskEvent::Request(draw.nodes.clone()), now());
        let _ = task.apply(NetworkTaskEvent::Create, now());
        let seat = |node: &NodeAddress| (*node, Seat::take(&context, &draw, *node, &ask, steps));
        let seats = draw.nodes.iter().map(seat).collect();
        Self { context, draw, seed, ask, began_at: wall_time(), task, seats }
    }

    fn hear(&mut self, RoundStep { task, what }: RoundStep) {
        let artifact = self.draw.offer.artifact;
        let Some((node, seat)) = self.seats.iter_mut().find(|(_, seat)| seat.task == task) else { return };
        let node = *node;
        match what {
            Step::Assigned => seat.assigned = true,
            Step::Acked => seat.due.push_back(NetworkTaskEvent::Prepare(node)),
            Step::Refused => seat.refused = true,
            Step::Precommitted(hash) => seat.due.push_back(NetworkTaskEvent::Precommit(node, hash)),
            Step::Committed(answer) => {
                let hash = Binding { node, task, artifact }.hash(&answer.tokens);
                seat.due.push_back(NetworkTaskEvent::Commit(node, hash));
                seat.answer = Some(*answer);
                seat.ended = true;
            }
            Step::Ended(problem) => {
                seat.ended = true;
                match problem {
                    Problem::InvalidAnswer { reason } => seat.broke_rules = Some(reason),
                    // The router's own trouble says nothing about anybody. That it is over already is as well.
                    Problem::Stopping | Problem::NotWritten { .. } | Problem::Internal => {
                        let _ = self.task.apply(NetworkTaskEvent::Abandon, now());
                    }
                    _ => {}
                }
            }
        }
    }

    /// Gives the round what is due, as far as it goes.
    fn go_on(&mut self) {
        let _ = self.task.apply(NetworkTaskEvent::Tick, now());
        while let Some(wake_at) = self.task.wake_at() {
            if self.feed() {
                continue;
            }
            if self.awaits_somebody() {
                break;
            }
            // Nothing more comes of those that are awaited, so waiting for the deadline would change nothing.
            let _ = self.task.apply(NetworkTaskEvent::Tick, wake_at);
        }
        if self.task.state().step() != Some(ParticipantStep::Prepare) {
            let late = self.seats.values_mut().filter(|seat| !seat.assigned);
            late.for_each(|seat| seat.deliveries = None);
        }
    }

    /// Takes the next step that the round is ready for. Says whether there was one.
    fn feed(&mut self) -> bool {
        if self.task.state() == NetworkTaskState::Start {
            return self.task.apply(NetworkTaskEvent::Start, now()).is_ok();
        }
        let Some(step) = self.task.state().step() else { return false };
        for (node, seat) in &mut self.seats {
            let due = self.task.participant(*node).and_then(|participant| participant.progress().next());
            if due == Some(step)
                && let Some(event) = seat.due.pop_front()
            {
                // Refused or not, it is taken, and the round counts what it refuses.
                let _ = self.task.apply(event, now());
                return true;
            }
        }
        false
    }

    /// Whether anything can still come of a node that the round waits for.
    fn awaits_somebody(&self) -> bool {
        let step = self.task.state().step();
        self.task.participants().any(|(node, participant)| {
            step.is_some()
                && participant.progress().next() == step
                && self.seats.get(&node).is_some_and(|seat| !seat.ended)
        })
    }

    /// Who was asked, and who was there. A node that users kept busy was asked nothing, and has missed nothing.
    async fn note_presence(&self) {
        let at = wall_time();
        let seen = self.seats.iter().filter_map(|(node, seat)| {
            let there = seat.assigned || self.context.pool.is_connected(*node);
            let events = presence(seat.assigned, there, at)?;
            Some(events.map(|event| Observation::new(*node, event)))
        });
        conduct::record_all(&self.context, seen.flatten().collect()).await;
    }

    /// Compares what is there, keeps it, has it judged, pays it, and says what follows from it.
    async fn judge(&mut self) {
        let compared = self.compare().await;
        self.note_presence().await;
        let record = self.record(&compared);
        match self.context.store.add_round(&record).await {
            Ok(()) => self.offer_to_judges(record.id),
            Err(error) => {
                tracing::error!(%error, round = %record.id, "a round was not kept; it is as if there had been none");
            }
        }
        for (node, outcome) in &compared.outcomes {
            self.pay(*node, outcome).await;
            self.tell(*node, outcome).await;
        }
    }

    async fn compare(&self) -> Compared {
        let mut compared = if self.ask.sampling.is_greedy() {
            let answers: Vec<_> = self.committed().map(|(node, answer)| (node, answer.tokens.as_slice())).collect();
            by_token(&self.context.policy.rounds, &answers)
        } else {
            let answers = self.committed().map(|(node, answer)| (node, answer.text.clone())).collect();
            by_meaning(&self.context, answers).await
        };
        for (node, seat) in &self.seats {
            compared.outcomes.entry(*node).or_insert_with(|| seat.without_answer());
        }
        compared
    }

    /// The answers that came in time.
    fn committed(&self) -> impl Iterator<Item = (NodeAddress, &Committed)> {
        self.seats.iter().filter_map(|(node, seat)| {
            let progress = self.task.participant(*node)?.progress();
            let answer = seat.answer.as_ref().filter(|_| progress == ParticipantProgress::Committed)?;
            Some((*node, answer))
        })
    }

    fn record(&self, compared: &Compared) -> RoundRecord {
        let answers = compared.outcomes.iter().filter_map(|(node, outcome)| {
            let seat = self.seats.get(node)?;
            Some(RoundAnswer {
                node: *node,
                task: seat.task,
                outcome: outcome.word(),
                position: outcome.position(),
                similarity: compared.similarities.get(node).copied(),
                tokens: seat.answer.as_ref().map_or(0, |answer| answer.tokens.len()),
            })
        });
        RoundRecord {
            id: Uuid::now_v7(),
            model: self.draw.offer.model.clone(),
            artifact: self.draw.offer.artifact,
            seed: self.seed,
            temperature: self.ask.temperature(),
            validator: compared.validator,
            began_at: self.began_at,
            ended_at: wall_time(),
            answers: answers.collect(),
        }
    }

    /// The question was an open one: validators say how good each answer is. Short ones are cut off and cannot be.
    fn offer_to_judges(&self, round: Uuid) {
        let desk = &self.context.judgements;
        let long = self.ask.sampling.max_tokens >= self.context.policy.judgement.least_tokens;
        if !long || !desk.is_open(JudgementKind::Rubric) {
            return;
        }
        for (node, answer) in self.committed().filter(|(_, answer)| !answer.tokens.is_empty()) {
            let claim = Claim { node, artifact: self.draw.offer.artifact };
            let subject = Subject { claim, round, task: answer.line.task };
            desk.judge(OpenAnswer { subject, question: self.ask.question.text.clone(), answer: answer.text.clone() });
        }
    }

    async fn pay(&mut self, node: NodeAddress, outcome: &Outcome) {
        let Some(answer) = self.seats.get_mut(&node).and_then(|seat| seat.answer.take()) else { return };
        let pay = match outcome.pay(self.context.policy.test_reward) {
            Pay::Incentive(_) if answer.tokens.is_empty() => Pay::Void(UnpaidReason::EmptyAnswer),
            Pay::Incentive(reward) => incentive(&self.context, node, reward).await,
            pay => pay,
        };
        settle(&self.context, answer.line, pay).await;
    }

    async fn tell(&self, node: NodeAddress, outcome: &Outcome) {
        let policy = &self.context.policy.rounds;
        let seen = self.context.store.partings(node, self.draw.offer.artifact, policy.looks_back).await;
        let partings = match seen {
            Ok((early, judged)) => Partings { early, judged },
            Err(error) => {
                return tracing::error!(%error, %node, "a node's rounds could not be read; this one is passed over");
            }
        };
        if let Some(event) = outcome.event(partings, policy, wall_time()) {
            tracing::info!(%node, failure = ?event.failure, seen = event.seen, "a round was judged");
            conduct::record(&self.context, node, event).await;
        }
    }

    /// What came too late to be compared, or of a round that was given up, is not paid.
    async fn settle_unjudged(&mut self) {
        let outcome = match self.task.state() {
            NetworkTaskState::End(NetworkTaskEnd::Abandoned) => Outcome::GivenUp,
            _ => Outcome::Missed,
        };
        let answers: Vec<_> = self.seats.values_mut().filter_map(|seat| seat.answer.take()).collect();
        for answer in answers {
            settle(&self.context, answer.line, outcome.pay(Amount::ZERO)).await;
        }
    }
}

impl Seat {
    fn take(
        context: &Arc<Context>,
        draw: &Draw,
        node: NodeAddress,
        ask: &Ask,
        steps: &mpsc::Sender<RoundStep>,
    ) -> Self {
        let task = TaskId(Uuid::now_v7());
        let offer = &draw.offer;
        let job = Job {
            id: task,
            name: offer.model.to_string(),
            want: Want {
                artifact: Some(offer.artifact),
                node: Some(node),
                ..Want::new(offer.model.clone(), Choice::default())
            },
            prompt: ask.prompt(),
            sampling: ask.sampling.clone(),
            deadlines: Deadlines { attempts: 1, ..context.policy.user_deadlines(ask.sampling.max_tokens) },
            purse: Purse::Round(steps.clone()),
            validated: false,
        };
        Self {
            task,
            deliveries: Some(start(context, job)),
            assigned: false,
            refused: false,
            ended: false,
            broke_rules: None,
            due: VecDeque::new(),
            answer: None,
        }
    }

    fn without_answer(&self) -> Outcome {
        match &self.broke_rules {
            Some(reason) => Outcome::BrokeRules(reason.clone()),
            None if self.refused => Outcome::Refused,
            None if !self.assigned => Outcome::NotAsked,
            None => Outcome::Missed,
        }
    }
}

/// Those of a user's task, so that a node that keeps these keeps the round's.
fn deadlines(context: &Context, tokens: u32) -> NetworkTaskDeadlines {
    let user = context.policy.user_deadlines(tokens);
    NetworkTaskDeadlines {
        prepare: user.ack,
        precommit: user.precommit,
        commit: user.commit,
        ..NetworkTaskDeadlines::default()
    }
}

async fn settle(context: &Context, line: Line, pay: Pay) {
    match context.store.settle(&line, &pay).await {
        Ok(()) => context.pool.settled(line.node),
        Err(error) => context.backlog.keep(Entry::Settlement(line.clone(), pay.clone()), &error),
    }
    if matches!(pay, Pay::Void(_)) {
        let (ending, at) = (Ending::Task(Ended::Failed), wall_time());
        if let Err(error) = context.store.end_task(line.task, ending, at).await {
            context.backlog.keep(Entry::Ending(line.task, ending, at), &error);
        }
    }
}
