//! A validator against a desk over a real socket, with the scripted engine.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use cortensor_engine::scripted::{Script, ScriptedEngine};
use cortensor_models::{Artifact, Geometry};
use cortensor_protocol::{
    ArtifactDigest, AuditClaim, AuditFinding, AuditId, AuditJob, AuditJobs, AuditReport, JudgementAsked,
    JudgementClaim, JudgementFinding, JudgementId, JudgementJob, JudgementJobs, JudgementKind, JudgementReport,
    ModelId, Precision, Prompt, TokenId,
};
use cortensor_validator::{Desk, Event, Meaning, Validator};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// What the desk hands out, once each, and where findings go.
struct Table {
    jobs: Mutex<Vec<AuditJobs>>,
    found: mpsc::UnboundedSender<(AuditId, AuditReport)>,
    to_judge: Mutex<Vec<JudgementJobs>>,
    judged: mpsc::UnboundedSender<(JudgementClaim, JudgementReport)>,
    claims: Mutex<Vec<JudgementClaim>>,
}

async fn claim(
    State(table): State<Arc<Table>>,
    headers: HeaderMap,
    Json(claim): Json<AuditClaim>,
) -> (StatusCode, Json<serde_json::Value>) {
    if headers["authorization"] != "Bearer vk-known" {
        let refused = serde_json::json!({"error": {"message": "ask the operator for a key"}});
        return (StatusCode::FORBIDDEN, Json(refused));
    }
    assert_eq!(claim.held.len(), 2);
    let jobs = table.jobs.lock().unwrap().pop();
    match jobs {
        Some(jobs) => (StatusCode::OK, Json(serde_json::to_value(jobs).unwrap())),
        None => std::future::pending().await,
    }
}

async fn report(
    State(table): State<Arc<Table>>,
    Path(audit): Path<AuditId>,
    Json(report): Json<AuditReport>,
) -> StatusCode {
    table.found.send((audit, report)).unwrap();
    StatusCode::NO_CONTENT
}

async fn claim_judgements(State(table): State<Arc<Table>>, Json(claim): Json<JudgementClaim>) -> Json<JudgementJobs> {
    table.claims.lock().unwrap().push(claim);
    let jobs = table.to_judge.lock().unwrap().pop();
    match jobs {
        Some(jobs) => Json(jobs),
        None => std::future::pending().await,
    }
}

async fn report_judgement(
    State(table): State<Arc<Table>>,
    Path(_): Path<JudgementId>,
    Json(report): Json<JudgementReport>,
) -> StatusCode {
    let claim = table.claims.lock().unwrap()[0].clone();
    table.judged.send((claim, report)).unwrap();
    StatusCode::NO_CONTENT
}

type Findings<T> = mpsc::UnboundedReceiver<T>;

async fn desk(jobs: Vec<AuditJobs>, key: &str) -> (Desk, Findings<(AuditId, AuditReport)>) {
    let (desk, findings, _) = desk_with(jobs, Vec::new(), key).await;
    (desk, findings)
}

async fn desk_with(
    jobs: Vec<AuditJobs>,
    to_judge: Vec<JudgementJobs>,
    key: &str,
) -> (Desk, Findings<(AuditId, AuditReport)>, Findings<(JudgementClaim, JudgementReport)>) {
    let (found, findings) = mpsc::unbounded_channel();
    let (judged, judgements) = mpsc::unbounded_channel();
    let table =
        Table { jobs: Mutex::new(jobs), found, to_judge: Mutex::new(to_judge), judged, claims: Mutex::default() };
    let app = Router::new()
        .route("/api/v1/audits/claim", post(claim))
        .route("/api/v1/audits/{audit}", post(report))
        .route("/api/v1/judgements/claim", post(claim_judgements))
        .route("/api/v1/judgements/{judgement}", post(report_judgement))
        .with_state(Arc::new(table));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    (Desk::new(&format!("http://{address}/"), key).unwrap(), findings, judgements)
}

/// Finds the same in all texts, but for one that it cannot read.
struct Alike;

impl Meaning for Alike {
    fn name(&self) -> &'static str {
        "alike 1"
    }

    fn median_similarities(&self, texts: &[&str]) -> Result<Vec<f32>, String> {
        if texts.contains(&"unreadable") { Err("no".to_owned()) } else { Ok(vec![0.75; texts.len()]) }
    }
}

