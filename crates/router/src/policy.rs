//! What this network chose: every cut-off, price and deadline, in one place.
//!
//! The network publishes none of these figures except where a field says so. They are this project's own design.

mod audit;
mod breaker;
mod judgement;
mod level;
mod limit;
mod rounds;

use std::time::Duration;

use cortensor_protocol::{Amount, Deadlines, PrecisionClass, PriceList, RubricRule};
use serde::{Deserialize, Serialize};

pub use self::{
    audit::{AuditPolicy, MeasuredCalibration},
    breaker::BreakerPolicy,
    judgement::JudgementPolicy,
    level::{Demotion, LevelPolicy, LevelRequirement},
    limit::{LimitPolicy, Rate},
    rounds::RoundsPolicy,
};

/// Every figure that the router's rules use. In TOML, a field left out has its default and an unknown one is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What users pay, and nodes get, for full-precision answers.
    pub full: Price,
    /// The same for quantized answers.
    pub quantized: Price,
    /// Practice credits that a new practice key starts with. Generous: the practice network is for trying things out.
    #[serde(with = "credits")]
    pub practice_deposit: Amount,
    /// Credits that move from a user's own deposit into a new session when the user names no other amount.
    #[serde(with = "credits")]
    pub session_deposit: Amount,
    /// Keys that a session may have at a time.
    pub session_keys: u32,
    /// What network incentives pay for each test task that was passed.
    #[serde(with = "credits")]
    pub test_reward: Amount,

    /// The client's timeout in seconds: from the request to the end of the answer, not counting
    /// `precommit_token_milliseconds`.
    pub total_seconds: u64,
    /// From assignment to ack, in seconds.
    pub ack_seconds: u64,
    /// From ack to precommit, in seconds (the network's default is 90), not counting `precommit_token_milliseconds`.
    pub precommit_seconds: u64,
    /// Added to the precommit deadline and to the client's timeout for each token that was asked for, so that a slow
    /// node is not taken off a long answer while it streams: 200 ms means 5 tokens a second.
    pub precommit_token_milliseconds: u64,
    /// From precommit to commit, in seconds.
    pub commit_seconds: u64,
    /// Attempts there may be at one task, at the same node or another.
    pub attempts: u32,
    /// User tasks that may wait for a free slot; the next one is told to come back later.
    pub queue_length: usize,
    /// What a client is told to wait when the queue is full or nothing can be written, in seconds.
    pub retry_after_seconds: u64,
    /// How long, in seconds, requests wait for a model that was offered a moment ago and is not now: a node that
    /// switches precision or reconnects does not make requests fail.
    pub absent_model_seconds: u64,
    /// Answer tokens when the client asks for no number.
    pub answer_tokens: u32,
    /// Most answer tokens; a client that asks for more gets these.
    pub most_answer_tokens: u32,
    /// Largest request body in bytes.
    pub body_bytes: usize,
    /// How long a request's body may take to arrive, in seconds.
    pub body_seconds: u64,

    /// How often a node is to give a sign of life, in milliseconds. After three without one it is dropped.
    pub heartbeat_milliseconds: u64,
    /// How often a sign of life is counted for a node's record at most, in seconds: by the network's custom a node is
    /// online for 5 minutes after one.
    pub counted_ping_seconds: u64,
    /// How long a new connection may take to prove who it is, in milliseconds.
    pub handshake_milliseconds: u64,
    /// How long an older connection of the same identity has to answer a ping before the newer one takes its place.
    pub ping_milliseconds: u64,
    /// Messages that may wait for one node. A node that lets more pile up is dropped.
    pub node_queue_length: usize,
    /// Largest message from a node in bytes.
    pub node_message_bytes: usize,
    /// How long running tasks may go on when the router stops, in milliseconds.
    pub stop_milliseconds: u64,

    /// Kinds of questions, of six, with a wholly correct answer that pass a test. Lenient: it is to find nodes that do
    /// not run a language model, not small models: of 30 sets SmolLM2-135M at `Q8_0` passed 30 with 2, and 27 with 3.
    pub test_pass_mark: u32,
    /// Sets of questions in a test at most: while too few kinds are right another set with new questions follows, and the best
    /// answer of each kind counts. Of 40 sets at `Q4_0` 28 alone had two kinds right (`./dev bench questions`).
    pub test_sets: u32,
    /// Prefill work in parameters x prompt tokens a second from which hardware is high-end. Work, not tokens, so that
    /// the cut-off does not depend on the model: desktop CPUs do 10¹⁰ to 5·10¹¹, current GPUs from 2·10¹² up.
    pub high_end_work_rate: f64,
    /// Words in the long prompt of the throughput test; fewer if the node's context is small.
    pub long_prompt_words: u32,
    /// How long one test task may take, in seconds.
    pub test_seconds: u64,
    /// How long after a failed test the next one follows, in seconds. Each further one in a row doubles this.
    pub retest_seconds: u64,
    /// The longest that gets, in seconds: a node that never passes is to cost the network no more tests than one that
    /// always does, and there is always a way back.
    pub longest_retest_seconds: u64,
    /// How long a passed test is good for, in seconds.
    pub test_valid_seconds: u64,
    /// A node that passed is tested again at random times while it is idle, so that none can be ready for it: how far
    /// apart on average, in seconds. Eight a day bring a node that never fails to level 10 in two and a half weeks. With
    /// 0 it is tested only when its last test is too old.
    pub surprise_test_mean_seconds: u64,
    /// How soon after a test the next surprise may come, in seconds.
    pub surprise_test_cool_down_seconds: u64,

    /// When a node that fails is left alone.
    pub breaker: BreakerPolicy,
    /// When rounds are held, and what follows from them.
    pub rounds: RoundsPolicy,
    /// How validators' judgements of answers to open questions add up.
    pub rubric: RubricRule,
    /// How validators compare and judge answers that no rule can check.
    pub judgement: JudgementPolicy,

    /// How nodes go up and down the levels.
    pub level: LevelPolicy,

    /// Which answers are looked at, and when a claim is found false.
    pub audit: AuditPolicy,
    /// How much one key and one address may ask for.
    pub limits: LimitPolicy,
}

