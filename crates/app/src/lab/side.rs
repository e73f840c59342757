//! Who answers in a comparison: a model file of this machine, or the network.

use std::str::FromStr;

use cortensor_models::Artifact;
use cortensor_protocol::{ArtifactDigest, FinishReason, ModelId, Precision, TokenId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::comparison::ComparedToken;

/// What is asked of the network where nothing else is said: the full model.
pub(super) const HIGH_ACCURACY: &str = "high-accuracy";
/// How a side of the network is written.
const REMOTE: &str = "remote";

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SideChoice {
    /// The most exact file of the starter model.
    MostExact,
    /// The starter model's file of this precision.
    Precision {
        /// Exact format.
        precision: Precision,
    },
    /// This file.
    Artifact {
        /// Digest of the file.
        digest: ArtifactDigest,
        /// What it is called here; nothing: by its precision.
        label: Option<String>,
    },
    /// A model that is on this machine, downloaded or imported.
    Model {
        /// Its name in the record of models.
        model: ModelId,
        /// Exact format.
        precision: Precision,
    },
    /// The network that this machine is connected to.
    Remote {
        /// The model as the network is to be asked for it, with what is wanted of it, such as
        /// `smollm2-135m-instruct:high-accuracy`. Nothing: the first model of this machine, in high accuracy.
        model: Option<String>,
    },
}

/// A model of the record, as something to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ModelFile {
    /// Its name.
    pub model: ModelId,
    /// Exact format.
    pub precision: Precision,
    /// Size of the file.
    pub file_bytes: u64,
    /// Why it cannot be compared and what to do; nothing: it can.
    pub problem: Option<String>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct ComparisonSide {
    /// The model.
    pub model: ModelId,
    /// Exact format; nothing where the network has not said it yet.
    pub precision: Option<Precision>,
    /// Digest of the file; nothing for the network's.
    pub artifact: Option<ArtifactDigest>,
    /// What the user called it, or what it is called where its precision alone does not tell the sides apart.
    pub label: Option<String>,
    /// Size of the file; nothing for the network's.
    pub file_bytes: Option<u64>,
    /// What the process grew by when it was loaded; nothing where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// What it should take at full context; 0 for the network's.
    pub estimated_memory_bytes: u64,
    /// How far it is.
    pub state: SideState,
    /// From the request to the first token.
    pub first_token_ms: Option<f64>,
    /// Answer tokens a second behind the first one.
    pub decode_tokens_per_second: Option<f64>,
    /// Whether it answered alone. If not, the sides shared the processor, and speeds are lower than each could have.
    pub alone: bool,
    /// What the benchmark measured here, alone.
    pub benchmark_tokens_per_second: Option<f64>,
    /// What the processor took while it answered alone, in joules; nothing where it cannot be measured.
    pub energy_joules: Option<f64>,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u32>,
    /// Why the answer ended.
    pub finish: Option<FinishReason>,
    /// The answer.
    pub tokens: Vec<ComparedToken>,
    /// The first token, counted from 0, that is not the reference's; for the reference, the first that any other side
    /// does not have. Nothing as long as they are equal.
    pub first_divergence: Option<u32>,
    /// Tokens that are equal up to there.
    pub equal_tokens: u32,
    /// Mean of the divergences of its tokens, in nats; nothing until scored.
    pub mean_divergence: Option<f64>,
    /// Share of its tokens where this side and the reference expect the same one most (for the reference: it and every
    /// other side); nothing until scored. Where one of them is the network's, over the network's tokens.
    pub same_top: Option<f64>,
    /// Whether it is compared with the reference letter by letter: their tokens are not the same ones.
    #[serde(default)]
    pub by_text: bool,
    /// Whether its chat template makes another prompt of the question than the reference's does.
    #[serde(default)]
    pub own_prompt: bool,
    /// Why it has no divergence, if there is a reason.
    #[serde(default)]
    pub unscored: Option<Unscored>,
    /// Where it answers, if not on this machine.
    #[serde(default)]
    pub remote: Option<RemoteSide>,
}

/// A side that the network answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RemoteSide {
    /// The model as the network was asked for it.
    pub asked: String,
    /// Where it was asked.
    pub api_url: String,
    /// The node that answered, once that is known.
    #[ts(type = "NodeAddress | null")]
    pub node: Option<String>,
    /// The model of this machine by whose tokenizer the network's text is cut into tokens.
    pub tokenizer: ModelId,
    /// Whether the network told which tokens it expected.
    pub tells_top: bool,
}

