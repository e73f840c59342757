//! Answers that no rule can check: validators compare and judge them, and the router decides what follows.

use std::{num::NonZeroU32, time::Duration};

use cortensor_protocol::{
    Counter, JudgementAsked, JudgementClaim, JudgementFinding, JudgementJob, JudgementJobs, JudgementKind,
    JudgementReport, Mark, RouterMessage, RubricScore, Settlement, SettlementStatus, Standing,
};
use cortensor_router::{JudgementPolicy, Policy, RoundsPolicy};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Behaviour, Client, FakeNode, Practice, soon};

const BOTH: [JudgementKind; 2] = [JudgementKind::Meaning, JudgementKind::Rubric];

/// Sampled rounds about every second, as soon as there are nodes and somebody to compare their answers. One that lies apart
/// is blamed at once.
fn policy(judgement: &JudgementPolicy) -> Policy {
    let rounds = RoundsPolicy {
        mean_seconds: 1,
        cool_down_seconds: 0,
        sampled_share: 1.0,
        temperatures: vec![0.7],
        answer_tokens: vec![100],
        flagged_after: NonZeroU32::MIN,
        ..RoundsPolicy::default()
    };
    Policy { rounds, judgement: JudgementPolicy { wait_seconds: 1, ..judgement.clone() }, ..Policy::default() }
}

struct Validator {
    client: Client,
}

impl Validator {
    async fn at(practice: &Practice, number: u8) -> Self {
        let key = format!("vk-{}{number}", "0".repeat(40));
        practice.router.ensure_validator_key(&key).await.unwrap();
        Self { client: practice.client.with_key(&key) }
    }

    async fn claim(&self, kinds: &[JudgementKind]) -> Vec<JudgementJob> {
        let claim = serde_json::to_value(JudgementClaim { kinds: kinds.to_vec() }).unwrap();
        let (status, jobs) = self.client.post_json("/api/v1/judgements/claim", &claim).await;
        assert_eq!(status, 200, "{jobs}");
        serde_json::from_value::<JudgementJobs>(jobs).unwrap().jobs
    }

    /// The next thing of this kind.
    async fn next(&self, kind: JudgementKind) -> JudgementJob {
        let next = async {
            loop {
                if let Some(job) = self.claim(&[kind]).await.pop() {
                    return job;
                }
            }
        };
        soon("something to judge", next).await
    }

    async fn report(&self, judgement: &str, finding: JudgementFinding) -> (StatusCode, Value) {
        let report = serde_json::to_value(JudgementReport { model: "fake 1".to_owned(), finding }).unwrap();
        let (status, body) = self.client.post_json(&format!("/api/v1/judgements/{judgement}"), &report).await;
        (status, body["error"]["code"].clone())
    }

    /// Compares and judges whatever comes, until `done`.
    async fn judge_until<T>(&self, done: impl Future<Output = T>) -> T {
        let judging = async {
            loop {
                for job in self.claim(&BOTH).await {
                    let (status, code) = self.report(&job.id.to_string(), finding(&job.asked)).await;
                    assert_eq!(status, 204, "{code}");
                }
            }
        };
        tokio::select! {
            done = done => done,
            () = judging => unreachable!("it judges for ever"),
        }
    }
}

/// Texts are alike if they begin alike; every answer is worth 4 of 5.
fn finding(asked: &JudgementAsked) -> JudgementFinding {
    match asked {
        JudgementAsked::Meaning { answers } => {
            let alike = |one: &String| answers.iter().filter(|other| other[..1] == one[..1]).count();
            let similarity = |answer| if 2 * alike(answer) > answers.len() { 0.9 } else { 0.0 };
            JudgementFinding::Meaning { similarities: answers.iter().map(similarity).collect() }
        }
        JudgementAsked::Rubric { .. } => marks(4),
    }
}

fn marks(mark: u8) -> JudgementFinding {
    let mark = Mark::new(mark).unwrap();
    JudgementFinding::Rubric { score: RubricScore { correctness: mark, relevance: mark, usefulness: mark } }
}

