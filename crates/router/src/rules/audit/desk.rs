//! The answers that wait to be looked at.
//!
//! In memory only, few, and only while a validator asks: prompts and answers are never written down.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cortensor_protocol::{
    ArtifactDigest, AuditId, AuditJob, DeviceKind, Millis, ModelId, Precision, Prompt, TaskId, TokenId,
};
use tokio::{
    sync::Notify,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::Claim;
use crate::{clock::now, policy::AuditPolicy};

/// How often one answer is handed out before it is given up.
const HAND_OUTS: u32 = 2;

/// An answer that can be looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) claim: Claim,
    pub(crate) task: TaskId,
    /// Not a test.
    pub(crate) for_user: bool,
    pub(crate) model: ModelId,
    pub(crate) precision: Precision,
    /// What the node says it computes on.
    pub(crate) device: DeviceKind,
    pub(crate) prompt: Prompt,
    /// Tokens of the answer that another attempt had given before.
    pub(crate) before: Vec<TokenId>,
    pub(crate) tokens: Vec<TokenId>,
    pub(crate) settled_at: Millis,
}

/// The answers that wait for a validator, and those that one looks at.
pub(crate) struct AuditDesk {
    policy: AuditPolicy,
    state: Mutex<State>,
    added: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    handed: HashMap<AuditId, Handed>,
    /// A validator that asked lately may ask again until then.
    validators_until: Option<Millis>,
}

struct Waiting {
    sample: Sample,
    hand_outs: u32,
}

struct Handed {
    waiting: Waiting,
    until: Millis,
}

impl AuditDesk {
    pub(crate) fn new(policy: AuditPolicy) -> Self {
        Self { policy, state: Mutex::default(), added: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a validator asked lately. If not, nothing is kept for one.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().validators_until.is_some_and(|until| now() < until)
    }

    /// Keeps an answer until a validator asks. Of a claim that fills its share, and of all, the oldest are dropped.
    pub(crate) fn add(&self, sample: Sample) {
        self.lock().add(&self.policy, Waiting { sample, hand_outs: 0 });
        self.added.notify_waiters();
    }

    /// Answers to look at, all of one artifact, as soon as there are any; none when `patience` is over.
    pub(crate) async fn claim(&self, held: &[ArtifactDigest], patience: Duration) -> Vec<AuditJob> {
        let asked = async {
            loop {
                let mut added = pin!(self.added.notified());
                // From here on, so that nothing is missed between the look and the wait.
                added.as_mut().enable();
                let jobs = self.lock().hand_out(&self.policy, held, now());
                if !jobs.is_empty() {
                    return jobs;
                }
                added.await;
            }
        };
        timeout(patience, asked).await.unwrap_or_default()
    }

    /// Drops what waits of a claim: its verdict is there.
    pub(crate) fn forget(&self, claim: Claim) {
        let mut state = self.lock();
        state.waiting.retain(|waiting| waiting.sample.claim != claim);
        state.handed.retain(|_, handed| handed.waiting.sample.claim != claim);
    }

    /// Drops everything when no validator has asked for a while, until the router stops.
    pub(crate) async fn tidy(&self, stopping: CancellationToken) {
        let mut rounds = interval(self.policy.validator().max(Duration::from_secs(1)));
        while stopping.run_until_cancelled(rounds.tick()).await.is_some() {
            if !self.is_open() {
                *self.lock() = State::default();
            }
        }
    }

    /// How many tokens a validator is to look at; `None`: it was not asked to, or took too long.
    pub(crate) fn asked_of(&self, id: AuditId) -> Option<usize> {
        self.lock().handed.get(&id).map(|handed| handed.waiting.sample.tokens.len())
    }

    /// Takes an answer off the desk: it was looked at.
    pub(crate) fn take(&self, id: AuditId) -> Option<Sample> {
        self.lock().handed.remove(&id).map(|handed| handed.waiting.sample)
    }
}

impl State {
    fn add(&mut self, policy: &AuditPolicy, waiting: Waiting) {
        let of_claim = |other: &Waiting| other.sample.claim == waiting.sample.claim;
        if self.waiting.iter().filter(|other| of_claim(other)).count() >= policy.queue_per_claim.max(1) {
            let oldest = self.waiting.iter().position(of_claim);
            oldest.map(|oldest| self.waiting.remove(oldest));
        }
        if self.waiting.len() + self.handed.len() >= policy.queue.max(1) {
            self.waiting.pop_front();
        }
        self.waiting.push_back(waiting);
    }

    fn hand_out(&mut self, policy: &AuditPolicy, held: &[ArtifactDigest], at: Millis) -> Vec<AuditJob> {
        self.validators_until = Some(at + policy.validator());
        self.expire(policy, at);
        let mut artifacts = self.waiting.iter().map(|waiting| waiting.sample.claim.artifact);
        let Some(artifact) = artifacts.find(|artifact| held.contains(artifact)) else { return Vec::new() };
        let mut jobs = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.sample.claim.artifact == artifact && jobs.len() < policy.hand_out.max(1) {
                jobs.push(self.hand(policy, waiting, at));
            } else {
                self.waiting.push_back(waiting);
            }
        }
        jobs
    }

    fn hand(&mut self, policy: &AuditPolicy, mut waiting: Waiting, at: Millis) -> AuditJob {
        let id = AuditId(uuid::Uuid::new_v4());
        let job = job(id, &waiting.sample, policy.within());
        waiting.hand_outs += 1;
        self.handed.insert(id, Handed { waiting, until: at + policy.within() });
        job
    }

    /// What was handed out and did not come back in time is handed out again.
    fn expire(&mut self, policy: &AuditPolicy, at: Millis) {
        let late = self.handed.extract_if(|_, handed| handed.until <= at).map(|(_, handed)| handed.waiting);
        let again: Vec<Waiting> = late.filter(|waiting| waiting.hand_outs < HAND_OUTS).collect();
        again.into_iter().for_each(|waiting| self.add(policy, waiting));
    }
}

fn job(id: AuditId, sample: &Sample, within: Duration) -> AuditJob {
    AuditJob {
        id,
        model: sample.model.clone(),
        precision: sample.precision,
        artifact: sample.claim.artifact,
        prompt: sample.prompt.clone(),
        before: sample.before.clone(),
        tokens: sample.tokens.clone(),
        within_ms: u64::try_from(within.as_millis()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests;
