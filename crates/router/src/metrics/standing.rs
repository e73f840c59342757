//! How things stand at the moment: nodes, slots, tasks, the ledger.

use std::sync::atomic::AtomicU64;

use cortensor_protocol::{Amount, Capability, Offer, PrecisionClass};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use super::PREFIX;
use crate::{
    rules::{
        books::Audit,
        pool::{NodeView, Test},
    },
    store::LedgerSummary,
};

/// How things stand at the moment.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(crate) nodes: Vec<NodeView>,
    /// Requests that wait for a free slot.
    pub(crate) queued: usize,
    /// What the database has yet to take.
    pub(crate) backlog: usize,
    /// `None`: the database did not say.
    pub(crate) audit: Option<Audit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfferLabels {
    tier: &'static str,
    class: &'static str,
    precision: &'static str,
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccountLabels {
    account: &'static str,
}

impl Standing {
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("connected_nodes", "Nodes that are connected", self.connected());
        let help = "Offers of connected nodes, by what their tests said; a node with two models loaded has two";
        registry.register("offers", help, self.offers());
        registry.register("slots", "Slots of offers that passed their test", self.slots());
        registry.register("tasks", "Tasks that are open, queued for a slot or running on a node", self.tasks());
        registry.register("database_backlog_entries", "What the database has yet to take", count(self.backlog));
        self.register_ledger(&mut registry);
        registry
    }

    fn connected(&self) -> Gauge {
        count(self.nodes.len())
    }

    fn offers(&self) -> Family<OfferLabels, Gauge> {
        let offers = Family::<OfferLabels, Gauge>::default();
        for (offer, test) in self.nodes.iter().flat_map(|node| &node.offers) {
            offers.get_or_create(&labels(offer, test)).inc();
        }
        offers
    }

    fn slots(&self) -> Family<StateLabels, Gauge> {
        let (mut taken, mut free) = (0, 0);
        for node in &self.nodes {
            let passed = node.offers.iter().filter(|(_, test)| matches!(test, Test::Passed(_)));
            let slots: usize = passed.map(|(offer, _)| offer.slots as usize).sum();
            taken += node.running;
            free += slots.saturating_sub(node.running);
        }
        by_state([("taken", taken), ("free", free)])
    }

    fn tasks(&self) -> Family<StateLabels, Gauge> {
        let running = self.nodes.iter().map(|node| node.running).sum();
        by_state([("queued", self.queued), ("running", running)])
    }

    /// A ledger that does not add up has no totals that mean anything.
    fn register_ledger(&self, registry: &mut Registry) {
        let Some(audit) = &self.audit else { return };
        let help = "1 if the ledger added up when it was last looked at, 0 if not: then see `verify-ledger`";
        registry.register("ledger_adds_up", help, count(usize::from(audit.found.is_ok())));
        if let Ok(summary) = &audit.found {
            registry.register("ledger_credits", "What is in the ledger, by kind of account", totals(summary));
        }
    }
}

fn labels(offer: &Offer, test: &Test) -> OfferLabels {
    let tier = match test {
        Test::Awaited => "testing",
        Test::Failed(_) => "failed",
        Test::Passed(report) => match report.tier.map(|tier| tier.capability) {
            Some(Capability::HighEnd) => "high_end",
            Some(Capability::LowEnd) => "low_end",
            None => "failed",
        },
    };
    let class = match offer.precision.class() {
        PrecisionClass::Full => "full",
        PrecisionClass::Quantized => "quantized",
    };
    OfferLabels { tier, class, precision: offer.precision.as_str(), model: offer.model.to_string() }
}

fn count(number: usize) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
    gauge
}

fn by_state(counts: [(&'static str, usize); 2]) -> Family<StateLabels, Gauge> {
    let family = Family::<StateLabels, Gauge>::default();
    for (state, number) in counts {
        family.get_or_create(&StateLabels { state }).set(i64::try_from(number).unwrap_or(i64::MAX));
    }
    family
}

type Credits = Gauge<f64, AtomicU64>;

fn totals(summary: &LedgerSummary) -> Family<AccountLabels, Credits> {
    let family = Family::<AccountLabels, Credits>::default();
    for total in summary.accounts() {
        family.get_or_create(&AccountLabels { account: total.account }).set(credits(total.credits));
    }
    family
}

/// Near enough for a graph; the ledger itself is exact.
#[expect(clippy::cast_precision_loss, reason = "for graphs")]
fn credits(amount: Amount) -> f64 {
    amount.base_units() as f64 / 1e18
}
