//! Why work is not paid.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Precision;

/// Why a task was not paid, or its pay was taken back. Its `Display` is the English sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum UnpaidReason {
    /// The answer has no token.
    EmptyAnswer,
    /// The answer to a question of the network's is not right.
    WrongAnswer,
    /// The node cools down, or precommits too rarely in time to be paid for tests.
    NoIncentive,
    /// The connection to the node was lost.
    ConnectionLost,
    /// The router stopped first.
    RouterStopped,
    /// A deadline of the task passed.
    DeadlinePassed,
    /// The node's engine failed.
    EngineFailed {
        /// What it said, in English.
        message: String,
    },
    /// The request itself was wrong.
    BadRequest {
        /// What is wrong with it, in English.
        message: String,
    },
    /// The prompt does not fit the node's context.
    ContextExceeded {
        /// What that holds, in tokens.
        context_tokens: u32,
    },
    /// The prompt was said not to fit the context, and it does.
    ContextNotExceeded {
        /// Most tokens that the prompt can have.
        most_tokens: u64,
        /// What the context holds, in tokens.
        context_tokens: u32,
    },
    /// What the node said breaks the rules.
    RulesBroken {
        /// How, in English.
        message: String,
    },
    /// A round of Proof of Inference: the answer parted from the others early.
    RoundParted {
        /// At which token, the first being 1.
        token: u64,
    },
    /// A round of Proof of Inference: the answer was about something else than the others.
    RoundLayApart,
    /// A round of Proof of Inference: no validator compared the answers in time.
    RoundNotCompared,
    /// A round of Proof of Inference: there was no majority.
    RoundUndecided,
    /// A round of Proof of Inference: the router had to give it up.
    RoundGivenUp,
    /// A round of Proof of Inference: the answer came after its deadline.
    RoundLate,
    /// The claim was found false while the task was under way.
    ClaimFell,
    /// The claim was found false.
    AuditFailed {
        /// What was claimed.
        precision: Precision,
        /// The validators' engine.
        engine: String,
    },
}

impl fmt::Display for UnpaidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EngineFailed { message } => write!(f, "the engine failed: {message}"),
            Self::BadRequest { message } => write!(f, "the request itself was wrong: {message}"),
            Self::ContextExceeded { context_tokens } => {
                write!(f, "the prompt does not fit this node's context of {context_tokens} tokens")
            }
            Self::ContextNotExceeded { most_tokens, context_tokens } => {
                write!(f, "the prompt has at most {most_tokens} tokens and was said not to fit {context_tokens}")
            }
            Self::RulesBroken { message } => f.write_str(message),
            Self::RoundParted { token } => write!(
                f,
                "a round of Proof of Inference: the answer parted from those of other nodes with the same file at token \
                 {token}; once or twice that proves nothing, and it is not paid"
            ),
            Self::AuditFailed { precision, engine } => write!(
                f,
                "the precision audit failed: {precision} was claimed and its answers are not {precision}'s ({engine})"
            ),
            plain => f.write_str(plain.words()),
        }
    }
}

impl UnpaidReason {
    /// The words of what has no figures.
    const fn words(&self) -> &'static str {
        match self {
            Self::EmptyAnswer => "the answer is empty",
            Self::WrongAnswer => "the answer to the network's question is not right",
            Self::NoIncentive => {
                "no network incentive is paid in a cool-down, nor to a node that precommits too rarely in time"
            }
            Self::ConnectionLost => "the connection to the node was lost",
            Self::RouterStopped => "the router stopped before the answer was whole",
            Self::DeadlinePassed => "a deadline of the task passed",
            Self::RoundLayApart => {
                "a round of Proof of Inference: the answer was about something else than those of other nodes with the \
                 same file; once or twice that proves nothing, and it is not paid"
            }
            Self::RoundNotCompared => {
                "a round of Proof of Inference: no validator compared the answers in time, so nobody is paid and nobody \
                 blamed"
            }
            Self::RoundUndecided => {
                "a round of Proof of Inference: no majority of nodes said the same, so nobody is paid and nobody blamed"
            }
            Self::RoundGivenUp => "a round of Proof of Inference that the router had to give up",
            Self::RoundLate => "a round of Proof of Inference: the answer came after its deadline",
            Self::ClaimFell => "the precision audit of what was claimed failed meanwhile",
            Self::EngineFailed { .. }
            | Self::BadRequest { .. }
            | Self::ContextExceeded { .. }
            | Self::ContextNotExceeded { .. }
            | Self::RulesBroken { .. }
            | Self::RoundParted { .. }
            | Self::AuditFailed { .. } => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Settlement, SettlementStatus};

