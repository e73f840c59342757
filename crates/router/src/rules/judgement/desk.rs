//! What waits to be compared or judged.
//!
//! In memory only, few, and only while a validator asks: prompts and answers are never written down.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cortensor_protocol::{
    JudgementAsked, JudgementFinding, JudgementId, JudgementJob, JudgementKind, Millis, RubricRule, RubricScore,
    RubricVerdict,
};
use tokio::{
    sync::{Notify, oneshot},
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Comparison, Judged, JudgementRefused, OpenAnswer};
use crate::{clock::now, policy::JudgementPolicy, store::ValidatorId};

/// What waits for validators, and what is with one.
pub(crate) struct JudgementDesk {
    policy: JudgementPolicy,
    rule: RubricRule,
    state: Mutex<State>,
    added: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Case>,
    handed: HashMap<JudgementId, Handed>,
    /// A validator that asked lately for such things may ask again until then.
    open_until: HashMap<JudgementKind, Millis>,
}

struct Case {
    what: What,
    /// Nobody waits for it any longer than this.
    until: Millis,
}

enum What {
    Compare { answers: Vec<String>, compared: oneshot::Sender<Comparison> },
    Judge { answer: OpenAnswer, judged: Vec<(ValidatorId, RubricScore)> },
}

struct Handed {
    case: Case,
    validator: ValidatorId,
    until: Millis,
}

