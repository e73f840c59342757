//! Answers as server-sent events.

use std::convert::Infallible;

use axum::response::{
    IntoResponse as _, Response, Sse,
    sse::{Event, KeepAlive},
};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{completion::Completion, error::ApiError};
use crate::rules::{drive::Delivery, problem::Problem};

/// What becomes of every choice, as it comes: its place among them, and what.
pub(super) type Deliveries = BoxStream<'static, (usize, Delivery)>;

/// Whoever tells an answer may break down before its end: then its end is that.
pub(super) fn merged(answers: Vec<mpsc::Receiver<Delivery>>) -> Deliveries {
    let told = answers.into_iter().enumerate().map(|(index, deliveries)| {
        let broken = stream::iter([Delivery::Failed(Problem::Internal)]);
        ReceiverStream::new(deliveries).chain(broken).map(move |delivery| (index, delivery)).boxed()
    });
    stream::select_all(told).boxed()
}

/// Streams what came first and what comes.
pub(super) fn respond(completion: Completion, first: Vec<(usize, Delivery)>, deliveries: Deliveries) -> Response {
    let begun = vec![false; completion.choices.len()];
    let mut answer = Answer { completion, begun };
    let events = stream::iter(first).chain(deliveries).flat_map(move |(index, delivery)| {
        let events = answer.events(index, &delivery);
        stream::iter(events.into_iter().map(Ok::<_, Infallible>))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// How far an answer is told.
struct Answer {
    completion: Completion,
    begun: Vec<bool>,
}

impl Answer {
    fn events(&mut self, index: usize, delivery: &Delivery) -> Vec<Event> {
        if self.completion.choices.get(index).is_none_or(super::completion::Choice::has_ended) {
            return Vec::new();
        }
        let mut chunks = self.note(index, delivery);
        match delivery {
            Delivery::Started { .. } => {}
            Delivery::Tokens { tokens, .. } => chunks.push(event(&self.completion.more(index, tokens))),
            Delivery::Finished(finished) => chunks.push(event(&self.completion.ending(index, *finished))),
            Delivery::Failed(problem) => chunks.push(event(&failure(index, problem))),
        }
        if self.completion.is_over() && self.completion.failure().is_none() {
            chunks.extend(self.completion.totals().as_ref().map(event));
            chunks.push(Event::default().data("[DONE]"));
        }
        chunks
    }

    /// Takes note of what came, but for the tokens, which are told at once; the choice begins with the first of them.
    fn note(&mut self, index: usize, delivery: &Delivery) -> Vec<Event> {
        let choice = self.completion.choices.get_mut(index);
        match (delivery, choice) {
            (Delivery::Started { node, precision, fallback, .. }, Some(choice)) => {
                choice.served(*node, *precision, *fallback);
                return Vec::new();
            }
            (Delivery::Finished(finished), Some(choice)) => choice.ended(Ok(*finished)),
            (Delivery::Failed(problem), Some(choice)) => choice.ended(Err(problem.clone())),
            _ => {}
        }
        let begun = self.begun.get_mut(index).is_none_or(|begun| std::mem::replace(begun, true));
        let beginning = if begun { None } else { self.completion.beginning(index) };
        beginning.iter().map(event).collect()
    }
}

fn failure(index: usize, problem: &Problem) -> Value {
    let mut body = ApiError::Problem(problem.clone()).body();
    body["index"] = index.into();
    body
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
        rules::{
            drive::Finished,
            request::{Form, object, parse},
        },
    };

    /// What is told of choices of which these things came.
    async fn told(choices: Vec<Vec<Delivery>>) -> String {
        let body = object(br#"{"model": "m", "prompt": "hi", "stream": true}"#).unwrap();
        let request = parse(Form::Text, &body, None, &Policy::default()).unwrap();
        let tasks = vec![TaskId(uuid::Uuid::nil()); choices.len()];
        let completion = Completion::new(&tasks, None, &(&request).into());
        let answers = choices.into_iter().map(|deliveries| {
            let (tell, told) = mpsc::channel(8);
            deliveries.into_iter().for_each(|delivery| tell.try_send(delivery).unwrap());
            told
        });
        let body = respond(completion, Vec::new(), merged(answers.collect())).into_body();
        String::from_utf8(axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    fn tokens() -> Delivery {
        Delivery::Tokens {
            tokens: vec![StreamedToken { id: 1, text: "half".to_owned(), logprob: None }],
            at: Instant::now(),
        }
    }

    fn finished() -> Delivery {
        Delivery::Finished(Finished { finish: FinishReason::Stop, usage: Usage::default() })
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_ends_with_an_error_and_a_whole_one_does_not() {
        let broken = told(vec![vec![tokens()]]).await;
        assert!(broken.contains("half") && broken.contains("\"internal\"") && !broken.contains("[DONE]"), "{broken}");
        let whole = told(vec![vec![tokens(), finished()]]).await;
        assert!(whole.trim_end().ends_with("[DONE]") && !whole.contains("internal"), "{whole}");
    }

    #[tokio::test]
    async fn of_several_choices_one_may_break_off_and_the_others_end_well() {
        let told = told(vec![vec![tokens()], vec![tokens(), finished()]]).await;
        assert!(told.contains("\"internal\"") && told.contains("\"stop\""), "{told}");
        assert!(told.trim_end().ends_with("[DONE]") && told.matches("[DONE]").count() == 1, "{told}");
    }
}