    #[test]
    fn every_reason_has_its_sentence_and_reads_back_the_same() {
        let message = || "it broke".to_owned();
        let audit = UnpaidReason::AuditFailed { precision: Precision::F16, engine: "e 1".to_owned() };
        for (why, words) in [
            (UnpaidReason::EmptyAnswer, "the answer is empty"),
            (UnpaidReason::WrongAnswer, "question is not right"),
            (UnpaidReason::NoIncentive, "no network incentive is paid"),
            (UnpaidReason::ConnectionLost, "the connection to the node was lost"),
            (UnpaidReason::RouterStopped, "the router stopped before the answer was whole"),
            (UnpaidReason::DeadlinePassed, "a deadline of the task passed"),
            (UnpaidReason::EngineFailed { message: message() }, "the engine failed: it broke"),
            (UnpaidReason::BadRequest { message: message() }, "the request itself was wrong: it broke"),
            (
                UnpaidReason::ContextExceeded { context_tokens: 1024 },
                "the prompt does not fit this node's context of 1024 tokens",
            ),
            (
                UnpaidReason::ContextNotExceeded { most_tokens: 9, context_tokens: 1024 },
                "the prompt has at most 9 tokens and was said not to fit 1024",
            ),
            (UnpaidReason::RulesBroken { message: message() }, "it broke"),
            (UnpaidReason::RoundParted { token: 3 }, "at token 3; once or twice"),
            (UnpaidReason::RoundLayApart, "about something else"),
            (UnpaidReason::RoundNotCompared, "no validator compared"),
            (UnpaidReason::RoundUndecided, "no majority of nodes"),
            (UnpaidReason::RoundGivenUp, "had to give up"),
            (UnpaidReason::RoundLate, "came after its deadline"),
            (UnpaidReason::ClaimFell, "failed meanwhile"),
            (audit, "the precision audit failed: F16 was claimed and its answers are not F16's (e 1)"),
        ] {
            let reason = why.to_string();
            assert!(reason.contains(words), "{reason}");
            let status = SettlementStatus::Void { reason, why: Some(why) };
            let text = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<SettlementStatus>(&text).unwrap(), status, "{text}");
        }
    }

    #[test]
    fn what_an_older_or_a_newer_router_says_is_read_without_its_code() {
        for why in ["", r#","why":{"code":"dance"}"#, r#","why":null"#] {
            for (status, rest) in [("void", ""), ("reversed", r#","amount":"10","reverses":1"#)] {
                let text = format!(r#"{{"status":"{status}","reason":"dance"{rest}{why}}}"#);
                match serde_json::from_str(&text).unwrap() {
                    SettlementStatus::Void { reason, why } | SettlementStatus::Reversed { reason, why, .. } => {
                        assert_eq!((reason.as_str(), why), ("dance", None), "{text}");
                    }
                    SettlementStatus::Paid { .. } => panic!("{text}"),
                }
            }
        }
    }

    #[test]
    fn a_line_of_the_ledger_is_read_whatever_its_code() {
        let line = |why: &str| {
            let text = format!(
                r#"{{"sequence":1,"task":"01930000-0000-7000-8000-000000000001","kind":"user","model":"m","precision":"F16",
                "mode":"precision","usage":{{"prompt_tokens":1,"completion_tokens":2}},"first_token_ms":3,"total_ms":4,
                "settled_at":5,"status":"void","reason":"r"{why}}}"#
            );
            match serde_json::from_str::<Settlement>(&text).unwrap().status {
                SettlementStatus::Void { why, .. } => why,
                other => panic!("{other:?}"),
            }
        };
        let parted = Some(UnpaidReason::RoundParted { token: 3 });
        for (why, expected) in [
            (r#","why":{"code":"round_parted","token":3}"#, parted),
            (r#","why":{"code":"round_parted","token":-3}"#, None),
            (r#","why":{"code":"dance"}"#, None),
            ("", None),
        ] {
            assert_eq!(line(why), expected, "{why}");
        }
    }
}
