//! A node that does not run what it claims is found out, unpaid and let back in; an honest one is left in peace.

use cortensor_protocol::{
    Amount, ArtifactDigest, AuditClaim, AuditFinding, AuditJobs, AuditReport, Precision, RouterMessage, Settlement,
    SettlementStatus, TaskKind, TierReport,
};
use cortensor_router::{AuditPolicy, Policy};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Behaviour, Client, FakeNode, Practice, fake, offer};

const KEY: &str = "vk-0123456789012345678901234567890123456789";

/// A validator that finds the same in every answer.
struct Validator {
    client: Client,
    held: Vec<ArtifactDigest>,
}

impl Validator {
    async fn at(practice: &Practice) -> Self {
        practice.router.ensure_validator_key(KEY).await.unwrap();
        let held = vec![offer("m", Precision::F16, 1).artifact];
        Self { client: practice.client.with_key(KEY), held }
    }

    async fn claim(&self) -> AuditJobs {
        let claim = serde_json::to_value(AuditClaim { held: self.held.clone() }).unwrap();
        let (status, jobs) = self.client.post_json("/api/v1/audits/claim", &claim).await;
        assert_eq!(status, 200, "{jobs}");
        serde_json::from_value(jobs).unwrap()
    }

    /// Looks at what there is; says how many tokens that were.
    async fn look(&self, margin: f32) -> usize {
        let mut tokens = 0;
        for job in self.claim().await.jobs {
            tokens += job.tokens.len();
            let finding = AuditFinding::Margins { margins: vec![margin; job.tokens.len()] };
            let (status, answer) = self.report(&job.id.to_string(), finding).await;
            // What was still to be looked at of a claim that fell meanwhile is not asked for any more.
            assert!([204, 404].contains(&status.as_u16()), "{status} {answer}");
        }
        tokens
    }

    async fn report(&self, audit: &str, finding: AuditFinding) -> (StatusCode, Value) {
        let report = serde_json::to_value(AuditReport { engine: "scripted 1".to_owned(), finding }).unwrap();
        self.client.post_json(&format!("/api/v1/audits/{audit}"), &report).await
    }

    /// Looks on, finding this in every answer, until `done`.
    async fn look_until<T>(&self, margin: f32, done: impl Future<Output = T>) -> T {
        let looking = async {
            loop {
                self.look(margin).await;
            }
        };
        tokio::select! {
            done = done => done,
            () = looking => unreachable!("it looks for ever"),
        }
    }
}

fn policy(audit: AuditPolicy) -> Policy {
    Policy { retest_seconds: 1, audit: AuditPolicy { wait_seconds: 1, ..audit }, ..Policy::default() }
}

fn audit_line(report: &TierReport) -> Option<(&str, bool)> {
    let line = report.evidence.iter().find(|evidence| evidence.what == "precision audit")?;
    Some((&line.seen, line.met))
}

/// What a node is told when its claim is found false: why, and that the user's pay, the first of it, is taken back.
async fn fall(node: &mut FakeNode) -> (TierReport, Settlement) {
    let (mut report, mut back) = (None, None);
    while report.is_none() || back.is_none() {
        match node.hear("news of the fall", Some).await {
            RouterMessage::Tier(told) if told.tier.is_none() => report = Some(told),
            RouterMessage::Settlement(line)
                if line.kind == TaskKind::User && matches!(line.status, SettlementStatus::Reversed { .. }) =>
            {
                back.get_or_insert(line);
            }
            _ => {}
        }
    }
    (report.unwrap(), back.unwrap())
}

async fn asked(practice: &Practice) {
    assert_eq!(practice.client.answer(json!({"temperature": 0, "max_tokens": 4})).await.0, 200);
}

#[tokio::test]
async fn a_node_that_does_not_run_what_it_claims_is_found_out_unpaid_and_let_back_in() {
    let practice = Practice::with(policy(AuditPolicy { bar_seconds: 2, ..AuditPolicy::default() })).await;
    let validator = Validator::at(&practice).await;
    validator.claim().await;
    let mut node = practice.node(1).await;
    asked(&practice).await;
    let paid = node.settlement(TaskKind::User).await;
    let SettlementStatus::Paid { amount } = paid.status else { panic!("{paid:?}") };
    let earned = practice.router.verify_ledger().await.unwrap();
    assert!(earned.pending > amount && earned.deposits < practice.policy.practice_deposit);
    // Also what a session paid that is over when it comes back.
    let (session, subscriber) = practice.client.session(json!({"precision": "any"})).await;
    assert_eq!(subscriber.answer(json!({"temperature": 0, "max_tokens": 4})).await.0, 200);
    let over = format!("/api/v1/sessions/{session}/deactivate");
    assert!(practice.client.call("POST", &over, Value::Null).await.0.is_success());

    let (report, back) = validator.look_until(4.0, fall(&mut node)).await;
    assert_eq!(audit_line(&report), Some(("the answers are not those of the artifact that was claimed", false)));
    let ledger = practice.router.verify_ledger().await.unwrap();
    assert_eq!((ledger.pending, ledger.incentives), (Amount::ZERO, Amount::ZERO));
    assert_eq!(ledger.deposits, practice.policy.practice_deposit);
    let SettlementStatus::Reversed { amount: returned, reverses, reason, why } = back.status else { unreachable!() };
    assert_eq!((returned, reverses, back.task), (amount, paid.sequence, paid.task));
    assert!(reason.contains("F16 was claimed"), "{reason}");
    assert_eq!(why.map(|why| why.to_string()), Some(reason));
    let overview = practice.operator().await.get("/api/v1/operator/overview").await.1;
    let audits = overview["audits"].as_array().unwrap();
    assert!(audits.iter().any(|audit| audit["verdict"] == "not_what_it_claims"), "{audits:?}");

    // Barred for two seconds, then tested again.
    let again = loop {
        let report = node.tier().await;
        if report.tier.is_some() {
            break report;
        }
    };
    assert!(again.tested_at.since(report.tested_at).as_secs() >= 2);
    asked(&practice).await;
    practice.settle().await;
}

