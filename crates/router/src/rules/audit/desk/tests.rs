use cortensor_protocol::{DeviceKind, NodeAddress};

use super::*;

const AT: Millis = Millis(0);

fn artifact(number: u8) -> ArtifactDigest {
    ArtifactDigest::new([number; 32])
}

fn sample(node: u8, artifact_number: u8, token: TokenId) -> Sample {
    Sample {
        claim: Claim { node: NodeAddress::repeat_byte(node), artifact: artifact(artifact_number) },
        task: TaskId(uuid::Uuid::from_u128(token.into())),
        for_user: true,
        model: ModelId::new("m"),
        precision: Precision::F16,
        device: DeviceKind::Processor,
        prompt: Prompt::user("hi"),
        before: Vec::new(),
        tokens: vec![token],
        settled_at: AT,
    }
}

fn desk(policy: &AuditPolicy, samples: &[(u8, u8)]) -> State {
    let mut state = State::default();
    for (token, (node, artifact)) in (0..).zip(samples) {
        state.add(policy, Waiting { sample: sample(*node, *artifact, token), hand_outs: 0 });
    }
    state
}

fn tokens(jobs: &[AuditJob]) -> Vec<TokenId> {
    jobs.iter().flat_map(|job| job.tokens.clone()).collect()
}

#[test]
fn a_validator_gets_the_oldest_answers_of_one_artifact_that_it_has() {
    let policy = AuditPolicy { hand_out: 2, ..AuditPolicy::default() };
    let mut state = desk(&policy, &[(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]);
    for (held, given) in [
        (vec![], vec![]),
        (vec![artifact(9)], vec![]),
        (vec![artifact(2), artifact(1)], vec![0, 2]),
        (vec![artifact(1), artifact(2)], vec![1, 3]),
        (vec![artifact(2)], vec![]),
        (vec![artifact(1)], vec![4]),
    ] {
        assert_eq!(tokens(&state.hand_out(&policy, &held, AT)), given, "{held:?}");
    }
}

#[test]
fn the_oldest_answers_make_room_and_a_busy_node_only_for_itself() {
    let policy = AuditPolicy { queue: 4, queue_per_claim: 2, hand_out: 9, ..AuditPolicy::default() };
    let mut state = desk(&policy, &[(1, 1), (2, 1), (2, 1), (2, 1), (3, 1), (4, 1)]);
    assert_eq!(tokens(&state.hand_out(&policy, &[artifact(1)], AT)), [2, 3, 4, 5]);
}

#[test]
fn an_answer_that_does_not_come_back_is_handed_out_once_more() {
    let policy = AuditPolicy { within_seconds: 10, ..AuditPolicy::default() };
    let mut state = desk(&policy, &[(1, 1)]);
    let mut handed = |at| state.hand_out(&policy, &[artifact(1)], Millis(at)).len();
    assert_eq!([handed(0), handed(9_999), handed(10_000), handed(20_000), handed(90_000)], [1, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_validator_that_waits_is_given_what_comes_in() {
    let desk = AuditDesk::new(AuditPolicy::default());
    assert!(!desk.is_open());
    let held = [artifact(1)];
    let waiting = desk.claim(&held, Duration::from_secs(20));
    let adding = async {
        while !desk.is_open() {
            tokio::task::yield_now().await;
        }
        desk.add(sample(1, 1, 7));
    };
    let (jobs, ()) = tokio::join!(waiting, adding);
    assert_eq!(tokens(&jobs), [7]);
    assert_eq!((desk.asked_of(jobs[0].id), desk.take(jobs[0].id).is_some()), (Some(1), true));
    assert_eq!((desk.asked_of(jobs[0].id), desk.take(jobs[0].id)), (None, None));
}

#[test]
fn what_waits_of_a_claim_that_fell_is_dropped_and_of_no_other() {
    let desk = AuditDesk::new(AuditPolicy { hand_out: 1, ..AuditPolicy::default() });
    for (node, token) in [(1, 1), (1, 2), (2, 3)] {
        desk.add(sample(node, 1, token));
    }
    let handed = desk.lock().hand_out(&desk.policy, &[artifact(1)], AT);
    desk.forget(sample(1, 1, 0).claim);
    assert_eq!(desk.asked_of(handed[0].id), None);
    assert_eq!(tokens(&desk.lock().hand_out(&desk.policy, &[artifact(1)], AT)), [3]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_when_no_validator_asks_any_more() {
    let desk = AuditDesk::new(AuditPolicy { validator_seconds: 0, within_seconds: 0, ..AuditPolicy::default() });
    desk.add(sample(1, 1, 1));
    let stopping = CancellationToken::new();
    let tidied = async {
        while !desk.lock().waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        stopping.cancel();
    };
    tokio::join!(desk.tidy(stopping.clone()), tidied);
}