/// Why a side has no divergence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Unscored {
    /// It is another model with other tokens than the one it would be held against.
    OtherVocabulary {
        /// Tokens of its vocabulary.
        tokens: u32,
        /// The model that it would be held against.
        reference: ModelId,
        /// Tokens of that one's.
        reference_tokens: u32,
    },
    /// The reference is on the network, which tells no whole distributions.
    RemoteReference,
    /// It is on the network, which told the likeliest tokens only.
    TopOnly,
    /// It is on the network, which told its text only.
    TextOnly,
}

/// How far a side is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SideState {
    /// Not yet begun.
    #[default]
    Waiting,
    /// Being loaded.
    Loading,
    /// Answering.
    Answering,
    /// Its answer is whole.
    Answered,
    /// Its answer is scored.
    Scored,
}

/// A text that names no side.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no side; say `full`, a precision such as q8_0, MODEL:FORMAT as `cortensor models` lists it, a file's SHA-256, or `remote`"
)]
pub struct UnknownSide(String);

impl FromStr for SideChoice {
    type Err = UnknownSide;

    /// `full`, a precision, `MODEL:FORMAT`, a digest, `remote`, or `remote:` and how the network is to be asked.
    fn from_str(text: &str) -> Result<Self, UnknownSide> {
        if text.eq_ignore_ascii_case("full") {
            return Ok(Self::MostExact);
        }
        let precision = || text.parse().ok().map(|precision| Self::Precision { precision });
        let digest = || text.parse().ok().map(|digest| Self::Artifact { digest, label: None });
        let found = remote(text).or_else(precision).or_else(digest).or_else(|| model(text));
        found.ok_or_else(|| UnknownSide(text.to_owned()))
    }
}

fn remote(text: &str) -> Option<SideChoice> {
    let (word, model) = text.split_once(':').map_or((text, None), |(word, model)| (word, Some(model)));
    let named = model.is_none_or(|model| !model.is_empty());
    let is_remote = word.eq_ignore_ascii_case(REMOTE) && named;
    is_remote.then(|| SideChoice::Remote { model: model.map(str::to_owned) })
}

fn model(text: &str) -> Option<SideChoice> {
    let (model, precision) = text.rsplit_once(':').filter(|(model, _)| !model.is_empty())?;
    Some(SideChoice::Model { model: ModelId::new(model), precision: precision.parse().ok()? })
}

impl RemoteSide {
    /// A side that has not been asked: `model` as it was chosen, or `local` in high accuracy.
    pub(crate) fn new(model: Option<&str>, api_url: &str, local: &ModelId) -> Self {
        let asked = model.map_or_else(|| format!("{local}:{HIGH_ACCURACY}"), str::to_owned);
        Self { asked, api_url: api_url.to_owned(), node: None, tokenizer: local.clone(), tells_top: false }
    }

    /// The model without what was wanted of it.
    pub(crate) fn model(&self) -> ModelId {
        ModelId::new(self.asked.split(':').next().unwrap_or_default())
    }
}

impl ComparisonSide {
    /// A side of this machine that has not begun.
    pub(crate) fn of(artifact: &Artifact, label: Option<String>) -> Self {
        Self {
            precision: Some(artifact.precision),
            artifact: Some(artifact.digest),
            file_bytes: Some(artifact.bytes),
            label,
            ..Self::new(artifact.model.clone())
        }
    }

    /// A side of the network that has not begun.
    pub(crate) fn remote(remote: RemoteSide) -> Self {
        let model = remote.model();
        Self { by_text: true, alone: true, remote: Some(remote), ..Self::new(model) }
    }

    fn new(model: ModelId) -> Self {
        Self {
            model,
            precision: None,
            artifact: None,
            label: None,
            file_bytes: None,
            memory_bytes: None,
            estimated_memory_bytes: 0,
            state: SideState::Waiting,
            first_token_ms: None,
            decode_tokens_per_second: None,
            alone: false,
            benchmark_tokens_per_second: None,
            energy_joules: None,
            prompt_tokens: None,
            finish: None,
            tokens: Vec::new(),
            first_divergence: None,
            equal_tokens: 0,
            mean_divergence: None,
            same_top: None,
            by_text: false,
            own_prompt: false,
            unscored: None,
            remote: None,
        }
    }