fn to_judge(asked: Vec<JudgementAsked>) -> JudgementJobs {
    let job =
        |(number, asked)| JudgementJob { id: JudgementId(uuid::Uuid::from_u128(number)), asked, within_ms: 1_000 };
    JudgementJobs { jobs: (1..).zip(asked).map(job).collect() }
}

fn rubric(question: &str, answer: &str) -> JudgementAsked {
    JudgementAsked::Rubric { question: question.to_owned(), answer: answer.to_owned() }
}

fn meaning(answers: &[&str]) -> JudgementAsked {
    JudgementAsked::Meaning { answers: answers.iter().map(|answer| (*answer).to_owned()).collect() }
}

/// Runs a validator until it has judged so much; what it said it can, and what it found.
async fn judged(
    asked: Vec<JudgementAsked>,
    engine: &Arc<ScriptedEngine>,
    compares: bool,
    context: u32,
) -> (Vec<JudgementKind>, Vec<JudgementReport>) {
    let count = asked.len();
    let (desk, _findings, mut judgements) = desk_with(Vec::new(), vec![to_judge(asked)], "vk-known").await;
    let validator = Validator::new(Arc::clone(engine) as _, held(), desk, context);
    let validator = if compares { validator.comparing_with(Arc::new(Alike)) } else { validator };
    let stop = CancellationToken::new();
    let found = async {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(judgements.recv().await.unwrap());
        }
        stop.cancel();
        all
    };
    let (ended, found) = tokio::join!(validator.run(|_| {}, stop.clone()), found);
    ended.unwrap();
    (found[0].0.kinds.clone(), found.into_iter().map(|(_, report)| report).collect())
}

fn job(number: u128, artifact: &Artifact, prompt: &str, tokens: &[TokenId]) -> AuditJob {
    AuditJob {
        id: AuditId(uuid::Uuid::from_u128(number)),
        model: artifact.model.clone(),
        precision: artifact.precision,
        artifact: artifact.digest,
        prompt: Prompt::user(prompt),
        before: vec![1],
        tokens: tokens.to_vec(),
        within_ms: 1_000,
    }
}

fn artifact(precision: Precision) -> Artifact {
    let geometry = Geometry {
        parameters: 1,
        layers: 1,
        hidden: 1,
        feed_forward: 1,
        heads: 1,
        kv_heads: 1,
        head_width: 1,
        context_tokens: 2048,
        vocabulary: 256,
        tied_embeddings: true,
    };
    let (path, tokenizer) = (PathBuf::new(), PathBuf::new());
    let digest = ArtifactDigest::new([precision as u8; 32]);
    Artifact { model: ModelId::new("m"), precision, path, digest, bytes: 1, geometry, tokenizer }
}

fn held() -> Vec<Artifact> {
    [Precision::F16, Precision::Q4_0].map(artifact).to_vec()
}