/// Credits for a thousand tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the prompt.
    #[serde(with = "credits")]
    pub prompt: Amount,
    /// Of the answer.
    #[serde(with = "credits")]
    pub completion: Amount,
}

/// Why a text is not a [`Policy`].
#[derive(Debug, thiserror::Error)]
#[error("the policy cannot be read; correct the line that is named, or leave it out to have its default")]
pub struct PolicyError(#[from] toml::de::Error);

const fn thousandths(count: u128) -> Amount {
    Amount::from_base_units(count * 10u128.pow(15))
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            full: Price { prompt: thousandths(2), completion: thousandths(6) },
            quantized: Price { prompt: thousandths(1), completion: thousandths(3) },
            practice_deposit: Amount::from_credits(1_000_000),
            session_deposit: Amount::from_credits(100),
            session_keys: 32,
            test_reward: thousandths(1),
            total_seconds: 300,
            ack_seconds: 5,
            precommit_seconds: 90,
            precommit_token_milliseconds: 200,
            commit_seconds: 10,
            attempts: 4,
            queue_length: 64,
            retry_after_seconds: 5,
            absent_model_seconds: 60,
            answer_tokens: 256,
            most_answer_tokens: 8192,
            body_bytes: 2 * 1024 * 1024,
            body_seconds: 30,
            heartbeat_milliseconds: 10_000,
            counted_ping_seconds: 300,
            handshake_milliseconds: 10_000,
            ping_milliseconds: 2_000,
            node_queue_length: 256,
            node_message_bytes: 1024 * 1024,
            stop_milliseconds: 5_000,
            test_pass_mark: 2,
            test_sets: 3,
            high_end_work_rate: 1.5e12,
            long_prompt_words: 400,
            test_seconds: 120,
            retest_seconds: 60,
            longest_retest_seconds: 3 * 3600,
            test_valid_seconds: 7 * 24 * 3600,
            breaker: BreakerPolicy::default(),
            surprise_test_mean_seconds: 3 * 3600,
            surprise_test_cool_down_seconds: 900,
            rounds: RoundsPolicy::default(),
            rubric: rounds::rubric(),
            judgement: JudgementPolicy::default(),
            level: LevelPolicy::default(),
            audit: AuditPolicy::default(),
            limits: LimitPolicy::default(),
        }
    }
}

