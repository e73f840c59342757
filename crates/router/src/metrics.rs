//! What the router counts of itself, for Prometheus. docs/operating.md explains each name.
//!
//! Counters live as long as the router; what can be looked up is looked up when it is asked for, in [`standing`], so
//! that no gauge can go stale.

mod standing;

use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use cortensor_protocol::{ModelId, Precision, RefusalReason, Usage};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

pub(crate) use self::standing::Standing;

const PREFIX: &str = "cortensor";
/// Bounds in seconds. Dispatch is meant to take less than 50 ms when a slot is free; what waits in the queue takes
/// longer.
const DISPATCH_BOUNDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];
/// Models that are counted apart. Their names come from nodes, and each is kept for as long as the router runs.
const MOST_MODELS: usize = 256;
const OTHER_MODELS: &str = "other";

/// What the router counted since it started.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    ended: Family<EndedLabels, Counter>,
    dispatch: Histogram,
    tokens: Family<TokenLabels, Counter>,
    /// Those that are counted apart.
    models: Mutex<HashSet<ModelId>>,
    refusals: Family<ReasonLabels, Counter>,
    refused_answers: Family<ReasonLabels, Counter>,
    tests: Family<TestLabels, Counter>,
    turned_away: Family<LimitLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndedLabels {
    kind: &'static str,
    ending: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    model: String,
    precision: &'static str,
    part: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TestLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

/// Why what a node said of a task was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedAnswer {
    /// Tokens that were not asked for, too large, or before the ack.
    Tokens,
    /// The precommit is not signed by the node.
    Precommit,
    /// The commit is not what was streamed, or claims what cannot be.
    Commit,
    /// The commit is not what the precommit bound.
    HashMismatch,
    /// A step of the task's life was left out or repeated.
    OutOfOrder,
    /// It came after a deadline, or for a task that is over: late, or said again.
    Late,
    /// It names an attempt that nobody made.
    UnknownAttempt,
}

impl RefusedAnswer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Precommit => "precommit",
            Self::Commit => "commit",
            Self::HashMismatch => "hash_mismatch",
            Self::OutOfOrder => "out_of_order",
            Self::Late => "late",
            Self::UnknownAttempt => "unknown_attempt",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix(PREFIX),
            ended: Family::default(),
            dispatch: Histogram::new(DISPATCH_BOUNDS),
            tokens: Family::default(),
            models: Mutex::default(),
            refusals: Family::default(),
            refused_answers: Family::default(),
            tests: Family::default(),
            turned_away: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("tasks_ended", "Tasks that are over, by kind and ending", self.ended.clone());
        registry.register_with_unit(
            "dispatch",
            "From a user's request to the first node that was given it",
            Unit::Seconds,
            self.dispatch.clone(),
        );
        registry.register("served_tokens", "Tokens that users paid for", self.tokens.clone());
        registry.register("refusals", "Tasks that nodes refused, which is neutral", self.refusals.clone());
        let help = "Answers and parts of answers that were refused, and are not paid";
        registry.register("refused_answers", help, self.refused_answers.clone());
        registry.register("network_tests", "Tests of an artifact on a node, by result", self.tests.clone());
        registry.register(
            "turned_away",
            "Requests and connections over a limit of the policy",
            self.turned_away.clone(),
        );
    }

    /// A task is over.
    pub(crate) fn task_ended(&self, kind: &'static str, ending: &'static str) {
        self.ended.get_or_create(&EndedLabels { kind, ending }).inc();
    }

    /// A user's task was given to a node for the first time.
    pub(crate) fn dispatched(&self, after: Duration) {
        self.dispatch.observe(after.as_secs_f64());
    }

    /// A user's answer was paid.
    pub(crate) fn served(&self, model: &ModelId, precision: Precision, usage: Usage) {
        for (part, count) in [("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)] {
            let labels = TokenLabels { model: self.named(model), precision: precision.as_str(), part };
            self.tokens.get_or_create(&labels).inc_by(u64::from(count));
        }
    }

    /// The name that a model is counted by.
    fn named(&self, model: &ModelId) -> String {
        let mut known = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_MODELS {
            known.insert(model.clone());
        }
        if known.contains(model) { model.to_string() } else { OTHER_MODELS.to_owned() }
    }

    /// A node refused a task.
    pub(crate) fn refused(&self, reason: RefusalReason) {
        let reason = match reason {
            RefusalReason::AtCapacity => "at_capacity",
            RefusalReason::NotLoaded => "not_loaded",
            RefusalReason::Draining => "draining",
        };
        self.refusals.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// What a node said of a task was refused.
    pub(crate) fn refused_answer(&self, reason: RefusedAnswer) {
        self.refused_answers.get_or_create(&ReasonLabels { reason: reason.as_str() }).inc();
    }

    /// A node was tested.
    pub(crate) fn tested(&self, passed: bool) {
        let result = if passed { "passed" } else { "failed" };
        self.tests.get_or_create(&TestLabels { result }).inc();
    }

    /// A request or a connection was over a limit.
    pub(crate) fn turned_away(&self, limit: &'static str) {
        self.turned_away.get_or_create(&LimitLabels { limit }).inc();
    }

    /// Everything, in Prometheus' text form.
    pub(crate) fn text(&self, standing: &Standing) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        prometheus_text::encode(&mut text, &standing.registry())?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nodes_make_up_do_not_fill_the_memory() {
        let metrics = Metrics::default();
        let usage = Usage { prompt_tokens: 1, completion_tokens: 2 };
        for number in 0..MOST_MODELS + 50 {
            metrics.served(&ModelId::new(format!("m{number}")), Precision::F16, usage);
        }
        let text = metrics.text(&Standing::default()).unwrap();
        assert_eq!(text.matches("cortensor_served_tokens_total{").count(), 2 * MOST_MODELS + 2);
        let other = "cortensor_served_tokens_total{model=\"other\",precision=\"F16\",part=\"completion\"} 100";
        assert!(text.contains(other), "{text}");
    }

    #[test]
    fn a_name_cannot_break_out_of_its_label() {
        let metrics = Metrics::default();
        let name = ModelId::new("m\"} 1\ncortensor_forged 1");
        metrics.served(&name, Precision::F16, Usage { prompt_tokens: 1, completion_tokens: 1 });
        let text = metrics.text(&Standing::default()).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("cortensor_forged")), "{text}");
    }
}
