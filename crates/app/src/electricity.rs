//! What mining takes in electricity, what that costs, and what is left.
//!
//! Energy is read from counters ([`cortensor_hardware::PowerMeter`]) or counted by the user's own figure. Prices and what a
//! credit is worth are the user's to say: without them nothing is converted into anything.

mod parts;
mod recorder;

use cortensor_hardware::ProcessorCounter;
use cortensor_node::MinedTime;
use cortensor_protocol::Amount;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Balance, Money};

pub(crate) use parts::by_parts;
pub use parts::{ChartElectricity, PartElectricity};
pub(crate) use recorder::Recorder;

/// Longest name of a currency.
const LONGEST_CURRENCY: usize = 8;

/// What the user says of electricity and of credits. Holds from when it is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Electricity {
    /// Watts that this machine takes more while it mines. Default: what the counters of the processor and the card say.
    pub watts: Option<u32>,
    /// What a kilowatt hour costs, in `currency`. Default: not known, and nothing is said of costs.
    pub price_per_kwh: Option<Money>,
    /// The currency, as it is to be shown.
    pub currency: String,
    /// What one credit is worth to you, in `currency`. Default: not known. Practice credits are worth nothing.
    pub value_per_credit: Option<Money>,
}

impl Default for Electricity {
    fn default() -> Self {
        Self { watts: None, price_per_kwh: None, currency: "EUR".to_owned(), value_per_credit: None }
    }
}

impl Electricity {
    /// Whether the currency is a name to show.
    pub(crate) fn has_currency(&self) -> bool {
        let letters = self.currency.chars().count();
        (1..=LONGEST_CURRENCY).contains(&letters) && !self.currency.contains(char::is_control)
    }
}

/// What mining took over a time, what that cost, and what is left of what was earned meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct ElectricityReport {
    /// Time with a model loaded, and the energy of it.
    pub mined: MinedTime,
    /// Whether the processor's own counters can be read, now.
    pub counter: ProcessorCounter,
    /// By which settings the rest is.
    pub settings: Electricity,
    /// What was earned while that time was kept.
    pub earned: Amount,
    /// What the energy cost; `None` without a price, or where nothing was read.
    pub cost: Option<Money>,
    /// What was earned, in the user's currency.
    pub worth: Option<Money>,
    /// What is left of that without the cost.
    pub net: Option<Balance>,
    /// Why there is none.
    pub no_net: Option<NoNet>,
}

/// Why nothing is said of what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum NoNet {
    /// Practice credits are worth nothing, and the user gave them no value.
    Practice,
    /// The user did not say what a credit is worth; nobody else does.
    NoValue,
    /// The user did not say what a kilowatt hour costs.
    NoPrice,
    /// No energy was read or counted.
    NoEnergy,
}

/// What is known of a time, before it is put together.
pub(crate) struct Facts {
    pub(crate) mined: MinedTime,
    pub(crate) counter: ProcessorCounter,
    pub(crate) earned: Amount,
    pub(crate) practice: bool,
}

/// Puts together what is known. Pure.
pub(crate) fn report(facts: &Facts, settings: &Electricity) -> ElectricityReport {
    let Facts { mined, counter, earned, practice } = *facts;
    let Converted { cost, worth, net } = converted(&mined, earned, settings);
    let why = match settings {
        Electricity { value_per_credit: None, .. } if practice => NoNet::Practice,
        Electricity { value_per_credit: None, .. } => NoNet::NoValue,
        Electricity { price_per_kwh: None, .. } => NoNet::NoPrice,
        _ => NoNet::NoEnergy,
    };
    let no_net = net.is_none().then_some(why);
    ElectricityReport { mined, counter, settings: settings.clone(), earned, cost, worth, net, no_net }
}

/// What the user's rates make of it.
struct Converted {
    cost: Option<Money>,
    worth: Option<Money>,
    net: Option<Balance>,
}

fn converted(mined: &MinedTime, earned: Amount, settings: &Electricity) -> Converted {
    let millijoules = mined.millijoules();
    let priced = settings.price_per_kwh.filter(|_| millijoules > 0);
    let cost = priced.map(|price| price.of_energy(millijoules));
    let worth = settings.value_per_credit.map(|value| value.of_credits(earned));
    let net = worth.zip(cost).map(|(worth, cost)| worth.less(cost));
    Converted { cost, worth, net }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(millionths: u64) -> Money {
        Money::from_millionths(millionths)
    }

    #[test]
    fn nothing_is_converted_without_a_rate_that_the_user_gave() {
        let kilowatt_hours = |number: u64| number * 3_600_000_000;
        let (price, value) = (Some(money(300_000)), Some(money(100_000)));
        for (price_per_kwh, value_per_credit, energy, practice, cost, net, no_net) in [
            (None, None, 2, true, None, None, Some(NoNet::Practice)),
            (price, None, 2, true, Some(money(600_000)), None, Some(NoNet::Practice)),
            (price, None, 2, false, Some(money(600_000)), None, Some(NoNet::NoValue)),
            (None, value, 2, true, None, None, Some(NoNet::NoPrice)),
            (price, value, 0, true, None, None, Some(NoNet::NoEnergy)),
            (price, value, 2, true, Some(money(600_000)), Some(false), None),
            (price, value, 4, false, Some(money(1_200_000)), Some(true), None),
        ] {
            let settings = Electricity { price_per_kwh, value_per_credit, ..Electricity::default() };
            let mined = MinedTime { lasted_ms: 1, cards_mj: kilowatt_hours(energy), ..MinedTime::default() };
            let (counter, earned) = (ProcessorCounter::Missing, Amount::from_credits(10));
            let told = report(&Facts { mined, counter, earned, practice }, &settings);
            assert_eq!((told.cost, told.net.map(Balance::is_loss), told.no_net), (cost, net, no_net), "{settings:?}");
        }
    }

    #[test]
    fn a_currency_is_a_short_name() {
        for (currency, fits) in [("EUR", true), ("kr", true), ("", false), ("in euros, cents", false), ("E\nR", false)]
        {
            assert_eq!(Electricity { currency: currency.to_owned(), ..Electricity::default() }.has_currency(), fits);
        }
    }
}
