//! What a validator's judgement comes to.

use cortensor_protocol::{EventKind, JudgementId, JudgementReport, LevelSighting, Millis, Percentage, RubricVerdict};

use super::{Judged, JudgementRefused};
use crate::{
    clock::wall_time,
    context::Context,
    policy::JudgementPolicy,
    rules::{
        conduct,
        level::{Failure, LevelEvent},
    },
    store::{JudgementLine, ValidatorId},
};

/// Most characters of a model's name.
const LONGEST_MODEL: usize = 64;

/// Takes a report in. What was compared goes to its round; what was judged is kept.
pub(crate) async fn judge(
    context: &Context,
    validator: ValidatorId,
    id: JudgementId,
    report: &JudgementReport,
) -> Result<(), JudgementRefused> {
    match context.judgements.take(id, validator, &report.finding)? {
        Some(judged) => keep(context, validator, id, report, &judged).await,
        None => Ok(()),
    }
}

async fn keep(
    context: &Context,
    validator: ValidatorId,
    id: JudgementId,
    report: &JudgementReport,
    judged: &Judged,
) -> Result<(), JudgementRefused> {
    let (node, at) = (judged.subject.claim.node, wall_time());
    let model = report.model.chars().take(LONGEST_MODEL).collect();
    context.store.keep_judgement(&JudgementLine { id, validator, model, at }, judged).await?;
    let RubricVerdict::Scored(percent) = judged.verdict else { return Ok(()) };
    tracing::debug!(%node, %percent, "an answer to an open question was judged");
    if let Some(event) = event(&context.policy.judgement, percent, at) {
        conduct::record(context, node, event).await;
    }
    context.pool.judged(node);
    Ok(())
}

/// What a score says to levels: nothing, unless the operator wants it to.
fn event(policy: &JudgementPolicy, percent: Percentage, at: Millis) -> Option<LevelEvent> {
    let useless = policy.moves_levels && percent < policy.least_percent;
    let sighting = LevelSighting::OpenQuestion { marks: percent, needed: policy.least_percent };
    useless.then(|| LevelEvent::new(EventKind::Correctness, Some(Failure::WrongAnswer), at, sighting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_move_levels_only_where_the_operator_wants_it() {
        let percent = |number| Percentage::new(number).unwrap();
        for (moves_levels, number, expected) in
            [(false, 0, None), (true, 19, Some(Failure::WrongAnswer)), (true, 20, None), (true, 100, None)]
        {
            let policy = JudgementPolicy { moves_levels, ..JudgementPolicy::default() };
            let seen = event(&policy, percent(number), Millis(1)).and_then(|event| event.failure);
            assert_eq!(seen, expected, "{number}");
        }
    }
}
