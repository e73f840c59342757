//! Pay that waits for its settlement: how many tasks, and about how much.

use cortensor_node::LiveTask;
use cortensor_protocol::{Amount, PriceList, TaskKind, Usage};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::Status;

/// Work that the network has not settled yet, and about what it pays: only its settlement says what it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PendingPay {
    /// Tasks that are worked on, or done and not settled yet.
    pub tasks: u64,
    /// What those that can be reckoned pay by the network's prices, with the tokens that they have so far; `None` if
    /// there are none such.
    pub about: Option<Amount>,
    /// Tasks that are not in it: the network's tests, which do not pay by tokens, those whose prompt is not read yet, and
    /// all of them where the network did not say its prices.
    pub unreckoned: u64,
}

impl PendingPay {
    pub(crate) fn of(status: &Status) -> Self {
        let prices = status.prices.as_ref();
        let reckoned: Vec<_> = status.tasks.iter().filter_map(|task| pays(task, prices?)).collect();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            tasks: count(status.tasks.len()),
            about: (!reckoned.is_empty()).then(|| reckoned.iter().copied().sum()),
            unreckoned: count(status.tasks.len().saturating_sub(reckoned.len())),
        }
    }
}

/// By the tokens so far; `None` for what is not paid by tokens, or has none yet.
fn pays(task: &LiveTask, prices: &PriceList) -> Option<Amount> {
    let by_tokens = task.kind == TaskKind::User;
    let prompt_tokens = task.prompt_tokens.filter(|_| by_tokens)?;
    let usage = Usage { prompt_tokens, completion_tokens: task.answer_tokens };
    Some(prices.of(task.precision.class()).of_usage(usage))
}

#[cfg(test)]
mod tests {
    use cortensor_node::LiveTaskState;
    use cortensor_protocol::{Millis, Mode, ModelId, Precision, Price, TaskId};

    use super::*;

    fn task(kind: TaskKind, precision: Precision, prompt_tokens: Option<u32>, answer_tokens: u32) -> LiveTask {
        LiveTask {
            task: TaskId(uuid::Uuid::nil()),
            attempt: 1,
            kind,
            model: ModelId::new("m"),
            precision,
            mode: Mode::Volume,
            begun_at: Millis(0),
            prompt_tokens,
            answer_tokens,
            state: LiveTaskState::Answering,
        }
    }

    fn prices() -> PriceList {
        let price = |prompt, completion| Price {
            prompt: Amount::from_credits(prompt),
            completion: Amount::from_credits(completion),
        };
        PriceList { full: price(2, 6), quantized: price(1, 3) }
    }

    #[test]
    fn only_what_is_paid_by_tokens_at_known_prices_is_reckoned_and_the_rest_is_counted() {
        let exact = || task(TaskKind::User, Precision::F16, Some(1000), 500);
        let done = LiveTask { state: LiveTaskState::Committed, ..task(TaskKind::User, Precision::Q8_0, Some(2000), 0) };
        let unread = task(TaskKind::User, Precision::Q8_0, None, 0);
        let test = task(TaskKind::NetworkTest, Precision::Q8_0, Some(1000), 1000);
        for (tasks, known, about, unreckoned) in [
            (vec![], true, None, 0),
            (vec![exact()], true, Some(5), 0),
            (vec![exact(), done.clone()], true, Some(7), 0),
            (vec![exact(), unread.clone(), test.clone()], true, Some(5), 2),
            (vec![unread, test], true, None, 2),
            (vec![exact(), done], false, None, 2),
        ] {
            let count = u64::try_from(tasks.len()).unwrap();
            let status = Status { tasks, prices: known.then(prices), ..Status::default() };
            let told = PendingPay { tasks: count, about: about.map(Amount::from_credits), unreckoned };
            assert_eq!(PendingPay::of(&status), told);
        }
    }
}
