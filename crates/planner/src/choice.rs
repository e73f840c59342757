//! Which candidate serves in which mode, and why, in words.

use cortensor_hardware::Hardware;
use cortensor_protocol::{Amount, Mode, PrecisionClass};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Load, MemoryEstimate, PlanSettings, RequestShape, RunnerUp, SpeedEstimate, Variant,
    candidate::{Candidate, Candidates},
    device::{DeviceMemory, Placement},
    estimate::as_number,
    in_megabytes,
};

/// What to serve in one mode, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Choice {
    /// The mode.
    pub mode: Mode,
    /// What to serve.
    pub variant: Variant,
    /// What to load it with.
    pub load: Load,
    /// Where it computes.
    pub placement: Placement,
    /// What it takes of each device.
    pub devices: Vec<DeviceMemory>,
    /// What it should take.
    pub memory: MemoryEstimate,
    /// By measurement; `None` before there is one.
    pub predicted_requests_per_hour: Option<f64>,
    /// By the speed of memory, where that is known.
    pub estimate: Option<SpeedEstimate>,
    /// In words, with numbers.
    pub reasons: Vec<String>,
    /// What else there was.
    pub runners_up: Vec<RunnerUp>,
}

/// Measurements of one machine differ by as much from run to run; who is this close to the most is as fast.
pub(crate) const NEAR_TIE: f64 = 0.95;
/// Share of the processor that others may take before it is said: the engine's threads wait for each other.
const BUSY: f32 = 0.15;

/// A mode's choice among candidates.
struct Chooser<'a> {
    hardware: &'a Hardware,
    candidates: &'a Candidates,
}

/// Candidates are sorted by worth, and not empty.
pub(crate) fn most_exact(hardware: &Hardware, candidates: &Candidates) -> Choice {
    let fitting = &candidates.fitting;
    let chosen = fitting.iter().position(|one| !one.is_too_slow()).unwrap_or_else(|| fastest(fitting));
    let best = &fitting[chosen];
    let reasons = vec![why_most_exact(fitting, best)];
    let chooser = Chooser { hardware, candidates };
    chooser.choice(Mode::Precision, chosen, reasons, |other| why_not_as_exact(best, other))
}

fn fastest(fitting: &[Candidate]) -> usize {
    let rate = |one: &Candidate| one.likely_per_hour().unwrap_or_default();
    let fastest =
        (0..fitting.len()).rev().max_by(|left, right| rate(&fitting[*left]).total_cmp(&rate(&fitting[*right])));
    fastest.unwrap_or_default()
}

fn why_most_exact(fitting: &[Candidate], best: &Candidate) -> String {
    let several = fitting.iter().any(|one| one.variant.model != best.variant.model);
    let full = best.variant.precision.class() == PrecisionClass::Full;
    let late = fitting.iter().any(|one| one.variant.precision.class() == PrecisionClass::Full);
    let words = match (full, several) {
        _ if best.is_too_slow() => "Everything is slow here; this is the fastest.",
        (true, false) => "The most exact weights that fit into free memory.",
        (true, true) => "The largest model that fits into free memory in full precision.",
        (false, _) if late => "Full precision is too slow here; this is the best of what is not.",
        (false, false) => "No full-precision file fits here; this is the most exact one that does.",
        (false, true) => {
            "No full-precision file fits here; this is the largest model that does, in its most exact format."
        }
    };
    words.to_owned()
}

fn why_not_as_exact(best: &Candidate, other: &Candidate) -> String {
    if let (true, Some(rate)) = (other.is_too_slow() && !best.is_too_slow(), other.likely_per_hour()) {
        let how = if other.per_hour.is_some() { "measured" } else { "estimated" };
        return format!("too slow here: {how} at {rate:.0} requests an hour");
    }
    let (best, other) = (&best.variant, &other.variant);
    let words = match other.geometry.parameters.cmp(&best.geometry.parameters) {
        _ if best.model == other.model => "less exact",
        std::cmp::Ordering::Greater if other.precision.class() > best.precision.class() => {
            "a larger model, but quantized"
        }
        std::cmp::Ordering::Less => "a smaller model",
        _ => "less exact",
    };
    words.to_owned()
}

pub(crate) fn most_requests(hardware: &Hardware, candidates: &Candidates) -> Choice {
    let fitting = &candidates.fitting;
    let measured = fitting.iter().any(|one| one.per_hour.is_some());
    let rate = |one: &Candidate| if measured { one.per_hour } else { one.likely_per_hour() };
    let paid = |one: &Candidate| Some(rate(one)? * paid_for_a_request(one, &candidates.settings));
    let rated = || fitting.iter().enumerate().filter_map(|(index, one)| Some((index, paid(one)?)));
    let most = rated().map(|(_, paid)| paid).max_by(f64::total_cmp);
    let near = || rated().filter(|(_, paid)| most.is_some_and(|most| *paid >= most * NEAR_TIE));
    // Who chooses volume is given the requests for quantized answers, and full precision gets none of them: a tie goes to
    // the most exact of the quantized.
    let quantized = |index: usize| fitting[index].variant.precision.class() == PrecisionClass::Quantized;
    let chosen = near().find(|(index, _)| quantized(*index)).or_else(|| near().next());
    let chooser = Chooser { hardware, candidates };
    let (Some(most), Some((chosen, paid))) = (most, chosen) else {
        let reasons =
            vec!["Nothing was measured yet; measure it on the Node screen or with `cortensor bench`.".to_owned()];
        return chooser.choice(Mode::Volume, 0, reasons, |_| "not measured yet".to_owned());
    };
    let reasons = chooser.why_most_requests(&fitting[chosen], paid < most);
    chooser.choice(Mode::Volume, chosen, reasons, why_not_as_many)
}

