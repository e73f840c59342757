use cortensor_protocol::{ArtifactDigest, Mark, NodeAddress, TaskId};
use uuid::Uuid;

use super::*;
use crate::{
    policy::Policy,
    rules::{audit::Claim, judgement::Subject},
};

const ONE: ValidatorId = ValidatorId::test(1);
const OTHER: ValidatorId = ValidatorId::test(2);
const BOTH: [JudgementKind; 2] = [JudgementKind::Meaning, JudgementKind::Rubric];

fn desk(validators: u32) -> JudgementDesk {
    let rule = Policy::default().rubric;
    JudgementDesk::new(
        JudgementPolicy { queue: 3, hand_out: 2, ..JudgementPolicy::default() },
        RubricRule { validators, ..rule },
    )
}

fn answer(number: u128) -> OpenAnswer {
    let claim = Claim { node: NodeAddress::repeat_byte(1), artifact: ArtifactDigest::new([1; 32]) };
    let subject = Subject { claim, round: Uuid::nil(), task: TaskId(Uuid::from_u128(number)) };
    OpenAnswer { subject, question: "q".to_owned(), answer: number.to_string() }
}

fn marks(mark: u8) -> JudgementFinding {
    let mark = Mark::new(mark).unwrap();
    JudgementFinding::Rubric { score: RubricScore { correctness: mark, relevance: mark, usefulness: mark } }
}

fn similar(similarities: &[f32]) -> JudgementFinding {
    JudgementFinding::Meaning { similarities: similarities.to_vec() }
}

/// What is handed out at once, as the answer's text; `meaning` for answers to compare.
async fn claimed(desk: &JudgementDesk, validator: ValidatorId, kinds: &[JudgementKind]) -> Vec<(JudgementId, String)> {
    let jobs = desk.claim(validator, kinds, Duration::ZERO).await;
    let text = |asked| match asked {
        JudgementAsked::Meaning { .. } => "meaning".to_owned(),
        JudgementAsked::Rubric { answer, .. } => answer,
    };
    jobs.into_iter().map(|job| (job.id, text(job.asked))).collect()
}

fn texts(jobs: &[(JudgementId, String)]) -> Vec<&str> {
    jobs.iter().map(|(_, text)| text.as_str()).collect()
}

#[tokio::test]
async fn answers_wait_in_order_few_of_them_and_those_of_a_round_come_first() {
    let desk = desk(1);
    for number in 1..=4 {
        desk.judge(answer(number));
    }
    let comparing = desk.compare(vec!["a".to_owned(), "b".to_owned()]);
    let handing = async {
        tokio::task::yield_now().await;
        assert_eq!(texts(&claimed(&desk, ONE, &[]).await), [""; 0]);
        let jobs = claimed(&desk, ONE, &BOTH).await;
        // The two oldest had to go.
        assert_eq!(texts(&jobs), ["meaning", "3"]);
        assert_eq!(texts(&claimed(&desk, OTHER, &BOTH).await), ["4"]);
        assert!(desk.take(jobs[0].0, ONE, &similar(&[0.25, 0.25])).unwrap().is_none());
    };
    let (comparison, ()) = tokio::join!(comparing, handing);
    assert_eq!(comparison, Some(Comparison { similarities: vec![0.25, 0.25], validator: ONE }));
}

#[tokio::test]
async fn an_answer_is_judged_by_as_many_different_validators_as_it_takes() {
    let desk = desk(2);
    desk.judge(answer(1));
    let first = claimed(&desk, ONE, &BOTH).await;
    let judged = desk.take(first[0].0, ONE, &marks(5)).unwrap().unwrap();
    assert_eq!((judged.verdict, judged.judgements), (RubricVerdict::AskMore(1), 1));
    assert_eq!(texts(&claimed(&desk, ONE, &BOTH).await), [""; 0]);
    let second = claimed(&desk, OTHER, &BOTH).await;
    let judged = desk.take(second[0].0, OTHER, &marks(4)).unwrap().unwrap();
    assert!(matches!(judged.verdict, RubricVerdict::Scored(percent) if percent.number() == 90), "{judged:?}");
    assert_eq!(texts(&claimed(&desk, ValidatorId::test(3), &BOTH).await), [""; 0]);
}

