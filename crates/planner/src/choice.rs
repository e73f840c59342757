//! Which candidate serves in which mode, and why, in words.

use std::cmp::Ordering;

use cortensor_hardware::Hardware;
use cortensor_protocol::{Amount, Mode, PrecisionClass, known_code};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    CardName, ChoiceReason, Load, MemoryEstimate, Most, PlanSettings, RequestShape, RunnerUp, SpeedEstimate, Variant,
    Verdict,
    candidate::{Candidate, Candidates},
    device::{DeviceMemory, Placement},
    estimate::as_number,
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
    /// The same for programs, in the same order; nothing where the miner is older, or one of its codes is newer.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
    #[ts(optional)]
    pub why: Option<Vec<ChoiceReason>>,
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
    let why = vec![why_most_exact(fitting, best)];
    let chooser = Chooser { hardware, candidates };
    chooser.choice(Mode::Precision, chosen, why, |other| why_not_as_exact(best, other))
}

fn fastest(fitting: &[Candidate]) -> usize {
    let rate = |one: &Candidate| one.likely_per_hour().unwrap_or_default();
    let fastest =
        (0..fitting.len()).rev().max_by(|left, right| rate(&fitting[*left]).total_cmp(&rate(&fitting[*right])));
    fastest.unwrap_or_default()
}

fn why_most_exact(fitting: &[Candidate], best: &Candidate) -> ChoiceReason {
    let several = fitting.iter().any(|one| one.variant.model != best.variant.model);
    let full = best.variant.precision.class() == PrecisionClass::Full;
    let late = fitting.iter().any(|one| one.variant.precision.class() == PrecisionClass::Full);
    match (full, several) {
        _ if best.is_too_slow() => ChoiceReason::AllSlow,
        (true, false) => ChoiceReason::MostExact,
        (true, true) => ChoiceReason::LargestInFull,
        (false, _) if late => ChoiceReason::FullTooSlow,
        (false, false) => ChoiceReason::MostExactQuantized,
        (false, true) => ChoiceReason::LargestQuantized,
    }
}

fn why_not_as_exact(best: &Candidate, other: &Candidate) -> Verdict {
    let late = other.is_too_slow() && !best.is_too_slow();
    if let (true, Some(requests_per_hour)) = (late, other.likely_per_hour()) {
        return Verdict::TooSlow { requests_per_hour, measured: other.per_hour.is_some() };
    }
    let (best, other) = (&best.variant, &other.variant);
    match other.geometry.parameters.cmp(&best.geometry.parameters) {
        _ if best.model == other.model => Verdict::LessExact,
        Ordering::Greater if other.precision.class() > best.precision.class() => Verdict::LargerButQuantized,
        Ordering::Less => Verdict::Smaller,
        _ => Verdict::LessExact,
    }
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
        return chooser.choice(Mode::Volume, 0, vec![ChoiceReason::NotMeasured], |_| Verdict::NotMeasured);
    };
    let why = chooser.why_most_requests(&fitting[chosen], paid < most);
    chooser.choice(Mode::Volume, chosen, why, why_not_as_many)
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

fn why_not_as_many(other: &Candidate) -> Verdict {
    match (other.per_hour, other.estimate) {
        (Some(requests_per_hour), _) => Verdict::Measured { requests_per_hour },
        (None, Some(SpeedEstimate { requests_per_hour, .. })) => Verdict::Estimated { requests_per_hour },
        (None, None) => Verdict::NotMeasured,
    }
}

/// Why it is loaded with less than would fit.
fn after_running_out(Load { context_tokens, slots }: Load, before: Load) -> Option<ChoiceReason> {
    if slots < before.slots {
        return Some(ChoiceReason::FewerSlots { slots, before: before.slots });
    }
    let before = before.context_tokens;
    (context_tokens < before).then_some(ChoiceReason::LessContext { context_tokens, before })
}

impl Chooser<'_> {
    fn why_most_requests(&self, chosen: &Candidate, tie: bool) -> Vec<ChoiceReason> {
        let RequestShape { prompt_tokens, completion_tokens } = self.candidates.settings.shape;
        let most = if self.candidates.settings.prices.is_some() { Most::Earns } else { Most::Serves };
        let rate = match (chosen.per_hour, chosen.estimate) {
            (Some(requests_per_hour), _) => {
                Some(ChoiceReason::Measured { most, tie, requests_per_hour, prompt_tokens, completion_tokens })
            }
            (None, Some(SpeedEstimate { requests_per_hour, error_factor, .. })) => Some(ChoiceReason::Estimated {
                most,
                tie,
                requests_per_hour,
                error_factor,
                prompt_tokens,
                completion_tokens,
            }),
            (None, None) => None,
        };
        let share = self.candidates.taken_by_others;
        rate.into_iter().chain((share > BUSY).then_some(ChoiceReason::Busy { share })).collect()
    }

    fn choice(
        &self,
        mode: Mode,
        chosen: usize,
        mut why: Vec<ChoiceReason>,
        why_not: impl Fn(&Candidate) -> Verdict,
    ) -> Choice {
        let Candidates { fitting, too_large, .. } = self.candidates;
        let one = fitting[chosen].clone();
        why.extend(self.about_memory(&one));
        why.extend(self.about_place(&one));
        let others = fitting.iter().enumerate().filter(|(index, _)| *index != chosen);
        let others = others.map(|(_, other)| RunnerUp::new(&other.variant, why_not(other)));
        let too_large = too_large.iter().map(|misfit| RunnerUp::new(&misfit.variant, misfit.verdict()));
        Choice {
            mode,
            variant: one.variant,
            load: one.load,
            placement: one.placement,
            devices: one.devices,
            memory: one.memory,
            predicted_requests_per_hour: one.per_hour,
            estimate: one.estimate,
            reasons: why.iter().map(ChoiceReason::to_string).collect(),
            why: Some(why),
            runners_up: others.chain(too_large).collect(),
        }
    }

    fn about_memory(&self, one: &Candidate) -> Vec<ChoiceReason> {
        let (needed_bytes, usable_bytes) = (one.memory.total(), one.usable_bytes());
        let mut why = vec![ChoiceReason::Memory { needed_bytes, usable_bytes }];
        if self.candidates.settings.memory_budget_bytes.is_some() {
            why.push(ChoiceReason::BudgetMargin);
        }
        let Load { context_tokens, .. } = one.load;
        if let Some(before) = one.ran_out {
            why.extend(after_running_out(one.load, before));
        } else if context_tokens < one.wished_context {
            why.push(ChoiceReason::ShorterToFit { context_tokens, wished: one.wished_context });
        }
        why
    }

    /// Where there is a choice of devices.
    fn about_place(&self, one: &Candidate) -> Option<ChoiceReason> {
        let named = |cards: &[u32]| cards.iter().map(|index| self.card(*index)).collect();
        match &one.placement {
            Placement::Processor => None,
            Placement::Cards { cards, .. } => Some(ChoiceReason::OnCards { cards: named(cards) }),
            Placement::Split { cards, card_layers, processor_layers, .. } => Some(ChoiceReason::Split {
                cards: named(cards),
                card_layers: *card_layers,
                processor_layers: *processor_layers,
                gained: one.gained,
            }),
        }
    }

    fn card(&self, index: u32) -> CardName {
        let card = self.hardware.gpus.iter().find(|gpu| gpu.index == index);
        CardName { index, model: card.map(|gpu| gpu.model.clone()) }
    }
}