/// What a typical request pays, in base units; 1 where no prices are known, so that rates alone count.
fn paid_for_a_request(candidate: &Candidate, settings: &PlanSettings) -> f64 {
    let Some(prices) = settings.prices else { return 1.0 };
    let price = prices.of(candidate.variant.precision.class());
    let RequestShape { prompt_tokens, completion_tokens } = settings.shape;
    let paid: Amount =
        [price.prompt.per_thousand(prompt_tokens.into()), price.completion.per_thousand(completion_tokens.into())]
            .into_iter()
            .sum();
    u64::try_from(paid.base_units()).map_or(f64::MAX, as_number)
}

fn why_not_as_many(other: &Candidate) -> String {
    match (other.per_hour, other.estimate) {
        (Some(rate), _) => format!("measured at {rate:.0} requests an hour"),
        (None, Some(estimate)) => {
            format!("not measured yet; estimated at about {:.0} requests an hour", estimate.requests_per_hour)
        }
        (None, None) => "not measured yet".to_owned(),
    }
}

/// Why it is loaded with less than would fit.
fn after_running_out(load: Load, before: Load) -> Option<String> {
    let Load { context_tokens, slots } = load;
    let less = if slots < before.slots {
        format!("It works on {slots} requests at a time instead of {}", before.slots)
    } else if context_tokens < before.context_tokens {
        format!("The context is {context_tokens} tokens instead of {}", before.context_tokens)
    } else {
        return None;
    };
    Some(format!("{less}, since it ran out of memory with that."))
}

impl Chooser<'_> {
    fn why_most_requests(&self, chosen: &Candidate, is_tie: bool) -> Vec<String> {
        let RequestShape { prompt_tokens, completion_tokens } = self.candidates.settings.shape;
        let most = if self.candidates.settings.prices.is_some() { "earns" } else { "serves" };
        let what = if is_tie {
            format!("within a twentieth of the one that {most} most, and the most exact of the quantized")
        } else {
            format!("the one that {most} most")
        };
        let shape = format!("of {prompt_tokens} prompt and {completion_tokens} answer tokens");
        let mut reasons = match (chosen.per_hour, chosen.estimate) {
            (Some(rate), _) => vec![format!("Measured here as {what}: {rate:.0} requests an hour {shape}.")],
            (None, Some(estimate)) => vec![format!(
                "Estimated by the speed of memory as {what}: about {:.0} requests an hour {shape}, within a factor of {:.1}; \
                 measure it to know.",
                estimate.requests_per_hour, estimate.error_factor
            )],
            (None, None) => Vec::new(),
        };
        if self.candidates.taken_by_others > BUSY {
            let percent = self.candidates.taken_by_others * 100.0;
            reasons.push(format!(
                "Other programs took up to {percent:.0} % of the processor meanwhile; measure again when it is quiet."
            ));
        }
        reasons
    }

    fn choice(
        &self,
        mode: Mode,
        chosen: usize,
        mut reasons: Vec<String>,
        why_not: impl Fn(&Candidate) -> String,
    ) -> Choice {
        let Candidates { fitting, too_large, .. } = self.candidates;
        let one = fitting[chosen].clone();
        reasons.extend(self.about_memory(&one));
        reasons.extend(self.about_place(&one));
        let others = fitting.iter().enumerate().filter(|(index, _)| *index != chosen);
        let others = others.map(|(_, other)| RunnerUp::new(&other.variant, why_not(other)));
        let too_large = too_large.iter().map(|misfit| RunnerUp::new(&misfit.variant, misfit.in_words()));
        Choice {
            mode,
            variant: one.variant,
            load: one.load,
            placement: one.placement,
            devices: one.devices,
            memory: one.memory,
            predicted_requests_per_hour: one.per_hour,
            estimate: one.estimate,
            reasons,
            runners_up: others.chain(too_large).collect(),
        }
    }

    fn about_memory(&self, one: &Candidate) -> Vec<String> {
        let (needed, usable) = (in_megabytes(one.memory.total()), in_megabytes(one.usable_bytes()));
        let mut reasons = vec![format!("It should take {needed} of the {usable} that may be used.")];
        if self.candidates.settings.memory_budget_bytes.is_some() {
            reasons.push("A tenth of your memory budget is left over, so that the budget holds.".to_owned());
        }
        let Load { context_tokens, .. } = one.load;
        if let Some(before) = one.ran_out {
            reasons.extend(after_running_out(one.load, before));
        } else if context_tokens < one.wished_context {
            let wished = one.wished_context;
            reasons.push(format!("The context is {context_tokens} tokens instead of {wished}, so that it fits."));
        }
        reasons
    }

    /// Where there is a choice of devices.
    fn about_place(&self, one: &Candidate) -> Option<String> {
        let names = |cards: &[u32]| cards.iter().map(|index| self.card(*index)).collect::<Vec<_>>().join(" and ");
        match &one.placement {
            Placement::Processor => None,
            Placement::Cards { cards, .. } => Some(format!("It computes on {}.", names(cards))),
            Placement::Split { cards, card_layers, processor_layers, .. } => Some(format!(
                "{card_layers} layers compute on {} and {processor_layers} on the processor{}.",
                names(cards),
                one.gained.map_or_else(String::new, |gained| format!(
                    ", estimated to be {gained:.1} times as fast as the processor alone"
                ))
            )),
        }
    }

    fn card(&self, index: u32) -> String {
        let card = self.hardware.gpus.iter().find(|gpu| gpu.index == index);
        card.map_or_else(|| format!("card {index}"), |gpu| format!("card {index} ({})", gpu.model))
    }
}
