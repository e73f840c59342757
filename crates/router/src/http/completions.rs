//! Answers: `POST /v1/chat/completions`, `/v1/completions` and `/api/v1/completions[/{sid}]`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue},
    response::{IntoResponse as _, Response},
};
use cortensor_protocol::{Deadlines, TaskId};
use futures::StreamExt as _;

use super::{
    body,
    completion::{Asked, Completion},
    error::ApiError,
    schema::{ChatBody, CompletionBody, ErrorBody, NetworkBody},
    sessions::find,
    stream::{self, Deliveries},
};
use crate::{
    context::Context,
    policy::Policy,
    rules::{
        drive::{Delivery, Job, Order, Purse, place},
        pool::{Apart, Want},
        price::most_cost,
        problem::Problem,
        request::{CompletionRequest, Form, Wanted, missing_session, object, parse, session_id},
        session::{Caller, Session},
    },
    store::Payer,
};

/// Names the task, also on errors: what to quote when something went wrong.
const TASK: HeaderName = HeaderName::from_static("x-cortensor-task");

/// Answers a conversation, in `OpenAI`'s form.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "completions", request_body = ChatBody,
    responses(
        (status = 200, description = "The answer, or its events if `stream` is true", content(
            (serde_json::Value = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = "default", description = "Why there is none", body = ErrorBody),
    )
)]
pub(super) async fn chat(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    complete(&context, caller, Form::Chat, None, request).await
}

/// Continues a text, in `OpenAI`'s older form.
#[utoipa::path(
    post, path = "/v1/completions", tag = "completions", request_body = CompletionBody,
    responses(
        (status = 200, description = "The answer, or its events if `stream` is true", content(
            (serde_json::Value = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = "default", description = "Why there is none", body = ErrorBody),
    )
)]
pub(super) async fn text(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    complete(&context, caller, Form::Text, None, request).await
}

/// Answers in a session that the body names, or whose own key it is.
#[utoipa::path(
    post, path = "/api/v1/completions", tag = "completions", request_body = NetworkBody,
    responses(
        (status = 200, description = "The answer, or its events if `stream` is true", content(
            (serde_json::Value = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = "default", description = "Why there is none", body = ErrorBody),
    )
)]
pub(super) async fn network(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    complete(&context, caller, Form::Network, None, request).await
}

/// Answers in a session.
#[utoipa::path(
    post, path = "/api/v1/completions/{sid}", tag = "completions", request_body = NetworkBody,
    params(("sid" = i64, Path, description = "The session's number")),
    responses(
        (status = 200, description = "The answer, or its events if `stream` is true", content(
            (serde_json::Value = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = "default", description = "Why there is none", body = ErrorBody),
    )
)]
pub(super) async fn in_session(
    State(context): State<Arc<Context>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let session = super::sessions::number(&session)?;
    complete(&context, caller, Form::Network, Some(session), request).await
}

async fn complete(
    context: &Arc<Context>,
    caller: Caller,
    form: Form,
    session: Option<i64>,
    request: Request,
) -> Result<Response, ApiError> {
    let bytes = body::read(request.into_body(), &context.policy).await?;
    let object = object(&bytes)?;
    let wanted = session.map_or_else(|| session_id(&object), |session| Ok(Some(session)))?;
    let session = find_session(context, caller, form, wanted).await?;
    let request = parse(form, &object, session.as_ref().map(|session| &session.terms), &context.policy)?;
    if context.stopping.closing.is_cancelled() {
        return Err(Problem::Stopping.into());
    }
    let nodes = session.as_ref().map_or(1, |session| session.terms.redundant);
    let tasks: Vec<_> = (0..nodes).map(|_| TaskId(uuid::Uuid::now_v7())).collect();
    let answered = answer(context, caller, session.as_ref(), &tasks, request).await;
    let mut response = answered.unwrap_or_else(ApiError::into_response);
    if let Some(value) = tasks.first().and_then(|task| HeaderValue::from_str(&task.to_string()).ok()) {
        response.headers_mut().insert(TASK, value);
    }
    Ok(response)
}

