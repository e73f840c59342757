//! What keeps from earning.

use cortensor_manners::Reason;
use cortensor_protocol::{Amount, LevelStep, Millis, Mode, Precision, TierStep, UnpaidReason, known_code};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Money, ProblemCode, StepName};

/// What keeps from earning, or from earning more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Cause {
    /// The miner was ended.
    Stopped,
    /// Something must be seen to.
    Problem {
        /// What helps.
        problem: ProblemCode,
        /// What is wrong and what to do.
        message: String,
    },
    /// The key's file waits for its passphrase.
    Passphrase,
    /// It is on its way to the first task.
    Starting {
        /// Where it is.
        step: Option<StepName>,
    },
    /// Every precision is being measured.
    Measuring,
    /// It steps aside by rules of the user's.
    SteppingAside {
        /// Which.
        reasons: Vec<Reason>,
    },
    /// It is paused by the user, or its memory is lent to a comparison.
    Paused,
    /// It is on the way to the router.
    Connecting,
    /// The router cannot be reached.
    Offline {
        /// Why.
        reason: String,
        /// When it is tried again.
        retry_at: Millis,
    },
    /// The router turned it away.
    Rejected {
        /// Why, and what to do.
        message: String,
        /// When it is tried again.
        retry_at: Millis,
    },
    /// The network tests it.
    Testing {
        /// Tests done and all; nothing before the first.
        #[ts(type = "[number, number] | null")]
        tests: Option<(u32, u32)>,
    },
    /// It did not pass.
    NotPassed {
        /// What to do, in the network's words.
        next_step: String,
        /// The same for programs.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
        #[ts(optional)]
        step: Option<TierStep>,
    },
    /// Tests that it passes do not count and are not paid for a while.
    CoolDown {
        /// Until when.
        until: Millis,
        /// What to do, in the network's words.
        next_step: String,
        /// The same for programs.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
        #[ts(optional)]
        step: Option<LevelStep>,
    },
    /// Nothing comes, and it is at the lowest level, behind all others.
    LowestLevel {
        /// What to do, in the network's words.
        next_step: String,
        /// The same for programs.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
        #[ts(optional)]
        step: Option<LevelStep>,
    },
    /// The network sends no tasks.
    NoTasks {
        /// For so many minutes.
        minutes: u32,
    },
    /// Most of what it did in the last hour was not paid.
    Unpaid {
        /// So many tasks,
        unpaid: u32,
        /// of so many.
        of: u32,
        /// Why the last one was not, in the network's words.
        reason: String,
        /// The same for programs.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
        #[ts(optional)]
        why: Option<UnpaidReason>,
    },
    /// Pay was taken back in the last hour.
    TakenBack {
        /// How much.
        amount: Amount,
        /// Why, in the network's words.
        reason: String,
        /// The same for programs.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
        #[ts(optional)]
        why: Option<UnpaidReason>,
    },
    /// The other mode is predicted to earn more.
    EarnsMore {
        /// Which.
        mode: Mode,
        /// With what.
        precision: Precision,
        /// An hour of it,
        amount: Amount,
        /// against one of the present one.
        against: Amount,
    },
    /// Electricity cost more than what was earned with it in the last 24 hours.
    CostsMore {
        /// What it cost.
        cost: Money,
        /// What was earned, by what a credit is worth to the user.
        worth: Money,
        /// In which currency.
        currency: String,
    },
}