#[tokio::test]
async fn an_honest_node_is_told_so_and_keeps_what_was_proven_if_it_lies_later() {
    // A validator that does not wait: of a trusted node there is often nothing to look at.
    let audit = AuditPolicy { wait_seconds: 0, ..AuditPolicy::default() };
    let practice = Practice::with(Policy { audit, ..policy(AuditPolicy::default()) }).await;
    let validator = Validator::at(&practice).await;
    validator.claim().await;
    let mut node = practice.node(1).await;
    for _ in 0..60 {
        asked(&practice).await;
        validator.look(0.0).await;
    }
    while !audit_line(&node.tier().await).is_some_and(|(seen, met)| seen.starts_with("consistent") && met) {}
    let earned = practice.router.verify_ledger().await.unwrap().pending;
    // Trusted by now: one answer in some twenty is looked at.
    let lying = async {
        loop {
            // Refused from the fall on, which the node hears of a little later: nobody is left who could answer.
            practice.client.answer(json!({"temperature": 0, "max_tokens": 4})).await;
        }
    };
    tokio::select! {
        _ = validator.look_until(4.0, fall(&mut node)) => {}
        () = lying => unreachable!("it asks for ever"),
    }
    let left = practice.router.verify_ledger().await.unwrap().pending;
    assert!(left > Amount::ZERO && left <= earned, "{left} of {earned}");
    practice.router.stop().await;
}

#[tokio::test]
async fn nothing_is_kept_while_no_validator_asks_nor_of_what_cannot_be_looked_at() {
    let practice = Practice::with(policy(AuditPolicy::default())).await;
    let validator = Validator::at(&practice).await;
    let _node = practice.node(1).await;
    practice.client.answer(json!({"temperature": 0})).await;
    assert_eq!(validator.claim().await.jobs, []);
    for sampled in [json!({"temperature": 0.7}), json!({"temperature": 0, "frequency_penalty": 0.5})] {
        practice.client.answer(sampled).await;
        assert_eq!(validator.claim().await.jobs, []);
    }
    practice.client.answer(json!({"temperature": 0})).await;
    assert_eq!(validator.claim().await.jobs.len(), 1);
    practice.settle().await;
}

#[tokio::test]
async fn only_validators_look_and_only_at_what_they_were_given() {
    let practice = Practice::with(policy(AuditPolicy::default())).await;
    let validator = Validator::at(&practice).await;
    let claim = json!({"held": []});
    for (key, status) in [(practice.client.key.as_str(), 403), ("", 401), ("vk-unknown", 403)] {
        let client = practice.client.with_key(key);
        assert_eq!(client.post_json("/api/v1/audits/claim", &claim).await.0, status, "{key}");
    }
    assert_eq!(validator.client.get("/v1/models").await.0, 401);
    for body in [json!({}), json!({"held": ["x"]}), json!({"held": [], "more": 1})] {
        assert_eq!(validator.client.post_json("/api/v1/audits/claim", &body).await.0, 400, "{body}");
    }
    validator.claim().await;
    let _node = fake(practice.address(), 1, Behaviour::default()).await;
    let jobs = loop {
        let jobs = validator.claim().await.jobs;
        if !jobs.is_empty() {
            break jobs;
        }
    };
    let (job, tokens) = (jobs[0].id.to_string(), jobs[0].tokens.len());
    for (audit, margins, status) in [
        ("x", vec![0.0; tokens], 404),
        ("00000000-0000-4000-8000-000000000000", vec![0.0; tokens], 404),
        (&job, vec![0.0; tokens + 1], 400),
        (&job, vec![-1.0; tokens], 400),
        (&job, vec![0.0; tokens], 204),
        (&job, vec![0.0; tokens], 404),
    ] {
        let (got, body) = validator.report(audit, AuditFinding::Margins { margins }).await;
        assert_eq!(got, status, "{body}");
    }
    practice.settle().await;
}