impl JudgementDesk {
    pub(crate) fn new(policy: JudgementPolicy, rule: RubricRule) -> Self {
        Self { policy, rule, state: Mutex::default(), added: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a validator asked lately for such things. If not, nothing is kept for one.
    pub(crate) fn is_open(&self, kind: JudgementKind) -> bool {
        self.lock().open_until.get(&kind).is_some_and(|until| now() < *until)
    }

    /// How near these answers lie to each other. `None`: no validator said so in time.
    pub(crate) async fn compare(&self, answers: Vec<String>) -> Option<Comparison> {
        let (compared, comparison) = oneshot::channel();
        self.add(What::Compare { answers, compared }, self.policy.within());
        timeout(self.policy.within(), comparison).await.ok()?.ok()
    }

    /// Keeps an answer until enough validators have judged it.
    pub(crate) fn judge(&self, answer: OpenAnswer) {
        self.add(What::Judge { answer, judged: Vec::new() }, self.policy.keep());
    }

    fn add(&self, what: What, patience: Duration) {
        let mut state = self.lock();
        state.expire(now());
        state.add(&self.policy, Case { what, until: now() + patience });
        drop(state);
        self.added.notify_waiters();
    }

    /// Things to judge, as soon as there are any; none when `patience` is over.
    pub(crate) async fn claim(
        &self,
        validator: ValidatorId,
        kinds: &[JudgementKind],
        patience: Duration,
    ) -> Vec<JudgementJob> {
        let asked = async {
            loop {
                let mut added = pin!(self.added.notified());
                // From here on, so that nothing is missed between the look and the wait.
                added.as_mut().enable();
                let jobs = self.lock().hand_out(&self.policy, validator, kinds, now());
                if !jobs.is_empty() {
                    return jobs;
                }
                added.await;
            }
        };
        timeout(patience, asked).await.unwrap_or_default()
    }

    /// Takes what a validator found. What was compared goes to its round; what was judged is returned, and waits for more
    /// validators if it takes more.
    pub(crate) fn take(
        &self,
        id: JudgementId,
        validator: ValidatorId,
        finding: &JudgementFinding,
    ) -> Result<Option<Judged>, JudgementRefused> {
        let mut state = self.lock();
        let case = state.take(id, validator, finding, now())?;
        match (case.what, finding) {
            (What::Compare { compared, .. }, JudgementFinding::Meaning { similarities }) => {
                // A round that does not wait any more needs to know nothing.
                let _ = compared.send(Comparison { similarities: similarities.clone(), validator });
                Ok(None)
            }
            (What::Judge { answer, mut judged }, JudgementFinding::Rubric { score }) => {
                judged.push((validator, *score));
                let said = self.said(&answer, &judged, *score);
                if matches!(said.verdict, RubricVerdict::AskMore(_)) {
                    state.add(&self.policy, Case { what: What::Judge { answer, judged }, until: case.until });
                    drop(state);
                    self.added.notify_waiters();
                }
                Ok(Some(said))
            }
            (_, finding) => {
                tracing::info!(judgement = %id, ?finding, "something could not be judged");
                Ok(None)
            }
        }
    }

    fn said(&self, answer: &OpenAnswer, judged: &[(ValidatorId, RubricScore)], score: RubricScore) -> Judged {
        let scores: Vec<_> = judged.iter().map(|(_, score)| *score).collect();
        Judged {
            subject: answer.subject,
            score,
            verdict: self.rule.judge(&scores),
            judgements: u32::try_from(scores.len()).unwrap_or(u32::MAX),
        }
    }

    /// Drops everything when no validator has asked for a while, until the router stops.
    pub(crate) async fn tidy(&self, stopping: CancellationToken) {
        let mut rounds = interval(self.policy.validator().max(Duration::from_secs(1)));
        while stopping.run_until_cancelled(rounds.tick()).await.is_some() {
            self.lock().tidy(now());
        }
    }
}

impl State {
    fn add(&mut self, policy: &JudgementPolicy, case: Case) {
        if self.waiting.len() + self.handed.len() >= policy.queue.max(1) {
            let oldest = self.waiting.iter().position(|case| !case.is_urgent()).unwrap_or_default();
            self.waiting.remove(oldest);
        }
        // A round waits with its nodes' pay.
        if case.is_urgent() { self.waiting.push_front(case) } else { self.waiting.push_back(case) }
    }

    fn hand_out(
        &mut self,
        policy: &JudgementPolicy,
        validator: ValidatorId,
        kinds: &[JudgementKind],
        at: Millis,
    ) -> Vec<JudgementJob> {
        self.open_until.extend(kinds.iter().map(|kind| (*kind, at + policy.validator())));
        self.expire(at);
        let mut jobs = Vec::new();
        for case in std::mem::take(&mut self.waiting) {
            if jobs.len() < policy.hand_out.max(1) && case.is_for(validator, kinds) {
                jobs.push(self.hand(policy, case, validator, at));
            } else {
                self.waiting.push_back(case);
            }
        }
        jobs
    }

    fn hand(&mut self, policy: &JudgementPolicy, case: Case, validator: ValidatorId, at: Millis) -> JudgementJob {
        let id = JudgementId(uuid::Uuid::new_v4());
        let until = (at + policy.within()).min(case.until);
        let within_ms = u64::try_from(until.since(at).as_millis()).unwrap_or(u64::MAX);
        let job = JudgementJob { id, asked: case.what.asked(), within_ms };
        self.handed.insert(id, Handed { case, validator, until });
        job
    }

    fn take(
        &mut self,
        id: JudgementId,
        validator: ValidatorId,
        finding: &JudgementFinding,
        at: Millis,
    ) -> Result<Case, JudgementRefused> {
        self.expire(at);
        let handed = self.handed.get(&id).ok_or(JudgementRefused::Unknown)?;
        if handed.validator != validator {
            return Err(JudgementRefused::AnotherValidators);
        }
        if let Some(wanted) = handed.case.what.missing(finding) {
            return Err(JudgementRefused::Unfit { wanted });
        }
        Ok(self.handed.remove(&id).ok_or(JudgementRefused::Unknown)?.case)
    }

    /// What nobody waits for is dropped. What did not come back in time is handed out again.
    fn expire(&mut self, at: Millis) {
        self.waiting.retain(|case| at < case.until);
        let late = self.handed.extract_if(|_, handed| handed.until <= at).map(|(_, handed)| handed.case);
        self.waiting.extend(late.filter(|case| at < case.until));
    }

    fn tidy(&mut self, at: Millis) {
        self.expire(at);
        self.open_until.retain(|_, until| at < *until);
        if self.open_until.is_empty() {
            *self = Self::default();
        }
    }
}

impl Case {
    const fn is_urgent(&self) -> bool {
        matches!(self.what, What::Compare { .. })
    }

    /// Nobody judges an answer twice.
    fn is_for(&self, validator: ValidatorId, kinds: &[JudgementKind]) -> bool {
        match &self.what {
            What::Compare { .. } => kinds.contains(&JudgementKind::Meaning),
            What::Judge { judged, .. } => {
                kinds.contains(&JudgementKind::Rubric) && !judged.iter().any(|(by, _)| *by == validator)
            }
        }
    }
}

impl What {
    fn asked(&self) -> JudgementAsked {
        match self {
            Self::Compare { answers, .. } => JudgementAsked::Meaning { answers: answers.clone() },
            Self::Judge { answer: OpenAnswer { question, answer, .. }, .. } => {
                JudgementAsked::Rubric { question: question.clone(), answer: answer.clone() }
            }
        }
    }

    /// What a finding should be instead, in words; `None`: it is as asked for.
    fn missing(&self, finding: &JudgementFinding) -> Option<String> {
        let is_similarity = |number: &f32| (-1.01..=1.01).contains(number);
        match (self, finding) {
            (Self::Compare { answers, .. }, JudgementFinding::Meaning { similarities })
                if similarities.len() == answers.len() && similarities.iter().all(is_similarity) =>
            {
                None
            }
            (Self::Judge { .. }, JudgementFinding::Rubric { .. }) | (_, JudgementFinding::Unusable { .. }) => None,
            (Self::Compare { answers, .. }, _) => {
                Some(format!("{} similarities from -1 to 1, one for each answer", answers.len()))
            }
            (Self::Judge { .. }, _) => Some("a mark from 0 to 5 for each criterion".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