/// A session's own key opens that one only; the network's form is for sessions.
async fn find_session(
    context: &Context,
    caller: Caller,
    form: Form,
    wanted: Option<i64>,
) -> Result<Option<Session>, ApiError> {
    match wanted.or(caller.session.map(|session| session.0)) {
        Some(session) => Ok(Some(find(context, caller, session).await?)),
        None if form == Form::Network => Err(missing_session().into()),
        None => Ok(None),
    }
}

async fn answer(
    context: &Arc<Context>,
    caller: Caller,
    session: Option<&Session>,
    tasks: &[TaskId],
    request: CompletionRequest,
) -> Result<Response, ApiError> {
    let (asked, streamed) = (Asked::from(&request), request.stream);
    let placed = place(context, order(context, caller, session, tasks, request)).await?;
    let completion = Completion::new(tasks, placed.number, &asked);
    let deliveries = stream::merged(placed.answers);
    if streamed { begin(completion, deliveries).await } else { whole(completion, deliveries).await }
}

fn order(
    context: &Context,
    caller: Caller,
    session: Option<&Session>,
    tasks: &[TaskId],
    request: CompletionRequest,
) -> Order {
    let prices = session.map_or_else(|| context.policy.prices(), |session| session.terms.prices);
    let payer = session
        .map_or(Payer::Account(caller.account), |session| Payer::Session(session.id, session.terms.max_task_count));
    let deadlines = deadlines(&context.policy, &request);
    let CompletionRequest { wanted, prompt, sampling, reference, .. } = request;
    let Wanted { name, model, choice } = wanted;
    let hold = most_cost(&prices, choice, &prompt, sampling.max_tokens);
    let reserve = session.and_then(|session| session.terms.reserve(session.id));
    let validated = session.is_some_and(|session| session.terms.is_validated());
    let apart = (tasks.len() > 1).then(Arc::<Apart>::default);
    let job = |id: &TaskId| Job {
        id: *id,
        name: name.clone(),
        want: Want { apart: apart.clone(), reserve, ..Want::new(model.clone(), choice) },
        prompt: prompt.clone(),
        sampling: sampling.clone(),
        deadlines,
        purse: Purse::User { prices, hold },
        validated,
    };
    Order { payer, reference, jobs: tasks.iter().map(job).collect() }
}

/// The network's deadlines, or what the client set of them.
fn deadlines(policy: &Policy, request: &CompletionRequest) -> Deadlines {
    let usual = policy.user_deadlines(request.sampling.max_tokens);
    Deadlines {
        total: request.timeout.unwrap_or(usual.total),
        precommit: request.precommit_timeout.unwrap_or(usual.precommit),
        ..usual
    }
}

/// Streams, once it is known that there is something to stream: until then an error can still have its own status.
async fn begin(completion: Completion, mut deliveries: Deliveries) -> Result<Response, ApiError> {
    let mut first = Vec::new();
    let mut problems = BTreeMap::new();
    while let Some((index, delivery)) = deliveries.next().await {
        match &delivery {
            Delivery::Started { .. } => {}
            Delivery::Failed(problem) => {
                problems.entry(index).or_insert_with(|| problem.clone());
            }
            Delivery::Tokens { .. } | Delivery::Finished(_) => {
                first.push((index, delivery));
                return Ok(stream::respond(completion, first, deliveries));
            }
        }
        first.push((index, delivery));
        if problems.len() == completion.choices.len() {
            break;
        }
    }
    Err(problems.into_values().next().unwrap_or(Problem::Internal).into())
}

async fn whole(mut completion: Completion, mut deliveries: Deliveries) -> Result<Response, ApiError> {
    while let Some((index, delivery)) = deliveries.next().await {
        if let Some(choice) = completion.choices.get_mut(index) {
            choice.take(delivery);
        }
    }
    match completion.failure() {
        Some(problem) => Err(problem.into()),
        None => Ok(axum::Json(completion.whole()).into_response()),
    }
}
