//! One side's answer, token by token.

use std::time::Duration;

use cortensor_engine::{GenerateError, GenerationEvent, Model, PromptError};
use cortensor_hardware::{EnergyMeter, energy_meter};
use cortensor_protocol::{FinishReason, StreamedToken, Usage};
use futures::StreamExt;

use super::{Comparison, ComparisonPhase, Question, SideState, View, advance, parting::part};
use crate::{Failure, FailureCode, lab::comparison::ComparedToken};

/// Lets the side at `index` answer.
pub(super) async fn answer(
    model: &dyn Model,
    question: &Question,
    view: &View,
    index: usize,
    alone: bool,
) -> Result<(), Failure> {
    let prompt = model.encode(&question.prompt).map_err(|error| of_prompt(&error))?;
    view.send_modify(|view| {
        view.phase = ComparisonPhase::Answering;
        let side = &mut view.sides[index];
        (side.state, side.alone, side.prompt_tokens) = (SideState::Answering, alone, u32::try_from(prompt.len()).ok());
    });
    let meter = alone.then(energy_meter).flatten();
    let mut answer = model.generate(prompt, question.sampling.clone());
    while let Some(event) = answer.next().await {
        match event.map_err(|error| of_engine(&error))? {
            GenerationEvent::Token(token) => {
                view.send_modify(|view| add(view, index, token, question.sampling.max_tokens));
            }
            GenerationEvent::Finished { reason, usage, first_token, total } => {
                let speed = Speed { usage, first_token, total, energy: meter.as_ref().and_then(EnergyMeter::joules) };
                view.send_modify(|view| finish(view, index, reason, &speed));
                return Ok(());
            }
        }
    }
    Err(of_engine(&GenerateError::Engine("the answer broke off".to_owned())))
}

struct Speed {
    usage: Usage,
    first_token: Duration,
    total: Duration,
    energy: Option<f64>,
}

fn add(view: &mut Comparison, index: usize, token: StreamedToken, most: u32) {
    let StreamedToken { id, text, .. } = token;
    view.sides[index].tokens.push(ComparedToken { id, text, divergence: None, top: Vec::new() });
    part(view);
    advance(view, most);
}

fn finish(view: &mut Comparison, index: usize, reason: FinishReason, speed: &Speed) {
    let side = &mut view.sides[index];
    let behind_the_first = speed.usage.completion_tokens.saturating_sub(1);
    let decoding = speed.total.saturating_sub(speed.first_token).as_secs_f64();
    side.state = SideState::Answered;
    side.finish = Some(reason);
    side.first_token_ms = Some(speed.first_token.as_secs_f64() * 1e3);
    side.decode_tokens_per_second =
        (behind_the_first > 0 && decoding > 0.0).then(|| f64::from(behind_the_first) / decoding);
    side.energy_joules = speed.energy;
    part(view);
}

pub(in crate::lab) fn of_prompt(error: &PromptError) -> Failure {
    Failure::of(FailureCode::Request, error)
}

pub(in crate::lab) fn of_engine(error: &GenerateError) -> Failure {
    match error {
        GenerateError::Prompt(error) => of_prompt(error),
        error => Failure::of(FailureCode::Engine, error),
    }
}
