//! What this build leaves idle, and which would use it.

use std::fmt;

use cortensor_hardware::{Backend, Gpu, Hardware};
use cortensor_protocol::{ModelId, Precision};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{PlanSettings, Variant, candidate::Candidates, device::Placement, in_megabytes};

/// What another build would make of cards that this one leaves alone. Its `Display` is the English sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Advice {
    /// A model would compute there.
    WouldCompute {
        /// With this build.
        build: Backend,
        /// On these.
        cards: Vec<IdleCard>,
        /// The worthiest that would.
        model: ModelId,
        /// In which format.
        precision: Precision,
    },
    /// No model file that is here would fit there.
    NothingWouldFit {
        /// With this build.
        build: Backend,
        /// On these.
        cards: Vec<IdleCard>,
    },
}

/// A card that this build leaves alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct IdleCard {
    /// Its number.
    pub index: u32,
    /// The card.
    pub model: String,
    /// Free memory now, in bytes; nothing if unknown.
    pub free_bytes: Option<u64>,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::WouldCompute { build, cards, .. } | Self::NothingWouldFit { build, cards }) = self;
        let names: Vec<String> = cards.iter().map(ToString::to_string).collect();
        write!(f, "This build does not use {}; with the {} build ", names.join(" and "), build.as_str())?;
        match self {
            Self::WouldCompute { model, precision, .. } => write!(f, "{model} {precision} would compute there."),
            Self::NothingWouldFit { .. } => f.write_str("none of the model files would fit there."),
        }
    }
}

impl fmt::Display for IdleCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = self.free_bytes.map_or_else(String::new, |free| format!(", {} free", in_megabytes(free)));
        write!(f, "card {} ({}{free})", self.index, self.model)
    }
}

impl From<&Gpu> for IdleCard {
    fn from(gpu: &Gpu) -> Self {
        Self { index: gpu.index, model: gpu.model.clone(), free_bytes: gpu.free_bytes }
    }
}

/// One for each build that would compute on cards which this one leaves alone.
pub(crate) fn advice(hardware: &Hardware, variants: &[Variant], settings: &PlanSettings) -> Vec<Advice> {
    let builds = [Backend::Cuda, Backend::Metal].into_iter().filter(|backend| !settings.build.has(*backend));
    builds.filter_map(|backend| about(backend, hardware, variants, settings)).collect()
}

fn about(build: Backend, hardware: &Hardware, variants: &[Variant], settings: &PlanSettings) -> Option<Advice> {
    let idle = hardware.gpus.iter().filter(|gpu| gpu.backend == Some(build));
    let cards: Vec<IdleCard> = idle.map(IdleCard::from).collect();
    if cards.is_empty() {
        return None;
    }
    Some(match would_compute(build, hardware, variants, settings) {
        Some(Variant { model, precision, .. }) => Advice::WouldCompute { build, cards, model, precision },
        None => Advice::NothingWouldFit { build, cards },
    })
}

/// The worthiest that such a build would have there as a whole.
fn would_compute(
    backend: Backend,
    hardware: &Hardware,
    variants: &[Variant],
    settings: &PlanSettings,
) -> Option<Variant> {
    let settings = PlanSettings { build: settings.build.with(backend), ..settings.clone() };
    let there = Candidates::of(hardware, variants, &[], &settings).fitting;
    let there = there.into_iter().find(|one| matches!(one.placement, Placement::Cards { .. }));
    there.map(|one| one.variant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_advice_has_its_sentence_and_reads_back_the_same() {
        let card = |index, free_bytes| IdleCard { index, model: "RTX 3060".to_owned(), free_bytes };
        let (one, two) = (vec![card(0, Some(11_000_000_000))], vec![card(0, None), card(1, Some(2_500_000))]);
        let model = ModelId::new("1B");
        for (advice, words) in [
            (
                Advice::WouldCompute { build: Backend::Cuda, cards: one, model, precision: Precision::F16 },
                "This build does not use card 0 (RTX 3060, 11000 MB free); with the CUDA build 1B F16 would compute there.",
            ),
            (
                Advice::NothingWouldFit { build: Backend::Metal, cards: two },
                "This build does not use card 0 (RTX 3060) and card 1 (RTX 3060, 2 MB free); with the Metal build none of \
                 the model files would fit there.",
            ),
        ] {
            assert_eq!(advice.to_string(), words);
            let text = serde_json::to_string(&advice).unwrap();
            assert_eq!(serde_json::from_str::<Advice>(&text).unwrap(), advice, "{text}");
        }
    }
}
