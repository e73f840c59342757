//! A node's place in a round: its answer is compared before it is paid.

use cortensor_protocol::{Commit, TokenId};

use super::{
    Drive, Finished, Over, Purse, Step,
    attempt::{Attempt, Turn},
};
use crate::{rules::problem::Problem, store::Line};

/// An answer to be compared.
#[derive(Debug)]
pub(crate) struct Committed {
    /// What a settlement says of it.
    pub(crate) line: Line,
    pub(crate) tokens: Vec<TokenId>,
    pub(crate) text: String,
}

impl Drive {
    /// The round settles it, when it has the others' answers.
    pub(super) async fn to_be_compared(&self, attempt: &Attempt, line: Line, commit: &Commit) -> Turn {
        self.offer_for_audit(attempt, &line).await;
        let usage = line.usage;
        let answer = Committed { line, tokens: commit.tokens.clone(), text: attempt.text.clone() };
        self.tell_round(Step::Committed(Box::new(answer)));
        Turn::Over(Over::Answered(Finished { finish: commit.finish, usage }))
    }

    /// A round does not wait for those who cannot now.
    pub(super) fn refused_by(&self, attempt: &Attempt) -> Turn {
        tracing::debug!(task = %self.job.id, node = %attempt.lease.node, "a node refused");
        self.tell_round(Step::Refused);
        match self.job.purse {
            Purse::Round(_) => Turn::Over(Over::Problem(Problem::NodesLost)),
            Purse::User { .. } | Purse::Incentives { .. } => Turn::GivenBack,
        }
    }
}