impl Policy {
    /// Reads a policy from TOML.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        Ok(toml::from_str(text)?)
    }

    /// What a class of precision costs.
    pub const fn price(&self, class: PrecisionClass) -> Price {
        match class {
            PrecisionClass::Full => self.full,
            PrecisionClass::Quantized => self.quantized,
        }
    }

    /// What nodes are told of the prices.
    pub(crate) fn prices(&self) -> PriceList {
        let told = |price: Price| cortensor_protocol::Price { prompt: price.prompt, completion: price.completion };
        PriceList { full: told(self.full), quantized: told(self.quantized) }
    }

    /// The deadlines of a user's task that asks for `tokens` tokens.
    pub(crate) fn user_deadlines(&self, tokens: u32) -> Deadlines {
        let streaming = Duration::from_millis(self.precommit_token_milliseconds) * tokens;
        Deadlines {
            total: Duration::from_secs(self.total_seconds) + streaming,
            ack: Duration::from_secs(self.ack_seconds),
            precommit: Duration::from_secs(self.precommit_seconds) + streaming,
            commit: Duration::from_secs(self.commit_seconds),
            attempts: self.attempts,
        }
    }

    /// The deadlines of a test task: one attempt, and nobody else can do it. A node that took it at once misses its own
    /// deadline before the whole time is over, and so it is the node that is late and not the network.
    pub(crate) fn test_deadlines(&self) -> Deadlines {
        let total = Duration::from_secs(self.test_seconds);
        let user = self.user_deadlines(0);
        let precommit = total.saturating_sub(2 * user.ack).max(total / 2);
        Deadlines { total, precommit, attempts: 1, ..user }
    }

    /// How long the next test is away after so many failed ones in a row, the last included.
    pub(crate) fn retest(&self, failures: u32) -> Duration {
        let doubled = self.retest_seconds.saturating_mul(2_u64.saturating_pow(failures.saturating_sub(1)));
        Duration::from_secs(doubled.min(self.longest_retest_seconds.max(self.retest_seconds)))
    }

    pub(crate) const fn counted_ping(&self) -> Duration {
        Duration::from_secs(self.counted_ping_seconds)
    }

    pub(crate) const fn body(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    pub(crate) const fn silence(&self) -> Duration {
        Duration::from_millis(self.heartbeat_milliseconds.saturating_mul(3))
    }

    pub(crate) const fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_milliseconds)
    }

    pub(crate) const fn ping(&self) -> Duration {
        Duration::from_millis(self.ping_milliseconds)
    }

    pub(crate) const fn absent_model(&self) -> Duration {
        Duration::from_secs(self.absent_model_seconds)
    }
}

/// Amounts as people write them, `0.002`: on the wire they are base units.
mod credits {
    use cortensor_protocol::Amount;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(amount: &Amount, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{amount:#}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_misspelt_is_an_error() {
        assert_eq!(Policy::from_toml("").unwrap(), Policy::default());
        let policy = Policy::from_toml("attempts = 2\n[full]\nprompt = \"0.5\"\ncompletion = \"1\"").unwrap();
        assert_eq!((policy.attempts, policy.full.completion), (2, Amount::from_credits(1)));
        for wrong in ["atempts = 2", "attempts = -1", "[full]\nprompt = \"1\"", "test_reward = 1"] {
            assert!(Policy::from_toml(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_node_that_takes_a_test_at_once_is_late_before_the_network_is() {
        for (test_seconds, precommit) in [(120, 110), (12, 6), (1, 0)] {
            let deadlines = Policy { test_seconds, ..Policy::default() }.test_deadlines();
            assert_eq!((deadlines.total.as_secs(), deadlines.precommit.as_secs()), (test_seconds, precommit));
        }
    }

    #[test]
    fn each_failed_test_in_a_row_doubles_the_time_to_the_next_up_to_the_longest() {
        let policy = Policy { retest_seconds: 60, longest_retest_seconds: 600, ..Policy::default() };
        for (failures, seconds) in [(0, 60), (1, 60), (2, 120), (4, 480), (5, 600), (u32::MAX, 600)] {
            assert_eq!(policy.retest(failures).as_secs(), seconds, "{failures}");
        }
        let never_sooner = Policy { retest_seconds: 60, longest_retest_seconds: 1, ..Policy::default() };
        assert_eq!(never_sooner.retest(3).as_secs(), 60);
    }

    #[test]
    fn a_long_answer_has_the_time_to_stream() {
        let (short, long) = (Policy::default().user_deadlines(0), Policy::default().user_deadlines(3000));
        assert_eq!((short.total.as_secs(), short.precommit.as_secs()), (300, 90));
        assert_eq!((long.total.as_secs(), long.precommit.as_secs()), (900, 690));
    }

    #[test]
    fn a_written_policy_reads_back_the_same() {
        let written = toml::to_string(&Policy::default()).unwrap();
        assert_eq!(Policy::from_toml(&written).unwrap(), Policy::default());
    }
}