fn saying(pieces: &[&'static str]) -> Behaviour {
    Behaviour { pieces: pieces.to_vec(), ..Behaviour::default() }
}

/// What came of the node's next round.
async fn round(node: &mut FakeNode) -> Settlement {
    let task = node.assignment().await.attempt.task;
    let settlement = node.hear("the round's settlement", |message| match message {
        RouterMessage::Settlement(settlement) if settlement.task == task => Some(settlement),
        _ => None,
    });
    settlement.await
}

/// What came of the first of its rounds that came to this.
async fn round_that(node: &mut FakeNode, is: impl Fn(&str) -> bool) {
    let rounds = async { while !is(words(&round(node).await)) {} };
    soon("such a round", rounds).await;
}

fn words(settlement: &Settlement) -> &str {
    match &settlement.status {
        SettlementStatus::Void { reason, .. } => reason,
        SettlementStatus::Paid { .. } => "paid",
        SettlementStatus::Reversed { .. } => "reversed",
    }
}

fn blamed(standing: &Standing) -> bool {
    standing.last_tests.iter().any(|test| !test.passed)
}

/// How the operator's overview shows what was judged.
async fn judgements(practice: &Practice) -> Vec<Value> {
    let overview = practice.operator().await.get("/api/v1/operator/overview").await.1;
    overview["judgements"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_answer_about_something_else_lies_apart_and_the_others_are_paid() {
    let practice = Practice::with(policy(&JudgementPolicy::default())).await;
    let validator = Validator::at(&practice, 1).await;
    validator.claim(&BOTH).await;
    let mut honest = practice.node_that(1, saying(&["a", "b", "c"])).await;
    let _other = practice.node_that(2, saying(&["a", "c", "b"])).await;
    let mut cheat = practice.node_that(3, saying(&["x", "b"])).await;
    let story = async {
        round_that(&mut cheat, |words| words.contains("about something else")).await;
        let standing = cheat.standing("the blame", blamed).await;
        assert!(standing.last_tests.iter().any(|test| test.seen.contains("rounds of Proof of Inference")));
        round_that(&mut honest, |words| words == "paid").await;
    };
    validator.judge_until(story).await;
    practice.settle().await;
}

#[tokio::test]
async fn a_sampled_round_looks_like_a_users_request_and_two_that_differ_blame_nobody() {
    let practice = Practice::with(policy(&JudgementPolicy::default())).await;
    let validator = Validator::at(&practice, 1).await;
    validator.claim(&BOTH).await;
    let mut nodes =
        [practice.node_that(1, saying(&["a", "b", "c"])).await, practice.node_that(2, saying(&["x", "b"])).await];
    let story = async {
        let asked = nodes[0].assignment().await;
        assert_eq!((asked.sampling.temperature, asked.kind), (0.7, cortensor_protocol::TaskKind::User));
        for node in &mut nodes {
            round_that(node, |words| words.contains("no majority")).await;
            assert!(!node.standing("the standing", |_| true).await.last_tests.iter().any(|test| !test.passed));
        }
    };
    validator.judge_until(story).await;
    practice.settle().await;
}

#[tokio::test]
async fn without_a_validator_rounds_are_greedy_and_with_one_that_does_not_answer_nobody_is_blamed() {
    let practice = Practice::with(policy(&JudgementPolicy { within_seconds: 1, ..JudgementPolicy::default() })).await;
    let mut nodes = [practice.node_that(1, saying(&["a"])).await, practice.node_that(2, saying(&["x", "y"])).await];
    assert!(nodes[0].assignment().await.sampling.is_greedy());
    let validator = Validator::at(&practice, 1).await;
    // One that cannot compare is none.
    validator.claim(&[JudgementKind::Rubric]).await;
    round_that(&mut nodes[0], |words| words.contains("no majority")).await;
    assert!(nodes[0].assignment().await.sampling.is_greedy());
    validator.claim(&BOTH).await;
    for node in &mut nodes {
        round_that(node, |words| words.contains("no validator compared")).await;
        assert_eq!(
            node.standing("the standing", |_| true).await.counters.correctness,
            Counter { points: 1, counter: 1 }
        );
    }
    practice.settle().await;
}

#[tokio::test]
async fn answers_to_open_questions_are_judged_by_as_many_validators_as_the_policy_wants() {
    let mut wanted = policy(&JudgementPolicy::default());
    wanted.rubric.validators = 2;
    let practice = Practice::with(wanted).await;
    let (one, other) = (Validator::at(&practice, 1).await, Validator::at(&practice, 2).await);
    one.claim(&[JudgementKind::Rubric]).await;
    let mut node = practice.node_that(1, saying(&["a", "b"])).await;
    let _other = practice.node_that(2, saying(&["a", "b"])).await;
    let job = one.next(JudgementKind::Rubric).await;
    let JudgementAsked::Rubric { question, answer } = &job.asked else { panic!("{job:?}") };
    assert!(answer == "ab" && question.len() > 5 && !question.contains("0x"), "{job:?}");
    assert_eq!(one.report(&job.id.to_string(), marks(4)).await.0, 204);
    let shown = judgements(&practice).await;
    assert_eq!((shown.len(), &shown[0]["correctness"], &shown[0]["percent"]), (1, &json!(4), &json!(null)));
    let is_told = |message| match message {
        RouterMessage::Tier(report) => report.evidence.into_iter().find(|evidence| evidence.what == "open questions"),
        _ => None,
    };
    let told = other.judge_until(one.judge_until(node.hear("what it was worth", is_told))).await;
    assert!(told.seen.starts_with("80 %") && told.asked.contains("no level") && told.met, "{told:?}");
    assert!(judgements(&practice).await.iter().any(|judgement| judgement["percent"] == 80));
    practice.settle().await;
}

#[tokio::test]
async fn only_validators_judge_and_only_what_they_were_given() {
    let practice = Practice::with(policy(&JudgementPolicy { within_seconds: 3, ..JudgementPolicy::default() })).await;
    let (one, other) = (Validator::at(&practice, 1).await, Validator::at(&practice, 2).await);
    let claim = json!({"kinds": ["meaning"]});
    for (key, status) in [(practice.client.key.as_str(), 403), ("", 401), ("vk-unknown", 403)] {
        let client = practice.client.with_key(key);
        assert_eq!(client.post_json("/api/v1/judgements/claim", &claim).await.0, status, "{key}");
    }
    for body in [json!({}), json!({"kinds": ["x"]}), json!({"kinds": [], "more": 1})] {
        assert_eq!(one.client.post_json("/api/v1/judgements/claim", &body).await.0, 400, "{body}");
    }
    one.claim(&BOTH).await;
    let _nodes = [practice.node_that(1, saying(&["a"])).await, practice.node_that(2, saying(&["a"])).await];
    let job = one.next(JudgementKind::Meaning).await.id.to_string();
    let alike = |similarities: &[f32]| JudgementFinding::Meaning { similarities: similarities.to_vec() };
    for (validator, judgement, finding, status, code) in [
        (&one, "x", alike(&[0.9, 0.9]), 404, json!("no_such_judgement")),
        (&one, "00000000-0000-4000-8000-000000000000", alike(&[0.9, 0.9]), 404, json!("no_such_judgement")),
        (&other, &job, alike(&[0.9, 0.9]), 403, json!("another_validators")),
        (&one, &job, alike(&[0.9]), 400, json!("invalid_body")),
        (&one, &job, alike(&[0.9, 2.0]), 400, json!("invalid_body")),
        (&one, &job, marks(5), 400, json!("invalid_body")),
        (&one, &job, alike(&[0.9, 0.9]), 204, Value::Null),
        (&one, &job, alike(&[0.9, 0.9]), 404, json!("no_such_judgement")),
    ] {
        assert_eq!(
            validator.report(judgement, finding.clone()).await,
            (status.try_into().unwrap(), code),
            "{finding:?}"
        );
    }
    let late = one.next(JudgementKind::Meaning).await.id.to_string();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(one.report(&late, alike(&[0.9, 0.9])).await.1, json!("no_such_judgement"));
    practice.settle().await;
}
