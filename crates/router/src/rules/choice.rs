//! What a user chooses between: cost and accuracy, the kind of work, and how good the nodes are to be.

use std::str::FromStr;

use cortensor_protocol::{Capability, Level, Precision, PrecisionClass, Tier};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user wants of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Preference {
    /// Quantized weights.
    CostEffective,
    /// Full-precision weights on high-end hardware.
    HighAccuracy,
    /// Whatever there is.
    #[default]
    Any,
}

impl Preference {
    pub(crate) const ALL: [Self; 3] = [Self::CostEffective, Self::HighAccuracy, Self::Any];

    /// The name in requests.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CostEffective => "cost_effective",
            Self::HighAccuracy => "high_accuracy",
            Self::Any => "any",
        }
    }

    /// What may be accepted instead, if this is not there.
    pub(crate) const fn fallbacks(self) -> &'static [Fallback] {
        match self {
            Self::HighAccuracy => &[Fallback::LowEnd, Fallback::Quantized],
            Self::CostEffective => &[Fallback::FullPrecision],
            Self::Any => &[],
        }
    }

    const fn asks_for(self, tier: Tier) -> bool {
        match self {
            Self::CostEffective => matches!(tier.precision, PrecisionClass::Quantized),
            Self::HighAccuracy => {
                matches!(tier, Tier { capability: Capability::HighEnd, precision: PrecisionClass::Full })
            }
            Self::Any => true,
        }
    }

    /// The nodes it asks for, in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::CostEffective => "quantized node",
            Self::HighAccuracy => "high-end, full-precision node",
            Self::Any => "node",
        }
    }
}

impl FromStr for Preference {
    type Err = ();

    /// With underscores as in fields, or hyphens as in names of models.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.replace('-', "_");
        Self::ALL.into_iter().find(|preference| preference.as_str() == text).ok_or(())
    }
}

/// What a user accepts instead of what was asked for, by name: nothing else is ever given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fallback {
    /// For high accuracy: full-precision weights on low-end hardware.
    LowEnd,
    /// For high accuracy: quantized weights.
    Quantized,
    /// For cost-effective: full-precision weights, at their price.
    FullPrecision,
}

impl Fallback {
    pub(crate) const ALL: [Self; 3] = [Self::LowEnd, Self::Quantized, Self::FullPrecision];

    /// The name in requests.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::LowEnd => "low_end",
            Self::Quantized => "quantized",
            Self::FullPrecision => "full_precision",
        }
    }

    /// Whether it is what such a node offers.
    pub(crate) const fn accepts(self, tier: Tier) -> bool {
        match self {
            Self::LowEnd | Self::FullPrecision => matches!(tier.precision, PrecisionClass::Full),
            Self::Quantized => matches!(tier.precision, PrecisionClass::Quantized),
        }
    }
}

/// The kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskClass {
    /// Any.
    #[default]
    General,
    /// Classification and the like: low-end nodes first.
    Basic,
}

/// How good nodes are to be, as the network numbers it: 0 low, 1 medium, 2 high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sla {
    /// Levels 0 to 3.
    Low,
    /// Levels 4 to 7.
    Medium,
    /// Levels 8 to 10.
    High,
}

impl Sla {
    pub(crate) const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// As the network numbers it.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Low => 0,
            Self::Medium => 1,
            Self::High => 2,
        }
    }

    /// How far a level is from what is asked for; 0 within it. Never a reason to refuse a node.
    pub(crate) fn distance(self, level: Level) -> u8 {
        let (least, most) = match self {
            Self::Low => (0, 3),
            Self::Medium => (4, 7),
            Self::High => (8, 10),
        };
        least.max(level.number()).min(most).abs_diff(level.number())
    }
}

/// Everything that a user chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Choice {
    pub(crate) preference: Preference,
    /// Only these weights.
    pub(crate) exact: Option<Precision>,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) task_class: TaskClass,
    pub(crate) sla: Option<Sla>,
}

