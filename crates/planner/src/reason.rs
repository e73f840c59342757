//! Why a mode serves what it serves.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::in_megabytes;

/// Why a mode serves what it serves, and how. Its `Display` is the English sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ChoiceReason {
    /// Nothing is fast enough for a network; this is the fastest.
    AllSlow,
    /// The most exact of the one model that fits.
    MostExact,
    /// The largest model that fits in full precision.
    LargestInFull,
    /// Full precision fits and is too slow.
    FullTooSlow,
    /// The most exact file of the one model, of which none in full precision fits.
    MostExactQuantized,
    /// The largest model in its most exact format; none in full precision fits.
    LargestQuantized,
    /// No rate is known, so that none can be held against another.
    NotMeasured,
    /// It brings most, by measurement.
    Measured {
        /// Of what.
        most: Most,
        /// Another brings hardly more, and this is the most exact of the quantized.
        tie: bool,
        /// Requests an hour of that size.
        requests_per_hour: f64,
        /// Tokens of such a request's prompt.
        prompt_tokens: u32,
        /// Tokens of its answer.
        completion_tokens: u32,
    },
    /// It brings most, by the speed of memory.
    Estimated {
        /// Of what.
        most: Most,
        /// Another brings hardly more, and this is the most exact of the quantized.
        tie: bool,
        /// Requests an hour of that size.
        requests_per_hour: f64,
        /// The truth should be within this factor, up or down.
        error_factor: f64,
        /// Tokens of such a request's prompt.
        prompt_tokens: u32,
        /// Tokens of its answer.
        completion_tokens: u32,
    },
    /// Other programs were at work while it was measured.
    Busy {
        /// The most of the processor that they took, 0 to 1.
        share: f32,
    },
    /// What it takes.
    Memory {
        /// At most, in bytes.
        needed_bytes: u64,
        /// What it may take, in bytes.
        usable_bytes: u64,
    },
    /// A part of the budget is left over.
    BudgetMargin,
    /// It works on fewer requests at a time since it ran out of memory.
    FewerSlots {
        /// Requests at a time now.
        slots: u32,
        /// And before.
        before: u32,
    },
    /// It has less context since it ran out of memory.
    LessContext {
        /// Tokens now.
        context_tokens: u32,
        /// And before.
        before: u32,
    },
    /// It has less context, because more would not fit.
    ShorterToFit {
        /// Tokens that fit.
        context_tokens: u32,
        /// Tokens that were wished for.
        wished: u32,
    },
    /// All of it computes on cards.
    OnCards {
        /// Which.
        cards: Vec<CardName>,
    },
    /// Some layers compute on cards.
    Split {
        /// Which.
        cards: Vec<CardName>,
        /// Layers there.
        card_layers: u32,
        /// Layers on the processor.
        processor_layers: u32,
        /// How many times as fast as the processor alone, estimated; nothing where that cannot be told.
        gained: Option<f64>,
    },
}

/// What volume brings most of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Most {
    /// Requests.
    Serves,
    /// Pay, by the network's prices.
    Earns,
}

/// A card of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct CardName {
    /// Its number.
    pub index: u32,
    /// The card; nothing if it is not known any more.
    pub model: Option<String>,
}

impl fmt::Display for ChoiceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllSlow => f.write_str("Everything is slow here; this is the fastest."),
            Self::MostExact => f.write_str("The most exact weights that fit into free memory."),
            Self::LargestInFull => f.write_str("The largest model that fits into free memory in full precision."),
            Self::FullTooSlow => f.write_str("Full precision is too slow here; this is the best of what is not."),
            Self::MostExactQuantized => {
                f.write_str("No full-precision file fits here; this is the most exact one that does.")
            }
            Self::LargestQuantized => f.write_str(
                "No full-precision file fits here; this is the largest model that does, in its most exact format.",
            ),
            Self::NotMeasured => {
                f.write_str("Nothing was measured yet; measure it on the Node screen or with `cortensor bench`.")
            }
            Self::BudgetMargin => f.write_str("A tenth of your memory budget is left over, so that the budget holds."),
            Self::Measured { .. } | Self::Estimated { .. } | Self::Busy { .. } => self.of_speed(f),
            Self::OnCards { .. } | Self::Split { .. } => self.of_cards(f),
            _ => self.of_memory(f),
        }
    }
}

impl ChoiceReason {
    fn of_speed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured { most, tie, requests_per_hour, prompt_tokens, completion_tokens } => write!(
                f,
                "Measured here as {}: {requests_per_hour:.0} requests an hour of {prompt_tokens} prompt and \
                 {completion_tokens} answer tokens.",
                most.in_words(*tie)
            ),
            Self::Estimated { most, tie, requests_per_hour, error_factor, prompt_tokens, completion_tokens } => write!(
                f,
                "Estimated by the speed of memory as {}: about {requests_per_hour:.0} requests an hour of \
                 {prompt_tokens} prompt and {completion_tokens} answer tokens, within a factor of {error_factor:.1}; \
                 measure it to know.",
                most.in_words(*tie)
            ),
            Self::Busy { share } => write!(
                f,
                "Other programs took up to {:.0} % of the processor meanwhile; measure again when it is quiet.",
                share * 100.0
            ),
            _ => Ok(()),
        }
    }

    fn of_memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { needed_bytes, usable_bytes } => write!(
                f,
                "It should take {} of the {} that may be used.",
                in_megabytes(*needed_bytes),
                in_megabytes(*usable_bytes)
            ),
            Self::FewerSlots { slots, before } => write!(
                f,
                "It works on {slots} requests at a time instead of {before}, since it ran out of memory with that."
            ),
            Self::LessContext { context_tokens, before } => write!(
                f,
                "The context is {context_tokens} tokens instead of {before}, since it ran out of memory with that."
            ),
            Self::ShorterToFit { context_tokens, wished } => {
                write!(f, "The context is {context_tokens} tokens instead of {wished}, so that it fits.")
            }
            _ => Ok(()),
        }
    }

    fn of_cards(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnCards { cards } => write!(f, "It computes on {}.", names(cards)),
            Self::Split { cards, card_layers, processor_layers, gained } => {
                let on = names(cards);
                write!(f, "{card_layers} layers compute on {on} and {processor_layers} on the processor")?;
                if let Some(gained) = gained {
                    write!(f, ", estimated to be {gained:.1} times as fast as the processor alone")?;
                }
                f.write_str(".")
            }
            _ => Ok(()),
        }
    }
}

