//! Why a node got a task, as it is kept with the task and told to the user.

use cortensor_protocol::{Millis, NodeAddress, Precision};
use serde::Serialize;
use utoipa::ToSchema;

use super::ranking::{Contender, Ranking, Verdict};
use crate::{
    clock::wall_time,
    rules::choice::{Choice, Fallback, Fit},
};

/// Most nodes that a decision names; the others are only counted.
const MOST_CONSIDERED: usize = 32;

/// Why a node got a task.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Decision {
    /// When, in milliseconds since 1970.
    #[schema(value_type = i64)]
    pub(crate) at: Millis,
    /// The node that got it.
    #[schema(value_type = String)]
    pub(crate) node: NodeAddress,
    /// What was asked for, in words.
    pub(crate) asked: &'static str,
    /// The fallback that was used because nothing as asked for was there.
    pub(crate) fallback: Option<&'static str>,
    /// Nodes that offer the model, the chosen one first.
    pub(crate) considered: Vec<Considered>,
    /// How many more were considered than are named here.
    pub(crate) unnamed: usize,
}

/// What was known of a node, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Considered {
    #[schema(value_type = String)]
    node: NodeAddress,
    /// Exact format of its weights.
    #[schema(value_type = String)]
    precision: Precision,
    /// As tested.
    tier: Option<String>,
    level: u8,
    /// As measured in its test.
    tokens_per_second: Option<f64>,
    /// Tasks it had, and how many it takes at a time.
    running: u32,
    slots: u32,
    /// For programs: `chosen`, or why not.
    verdict: &'static str,
    /// The same for people.
    why: &'static str,
}

impl Decision {
    /// The decision that a ranking came to, if it chose a node.
    pub(super) fn new(choice: Choice, contenders: &[Contender], ranking: &Ranking) -> Option<Self> {
        let chosen = contenders.get(ranking.chosen?)?;
        let mut judged: Vec<_> = contenders.iter().zip(&ranking.verdicts).collect();
        judged.sort_by_key(|(_, verdict)| **verdict != Verdict::Chosen);
        let considered = judged.iter().take(MOST_CONSIDERED);
        let fallback = choice.fallback.filter(|_| ranking.fit == Some(Fit::Fallback));
        Some(Self {
            at: wall_time(),
            node: chosen.node,
            asked: choice.preference.words(),
            fallback: fallback.map(Fallback::as_str),
            considered: considered.map(|(contender, verdict)| Considered::new(contender, **verdict)).collect(),
            unnamed: judged.len().saturating_sub(MOST_CONSIDERED),
        })
    }
}

impl Considered {
    fn new(contender: &Contender, verdict: Verdict) -> Self {
        Self {
            node: contender.node,
            precision: contender.precision,
            tier: contender.tier.map(|tier| tier.to_string()),
            level: contender.level.number(),
            tokens_per_second: contender.decode,
            running: contender.running,
            slots: contender.slots,
            verdict: verdict.code(),
            why: verdict.words(),
        }
    }
}