/// How well a node fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// It is what was asked for.
    AsAsked,
    /// It is the fallback that was named.
    Fallback,
}

impl Choice {
    /// How well a node fits, if at all.
    pub(crate) fn fit(self, precision: Precision, tier: Tier) -> Option<Fit> {
        if self.exact.is_some_and(|exact| exact != precision) {
            return None;
        }
        if self.preference.asks_for(tier) {
            return Some(Fit::AsAsked);
        }
        self.fallback.filter(|fallback| fallback.accepts(tier)).map(|_| Fit::Fallback)
    }

    /// Whether a node with these weights may turn out to fit, whatever its test says of its hardware.
    pub(crate) fn may_fit(self, precision: Precision) -> bool {
        let tier = |capability| Tier { capability, precision: precision.class() };
        [Capability::LowEnd, Capability::HighEnd].into_iter().any(|end| self.fit(precision, tier(end)).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: Capability = Capability::LowEnd;
    const HIGH: Capability = Capability::HighEnd;

    fn choice(preference: Preference, fallback: Option<Fallback>) -> Choice {
        Choice { preference, fallback, ..Choice::default() }
    }

    #[test]
    fn nothing_but_what_was_asked_for_or_named_fits() {
        use Fallback::{FullPrecision, LowEnd, Quantized};
        use Preference::{Any, CostEffective, HighAccuracy};
        let tiers = [(Precision::F16, HIGH), (Precision::F16, LOW), (Precision::Q4_0, HIGH), (Precision::Q4_0, LOW)];
        let (asked, instead) = (Some(Fit::AsAsked), Some(Fit::Fallback));
        for (preference, fallback, fits) in [
            (HighAccuracy, None, [asked, None, None, None]),
            (HighAccuracy, Some(LowEnd), [asked, instead, None, None]),
            (HighAccuracy, Some(Quantized), [asked, None, instead, instead]),
            (CostEffective, None, [None, None, asked, asked]),
            (CostEffective, Some(FullPrecision), [instead, instead, asked, asked]),
            (Any, None, [asked; 4]),
        ] {
            let fit = |(precision, capability): (Precision, _)| {
                choice(preference, fallback).fit(precision, Tier { capability, precision: precision.class() })
            };
            assert_eq!(tiers.map(fit), fits, "{preference:?} {fallback:?}");
        }
    }

    #[test]
    fn a_node_that_is_not_tested_yet_may_turn_out_to_fit_by_its_weights() {
        let accurate = choice(Preference::HighAccuracy, None);
        assert!(accurate.may_fit(Precision::Bf16) && !accurate.may_fit(Precision::Q8_0));
        let exact = Choice { exact: Some(Precision::Q8_0), ..Choice::default() };
        assert!(exact.may_fit(Precision::Q8_0) && !exact.may_fit(Precision::Q4_0));
    }

    #[test]
    fn a_service_level_is_near_or_far_from_a_node_s_level() {
        for (sla, distances) in [(Sla::Low, [0, 0, 4, 7]), (Sla::Medium, [4, 1, 0, 3]), (Sla::High, [8, 5, 1, 0])] {
            let distance = |number| sla.distance(Level::new(number).unwrap());
            assert_eq!([0, 3, 7, 10].map(distance), distances, "{sla:?}");
        }
    }

    #[test]
    fn a_preference_is_known_by_its_field_and_by_its_suffix() {
        for preference in Preference::ALL {
            assert_eq!(preference.as_str().parse(), Ok(preference));
            assert_eq!(preference.as_str().replace('_', "-").parse(), Ok(preference));
            assert_eq!(serde_json::to_value(preference).unwrap(), preference.as_str());
        }
        for fallback in Fallback::ALL {
            assert_eq!(serde_json::to_value(fallback).unwrap(), fallback.as_str());
        }
        assert_eq!("exact".parse::<Preference>(), Err(()));
    }
}
