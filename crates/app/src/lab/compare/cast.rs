//! Who answers a comparison: files of this machine, by their place on the shelf, and the network.

use cortensor_engine::{Device, LoadOptions, Model};
use cortensor_fidelity::{CompareError, same_vocabulary};
use cortensor_models::{Artifact, Tokenizer};
use cortensor_planner::{Load, Variant, estimate_memory};
use cortensor_protocol::{ModelId, TokenId};
use tokio::task::spawn_blocking;

use super::{Question, of_prompt};
use crate::{
    Failure, FailureCode, NetworkAccess,
    lab::{
        bench::{Found, ThisMachine, context},
        side::{ComparisonSide, RemoteSide, SideChoice, Unscored},
        stock::Stock,
    },
};

/// Who answers.
pub(super) struct Cast {
    /// The files, as they are put on the shelf.
    pub(super) artifacts: Vec<Artifact>,
    /// By side, the place on the shelf; nothing: the network answers.
    seats: Vec<Option<usize>>,
}

impl Cast {
    /// Finds everybody. There is at least one file of this machine: see [`super::check`].
    pub(super) async fn of(stock: &Stock, choices: &[SideChoice]) -> Result<Self, Failure> {
        let (mut artifacts, mut seats) = (Vec::new(), Vec::new());
        for choice in choices {
            if matches!(choice, SideChoice::Remote { .. }) {
                seats.push(None);
                continue;
            }
            seats.push(Some(artifacts.len()));
            artifacts.push(stock.choose(choice).await?);
        }
        Ok(Self { artifacts, seats })
    }

    /// The place on the shelf of a side; nothing for the network's.
    pub(super) fn seat(&self, side: usize) -> Option<usize> {
        self.seats.get(side).copied().flatten()
    }

    /// The sides of this machine.
    pub(super) fn here(&self) -> Vec<usize> {
        (0..self.seats.len()).filter(|side| self.seats[*side].is_some()).collect()
    }

    /// The sides of the network.
    pub(super) fn remote(&self) -> Vec<usize> {
        (0..self.seats.len()).filter(|side| self.seats[*side].is_none()).collect()
    }

    /// What everything is loaded with: as many tokens as fit all of it.
    pub(super) fn options(&self, wished: u32) -> LoadOptions {
        LoadOptions { context_tokens: context(&self.artifacts, wished), slots: 1, device: Device::Processor }
    }

    /// The sides before anything has begun.
    pub(super) fn sides(
        &self,
        choices: &[SideChoice],
        found: &Found,
        engine: &str,
        access: Option<&NetworkAccess>,
    ) -> Vec<ComparisonSide> {
        let options = self.options(super::CONTEXT_TOKENS);
        let side = |(index, choice): (usize, &SideChoice)| match (self.seat(index), choice) {
            (Some(seat), choice) => here(&self.artifacts[seat], choice, options, &found.machine, engine),
            (None, SideChoice::Remote { model }) => self.there(model.as_deref(), access),
            (None, _) => self.there(None, access),
        };
        let mut sides: Vec<_> = choices.iter().enumerate().map(side).collect();
        tell_apart(&mut sides);
        sides
    }

    fn there(&self, model: Option<&str>, access: Option<&NetworkAccess>) -> ComparisonSide {
        let api_url = access.map(|access| access.api_url.as_str()).unwrap_or_default();
        let local = self.artifacts.first().map(|artifact| artifact.model.clone());
        ComparisonSide::remote(RemoteSide::new(model, api_url, &local.unwrap_or_else(|| ModelId::new(""))))
    }

    /// The tokenizer that the network's text is cut with.
    pub(super) async fn tokenizer(&self) -> Result<Option<Tokenizer>, Failure> {
        let Some(folder) = self.artifacts.first().map(|artifact| artifact.tokenizer.clone()) else { return Ok(None) };
        let opened = spawn_blocking(move || Tokenizer::open(&folder)).await;
        let opened = opened.map_err(|error| Failure::of(FailureCode::Model, &error))?;
        opened.map(Some).map_err(|error| Failure::of(FailureCode::Model, &error))
    }
}

fn here(
    artifact: &Artifact,
    choice: &SideChoice,
    options: LoadOptions,
    machine: &ThisMachine,
    engine: &str,
) -> ComparisonSide {
    let label = match choice {
        SideChoice::Artifact { label, .. } => label.clone(),
        _ => None,
    };
    let load = Load { context_tokens: options.context_tokens, slots: options.slots };
    ComparisonSide {
        estimated_memory_bytes: estimate_memory(&Variant::from(artifact), load).total(),
        benchmark_tokens_per_second: machine.measured(engine, artifact.digest),
        ..ComparisonSide::of(artifact, label)
    }
}

/// Sides of several models are called by their models too.
fn tell_apart(sides: &mut [ComparisonSide]) {
    let Some(first) = sides.first().map(|side| side.model.clone()) else { return };
    if sides.iter().all(|side| side.model == first) {
        return;
    }
    for side in sides {
        let named =
            side.precision.map_or_else(|| side.model.to_string(), |precision| format!("{} {precision}", side.model));
        side.label.get_or_insert(named);
    }
}

/// What the sides of this machine are held against: the first of them.
pub(super) struct Measure {
    model: ModelId,
    tokens: Vec<String>,
    prompt: Vec<TokenId>,
}

/// What came of holding a side against it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    /// Why its figures would mean nothing.
    pub(super) unscored: Option<Unscored>,
    /// Whether it reads another prompt.
    pub(super) own_prompt: bool,
}

impl Measure {
    /// The measure that a model is.
    pub(super) fn of(model: &dyn Model, question: &Question) -> Result<Self, Failure> {
        Ok(Self {
            model: model.artifact().model.clone(),
            tokens: tokens(model),
            prompt: model.encode(&question.prompt).map_err(|error| of_prompt(&error))?,
        })
    }

    /// Whether a model's figures can be held against this one's. Two models may have two vocabularies, which is said; precisions of
    /// one model may not, and two orders of the same tokens are a fault wherever they are: these are refused.
    pub(super) fn fit(&self, model: &dyn Model, question: &Question) -> Result<Fit, Failure> {
        let of = model.artifact();
        let own = tokens(model);
        match same_vocabulary(&self.tokens, &own) {
            Ok(()) => {
                let prompt = model.encode(&question.prompt).map_err(|error| of_prompt(&error))?;
                Ok(Fit { unscored: None, own_prompt: prompt != self.prompt })
            }
            Err(CompareError::Size { .. } | CompareError::Token { .. }) if of.model != self.model => {
                Ok(Fit { unscored: Some(self.other_vocabulary(own.len())), own_prompt: false })
            }
            Err(error) => Err(Failure::of(FailureCode::NotComparable, &error)),
        }
    }

    fn other_vocabulary(&self, tokens: usize) -> Unscored {
        let count = |tokens: usize| u32::try_from(tokens).unwrap_or(u32::MAX);
        Unscored::OtherVocabulary {
            tokens: count(tokens),
            reference: self.model.clone(),
            reference_tokens: count(self.tokens.len()),
        }
    }
}

/// A model's vocabulary, for people.
pub(in crate::lab) fn tokens(model: &dyn Model) -> Vec<String> {
    (0..model.artifact().geometry.vocabulary).map(|token| model.token_text(token)).collect()
}
