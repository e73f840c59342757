//! What answers cost.

use cortensor_protocol::{Amount, Precision, PriceList, Prompt, Usage};

use super::choice::Choice;

/// What an answer costs.
pub(crate) fn answer_cost(prices: &PriceList, precision: Precision, usage: Usage) -> Amount {
    prices.of(precision.class()).of_usage(usage)
}

/// The most that an answer can cost: what is set aside before a node is asked. Of all that may serve it, the dearest.
pub(crate) fn most_cost(prices: &PriceList, choice: Choice, prompt: &Prompt, tokens: u32) -> Amount {
    let prompt_tokens = u32::try_from(prompt.most_tokens()).unwrap_or(u32::MAX);
    let usage = Usage { prompt_tokens, completion_tokens: tokens };
    let possible = Precision::ALL.into_iter().filter(|precision| choice.may_fit(*precision));
    possible.map(|precision| answer_cost(prices, precision, usage)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        policy::Policy,
        rules::choice::{Fallback, Preference},
    };

    #[test]
    fn an_answer_costs_its_tokens_by_class_of_precision() {
        let prices = Policy::default().prices();
        for (precision, prompt_tokens, completion_tokens, credits) in [
            (Precision::F16, 1000, 1000, "0.008"),
            (Precision::Q8_0, 1000, 1000, "0.004"),
            (Precision::Q4_0, 1, 1, "0.000004"),
            (Precision::F32, 0, 0, "0"),
        ] {
            let cost = answer_cost(&prices, precision, Usage { prompt_tokens, completion_tokens });
            assert_eq!(cost, credits.parse().unwrap(), "{precision}");
        }
    }

    #[test]
    fn no_answer_costs_more_than_is_set_aside_for_it() {
        let prices = Policy::default().prices();
        let prompt = Prompt::user("four words of prompt");
        let usage = Usage { prompt_tokens: u32::try_from(prompt.most_tokens()).unwrap(), completion_tokens: 7 };
        let choice = |preference, fallback| Choice { preference, fallback, ..Choice::default() };
        let any = most_cost(&prices, Choice::default(), &prompt, 7);
        for precision in Precision::ALL {
            let cost = answer_cost(&prices, precision, usage);
            let exact = Choice { exact: Some(precision), ..Choice::default() };
            assert_eq!(cost, most_cost(&prices, exact, &prompt, 7));
            assert!(cost <= any);
        }
        let [full, quantized] = [Precision::F16, Precision::Q4_0].map(|class| answer_cost(&prices, class, usage));
        for (choice, most) in [
            (choice(Preference::HighAccuracy, None), full),
            (choice(Preference::CostEffective, None), quantized),
            (choice(Preference::CostEffective, Some(Fallback::FullPrecision)), full),
        ] {
            assert_eq!(most_cost(&prices, choice, &prompt, 7), most, "{choice:?}");
        }
    }
}