    /// What it is called.
    pub fn title(&self) -> String {
        let precision = self.precision.map(|precision| precision.to_string());
        if self.remote.is_none() {
            return self.label.clone().or(precision).unwrap_or_default();
        }
        let parts = [Some(REMOTE.to_owned()), self.label.clone(), precision];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The answer as one text.
    pub fn text(&self) -> String {
        self.tokens.iter().map(|token| token.text.as_str()).collect()
    }

    /// Its token ids.
    pub fn ids(&self) -> Vec<TokenId> {
        self.tokens.iter().map(|token| token.id).collect()
    }

    /// What there is to know of how it was compared, for people.
    pub fn notes(&self) -> Vec<String> {
        let remote = self.remote.as_ref().map(|remote| {
            let RemoteSide { asked, api_url, tokenizer, .. } = remote;
            format!(
                "answered on the network ({asked} at {api_url}); its text is cut into tokens by the tokenizer of {tokenizer}"
            )
        });
        let prompt = self
            .own_prompt
            .then(|| "its chat template makes another prompt of the question than the reference's".to_owned());
        remote.into_iter().chain(prompt).chain(self.unscored.as_ref().map(Unscored::words)).collect()
    }
}

impl Unscored {
    /// Why, for people.
    pub fn words(&self) -> String {
        match self {
            Self::OtherVocabulary { tokens, reference, reference_tokens } => format!(
                "no divergence: its vocabulary of {tokens} tokens is not that of {reference}, which has {reference_tokens}"
            ),
            Self::RemoteReference => {
                "no divergence: the reference is on the network, which tells its likeliest tokens at most".to_owned()
            }
            Self::TopOnly => "no divergence: the network tells its five likeliest tokens only".to_owned(),
            Self::TextOnly => "text only: the network told no log-probabilities".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_named_by_what_it_is() {
        let digest = "ab".repeat(32);
        let model = |model: &str, precision| SideChoice::Model { model: ModelId::new(model), precision };
        let remote = |model: Option<&str>| SideChoice::Remote { model: model.map(str::to_owned) };
        for (text, choice) in [
            ("Full", SideChoice::MostExact),
            ("q8_0", SideChoice::Precision { precision: Precision::Q8_0 }),
            (digest.as_str(), SideChoice::Artifact { digest: digest.parse().unwrap(), label: None }),
            ("qwen3-4b:q4_k", model("qwen3-4b", Precision::Q4K)),
            ("local-a:b:F16", model("local-a:b", Precision::F16)),
            ("remote", remote(None)),
            ("Remote:qwen3-4b:f16", remote(Some("qwen3-4b:f16"))),
        ] {
            assert_eq!(text.parse(), Ok(choice), "{text}");
        }
        for text in ["q9", "", ":q8_0", "qwen3-4b", "qwen3-4b:q9", "remote:"] {
            let error = text.parse::<SideChoice>().unwrap_err().to_string();
            assert!(error.contains("q8_0") && error.contains("remote"), "{error}");
        }
    }

    #[test]
    fn the_network_is_asked_for_the_full_model_unless_something_else_is_said() {
        let local = ModelId::new("m");
        let asked = |model: Option<&str>| RemoteSide::new(model, "http://router/v1", &local);
        assert_eq!((asked(None).asked.as_str(), asked(None).model()), ("m:high-accuracy", local.clone()));
        let other = ComparisonSide::remote(asked(Some("n:f16")));
        assert_eq!((other.title().as_str(), other.model.as_str()), ("remote", "n"));
        let known = ComparisonSide { precision: Some(Precision::F16), label: Some("n".to_owned()), ..other };
        assert_eq!(known.title(), "remote n F16");
    }

    #[test]
    fn a_side_that_was_kept_before_there_were_others_is_read() {
        let artifact = "ab".repeat(32);
        let kept = format!(
            r#"{{"model": "m", "precision": "Q8_0", "artifact": "{artifact}", "label": null, "file_bytes": 7,
            "memory_bytes": null, "estimated_memory_bytes": 9, "state": "scored", "first_token_ms": 1.5,
            "decode_tokens_per_second": null, "alone": true, "benchmark_tokens_per_second": null, "energy_joules": null,
            "prompt_tokens": 3, "finish": "stop", "tokens": [], "first_divergence": null, "equal_tokens": 0,
            "mean_divergence": 0.0, "same_top": 1.0}}"#
        );
        let side: ComparisonSide = serde_json::from_str(&kept).unwrap();
        assert_eq!((side.title().as_str(), side.file_bytes, side.unscored), ("Q8_0", Some(7), None));
    }
}
