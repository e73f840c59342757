//! A node's place in a round: its answer is compared before it is paid.

use cortensor_protocol::Commit;

use super::{
    Drive, Finished, Over, Purse, Step,
    attempt::{Attempt, Turn},
};
use crate::{rules::problem::Problem, store::Line};

impl Drive {
    /// The round settles it, when it has the others' answers.
    pub(super) async fn to_be_compared(&self, attempt: &Attempt, line: Line, commit: &Commit) -> Turn {
        self.offer_for_audit(attempt, &line).await;
        let usage = line.usage;
        self.tell_round(Step::Committed(Box::new(line), commit.tokens.clone()));
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
