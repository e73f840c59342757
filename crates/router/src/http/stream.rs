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
use crate::rules::{drive::Delivery, problem::Problem};

/// Streams what came first and what comes.
pub(super) fn respond(completion: Completion, first: Vec<Delivery>, deliveries: mpsc::Receiver<Delivery>) -> Response {
    let mut answer = Answer { completion, begun: false, ended: false };
    let deliveries = stream::iter(first).chain(ReceiverStream::new(deliveries)).map(Some);
    let events = deliveries.chain(stream::iter([None])).flat_map(move |delivery| {
        let events = match delivery {
            Some(delivery) => answer.events(delivery),
            None => answer.end(),
        };
        stream::iter(events.into_iter().map(Ok::<_, Infallible>))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// How far an answer is told.
struct Answer {
    completion: Completion,
    begun: bool,
    ended: bool,
}

impl Answer {
    fn events(&mut self, delivery: Delivery) -> Vec<Event> {
        let mut chunks = Vec::new();
        if let Delivery::Started { node, precision, .. } = delivery {
            self.completion.served_by(node, precision);
            return chunks;
        }
        if !std::mem::replace(&mut self.begun, true) {
            chunks.push(event(&self.completion.beginning()));
        }
        self.ended = matches!(delivery, Delivery::Finished(_) | Delivery::Failed(_));
        match delivery {
            Delivery::Started { .. } => {}
            Delivery::Tokens { tokens, .. } => chunks.push(event(&self.completion.more(&tokens))),
            Delivery::Finished(finished) => {
                chunks.extend(self.completion.ending(finished).iter().map(event));
                chunks.push(Event::default().data("[DONE]"));
            }
            Delivery::Failed(problem) => chunks.push(event(&ApiError::Problem(problem).body())),
        }
        chunks
    }

    /// Whoever told the answer broke down before its end: without a word the client would take it for whole.
    fn end(&mut self) -> Vec<Event> {
        if self.ended { Vec::new() } else { self.events(Delivery::Failed(Problem::Internal)) }
    }
}

fn event(value: &Value) -> Event {
    Event::default().data(value.to_string())
}

#[cfg(test)]
mod tests {
    use cortensor_protocol::{FinishReason, StreamedToken, TaskId, Usage};
    use tokio::time::Instant;

    use super::*;
    use crate::{
        policy::Policy,
        rules::{drive::Finished, request::parse},
    };

    async fn told(deliveries: Vec<Delivery>) -> String {
        let body = br#"{"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true}"#;
        let completion = Completion::new(TaskId(uuid::Uuid::nil()), &parse(body, &Policy::default()).unwrap());
        let (_, nothing_more) = mpsc::channel(1);
        let body = respond(completion, deliveries, nothing_more).into_body();
        String::from_utf8(axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    fn tokens() -> Delivery {
        Delivery::Tokens {
            tokens: vec![StreamedToken { id: 1, text: "half".to_owned(), logprob: None }],
            at: Instant::now(),
        }
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_ends_with_an_error_and_a_whole_one_does_not() {
        let broken = told(vec![tokens()]).await;
        assert!(broken.contains("half") && broken.contains("\"internal\"") && !broken.contains("[DONE]"), "{broken}");
        let finished = Finished { finish: FinishReason::Stop, usage: Usage::default() };
        let whole = told(vec![tokens(), Delivery::Finished(finished)]).await;
        assert!(whole.trim_end().ends_with("[DONE]") && !whole.contains("internal"), "{whole}");
    }
}
