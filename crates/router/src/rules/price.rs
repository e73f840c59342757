//! What answers cost.

use cortensor_protocol::{Amount, Precision, PrecisionClass, Prompt, Usage};

use crate::policy::{Policy, Price};

fn cost(price: Price, usage: Usage) -> Amount {
    let prompt = price.prompt.per_thousand(usage.prompt_tokens.into());
    let completion = price.completion.per_thousand(usage.completion_tokens.into());
    [prompt, completion].into_iter().sum()
}

/// What an answer costs.
pub(crate) fn answer_cost(policy: &Policy, precision: Precision, usage: Usage) -> Amount {
    cost(policy.price(precision.class()), usage)
}

/// The most that an answer can cost: what is set aside before a node is asked. Without a precision, the dearer class.
pub(crate) fn most_cost(policy: &Policy, precision: Option<Precision>, prompt: &Prompt, tokens: u32) -> Amount {
    let prompt_tokens = u32::try_from(prompt.most_tokens()).unwrap_or(u32::MAX);
    let usage = Usage { prompt_tokens, completion_tokens: tokens };
    if let Some(precision) = precision {
        return answer_cost(policy, precision, usage);
    }
    let classes = [PrecisionClass::Full, PrecisionClass::Quantized];
    classes.map(|class| cost(policy.price(class), usage)).into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_costs_its_tokens_by_class_of_precision() {
        let policy = Policy::default();
        for (precision, prompt_tokens, completion_tokens, credits) in [
            (Precision::F16, 1000, 1000, "0.008"),
            (Precision::Q8_0, 1000, 1000, "0.004"),
            (Precision::Q4_0, 1, 1, "0.000004"),
            (Precision::F32, 0, 0, "0"),
        ] {
            let cost = answer_cost(&policy, precision, Usage { prompt_tokens, completion_tokens });
            assert_eq!(cost, credits.parse().unwrap(), "{precision}");
        }
    }

    #[test]
    fn no_answer_costs_more_than_is_set_aside_for_it() {
        let policy = Policy::default();
        let prompt = Prompt::user("four words of prompt");
        let usage = Usage { prompt_tokens: u32::try_from(prompt.most_tokens()).unwrap(), completion_tokens: 7 };
        for precision in Precision::ALL {
            let cost = answer_cost(&policy, precision, usage);
            assert_eq!(cost, most_cost(&policy, Some(precision), &prompt, 7));
            assert!(cost <= most_cost(&policy, None, &prompt, 7));
        }
    }
}
