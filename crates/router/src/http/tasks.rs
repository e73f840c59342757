//! What was asked of a session, and why which node got it.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use cortensor_protocol::{NodeAddress, TaskId, Usage};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    error::ApiError,
    schema::ErrorBody,
    sessions::{PAGE, Paging, before, credits, find, number, stored},
};
use crate::{
    context::Context,
    rules::{pool::Decision, problem::Problem, session::Caller},
    store::{PastTask, SessionTask},
};

/// A request to a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskView {
    id: u32,
    /// 0 queued, 1 with a node, 4 ended.
    status: u8,
    /// How it ended, for each node that was asked for.
    outcomes: Vec<Option<String>>,
    client_reference: Option<String>,
    #[schema(value_type = Vec<String>)]
    assigned_miners: Vec<NodeAddress>,
    created_at: i64,
    finished_at: Option<i64>,
    results: ResultsView,
    usage: UsageView,
    /// Credits that it cost.
    cost: String,
}

/// Who answered. The answers are not kept: whoever asked has them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultsView {
    #[schema(value_type = Vec<String>)]
    miners: Vec<NodeAddress>,
    data: Vec<String>,
}

/// Tokens of all answers together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageView {
    prompt_tokens: u32,
    completion_tokens: u32,
}

/// Requests to a session, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TasksView {
    /// Of all there ever were.
    count: u32,
    tasks: Vec<TaskView>,
}

/// Why which node got a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionsView {
    id: u32,
    decisions: Vec<DecisionView>,
}

/// Why a node got a task, for one attempt at it that is over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionView {
    /// Which of the answers to a redundant request, from 0.
    choice: usize,
    attempt: u32,
    #[schema(value_type = Decision)]
    decision: Value,
}

/// Requests to a session, newest first. Prompts and answers are not kept.
#[utoipa::path(
    get, path = "/api/v1/tasks/{sid}", tag = "tasks",
    params(("sid" = i64, Path, description = "The session's number"), Paging),
    responses(
        (status = 200, description = "Up to 100 of them, and how many there are", body = TasksView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn list(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
    page: Result<Query<Paging>, QueryRejection>,
) -> Result<Json<TasksView>, ApiError> {
    let session = find(&context, caller, number(&session)?).await?;
    let before = before(page)?.unwrap_or(i64::MAX);
    let tasks = stored(&context, context.store.session_tasks(session.id, before, PAGE).await)?;
    let tasks = tasks.iter().map(|task| TaskView::new(&context, task)).collect();
    Ok(Json(TasksView { count: session.tasks, tasks }))
}

/// One request to a session.
#[utoipa::path(
    get, path = "/api/v1/tasks/{sid}/{tid}", tag = "tasks",
    params(
        ("sid" = i64, Path, description = "The session's number"),
        ("tid" = i64, Path, description = "The request's number in it"),
    ),
    responses(
        (status = 200, description = "The request", body = TaskView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn show(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path((session, task)): Path<(String, String)>,
) -> Result<Json<TaskView>, ApiError> {
    let task = find_task(&context, caller, &session, &task).await?;
    Ok(Json(TaskView::new(&context, &task)))
}

/// Why this node? Which nodes were considered for a request, and why each of the others did not get it.
#[utoipa::path(
    get, path = "/api/v1/tasks/{sid}/{tid}/decision", tag = "tasks",
    params(
        ("sid" = i64, Path, description = "The session's number"),
        ("tid" = i64, Path, description = "The request's number in it"),
    ),
    responses(
        (status = 200, description = "One decision for each attempt that is over", body = DecisionsView),
        (status = "default", description = "Why not", body = ErrorBody),
    )
)]
pub(super) async fn decision(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path((session, task)): Path<(String, String)>,
) -> Result<Json<DecisionsView>, ApiError> {
    let task = find_task(&context, caller, &session, &task).await?;
    let mut decisions = Vec::new();
    for (choice, PastTask { id, .. }) in task.tasks.iter().enumerate() {
        for (attempt, decision) in stored(&context, context.store.decisions(*id).await)? {
            let decision = serde_json::from_str(&decision).map_err(|_| ApiError::INTERNAL)?;
            decisions.push(DecisionView { choice, attempt, decision });
        }
    }
    Ok(Json(DecisionsView { id: task.number, decisions }))
}

async fn find_task(context: &Context, caller: Caller, session: &str, task: &str) -> Result<SessionTask, ApiError> {
    let session = find(context, caller, number(session)?).await?;
    let number = number(task)?;
    let unknown = || ApiError::from(Problem::Unknown { what: "task", number });
    let short = u32::try_from(number).map_err(|_| unknown())?;
    stored(context, context.store.session_task(session.id, short).await)?.ok_or_else(unknown)
}

impl TaskView {
    fn new(context: &Context, task: &SessionTask) -> Self {
        let running = |id: TaskId| context.pool.node_of(id);
        let ends: Option<Vec<_>> = task.tasks.iter().map(|task| task.ended.as_ref().map(|(at, _)| at.0)).collect();
        let assigned: Vec<_> = task.tasks.iter().filter_map(|task| node(task).or_else(|| running(task.id))).collect();
        let paid = task.tasks.iter().flat_map(|task| &task.attempts).filter(|attempt| attempt.void_reason.is_none());
        Self {
            id: task.number,
            status: if ends.is_some() { 4 } else { u8::from(!assigned.is_empty()) },
            outcomes: task.tasks.iter().map(|task| task.ended.as_ref().map(|(_, outcome)| outcome.clone())).collect(),
            client_reference: task.reference.clone(),
            assigned_miners: assigned,
            created_at: task.created_at.0,
            finished_at: ends.and_then(|ends| ends.into_iter().max()),
            results: ResultsView { miners: paid.clone().map(|attempt| attempt.node).collect(), data: Vec::new() },
            usage: paid.clone().fold(UsageView { prompt_tokens: 0, completion_tokens: 0 }, |sum, attempt| {
                let Usage { prompt_tokens, completion_tokens } = attempt.usage;
                UsageView {
                    prompt_tokens: sum.prompt_tokens.saturating_add(prompt_tokens),
                    completion_tokens: sum.completion_tokens.saturating_add(completion_tokens),
                }
            }),
            cost: credits(paid.map(|attempt| attempt.paid).sum()),
        }
    }
}

/// The node that a task was with last.
fn node(task: &PastTask) -> Option<NodeAddress> {
    task.attempts.last().map(|attempt| attempt.node)
}
