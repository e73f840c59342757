//! The starter model's ladder, loading it, and collecting answers.

#![allow(dead_code, reason = "each test program uses its own part of this")]

use std::{path::PathBuf, sync::Arc};

use cortensor_engine::{Device, Engine, GenerateError, Generation, GenerationEvent, LoadOptions, Model};
use cortensor_engine_mistral::MistralEngine;
use cortensor_models::{Artifact, prepare_ladder};
use cortensor_protocol::{FinishReason, Precision, Prompt, StreamedToken, TokenId, Usage};
use futures::StreamExt;
use tokio::sync::watch;

pub(crate) fn starter() -> PathBuf {
    let path = std::env::var_os("CORTENSOR_STARTER_MODEL");
    PathBuf::from(path.expect("set CORTENSOR_STARTER_MODEL to the starter model's GGUF file (`./dev test` does)"))
}

/// One rung of the ladder, which is made on first use and lies beside the starter model. Programs that need it at the same
/// time wait for each other.
pub(crate) fn artifact(precision: Precision) -> Artifact {
    let source = starter();
    let folder = source.with_file_name("ladder");
    let model = cortensor_models::starter();
    let ladder = prepare_ladder(&source, &folder, &model, &mut |_| {}, &|| false).unwrap();
    ladder.into_iter().find(|artifact| artifact.precision == precision).unwrap()
}

pub(crate) async fn load(precision: Precision, context_tokens: u32, slots: u32) -> Arc<dyn Model> {
    let (progress, _) = watch::channel(0.0);
    let options = LoadOptions { context_tokens, slots, device: Device::Processor };
    MistralEngine::default().load(&artifact(precision), options, progress).await.unwrap()
}

pub(crate) fn question(model: &dyn Model, text: &str) -> Vec<TokenId> {
    model.encode(&Prompt::user(text)).unwrap()
}

#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) tokens: Vec<StreamedToken>,
    pub(crate) reason: FinishReason,
    pub(crate) usage: Usage,
}

impl Answer {
    pub(crate) fn ids(&self) -> Vec<TokenId> {
        self.tokens.iter().map(|token| token.id).collect()
    }

    pub(crate) fn text(&self) -> String {
        self.tokens.iter().map(|token| token.text.as_str()).collect()
    }
}

pub(crate) async fn collect(mut generation: Generation) -> Result<Answer, GenerateError> {
    let mut tokens = Vec::new();
    let mut end = None;
    while let Some(event) = generation.next().await {
        assert!(end.is_none(), "nothing comes after the end");
        match event? {
            GenerationEvent::Token(token) => tokens.push(token),
            GenerationEvent::Finished { reason, usage, first_token, total } => {
                assert!(first_token <= total);
                end = Some((reason, usage));
            }
        }
    }
    let (reason, usage) = end.expect("an answer has an end");
    Ok(Answer { tokens, reason, usage })
}