impl Most {
    fn in_words(self, tie: bool) -> String {
        let most = match self {
            Self::Serves => "serves",
            Self::Earns => "earns",
        };
        if tie {
            format!("within a twentieth of the one that {most} most, and the most exact of the quantized")
        } else {
            format!("the one that {most} most")
        }
    }
}

fn names(cards: &[CardName]) -> String {
    let name = |CardName { index, model }: &CardName| match model {
        Some(model) => format!("card {index} ({model})"),
        None => format!("card {index}"),
    };
    cards.iter().map(name).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(known: bool) -> Vec<CardName> {
        [0, 1].map(|index| CardName { index, model: known.then(|| "RTX 3060".to_owned()) }).to_vec()
    }

    fn measured(most: Most, tie: bool) -> ChoiceReason {
        ChoiceReason::Measured { most, tie, requests_per_hour: 580.4, prompt_tokens: 256, completion_tokens: 128 }
    }

    fn split(gained: Option<f64>) -> ChoiceReason {
        ChoiceReason::Split { cards: cards(true)[..1].to_vec(), card_layers: 5, processor_layers: 27, gained }
    }

    #[test]
    fn a_reason_with_figures_has_its_sentence_and_reads_back_the_same() {
        for (reason, words) in [
            (
                measured(Most::Serves, false),
                "Measured here as the one that serves most: 580 requests an hour of 256 prompt and 128 answer tokens.",
            ),
            (
                measured(Most::Earns, true),
                "Measured here as within a twentieth of the one that earns most, and the most exact of the quantized: 580 \
                 requests an hour of 256 prompt and 128 answer tokens.",
            ),
            (
                ChoiceReason::Estimated {
                    most: Most::Serves,
                    tie: false,
                    requests_per_hour: 99.6,
                    error_factor: 3.0,
                    prompt_tokens: 256,
                    completion_tokens: 128,
                },
                "Estimated by the speed of memory as the one that serves most: about 100 requests an hour of 256 prompt and \
                 128 answer tokens, within a factor of 3.0; measure it to know.",
            ),
            (
                ChoiceReason::Busy { share: 0.55 },
                "Other programs took up to 55 % of the processor meanwhile; measure again when it is quiet.",
            ),
            (
                ChoiceReason::Memory { needed_bytes: 1_209_900_000, usable_bytes: 8_000_000_000 },
                "It should take 1209 MB of the 8000 MB that may be used.",
            ),
            (
                ChoiceReason::FewerSlots { slots: 2, before: 4 },
                "It works on 2 requests at a time instead of 4, since it ran out of memory with that.",
            ),
            (
                ChoiceReason::LessContext { context_tokens: 1024, before: 4096 },
                "The context is 1024 tokens instead of 4096, since it ran out of memory with that.",
            ),
            (
                ChoiceReason::ShorterToFit { context_tokens: 1024, wished: 4096 },
                "The context is 1024 tokens instead of 4096, so that it fits.",
            ),
            (ChoiceReason::OnCards { cards: cards(true) }, "It computes on card 0 (RTX 3060) and card 1 (RTX 3060)."),
            (ChoiceReason::OnCards { cards: cards(false) }, "It computes on card 0 and card 1."),
            (
                split(Some(1.34)),
                "5 layers compute on card 0 (RTX 3060) and 27 on the processor, estimated to be 1.3 times as fast as the \
                 processor alone.",
            ),
            (split(None), "5 layers compute on card 0 (RTX 3060) and 27 on the processor."),
        ] {
            assert_eq!(reason.to_string(), words);
            let text = serde_json::to_string(&reason).unwrap();
            assert_eq!(serde_json::from_str::<ChoiceReason>(&text).unwrap(), reason, "{text}");
        }
    }

    #[test]
    fn a_reason_without_figures_has_its_sentence_and_its_code() {
        for (reason, code, begins) in [
            (ChoiceReason::AllSlow, "all_slow", "Everything is slow here"),
            (ChoiceReason::MostExact, "most_exact", "The most exact weights"),
            (ChoiceReason::LargestInFull, "largest_in_full", "The largest model that fits"),
            (ChoiceReason::FullTooSlow, "full_too_slow", "Full precision is too slow here"),
            (
                ChoiceReason::MostExactQuantized,
                "most_exact_quantized",
                "No full-precision file fits here; this is the most",
            ),
            (
                ChoiceReason::LargestQuantized,
                "largest_quantized",
                "No full-precision file fits here; this is the largest",
            ),
            (ChoiceReason::NotMeasured, "not_measured", "Nothing was measured yet"),
            (ChoiceReason::BudgetMargin, "budget_margin", "A tenth of your memory budget"),
        ] {
            assert!(reason.to_string().starts_with(begins) && reason.to_string().ends_with('.'), "{reason}");
            assert_eq!(serde_json::to_value(&reason).unwrap(), serde_json::json!({ "code": code }));
        }
    }
}
