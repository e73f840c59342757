//! `POST /v1/chat/completions`.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    response::{IntoResponse as _, Response},
};
use cortensor_protocol::TaskId;
use tokio::sync::mpsc;

use super::{body, completion::Completion, error::ApiError, stream};
use crate::{
    context::Context,
    rules::{
        drive::{Delivery, Job, Purse, start},
        pool::Want,
        price::most_cost,
        problem::Problem,
        request::{ChatRequest, parse},
    },
    store::KeyId,
};

/// Names the task, also on errors: what to quote when something went wrong.
const TASK: HeaderName = HeaderName::from_static("x-cortensor-task");

pub(super) async fn complete(
    State(context): State<Arc<Context>>,
    Extension(key): Extension<KeyId>,
    request: Request,
) -> Result<Response, ApiError> {
    let bytes = body::read(request.into_body(), &context.policy).await?;
    let request = parse(&bytes, &context.policy)?;
    if context.stopping.closing.is_cancelled() {
        return Err(Problem::Stopping.into());
    }
    let task = TaskId(uuid::Uuid::now_v7());
    let completion = Completion::new(task, &request);
    let streamed = request.stream;
    let deliveries = start(&context, job(&context, task, key, request));
    let answered = if streamed { begin(completion, deliveries).await } else { whole(completion, deliveries).await };
    let mut response = answered.unwrap_or_else(ApiError::into_response);
    if let Ok(value) = HeaderValue::from_str(&task.to_string()) {
        response.headers_mut().insert(TASK, value);
    }
    Ok(response)
}

fn job(context: &Context, id: TaskId, key: KeyId, request: ChatRequest) -> Job {
    let ChatRequest { name, model, precision, prompt, sampling, .. } = request;
    let hold = most_cost(&context.policy, precision, &prompt, sampling.max_tokens);
    Job {
        id,
        name,
        want: Want { model, precision, artifact: None, context_over: 0, node: None, avoid: Vec::new() },
        deadlines: context.policy.user_deadlines(sampling.max_tokens),
        prompt,
        sampling,
        purse: Purse::User { key, hold },
    }
}

/// Streams, once it is known that there is something to stream: until then an error can still have its own status.
async fn begin(completion: Completion, mut deliveries: mpsc::Receiver<Delivery>) -> Result<Response, ApiError> {
    let mut first = Vec::new();
    loop {
        match deliveries.recv().await {
            Some(Delivery::Failed(problem)) => return Err(problem.into()),
            Some(started @ Delivery::Started { .. }) => first.push(started),
            Some(delivery) => {
                first.push(delivery);
                return Ok(stream::respond(completion, first, deliveries));
            }
            None => return Err(ApiError::INTERNAL),
        }
    }
}

async fn whole(mut completion: Completion, mut deliveries: mpsc::Receiver<Delivery>) -> Result<Response, ApiError> {
    loop {
        match deliveries.recv().await {
            Some(Delivery::Started { node, precision, .. }) => completion.served_by(node, precision),
            Some(Delivery::Tokens { tokens, .. }) => completion.add(tokens),
            Some(Delivery::Finished(finished)) => {
                return Ok(axum::Json(completion.whole(finished)).into_response());
            }
            Some(Delivery::Failed(problem)) => return Err(problem.into()),
            None => return Err(ApiError::INTERNAL),
        }
    }
}