#[tokio::test]
async fn every_answer_is_scored_on_the_artifact_that_was_claimed_one_loaded_at_a_time() {
    let held = held();
    let beyond = held[0].geometry.vocabulary;
    // The scripted engine's likeliest next token is the one before: after 1 comes 1.
    let first = AuditJobs { jobs: vec![job(1, &held[0], "a", &[1, 1]), job(2, &held[0], "b", &[1, 5, beyond, 1])] };
    let second = AuditJobs { jobs: vec![job(3, &held[1], "c", &[7])] };
    let third = AuditJobs {
        jobs: vec![job(4, &artifact(Precision::Q8_0), "d", &[1]), job(5, &held[1], &"e".repeat(99), &[1])],
    };
    let (desk, mut findings) = desk(vec![third, second, first], "vk-known").await;
    let engine = Arc::new(ScriptedEngine::new(Script::saying(&[])));
    let validator = Validator::new(Arc::clone(&engine) as _, held, desk, 64);
    let (told, mut events) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let found = async {
        let mut all = Vec::new();
        while all.len() < 5 {
            all.push(findings.recv().await.unwrap());
        }
        stop.cancel();
        all
    };
    let (ended, found) = tokio::join!(validator.run(|event| drop(told.send(event)), stop.clone()), found);
    ended.unwrap();
    let margins = |index: usize| match &found[index].1.finding {
        AuditFinding::Margins { margins } => margins.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found.iter().map(|(id, _)| id.0.as_u128()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!((margins(0), margins(1)), (vec![0.0, 0.0], vec![0.0, 10.0, f32::MAX, f32::MAX]));
    assert_eq!(margins(2), [10.0]);
    assert_eq!(found[3].1.finding, AuditFinding::NotHeld);
    assert!(matches!(&found[4].1.finding, AuditFinding::Unusable { .. }));
    assert_eq!(engine.loaded(), 0);
    drop(told);
    let mut loads = Vec::new();
    while let Some(event) = events.recv().await {
        if let Event::Loading(precision) = event {
            loads.push(precision);
        }
    }
    assert_eq!(loads, [Precision::F16, Precision::Q4_0]);
}

#[tokio::test]
async fn an_answer_gets_the_mark_that_the_model_expects_for_each_criterion() {
    // A judge that finds everything true, good answers relevant, and nothing useful.
    let digit = |text: &str| {
        let good = text.contains("Answer: good\n\nWrite only");
        let digit = match (text.contains("true"), text.contains("about what was asked?")) {
            (true, _) => b'5',
            (_, true) if good => b'4',
            _ => b'0',
        };
        Some(TokenId::from(digit))
    };
    let engine = Arc::new(ScriptedEngine::new(Script::saying(&[]).expecting(digit)));
    let asked = vec![rubric("why?", "good"), rubric("why?", "bad"), rubric("why?", &"long ".repeat(400))];
    let (kinds, reports) = judged(asked, &engine, false, 1_600).await;
    assert_eq!(kinds, [JudgementKind::Rubric]);
    let marks = |report: &JudgementReport| match &report.finding {
        JudgementFinding::Rubric { score } => [score.correctness, score.relevance, score.usefulness].map(u8::from),
        other => panic!("{other:?}"),
    };
    assert_eq!((marks(&reports[0]), marks(&reports[1])), ([5, 4, 0], [5, 0, 0]));
    assert!(matches!(reports[2].finding, JudgementFinding::Unusable { .. }), "{:?}", reports[2]);
    assert_eq!((reports[0].model.as_str(), engine.loaded()), ("m F16", 0));
}

#[tokio::test]
async fn answers_are_compared_by_the_embedding_model_if_there_is_one() {
    let asked = || vec![meaning(&["a", "b"]), meaning(&["a", "unreadable"])];
    let engine = Arc::new(ScriptedEngine::new(Script::saying(&[])));
    let (kinds, reports) = judged(asked(), &engine, true, 64).await;
    assert_eq!(kinds, [JudgementKind::Rubric, JudgementKind::Meaning]);
    assert_eq!(reports[0].finding, JudgementFinding::Meaning { similarities: vec![0.75, 0.75] });
    assert_eq!(reports[0].model, "alike 1");
    assert_eq!(reports[1].finding, JudgementFinding::Unusable { message: "no".to_owned() });
    let (_, reports) = judged(asked(), &engine, false, 64).await;
    assert!(matches!(reports[0].finding, JudgementFinding::Unusable { .. }));
}

#[tokio::test]
async fn a_key_that_is_refused_ends_it_with_what_to_do() {
    let (desk, _findings) = desk(Vec::new(), "vk-unknown").await;
    let validator = Validator::new(Arc::new(ScriptedEngine::new(Script::saying(&[]))), held(), desk, 64);
    let ended = validator.run(|_| {}, CancellationToken::new()).await.unwrap_err();
    assert!(ended.to_string().ends_with("does not take this key: ask the operator for a key"), "{ended}");
}

#[tokio::test]
async fn a_router_that_is_gone_is_tried_again() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let desk = Desk::new(&format!("http://{gone}"), "vk-known").unwrap();
    let validator = Validator::new(Arc::new(ScriptedEngine::new(Script::saying(&[]))), held(), desk, 64);
    let (stop, tries) = (CancellationToken::new(), Mutex::new(Vec::new()));
    let tell = |event| {
        let Event::Unreachable { again_in, .. } = event else { panic!("{event:?}") };
        tries.lock().unwrap().push(again_in.as_secs());
        if tries.lock().unwrap().len() == 2 {
            stop.cancel();
        }
    };
    validator.run(tell, stop.clone()).await.unwrap();
    assert_eq!(*tries.lock().unwrap(), [1, 2]);
}