#[tokio::test]
async fn only_what_was_asked_for_is_taken_once_and_of_the_one_who_was_asked() {
    let desk = desk(1);
    desk.judge(answer(1));
    let id = claimed(&desk, ONE, &BOTH).await[0].0;
    let unknown = JudgementId(Uuid::nil());
    assert!(matches!(desk.take(unknown, ONE, &marks(5)), Err(JudgementRefused::Unknown)));
    assert!(matches!(desk.take(id, OTHER, &marks(5)), Err(JudgementRefused::AnotherValidators)));
    assert!(matches!(desk.take(id, ONE, &similar(&[1.0])), Err(JudgementRefused::Unfit { .. })));
    assert!(desk.take(id, ONE, &marks(5)).is_ok());
    assert!(matches!(desk.take(id, ONE, &marks(5)), Err(JudgementRefused::Unknown)));

    let comparing = desk.compare(vec!["a".to_owned(), "b".to_owned()]);
    let refusing = async {
        tokio::task::yield_now().await;
        let id = claimed(&desk, ONE, &BOTH).await[0].0;
        for wrong in [vec![], vec![0.5], vec![0.5, 1.5], vec![0.5, f32::NAN]] {
            assert!(matches!(desk.take(id, ONE, &similar(&wrong)), Err(JudgementRefused::Unfit { .. })), "{wrong:?}");
        }
        let unusable = JudgementFinding::Unusable { message: String::new() };
        assert!(desk.take(id, ONE, &unusable).unwrap().is_none());
    };
    // A round whose answers cannot be compared does not wait any longer.
    let (comparison, ()) = tokio::join!(comparing, refusing);
    assert_eq!(comparison, None);
}

#[test]
fn what_does_not_come_back_is_asked_of_another_and_what_nobody_waits_for_is_dropped() {
    let desk = desk(1);
    let (mut state, policy, began) = (desk.lock(), &desk.policy, now());
    let (within, keep) = (policy.within(), policy.keep());
    let case = |what, patience| Case { what, until: began + patience };
    state.add(policy, case(What::Judge { answer: answer(1), judged: Vec::new() }, keep));
    let (compared, round) = oneshot::channel();
    state.add(policy, case(What::Compare { answers: Vec::new(), compared }, within));
    let handed = state.hand_out(policy, ONE, &BOTH, began);
    assert_eq!(handed.len(), 2);
    assert!(state.hand_out(policy, OTHER, &BOTH, began).is_empty());
    let late = began + within;
    for job in &handed {
        let taken = state.take(job.id, ONE, &marks(5), late);
        assert!(matches!(taken, Err(JudgementRefused::Unknown)));
    }
    // The round has gone on without it.
    assert!(round.blocking_recv().is_err());
    assert_eq!(state.hand_out(policy, OTHER, &BOTH, late).len(), 1);
    assert!(state.hand_out(policy, ONE, &BOTH, began + keep).is_empty());
    assert!(state.waiting.is_empty() && state.handed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_round_waits_no_longer_than_it_may() {
    let (desk, begun) = (desk(1), tokio::time::Instant::now());
    assert_eq!(desk.compare(vec!["a".to_owned(), "b".to_owned()]).await, None);
    assert_eq!(begun.elapsed().as_secs(), desk.policy.within_seconds);
}

#[tokio::test]
async fn nothing_is_kept_while_no_validator_asks() {
    let desk = desk(1);
    assert!(!desk.is_open(JudgementKind::Meaning));
    claimed(&desk, ONE, &[JudgementKind::Rubric]).await;
    assert_eq!(BOTH.map(|kind| desk.is_open(kind)), [false, true]);
    desk.judge(answer(1));
    let mut state = desk.lock();
    state.tidy(now());
    assert_eq!(state.waiting.len(), 1);
    state.tidy(now() + desk.policy.validator());
    assert!(state.waiting.is_empty() && state.open_until.is_empty());
}
