//! Whether a model that is not here yet would fit, from what the list of models says of it: a badge before the download.
//!
//! The list has no widths. They follow, nearly, from the number of parameters and from what a family's models have in common;
//! the file's own header tells them exactly once it is here.

use cortensor_hardware::Hardware;
use cortensor_models::{
    Geometry,
    manifest::{self, ListedModel},
};
use cortensor_protocol::{ArtifactDigest, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Fit, Placement, PlanSettings, Variant,
    candidate::{Candidates, Misfit, wished_load},
    estimate::as_number,
    in_megabytes,
};

/// A model in one format, as the list of models has it.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The model.
    pub model: &'a ListedModel,
    /// The format.
    pub variant: &'a manifest::Variant,
}

/// Whether it fits, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Badge {
    /// The verdict.
    pub fit: Fit,
    /// Where it would compute.
    pub placement: Placement,
    /// With as much context.
    pub context_tokens: u32,
    /// About what it would take, in bytes.
    pub needed_bytes: u64,
    /// In words, with numbers.
    pub reason: String,
}

/// What a family's models have in common, as their makers publish it.
struct Family {
    /// What its name begins with.
    name: &'static str,
    /// Its models of up to as many parameters.
    up_to: u64,
    vocabulary: u32,
    head_width: u32,
    /// The last layer is the embeddings once more.
    tied: bool,
}

impl Family {
    const fn new(name: &'static str, up_to: u64, vocabulary: u32, head_width: u32, tied: bool) -> Self {
        Self { name, up_to, vocabulary, head_width, tied }
    }
}

const BILLION: u64 = 1_000_000_000;
const FAMILIES: [Family; 8] = [
    Family::new("SmolLM2", u64::MAX, 49_152, 64, true),
    Family::new("Qwen3", 5 * BILLION, 151_936, 128, true),
    Family::new("Qwen3", u64::MAX, 151_936, 128, false),
    Family::new("Llama 3", 2 * BILLION, 128_256, 64, true),
    Family::new("Llama 3", 4 * BILLION, 128_256, 128, true),
    Family::new("Llama 3", u64::MAX, 128_256, 128, false),
    Family::new("Mistral", u64::MAX, 32_768, 128, false),
    Family::new("Phi-3", u64::MAX, 32_064, 96, false),
];
/// Any other: what takes more, so that nothing is promised that does not hold.
const OTHER: Family = Family::new("", u64::MAX, 152_064, 128, false);

/// Width inside the feed-forward blocks for one of the residual stream: 2.7 to 4 in these families.
const FEED_FORWARD: f64 = 3.0;

/// Whether a listed model would fit on this machine now.
pub fn fit(hardware: &Hardware, listed: Listed<'_>, settings: &PlanSettings) -> Badge {
    let variant = listed.variant();
    let wished = wished_load(&variant, settings);
    let candidates = Candidates::of(hardware, &[variant], &[], settings);
    let Some(one) = candidates.fitting.first() else {
        let needed_bytes = candidates.too_large.first().map_or(0, Misfit::needed_bytes);
        return Badge {
            fit: Fit::DoesNotFit,
            placement: Placement::Processor,
            context_tokens: 0,
            needed_bytes,
            reason: too_large(needed_bytes, candidates.usable_bytes),
        };
    };
    let (needed_bytes, context_tokens) = (one.memory.total(), one.load.context_tokens);
    let fit = if context_tokens < wished.context_tokens { Fit::FitsWithLessContext } else { Fit::Fits };
    let reason = fits(fit, context_tokens, needed_bytes, one.usable_bytes());
    Badge { fit, placement: one.placement.clone(), context_tokens, needed_bytes, reason }
}

fn too_large(needed_bytes: u64, usable_bytes: u64) -> String {
    let (needed, usable) = (in_megabytes(needed_bytes), in_megabytes(usable_bytes));
    format!("Does not fit: it needs about {needed}, and {usable} may be used.")
}

fn fits(fit: Fit, context_tokens: u32, needed_bytes: u64, usable_bytes: u64) -> String {
    let (needed, usable) = (in_megabytes(needed_bytes), in_megabytes(usable_bytes));
    let how = match fit {
        Fit::FitsWithLessContext => format!("Fits with a context of {context_tokens} tokens"),
        _ => "Fits".to_owned(),
    };
    format!("{how}: it needs about {needed} of the {usable} that may be used.")
}

impl Listed<'_> {
    fn variant(self) -> Variant {
        let format = self.variant.format;
        let by_format = as_number(self.model.parameters) * bits_for_a_weight(format) / 8.0;
        Variant {
            model: self.model.id.clone(),
            precision: format,
            artifact: ArtifactDigest::new([0; 32]),
            bytes: self.variant.bytes().unwrap_or(whole(by_format)),
            geometry: self.geometry(),
        }
    }

    fn geometry(self) -> Geometry {
        let ListedModel { parameters, layers, heads, kv_heads, context, .. } = *self.model;
        let known = |family: &&Family| self.model.family.starts_with(family.name) && parameters <= family.up_to;
        let Family { vocabulary, head_width, tied, .. } = *FAMILIES.iter().find(known).unwrap_or(&OTHER);
        let matrices = if tied { 1.0 } else { 2.0 };
        let attention = 2.0 * f64::from(head_width) * f64::from(heads + kv_heads) * f64::from(layers);
        let hidden = width(parameters, layers, attention + matrices * f64::from(vocabulary));
        Geometry {
            parameters,
            layers,
            hidden: narrow(hidden),
            feed_forward: narrow(hidden * FEED_FORWARD),
            heads,
            kv_heads,
            head_width,
            context_tokens: context,
            vocabulary,
            tied_embeddings: tied,
        }
    }
}

/// The width `h` for which `3 × FEED_FORWARD × layers × h² + outside × h` is the number of parameters.
fn width(parameters: u64, layers: u32, outside: f64) -> f64 {
    let square = 3.0 * FEED_FORWARD * f64::from(layers.max(1));
    ((outside.powi(2) + 4.0 * square * as_number(parameters)).sqrt() - outside) / (2.0 * square)
}

/// Bits of a file for each weight: what the format says, and for K-quants what the usual mixtures of them come to.
fn bits_for_a_weight(format: Precision) -> f64 {
    match format {
        Precision::F32 => 32.0,
        Precision::Bf16 | Precision::F16 => 16.0,
        Precision::Q8_0 => 8.5,
        Precision::Q6K => 6.6,
        Precision::Q5_1 => 6.0,
        Precision::Q5_0 => 5.5,
        Precision::Q5K => 5.7,
        Precision::Q4_1 => 5.0,
        Precision::Q4_0 => 4.6,
        Precision::Q4K => 4.9,
        Precision::Q3K => 4.0,
        Precision::Q2K => 3.2,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and far below 2⁶⁴")]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and a width")]
fn narrow(width: f64) -> u32 {
    width as u32
}
