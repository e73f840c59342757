//! Answers as server-sent events.

use std::convert::Infallible;

use axum::response::{
    IntoResponse as _, Response, Sse,
    sse::{Event, KeepAlive},
};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{completion::Completion, error::ApiError};
use crate::rules::drive::Delivery;

/// Streams what came first and what comes.
pub(super) fn respond(
    mut completion: Completion,
    first: Vec<Delivery>,
    deliveries: mpsc::Receiver<Delivery>,
) -> Response {
    let mut begun = false;
    let events = stream::iter(first).chain(ReceiverStream::new(deliveries)).flat_map(move |delivery| {
        let events = events(&mut completion, &mut begun, delivery);
        stream::iter(events.into_iter().map(Ok::<_, Infallible>))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

fn events(completion: &mut Completion, begun: &mut bool, delivery: Delivery) -> Vec<Event> {
    let mut chunks = Vec::new();
    if let Delivery::Started { node, precision, .. } = delivery {
        completion.served_by(node, precision);
        return chunks;
    }
    if !std::mem::replace(begun, true) {
        chunks.push(event(&completion.beginning()));
    }
    match delivery {
        Delivery::Started { .. } => {}
        Delivery::Tokens { tokens, .. } => chunks.push(event(&completion.more(&tokens))),
        Delivery::Finished(finished) => {
            chunks.extend(completion.ending(finished).iter().map(event));
            chunks.push(Event::default().data("[DONE]"));
        }
        Delivery::Failed(problem) => chunks.push(event(&ApiError::Problem(problem).body())),
    }
    chunks
}

fn event(value: &Value) -> Event {
    Event::default().data(value.to_string())
}
