//! One test of one artifact: a question of each kind, then the throughput test.

use std::time::Duration;

use cortensor_protocol::{Offer, Percentage, Prompt, RouterMessage, Sampling, TaskId, Usage};
use tokio::time::Instant;

use super::Examiner;
use crate::rules::{
    choice::Choice,
    drive::{Delivery, Finished, Job, Purse, start},
    grade::{Prefill, Seen, passes},
    pool::Want,
    problem::Problem,
    question::{QUESTION_TOKENS, QUESTIONS, Question, filler, questions},
};

/// Each prompt length is timed this often; the shortest time counts, because a machine can only be too slow.
const TIMINGS: u32 = 2;
const SHORT_PROMPT_WORDS: u32 = 4;
/// Tokens that cannot honestly come of a word of filler, or of the chat template.
const TOKENS_A_WORD: u32 = 2;
const TEMPLATE_TOKENS: u32 = 64;

pub(super) struct Sitting<'a> {
    pub(super) examiner: &'a Examiner<'a>,
    pub(super) offer: &'a Offer,
    pub(super) seed: u64,
    /// The last test still holds: the node goes on mining meanwhile, and users come first.
    pub(super) surprise: bool,
}

/// The node does not offer the artifact any more, users came first, the router stops, or its database fails: there is no
/// result.
struct GivenUp;

#[derive(Default)]
struct Heard {
    text: String,
    first_token: Option<Duration>,
    /// When tokens came in, and how many.
    batches: Vec<(Instant, usize)>,
    usage: Option<Usage>,
}

impl Sitting<'_> {
    pub(super) async fn run(&self) -> Option<Seen> {
        self.sit().await.ok()
    }

    async fn sit(&self) -> Result<Seen, GivenUp> {
        let mut seen = Seen::of(QUESTIONS);
        for set in 0..self.examiner.context.policy.test_sets.max(1) {
            self.ask_set(set, &mut seen).await?;
            if passes(&self.examiner.context.policy, &seen) {
                break;
            }
        }
        let before = seen.sets * QUESTIONS;
        // In turns, so that a passing load on the machine meets both lengths.
        for timing in 0..TIMINGS {
            let (short, _) = self.time(timing, SHORT_PROMPT_WORDS).await?;
            self.progress(seen.sets, before + 2 * timing + 1).await;
            let (long, decode) = self.time(timing, self.long_prompt_words()).await?;
            self.progress(seen.sets, before + 2 * timing + 2).await;
            seen.short = faster(seen.short, short);
            seen.long = faster(seen.long, long);
            seen.decode = [seen.decode, decode].into_iter().flatten().reduce(f64::max);
        }
        Ok(seen)
    }

    /// One set of questions; the first is number 0 and is asked whole, a later one until enough is right.
    async fn ask_set(&self, set: u32, seen: &mut Seen) -> Result<(), GivenUp> {
        seen.sets = set + 1;
        self.progress(seen.sets, set * QUESTIONS).await;
        for (done, question) in (1..).zip(questions(self.seed.wrapping_add(u64::from(set)))) {
            let heard = self.ask(&question.prompt, Some(question.clone())).await?;
            let score = if heard.usage.is_some() { question.score(&heard.text) } else { Percentage::default() };
            seen.count(question.kind, score);
            tracing::debug!(node = %self.examiner.node, kind = ?question.kind, ?seen.score, "a question was answered");
            self.progress(seen.sets, set * QUESTIONS + done).await;
            if set > 0 && passes(&self.examiner.context.policy, seen) {
                break;
            }
        }
        Ok(())
    }

    async fn progress(&self, sets: u32, done: u32) {
        if self.surprise {
            return;
        }
        let total = sets * QUESTIONS + 2 * TIMINGS;
        // A node that does not listen any more ends elsewhere.
        let _ = self.examiner.outgoing.send(RouterMessage::Testing { done, total }).await;
    }

    fn long_prompt_words(&self) -> u32 {
        let room = self.offer.context_tokens.saturating_sub(TEMPLATE_TOKENS + QUESTION_TOKENS) / TOKENS_A_WORD;
        self.examiner.context.policy.long_prompt_words.min(room).max(SHORT_PROMPT_WORDS + 1)
    }

    async fn time(&self, timing: u32, words: u32) -> Result<(Option<Prefill>, Option<f64>), GivenUp> {
        let prompt = filler(self.seed.wrapping_add(u64::from(words * TIMINGS + timing)), words);
        let heard = self.ask(&prompt, None).await?;
        let most = words * TOKENS_A_WORD + TEMPLATE_TOKENS;
        let prefill = heard.usage.zip(heard.first_token).map(|(usage, first_token)| Prefill {
            // The node's own count, as far as it is plausible.
            tokens: usage.prompt_tokens.min(most),
            first_token,
        });
        Ok((prefill, heard.decode_rate()))
    }

    async fn ask(&self, prompt: &str, question: Option<Question>) -> Result<Heard, GivenUp> {
        let mut deliveries = start(self.examiner.context, self.job(prompt, question));
        let mut heard = Heard::default();
        let mut assigned = Instant::now();
        while let Some(delivery) = deliveries.recv().await {
            match delivery {
                Delivery::Started { assigned: at, .. } => assigned = at,
                Delivery::Tokens { tokens, at } => {
                    heard.first_token.get_or_insert_with(|| at - assigned);
                    heard.batches.push((at, tokens.len()));
                    heard.text.extend(tokens.iter().map(|token| token.text.as_str()));
                }
                Delivery::Finished(Finished { usage, .. }) => heard.usage = Some(usage),
                Delivery::Failed(Problem::Stopping | Problem::NotWritten { .. } | Problem::Internal) => {
                    return Err(GivenUp);
                }
                Delivery::Failed(Problem::TimedOut { .. }) if self.users_came_first() => return Err(GivenUp),
                Delivery::Failed(problem) => {
                    tracing::debug!(node = %self.examiner.node, %problem, "a test task failed");
                }
            }
        }
        if self.is_offered() { Ok(heard) } else { Err(GivenUp) }
    }

    fn users_came_first(&self) -> bool {
        self.surprise && self.examiner.context.pool.serves_users(self.examiner.node)
    }

    fn is_offered(&self) -> bool {
        self.examiner.offers.borrow().iter().any(|offer| offer.artifact == self.offer.artifact)
    }

    fn job(&self, prompt: &str, question: Option<Question>) -> Job {
        let policy = &self.examiner.context.policy;
        Job {
            id: TaskId(uuid::Uuid::now_v7()),
            name: self.offer.model.to_string(),
            want: Want {
                artifact: Some(self.offer.artifact),
                node: Some(self.examiner.node),
                ..Want::new(self.offer.model.clone(), Choice::default())
            },
            prompt: Prompt::user(prompt),
            sampling: Sampling::greedy(QUESTION_TOKENS),
            deadlines: policy.test_deadlines(),
            purse: Purse::Incentives { question, reward: policy.test_reward },
            validated: false,
        }
    }
}

fn faster(one: Option<Prefill>, other: Option<Prefill>) -> Option<Prefill> {
    [one, other].into_iter().flatten().min_by_key(|prefill| prefill.first_token)
}

impl Heard {
    /// Tokens a second after the first batch.
    fn decode_rate(&self) -> Option<f64> {
        let ((first, _), (last, _)) = (self.batches.first()?, self.batches.last()?);
        let tokens: usize = self.batches.iter().skip(1).map(|(_, count)| count).sum();
        let tokens = f64::from(u32::try_from(tokens).ok()?);
        let time = (*last - *first).as_secs_f64();
        (time > 0.0).then(|| tokens / time)
    }
}
